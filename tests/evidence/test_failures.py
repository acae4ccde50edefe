from pathlib import Path
from typing import Any

import pytest

from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.profiles import Failure, failures, forget_failure, profiles, write_failure


def a_failure(model: str = "net", precision: str = "fp16", device: str = "here", **other: Any) -> Failure:
    fields: dict[str, Any] = {
        "step": "run",
        "reason": "its answers are not finite numbers",
        "libraries": {"onnxruntime": "1.20"},
    }
    return Failure(model=model, precision=precision, device=device, date="2026-01-01", **fields | other)


def test_what_is_written_is_read_again_by_device_and_model(tmp_path: Path) -> None:
    written = [
        a_failure("b"),
        a_failure("a", reason="Exception: 'a: b' # not a comment\nand more"),
        a_failure("z", device="and"),
    ]
    for failure in written:
        write_failure(failure, tmp_path)
    assert list(failures(tmp_path)) == [written[2], written[1], written[0]]
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".part"]


def test_failures_are_no_profiles(tmp_path: Path) -> None:
    write_failure(a_failure(), tmp_path)
    assert list(profiles(tmp_path)) == []


def test_a_model_fails_once_at_a_precision(tmp_path: Path) -> None:
    later = a_failure(reason="something else")
    for failure in (a_failure(), a_failure(precision="int8_dynamic"), later):
        write_failure(failure, tmp_path)
    assert list(failures(tmp_path)) == [later, a_failure(precision="int8_dynamic")]


def test_what_was_measured_after_all_is_struck_out(tmp_path: Path) -> None:
    write_failure(a_failure("a"), tmp_path)
    write_failure(a_failure("b"), tmp_path)
    forget_failure("here", "a", "fp16", tmp_path)
    forget_failure("here", "never", "fp16", tmp_path)
    assert list(failures(tmp_path)) == [a_failure("b")]
    forget_failure("here", "b", "fp16", tmp_path)
    assert not list((tmp_path / "here").iterdir())


def test_a_fault_in_the_file_is_told_with_its_place(tmp_path: Path) -> None:
    write_failure(a_failure(), tmp_path)
    file = tmp_path / "here" / "failures.yaml"
    file.write_text(file.read_text().replace("step: run", "step: think"))
    with pytest.raises(EvidenceError, match=r"failures\.yaml: 0\.step: Input should be 'export', 'quantize' or 'run'"):
        list(failures(tmp_path))


def test_a_file_that_is_no_yaml_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "failures.yaml").write_text("- model: [")
    with pytest.raises(EvidenceError, match=r"failures\.yaml: is not YAML: while parsing") as told:
        list(failures(tmp_path))
    assert "\n" not in str(told.value)
