import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from simulator.evidence.profiles import Calls, Profile, Provenance, ThreadRun, read_profile, write_profile
from simulator.zoo import profile_command

Run = Callable[..., Result]

needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="needs the extra `zoo`")
pytestmark = pytest.mark.zoo


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(profile_command, "user_cache_path", lambda _: tmp_path / "cache")
    app = typer.Typer()
    app.command()(profile_command.profile)
    return lambda *words: CliRunner().invoke(app, ["--out", str(tmp_path / "out"), *map(str, words)])


def a_run(threads: int, latency_ms: float = 1.0) -> ThreadRun:
    calls = [Calls(batch=2, latency_ms=[latency_ms], idle_ms=[0.0])]
    return ThreadRun(threads=threads, session_s=[1.0], resident_mb=1, calls=calls)


def a_profile(model: str, threads: int) -> Profile:
    made = Provenance(processor="p", cores=1, system="s", libraries={}, date="2026-01-01", weights="random")
    return Profile(model=model, precision="fp32", device="here", input_shape=[3], provenance=made, runs=[a_run(threads)])


def test_profiles_are_listed(run: Run, tmp_path: Path) -> None:
    write_profile(a_profile("resnet18", threads=4), tmp_path / "out")
    answer = run("--list", "--json")
    assert json.loads(answer.stdout) == [
        {"model": "resnet18", "precision": "fp32", "device": "here", "threads": [4], "batches": [2], "samples": 1}
    ]
    assert "resnet18" in run("--list").stdout


def test_without_the_extra_profiles_are_listed_and_measuring_names_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("simulator.zoo.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("--list", "--json").exit_code == 0
    answer = run("--model", "resnet18")
    assert answer.exit_code == 2
    assert answer.stderr == "measuring needs torch, which is not installed: pip install 'casesim[zoo]'\n"


@needs_torch
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "resnet-50"], "there is no model 'resnet-50'; did you mean 'resnet50'?"),
        (["--precision", "int8_stat"], "there is no precision 'int8_stat'; did you mean 'int8_static'?"),
        (
            ["--precision", "x"],
            "there is no precision 'x'; there are: ",
        ),
        (["--name", "mine"], "--input-shape, --name and --progress-json go with --onnx FILE"),
        (["--model", "resnet18", "--provider", "tpu"], "there is no provider 'tpu'; there are: cpu, cuda"),
        (["--model", "photo_decode", "--precision", "fp32"], "none of photo_decode is measured at fp32"),
        (["--model", "photo_decode"], "photo_decode needs photos; pass a folder of JPEG or PNG files with --photos"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(run: Run, words: list[str], sentence: str) -> None:
    answer = run(*words)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.splitlines()[-1].startswith(sentence)


@needs_torch
def test_a_step_is_measured_one_item_at_a_time_on_one_thread(run: Run) -> None:
    words = ["--model", "step_normalize", "--precision", "224", "--threads", 1, "--threads", 2, "--budget", 0.1]
    [row] = json.loads(run(*words, "--json").stdout)
    assert (row["model"], row["precision"], row["threads"], row["batches"]) == ("step_normalize", "224", [1], [1])


@needs_torch
def test_an_absent_folder_of_photos_is_told(run: Run, tmp_path: Path) -> None:
    answer = run("--model", "photo_decode", "--photos", tmp_path / "nowhere")
    assert answer.exit_code == 2
    assert "nowhere: there is no such folder of photos" in answer.stderr


@needs_torch
def test_a_profile_is_measured_once_unless_told_otherwise(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulator.zoo import campaign

    latencies = iter([1.0, 2.0])
    monkeypatch.setattr(campaign, "measure", lambda *_: a_run(threads=3, latency_ms=next(latencies)))
    words = ["--model", tiny, "--precision", "fp32", "--threads", 3, "--device", "here"]
    assert json.loads(run(*words, "--json").stdout)[0]["threads"] == [3]
    file = tmp_path / "out" / "here" / "tiny.fp32.json"
    first = file.read_bytes()
    again = run(*words, "--json")
    assert json.loads(again.stdout) == []
    assert "tiny.fp32: has a profile already, left as it is" in again.stderr
    assert file.read_bytes() == first
    run(*words, "--overwrite")
    assert read_profile(file).run(3).calls[0].latency_ms == [2.0]


@needs_torch
def test_what_is_asked_for_is_what_is_measured(run: Run, tiny: str) -> None:
    words = ["--model", tiny, "--precision", "fp32", "--batch", 3, "--batch", 1, "--threads", 1, "--budget", 0.1]
    assert json.loads(run(*words, "--json").stdout)[0] | {"device": ""} == {
        "model": "tiny",
        "precision": "fp32",
        "device": "",
        "threads": [1],
        "batches": [1, 3],
        "samples": 30,
    }


@needs_torch
def test_an_interrupt_says_what_is_kept(run: Run, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.zoo import campaign

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "measure", interrupted)
    answer = run("--model", tiny, "--precision", "fp32")
    assert answer.exit_code == 130
    assert "stopped: 0 of 1 profiles are written and 0 thread counts of the next one are kept" in answer.stderr
