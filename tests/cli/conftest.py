"""Small models, detectors and photos that the commands are tried on."""

from concurrent.futures import Future

import pytest

from tests.measure.conftest import (
    detector,
    exported,
    labelled,
    make_onnx,
    one_process,
    photos,
    rows,
    tiny,
    tiny_lite,
    tiny_onnx,
    yolo,
)
from tests.tradeoffs.test_capacity import QUEUE

__all__ = [
    "detector",
    "exported",
    "labelled",
    "make_onnx",
    "one_process",
    "photos",
    "rows",
    "tiny",
    "tiny_lite",
    "tiny_onnx",
    "yolo",
]


class Here:
    """The processes of a command, which take seconds to start, in this one."""

    def __init__(self, *_: object) -> None:
        pass

    def submit(self, work, /, *given):
        done = Future()
        done.set_result(work(*given))
        return done

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _in_this_process(request, monkeypatch):
    """A test whose name has `in_processes` starts them all the same, and so does every command that is a process of its own."""
    if "in_processes" not in request.node.name:
        for module in ("practice.levers_command", "processes"):
            monkeypatch.setattr(f"simulator.{module}.ProcessPool", Here)


@pytest.fixture(autouse=True)
def _own_sweeps(monkeypatch, tmp_path):
    """Outcomes of sweeps are kept in a test's own folder."""
    monkeypatch.setattr("simulator.sweeps.outcome_cache.SWEEPS", tmp_path / "sweeps")


@pytest.fixture
def case(tmp_path):
    """The file of a queue with readers, for the tests of studies."""
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE.replace("BOUND", "120").replace("days: 2", "days: 0.2"), encoding="utf-8")
    return file
