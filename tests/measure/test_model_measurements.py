"""Following a command that measures: from its lines of JSON to a curve, a sentence, an end."""

import json
import sys
import time
from pathlib import Path

import pytest

from simulator.measure.model_measurements import MeasurementError, Measurements
from simulator.measure.progress import ProfileOptions
from tests.patience import PATIENCE_S

START = {"event": "start", "model": "m", "precision": "fp32", "device": "d", "threads": [1, 2], "batches": [1, 2]}
HALF = {"event": "progress", "done": 0.5, "threads": 1, "medians_ms": {"1": 3.0, "2": 5.5}}
MORE = {"event": "progress", "done": 0.75, "threads": 2, "medians_ms": {"1": 2.0}}


@pytest.fixture
def command(tmp_path):
    """A command that writes these lines to standard error, then does what the last argument says."""

    def made(*events, then="sys.exit(0)"):
        lines = "\n".join(event if isinstance(event, str) else json.dumps(event) for event in events)
        script = tmp_path / "command.py"
        script.write_text(f"import sys, time\nprint({lines!r}, file=sys.stderr, flush=True)\n{then}\n", encoding="utf-8")
        return [sys.executable, str(script)]

    return made


@pytest.fixture
def file(tmp_path):
    """A file that could be a model."""
    path = tmp_path / "m.onnx"
    path.touch()
    return path


def until(true):
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(begun):
    until(lambda: not begun.running)
    return begun


def test_progress_is_read_while_the_command_runs(command, file):
    kept = Measurements(command(START, HALF, "a library's own words", MORE, then="time.sleep(300)"))
    begun = kept.start("me", file, ProfileOptions())
    until(lambda: begun.share == 0.75)
    assert begun.title == "m fp32 on d"
    assert begun.medians == {1: {1: 3.0, 2: 5.5}, 2: {1: 2.0}}
    assert begun.ending == ""
    with pytest.raises(MeasurementError, match="another measurement is running; yours can begin in about"):
        kept.start("me", file, ProfileOptions())
    begun.cancel()
    assert ended(begun).ending == "error"  # this command does not say that it was stopped
    assert kept.running is None


def test_a_finished_measurement_names_its_profile(command, file):
    note = {"event": "note", "text": "a note"}
    begun = Measurements(command(START, note, {"event": "done", "profile": "/p.json"})).start("me", file, ProfileOptions())
    assert ended(begun).ending == "done"
    assert str(begun.profile) == "/p.json"
    assert begun.notes == ["a note"]


def test_the_sentence_of_the_command_is_kept_as_it_is(command, file):
    sentence = "m.onnx: is no vision model; expected an image of 4 dimensions"
    begun = Measurements(command({"event": "error", "text": sentence}, then="sys.exit(2)")).start("me", file, ProfileOptions())
    assert ended(begun).ending == "error"
    assert begun.complaint == sentence


def test_a_command_that_dies_without_a_word_is_told(command, file):
    begun = Measurements(command("Killed", then="sys.exit(9)")).start("me", file, ProfileOptions())
    assert ended(begun).ending == "error"
    assert begun.complaint == "the command ended with status 9: Killed"


def test_an_upload_is_measured_beside_its_weights(command):
    kept = Measurements(command(START))
    begun = kept.start_upload("me", {"net.onnx": b"model", "../weights.data": b"weights"}, ProfileOptions())
    assert begun.file.name == "net.onnx"
    assert begun.file.read_bytes() == b"model"
    assert (begun.file.parent / "weights.data").read_bytes() == b"weights"
    assert ended(begun)


@pytest.mark.parametrize("files", [{}, {"a.txt": b""}, {"a.onnx": b"", "b.onnx": b""}])
def test_one_model_is_expected(command, files):
    with pytest.raises(MeasurementError, match="expected one file"):
        Measurements(command()).start_upload("me", files, ProfileOptions())


def test_what_is_asked_for_reaches_the_command(command, file):
    options = ProfileOptions(
        threads=[1],
        batch=[1, 4],
        budget=5,
        input_shape="3,224,224",
        name="mine",
        device="here",
        provider="cuda",
        overwrite=True,
    )
    begun = Measurements(command(then="print(sys.argv, file=sys.stderr)")).start("me", file, options)
    ended(begun)
    asked = f"--batch 1 --batch 4 --threads 1 --device here --onnx {file} --input-shape 3,224,224 --name mine --provider cuda"
    expected = ["profile", *asked.split(), "--progress-json", "--until-input-ends", "--budget", "5", "--overwrite"]
    assert begun.complaint.endswith(str(begun.process.args[1:2] + expected))


BAD_PATHS = ["~nosuchuser/x", "a\0b.onnx", "/dev/zero", "/", "x" * 305, "/no/such.onnx"]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_is_no_file_gets_a_sentence(command, path):
    with pytest.raises(MeasurementError, match="expected"):
        Measurements(command()).start("me", Path(path), ProfileOptions())


@pytest.mark.parametrize("name", ["a\0b.onnx", "x" * 300 + ".onnx"])
def test_an_upload_whose_name_no_file_can_have_gets_a_sentence(command, name):
    with pytest.raises(MeasurementError, match="the name of an uploaded file"):
        Measurements(command()).start_upload("me", {name: b""}, ProfileOptions())


def test_a_measurement_is_its_persons_and_others_learn_no_more_than_how_long_it_takes(command, file):
    kept = Measurements(command(START, HALF, then="time.sleep(300)"))
    begun = kept.start("me", file, ProfileOptions())
    assert (kept.of("me"), kept.of("you")) == (begun, None)
    with pytest.raises(MeasurementError) as refused:
        kept.start("you", file, ProfileOptions())
    assert not {"m.onnx", "fp32"} & set(str(refused.value).split())
    begun.cancel()
    assert ended(begun)
