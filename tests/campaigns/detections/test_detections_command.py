"""`python -m campaigns.detections`: what is missing is named, and an interrupt keeps what is finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns.detections import evaluate, tables
from simulator.measure.detector_conditions import Setting

Run = Callable[..., tuple[int, str, str]]


def test_trained_files_that_are_missing_are_named(campaign: Run, yolo: Path, tmp_path: Path) -> None:
    status, _, err = campaign("detections", "tables", "--data", yolo, "--trained", tmp_path, "--out", tmp_path)
    assert status == 2
    assert "holds no yolox_nano.onnx, which yolox_nano needs; --trained takes the folder that does" in " ".join(err.split())


def test_scales_name_what_is_missing(campaign: Run, yolo: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the timed files are made by the zoo")
    given = ["scales", "--data", yolo, "--trained", tmp_path, "--photos", tmp_path, "--out", tmp_path]
    status, _, err = campaign("detections", *given)
    assert status == 2
    assert "its labels hold no car; expected boxes of car, bus, truck" in " ".join(err.split())
    (yolo / "config.yaml").write_text("names: [person, car]\n")
    (yolo / "labels" / "1.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    status, _, err = campaign("detections", *given)
    assert status == 2
    assert "holds no yolox_nano.onnx, which coco_yolox_nano needs" in " ".join(err.split())


def test_an_interrupt_keeps_what_is_finished_and_the_next_run_goes_on(
    campaign: Run, yolo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Setting] = []

    class Interrupted:
        def __init__(self, job: evaluate.Job) -> None:
            self.job = job

        def measure(self, setting: Setting, tick: Callable[[], None]) -> None:
            if len(measured) == 2:
                raise KeyboardInterrupt
            measured.append(setting)
            self.job.part(setting).parent.mkdir(parents=True, exist_ok=True)
            self.job.part(setting).touch()

    for name in ("yolox_nano", "nanodet_m", "FastestDet"):
        (tmp_path / f"{name}.onnx").write_bytes(b"weights")
    monkeypatch.setattr(evaluate, "Bench", Interrupted)
    monkeypatch.setattr(evaluate, "make_networks", lambda *_: None)
    monkeypatch.setattr(tables, "make_tables", lambda *_: None)
    monkeypatch.setattr("campaigns.detections.__main__.user_cache_path", lambda _: tmp_path)
    given = ["tables", "--data", yolo, "--trained", tmp_path, "--out", tmp_path]
    status, _, err = campaign("detections", *given)
    assert status == 130
    assert "the same command resumes from there" in " ".join(err.split())
    first, measured[:] = list(measured), []
    campaign("detections", *given)
    assert len(first) == len(measured) == 2
    assert not set(first) & set(measured)
