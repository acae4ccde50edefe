from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.evidence.profiles import Failure, Profile, ThreadRun, failures, read_profile
from simulator.measure import profiling as module
from simulator.measure import profiling as subjects
from simulator.measure import quantize
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.profiling import Campaign, Photos, Subject
from simulator.measure.quantize import CALIBRATED, PRECISIONS
from simulator.measure.timing import Effort

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("one_process", "exported")]

QUICK = Effort(batches=(1, 2), budget_s=0.1, least=4, most=4, starts=1)


class Measurements:
    """Stands in for `measure`: fast, counted, and interrupted where a test says so."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.threads: list[int] = []
        self._stop_at = stop_at

    def __call__(self, start: Any, threads: int, effort: Effort, advance: Any) -> ThreadRun:
        if threads == self._stop_at:
            raise KeyboardInterrupt
        self.threads.append(threads)
        calls = [{"batch": batch, "latency_ms": [1.0], "idle_ms": [0.0]} for batch in effort.batches]
        return ThreadRun.model_validate(
            {"threads": threads, "session_s": [0.1], "resident_mb": 1, "others_share": 0.2, "calls": calls}
        )


@pytest.fixture
def campaign(tmp_path: Path, photos: Path) -> Campaign:
    return Campaign("here", tmp_path / "out", tmp_path / "cache", Photos(photos, "a test"), effort=QUICK)


def run(campaign: Campaign, subject: Subject) -> list[str]:
    notes: list[str] = []
    campaign.run(subject, lambda _: None, notes.append)
    return notes


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


USUAL = ("fp32", "int8_static")


@pytest.mark.long
@pytest.mark.parametrize(
    "precision", [*USUAL, *(pytest.param(one, marks=pytest.mark.long) for one in PRECISIONS if one not in USUAL)]
)
def test_a_network_is_measured_at_each_thread_count(campaign: Campaign, tiny: str, precision: str) -> None:
    run(campaign, Subject(tiny, precision))
    profile = read_profile(campaign.out / "here" / f"tiny.{precision}.json")
    assert [run.threads for run in profile.runs] == [1, 2]
    assert [[calls.batch for calls in run.calls] for run in profile.runs] == [[1, 2], [1, 2]]
    assert profile.input_shape == [3, 16, 16]
    assert profile.parameters == 8 * 27 + 8 + 8 * 5 + 5
    assert profile.multiply_adds == 7 * 7 * 8 * 27 + 8 * 5
    assert profile.provenance.calibration == ("3 photos of a test" if precision in CALIBRATED else None)
    assert str(campaign.cache) not in profile.model_dump_json()


def test_decoding_is_measured_with_one_thread_and_batch_1(
    campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measurements = Measurements()
    monkeypatch.setattr(module, "measure", measurements)
    run(campaign, Subject("photo_decode", "jpeg_12mp"))
    profile = read_profile(campaign.out / "here" / "photo_decode.jpeg_12mp.json")
    assert measurements.threads == [1]
    assert [calls.batch for calls in profile.runs[0].calls] == [1]
    assert profile.input_shape == [3024, 4032, 3]


def test_a_stop_loses_one_thread_count_and_leaves_no_half_file(
    campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject(tiny, "fp32")
    monkeypatch.setattr(module, "measure", Measurements(stop_at=2))
    with pytest.raises(KeyboardInterrupt):
        run(campaign, subject)
    assert campaign.saved(subject) == 1
    assert not campaign.out.exists()
    assert not [name for name in files(campaign.cache) if name.endswith(".part")]

    again = Measurements()
    monkeypatch.setattr(module, "measure", again)
    run(campaign, subject)
    assert again.threads == [2]
    assert files(campaign.out) == ["tiny.fp32.json"]
    assert campaign.saved(subject) == 0


def test_what_was_kept_under_other_conditions_is_measured_again(
    campaign: Campaign, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measure", Measurements(stop_at=2))
    with pytest.raises(KeyboardInterrupt):
        run(campaign, Subject(tiny, "fp32"))
    other = Campaign("here", campaign.out, campaign.cache, campaign.photos, effort=Effort(batches=(1,)))
    again = Measurements()
    monkeypatch.setattr(module, "measure", again)
    run(other, Subject(tiny, "fp32"))
    assert again.threads == [1, 2]


def test_a_disturbed_measurement_is_told(campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure", Measurements())
    assert "other programs took 20% of this machine" in run(campaign, Subject(tiny, "fp32"))[0]


def test_other_photos_calibrate_anew(campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure", Measurements())
    subject = Subject(tiny, "int8_static")
    run(campaign, subject)
    assert campaign.photos.folder is not None
    (campaign.photos.folder / "0.jpg").unlink()
    run(campaign, subject)
    assert read_profile(campaign.profile_path(subject)).provenance.calibration == "2 photos of a test"
    assert len([name for name in files(campaign.cache) if "int8_static" in name]) == 2


def refuse(*_: Any) -> None:
    raise NotImplementedError("no such operator")


@pytest.mark.long
def test_a_refusal_is_written_down_with_its_step_and_forgotten_once_measured(
    campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject(tiny, "fp16")
    with monkeypatch.context() as broken:
        broken.setitem(quantize.QUANTIZERS, "fp16", refuse)
        failure = campaign.run(subject, lambda _: None, lambda _: None)
    assert isinstance(failure, Failure)
    assert (failure.model, failure.precision, failure.device, failure.step) == ("tiny", "fp16", "here", "quantize")
    assert failure.reason == "the quantizer cannot convert it: NotImplementedError: no such operator"
    assert list(failures(campaign.out)) == [failure]
    assert files(campaign.out) == ["failures.yaml"]
    assert isinstance(campaign.run(subject, lambda _: None, lambda _: None), Profile)
    assert list(failures(campaign.out)) == []


def test_what_cannot_be_exported_or_run_tells_that_step(campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "measure", refuse)
    ran = campaign.run(Subject(tiny, "fp32"), lambda _: None, lambda _: None)
    monkeypatch.setattr(subjects, "export", refuse)
    for file in (campaign.cache / "models").rglob("*.fp32.onnx"):
        file.unlink()
    exported = campaign.run(Subject(tiny, "int8_dynamic"), lambda _: None, lambda _: None)
    assert isinstance(ran, Failure)
    assert isinstance(exported, Failure)
    assert (ran.step, exported.step) == ("run", "export")
    assert len(list(failures(campaign.out))) == 2


def test_preparing_leaves_the_files_and_measures_nothing(
    campaign: Campaign, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "measure", refuse)
    assert campaign.prepare(Subject(tiny, "int8_mixed")) is None
    made = files(campaign.cache)
    assert [name.split(".")[1] for name in made] == ["fp32", "int8_mixed", "size"]
    assert not campaign.out.exists()
    monkeypatch.setattr(module, "measure", Measurements())
    monkeypatch.setattr(subjects, "export", refuse)
    assert isinstance(campaign.run(Subject(tiny, "int8_mixed"), lambda _: None, lambda _: None), Profile)
    assert files(campaign.cache) == made


@pytest.mark.parametrize(
    ("multiply_adds", "batches", "least"),
    [(5e9, (1, 2, 4, 8), 15), (10e9, (1, 2, 4), 15), (20e9, (1, 2), 5), (150e9, (1, 2), 5)],
)
def test_large_networks_are_measured_at_fewer_batches_and_calls(
    tiny: str,
    campaign: Campaign,
    multiply_adds: float,
    batches: tuple[int, ...],
    least: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    efforts: list[Effort] = []

    def measure(start: Any, threads: int, effort: Effort, advance: Any) -> ThreadRun:
        efforts.append(effort)
        return Measurements()(start, threads, effort, advance)

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(subjects, "multiply_adds", lambda *_: int(multiply_adds))
    thorough = replace(campaign, threads=(1,), effort=Effort(batches=(1, 2, 4, 8)))
    thorough.run(Subject(tiny, "fp32"), lambda _: None, lambda _: None)
    assert [(asked.batches, asked.least) for asked in efforts] == [(batches, least)]


def test_a_trained_network_names_the_file_that_it_lacks(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"coco_nanodet_m needs nanodet_m\.onnx; pass the folder .* with --trained"):
        campaign.prepare(Subject("coco_nanodet_m", "fp32"))
    given = replace(campaign, trained=tmp_path)
    with pytest.raises(CannotMeasureError, match=r"holds no nanodet_m\.onnx, which coco_nanodet_m needs"):
        given.prepare(Subject("coco_nanodet_m", "fp32"))
