"""Small models, detectors and photos that the commands are tried on."""

import pytest

from tests.making.conftest import exported, make_onnx, one_process, photos, tiny, tiny_onnx
from tests.making.detection.conftest import detector, yolo
from tests.making.training.conftest import labelled, rows, tiny_lite

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


@pytest.fixture(autouse=True)
def _own_sweeps(monkeypatch, tmp_path):
    """Outcomes of sweeps are kept in a test's own folder."""
    monkeypatch.setattr("simulator.analysis.sweeps.kept.SWEEPS", tmp_path / "sweeps")
