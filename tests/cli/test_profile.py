import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from simulator.evidence.profiles import (
    Calls,
    Failure,
    Profile,
    Provenance,
    ThreadRun,
    read_profile,
    write_failure,
    write_profile,
)
from simulator.measure import profile_command
from tests.conftest import Ended

Run = Callable[..., Ended]

needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="needs the extra `zoo`")
quick = pytest.mark.usefixtures("one_process", "exported")
pytestmark = pytest.mark.zoo


@pytest.fixture
def run(casesim: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(profile_command, "user_cache_path", lambda _: tmp_path / "cache")
    return lambda *words: casesim("profile", "--out", tmp_path / "out", *words)


def a_run(threads: int, latency_ms: float = 1.0) -> ThreadRun:
    calls = [Calls(batch=2, latency_ms=[latency_ms], idle_ms=[0.0])]
    return ThreadRun(threads=threads, session_s=[1.0], resident_mb=1, calls=calls)


def a_profile(model: str, threads: int) -> Profile:
    made = Provenance(processor="p", cores=1, system="s", libraries={}, date="2026-01-01", weights="random")
    return Profile(model=model, precision="fp32", device="here", input_shape=[3], provenance=made, runs=[a_run(threads)])


def test_profiles_are_listed(run: Run, tmp_path: Path) -> None:
    write_profile(a_profile("resnet18", threads=4), tmp_path / "out")
    answer = run("--list", "--json")
    assert json.loads(answer.out) == [
        {"model": "resnet18", "precision": "fp32", "device": "here", "threads": [4], "batches": [2], "samples": 1}
    ]
    assert "resnet18" in run("--list").out


def test_a_profile_of_fewer_than_15_calls_is_left_out_of_the_list_and_named_below_it(run: Run, tmp_path: Path) -> None:
    few, enough = a_profile("few", threads=4), a_profile("enough", threads=4)
    calls = few.runs[0].calls[0]
    for profile, count in ((few, 14), (enough, 15)):
        timed = calls.model_copy(update={"latency_ms": [1.0] * count, "idle_ms": [0.0] * count})
        one = profile.runs[0].model_copy(update={"calls": [timed]})
        write_profile(profile.model_copy(update={"runs": [one]}), tmp_path / "out")
    header, row, line = run("--list").out.splitlines()
    assert header.split() == ["model", "precision", "device", "threads", "batches", "samples"]
    assert row.split() == ["enough", "fp32", "here", "4", "2", "15"]
    assert line == "left out, as fewer than 15 calls give no figure: few fp32; --json lists them"
    assert [one["samples"] for one in json.loads(run("--list", "--json").out)] == [15, 14]


def test_no_name_is_cut_where_a_program_reads_the_list(run: Run, tmp_path: Path) -> None:
    write_profile(a_profile(long := "resnet" + "18" * 45, threads=4), tmp_path / "out")
    assert long in run("--list").out


def test_a_broken_profile_is_told_and_the_rest_is_listed(run: Run, tmp_path: Path) -> None:
    write_profile(a_profile("resnet18", threads=4), tmp_path / "out")
    broken = write_profile(a_profile("alexnet", threads=4), tmp_path / "out")
    broken.write_text(broken.read_text().replace("[1.0]", "[-5]"))
    answer = run("--list", "--json")
    assert answer.status == 0
    assert [row["model"] for row in json.loads(answer.out)] == ["resnet18"]
    assert answer.err.startswith(f"{broken}: runs.0.")


def test_failures_are_listed_beside_profiles(run: Run, tmp_path: Path) -> None:
    write_profile(a_profile("resnet18", threads=4), tmp_path / "out")
    failure = {"model": "resnet18", "precision": "fp16", "device": "here", "step": "run", "reason": "[it] is not finite"}
    write_failure(Failure.model_validate(failure | {"libraries": {}, "date": "2026-01-01"}), tmp_path / "out")
    rows = json.loads(run("--list", "--json").out)
    assert [row["precision"] for row in rows] == ["fp32", "fp16"]
    assert rows[1] == failure
    assert "resnet18 fp16 on here failed to run: [it] is not finite" in run("--list").out


def test_without_the_extra_profiles_are_listed_and_measuring_names_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("simulator.measure.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("--list", "--json").status == 0
    answer = run("--model", "resnet18")
    assert answer.status == 2
    assert answer.err == "measuring needs torch, which is not installed: pip install 'casesim[zoo]'\n"


@needs_torch
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "resnet-50"], "there is no model 'resnet-50'; did you mean 'resnet50'?"),
        (["--precision", "int8_stat"], "there is no precision 'int8_stat'; did you mean 'int8_static'?"),
        (
            ["--precision", "x"],
            "there is no precision 'x'; expected one of: ",
        ),
        (["--name", "mine"], "--input-shape, --name and --progress-json need --onnx FILE"),
        (["--model", "resnet18", "--provider", "tpu"], "there is no provider 'tpu'; there are: cpu, cuda"),
        (["--model", "photo_decode", "--precision", "fp32"], "none of photo_decode is measured at fp32"),
        (["--model", "photo_decode"], "photo_decode needs photos; pass a folder of JPEG or PNG files with --photos"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(run: Run, words: list[str], sentence: str) -> None:
    answer = run(*words)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.splitlines()[-1].startswith(sentence)


@pytest.mark.long
@needs_torch
@quick
def test_a_step_is_measured_one_item_at_a_time_on_one_thread(run: Run) -> None:
    words = ["--model", "step_normalize", "--precision", "224", "--threads", 1, "--threads", 2, "--budget", 0.1]
    [row] = json.loads(run(*words, "--json").out)
    assert (row["model"], row["precision"], row["threads"], row["batches"]) == ("step_normalize", "224", [1], [1])


@needs_torch
def test_an_absent_folder_of_photos_is_told(run: Run, tmp_path: Path) -> None:
    answer = run("--model", "photo_decode", "--photos", tmp_path / "nowhere")
    assert answer.status == 2
    assert "nowhere: there is no such folder of photos" in answer.err


@needs_torch
@quick
def test_a_profile_is_measured_once_unless_told_otherwise(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulator.measure import profiling as campaign

    latencies = iter([1.0, 2.0])
    monkeypatch.setattr(campaign, "measure", lambda *_: a_run(threads=3, latency_ms=next(latencies)))
    words = ["--model", tiny, "--precision", "fp32", "--threads", 3, "--device", "here"]
    assert json.loads(run(*words, "--json").out)[0]["threads"] == [3]
    file = tmp_path / "out" / "here" / "tiny.fp32.json"
    first = file.read_bytes()
    again = run(*words, "--json")
    assert json.loads(again.out) == []
    assert "tiny.fp32: already has a profile, skipped" in again.err
    assert file.read_bytes() == first
    run(*words, "--overwrite")
    assert read_profile(file).run(3).calls[0].latency_ms == [2.0]


@needs_torch
@quick
def test_what_is_asked_for_is_what_is_measured(run: Run, tiny: str) -> None:
    words = ["--model", tiny, "--precision", "fp32", "--batch", 3, "--batch", 1, "--threads", 1, "--budget", 0.1]
    assert json.loads(run(*words, "--json").out)[0] | {"device": ""} == {
        "model": "tiny",
        "precision": "fp32",
        "device": "",
        "threads": [1],
        "batches": [1, 3],
        "samples": 30,
    }


@needs_torch
@quick
def test_an_interrupt_says_what_is_kept(run: Run, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.measure import profiling as campaign

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "measure", interrupted)
    answer = run("--model", tiny, "--precision", "fp32")
    assert answer.status == 130
    assert "stopped: 0 of 1 profiles are written and 0 thread counts of the next one are saved" in answer.err


@needs_torch
@quick
def test_a_failure_is_told_kept_and_not_tried_again_and_the_rest_goes_on(
    run: Run, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulator.measure import profiling as campaign
    from simulator.measure import quantize

    def refuse(*_: Any) -> None:
        raise NotImplementedError("no such operator")

    monkeypatch.setattr(campaign, "measure", lambda *_: a_run(threads=1))
    monkeypatch.setitem(quantize.QUANTIZERS, "fp16", refuse)
    words = ["--model", tiny, "--precision", "fp32", "--precision", "fp16", "--precision", "int8_dynamic", "--json"]
    words += ["--threads", "1"]
    answer = run(*words)
    assert answer.status == 0
    assert [(row["precision"], row.get("step")) for row in json.loads(answer.out)] == [
        ("fp32", None),
        ("fp16", "quantize"),
        ("int8_dynamic", None),
    ]
    assert "tiny.fp16: failed to quantize: the quantizer cannot convert it" in answer.err
    again = run(*words)
    assert json.loads(again.out) == []
    assert "tiny.fp16: failed before, skipped (--overwrite tries it again)" in again.err


@needs_torch
@quick
def test_preparing_measures_nothing(run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.measure import profiling as campaign

    monkeypatch.setattr(campaign, "measure", None)
    answer = run("--model", tiny, "--precision", "int8_dynamic", "--prepare", "--json")
    assert (answer.status, json.loads(answer.out)) == (0, [])
    assert [file.name for file in (tmp_path / "cache").rglob("*int8_dynamic.onnx")] == ["tiny.int8_dynamic.onnx"]


@needs_torch
def test_models_that_need_files_are_left_out_unless_the_files_are_given(tmp_path: Path) -> None:
    def models(trained: Path | None) -> set[str]:
        return {subject.model for subject in profile_command._subjects(None, None, trained)}

    assert models(tmp_path) - models(None) == {"coco_yolox_nano", "coco_fastestdet", "coco_nanodet_m"}


@needs_torch
def test_recipes_for_older_processors_are_measured_on_request_alone() -> None:
    usual = {subject.precision for subject in profile_command._subjects(["resnet18"], None, None)}
    assert "int8_static" in usual and "int8_static_7bit" not in usual
    [named] = profile_command._subjects(["resnet18"], ["int8_static_7bit"], None)
    assert str(named) == "resnet18.int8_static_7bit"
