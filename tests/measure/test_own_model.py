"""`casesim profile --onnx`, as a person and as a program meets it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from onnx import numpy_helper

from simulator.evidence import profiles as evidence
from simulator.evidence.profiles import load_profile, read_profile, write_profile
from simulator.fresh_processes import CrashError
from simulator.measure import own_model as own
from simulator.measure import progress
from simulator.measure.timing import Effort
from tests.conftest import Ended
from tests.families import CASESIM, environment, family, left, started, until
from tests.hostile import endless
from tests.measure.conftest import OnnxMaker
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("one_process")]

Run = Callable[..., Ended]


@pytest.fixture
def run(casesim: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with a quick measurement of the device `here`, and a data folder of its own."""
    monkeypatch.setattr(progress, "OWN_PROFILES", tmp_path / "data")
    monkeypatch.setattr(own, "Effort", partial(Effort, starts=1))
    monkeypatch.setattr(evidence, "FOLDERS", (tmp_path / "shipped", tmp_path / "data"))
    quick = ["--budget", "0.1", "--threads", "1", "--batch", "1", "--batch", "2", "--device", "here"]
    return lambda *words: casesim("profile", *quick, "--onnx", *words)


def events(stderr: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.splitlines()]


def test_a_model_is_measured_into_the_users_data_and_found_there(run: Run, make_onnx: OnnxMaker, tmp_path: Path) -> None:
    file = make_onnx("My net.onnx", op="Conv", weights=[numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "w")])
    answer = run(file, "--json")
    assert answer.status == 0
    assert json.loads(answer.out) == [
        {"model": "My_net", "precision": "fp32", "device": "here", "threads": [1], "batches": [1, 2], "samples": 30}
    ]
    profile = load_profile("here", "My_net", "fp32")
    assert profile == read_profile(tmp_path / "data" / "here" / "My_net.fp32.json")
    assert (profile.input_shape, profile.parameters, profile.file_bytes) == ([3, 16, 16], 216, file.stat().st_size)
    assert profile.run(1).fixed_cost is not None
    assert all(timed.resident_mb is not None for timed in profile.run(1).calls)
    assert str(tmp_path) not in profile.model_dump_json()
    assert "the catalogue has no price for the machine 'here'" in answer.err


@pytest.mark.long
def test_the_same_file_is_measured_once_and_another_never_in_its_place(run: Run, make_onnx: OnnxMaker, tmp_path: Path) -> None:
    file, words = make_onnx(), ("--name", "net", "--json")
    run(file, *words)
    again = run(file, *words)
    assert (again.status, json.loads(again.out)) == (0, [])
    assert "already has a profile, skipped" in again.err
    other = run(make_onnx("other.onnx", op="Identity"), *words)
    assert (other.status, other.out) == (2, "")
    assert "is the profile of another file; choose another name with --name, or measure with --overwrite" in other.err
    measured = read_profile(tmp_path / "data" / "here" / "net.fp32.json")
    assert run(make_onnx("other.onnx", op="Identity"), *words, "--overwrite").status == 0
    assert read_profile(tmp_path / "data" / "here" / "net.fp32.json").provenance != measured.provenance


@pytest.mark.long
def test_a_name_that_ships_is_not_taken(
    run: Run, make_onnx: OnnxMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(make_onnx())
    write_profile(load_profile("here", "net", "fp32"), tmp_path / "shipped")
    monkeypatch.setattr(own, "PROFILES", tmp_path / "shipped")
    answer = run(make_onnx())
    assert answer.status == 2
    assert "there is a profile 'net.fp32' that comes with CaseSim; choose another name" in answer.err


def test_a_fixed_batch_is_measured_as_it_is_and_refused_where_another_is_asked_for(run: Run, make_onnx: OnnxMaker) -> None:
    file = make_onnx(axes=(1, 3, 16, 16))
    answer = run(file)
    assert answer.status == 2
    assert "has its batch fixed at 1" in answer.err
    assert "leave --batch out to measure it at that size" in answer.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "resnet18"], "--onnx measures one file: leave --model out"),
        (["--precision", "a", "--precision", "b"], "name one --precision at most"),
        (["--name", "a/b"], "--name 'a/b': use letters, digits, _ and - only"),
        (["--input-shape", "3"], "--input-shape 3: expected three numbers"),
        (["--provider", "gpu"], "there is no provider 'gpu'"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(run: Run, make_onnx: OnnxMaker, words: list[str], sentence: str) -> None:
    answer = run(make_onnx(), *words)
    assert (answer.status, answer.out) == (2, "")
    assert sentence in answer.err
    assert "Traceback" not in answer.err


def test_a_program_is_told_in_lines_of_json(run: Run, make_onnx: OnnxMaker, tmp_path: Path) -> None:
    answer = run(make_onnx(), "--progress-json", "--json")
    told = events(answer.err)
    assert told[0] == {
        "event": "start", "model": "net", "precision": "fp32", "device": "here", "threads": [1], "batches": [1, 2]
    }  # fmt: skip
    assert told[-1] == {"event": "done", "profile": str(tmp_path / "data" / "here" / "net.fp32.json")}
    progress = [line for line in told if line["event"] == "progress"]
    assert [line["done"] for line in progress] == sorted(line["done"] for line in progress)
    assert progress[-1]["done"] == 1
    calls = load_profile("here", "net", "fp32").run(1).calls
    assert progress[-1]["medians_ms"] == {
        str(timed.batch): pytest.approx(np.median(timed.latency_ms), abs=1e-4) for timed in calls
    }


def test_a_program_is_told_of_a_fault_in_its_last_line(run: Run, tmp_path: Path) -> None:
    answer = run(tmp_path / "absent.onnx", "--progress-json")
    assert answer.status == 2
    assert events(answer.err) == [
        {"event": "error", "text": f"{tmp_path}/absent.onnx: cannot be read: No such file or directory"}
    ]


def test_a_process_that_dies_is_told(run: Run, make_onnx: OnnxMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise CrashError

    monkeypatch.setattr(own, "measure", dies)
    answer = run(make_onnx())
    assert answer.status == 2
    assert "the process that ran it died, most likely for lack of memory" in answer.err


def test_without_onnx_runtime_the_extra_is_named(run: Run, make_onnx: OnnxMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    file = make_onnx()
    for name in [name for name in sys.modules if name.startswith("simulator.measure.") and not name.endswith(".guarded")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    answer = run(file)
    assert answer.status == 2
    assert answer.err == "measuring needs onnxruntime, which is not installed: pip install 'casesim[measure]'\n"


def test_torch_is_not_imported(make_onnx: OnnxMaker) -> None:
    program = "import sys, simulator.measure.own_model; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.long
def test_a_cancelled_measurement_writes_nothing(make_onnx: OnnxMaker, tmp_path: Path) -> None:
    command = "from simulator.cli.main import main; main()"
    # Weights among the inputs, as older exporters left them, make ONNX Runtime talk; the program is to read JSON only.
    weights = numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "w")
    file = make_onnx(op="Conv", weights=[weights], more_inputs=[("w", weights.dims)])
    words = ["profile", "--onnx", file, "--out", tmp_path / "out", "--progress-json", "--batch", 1, "--budget", 60]
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", command, *map(str, words)], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr
        first = json.loads(process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        rest = events(process.stderr.read())
    assert first["event"] == "start"
    assert rest[-1] == {"event": "stopped", "text": "stopped: nothing was written"}
    assert process.returncode == 143
    assert not (tmp_path / "out").exists()


def endless_measurement(tmp_path: Path, *words: object) -> tuple[psutil.Popen, list[psutil.Process]]:
    """The command at a model whose first call never ends, and its whole family, once the call is under way."""
    out = ["--out", tmp_path / "out", "--progress-json", "--batch", 1, "--name", "endless", *words]
    command = started(
        [*CASESIM, "profile", "--onnx", endless(tmp_path / "endless.onnx"), *out],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path),
    )  # fmt: skip
    until(lambda: spawned(command), "a process that measures")
    (busy, *_), everybody = spawned(command), family(command)
    until(lambda: busy.cpu_times().user > 3, "a call that takes its time")  # what is imported takes less
    return command, everybody


def spawned(command: psutil.Popen) -> list[psutil.Process]:
    """The processes that multiprocessing has started for a command; just before, they still look like whoever starts them."""
    found = []
    for one in family(command)[1:]:
        with suppress(psutil.NoSuchProcess):
            found += [one] if "spawn_main" in " ".join(one.cmdline()) else []
    return found


@pytest.mark.long
@pytest.mark.parametrize("signal_", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_call_without_an_end_is_stopped_at_once(signal_: signal.Signals, tmp_path: Path) -> None:
    command, everybody = endless_measurement(tmp_path)
    command.send_signal(signal_)
    assert command.wait(timeout=PATIENCE_S) == 128 + signal_
    assert events(command.stderr.read().decode())[-1] == {"event": "stopped", "text": "stopped: nothing was written"}
    assert left(everybody[1:]) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.long
@pytest.mark.parametrize("how", ["killed", pytest.param("alone", marks=pytest.mark.long)])
def test_a_call_without_an_end_ends_with_whoever_started_it(how: str, tmp_path: Path) -> None:
    command, everybody = endless_measurement(tmp_path, *["--until-input-ends"] * (how == "alone"))
    command.kill() if how == "killed" else command.stdin.close()
    assert left(everybody) == []
    assert not (tmp_path / "out").exists()
