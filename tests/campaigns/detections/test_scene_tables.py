"""Scenes on a small scale: who measures them, what is kept out of the answers, and the tables that come of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from campaigns.detections import evaluate, features, networks, origin, scene_tables, tables
from campaigns.detections.condition_effects import load_effects
from campaigns.detections.evaluate import Bench, Job, make_networks, seen
from campaigns.detections.features import FeatureBench, make_features, settings_of
from campaigns.detections.networks import Detector
from campaigns.detections.scene_job import SceneJob, scene_settings
from campaigns.detections.scene_tables import SceneBench, scene_bench
from simulator.evidence import scene_tables as evidence
from simulator.evidence.detection_tables import DetectionTables, load_detections
from simulator.evidence.evidence_tables import Table, columns
from simulator.evidence.scene_tables import load_features, load_scenes
from simulator.measure.detector_conditions import Setting
from simulator.measure.detector_io import LAYOUTS, Takes
from simulator.measure.guarded import CannotMeasureError
from tests.campaigns.detections.test_evaluate import write_network
from tests.campaigns.detections.test_features import write_network as write_enlarging
from tests.pictures import picture

SMALL = [Setting("clean", 0), Setting("fog", 1)]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneJob:
    """Eight images with a cat and a box; two detectors of the same small network, the second of which is the oldest."""
    folder = tmp_path / "labelled"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for number in range(8):
        Image.fromarray(picture(number)).save(folder / "images" / f"{number}.png")
        (folder / "labels" / f"{number}.txt").write_text("1 0.25 0.3125 0.333333 0.375\n0 0.7 0.6 0.4 0.5\n")
    (folder / "config.yaml").write_text("names: {0: cat, 1: box}\n")
    write_network(tmp_path / "small.onnx")
    write_enlarging(tmp_path / "enlarging.onnx")
    told = "small.onnx", "none", Takes(64, "stretch", bgr=True), LAYOUTS["fastestdet"], 1
    made = {name: Detector(name, name, *told) for name in ("yolox_nano", "fastestdet")}
    for module in (networks, evaluate, origin, scene_tables):
        monkeypatch.setattr(module, "DETECTORS", made)
    monkeypatch.setattr(features, "DETECTORS", {"yolox_nano": replace(made["yolox_nano"], file="enlarging.onnx")})
    monkeypatch.setattr(evaluate, "NETWORKS", [(name, precision) for name in made for precision in ("fp32", "int8_all")])
    monkeypatch.setattr(tables, "SETTINGS", SMALL)
    for module in (tables, scene_tables):
        monkeypatch.setattr(module, "RESAMPLES", 20)
    return SceneJob(folder, tmp_path, tmp_path / "cache", 1)


@pytest.fixture
def bench(job: SceneJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneBench:
    """The scenes beside tables of the eight images, whose features have one number, since only four are the reference."""
    for module in (features, scene_tables):
        monkeypatch.setattr(module, "NUMBERS", ["f00"])
    monkeypatch.setattr(evidence, "NUMBERS", ["f00"])
    one_number = Table("features.parquet", columns("condition severity image reference f00"))
    monkeypatch.setattr(evidence, "FEATURES_TABLE", one_number)
    monkeypatch.setattr(evidence.SceneTables, "features", replace(one_number, key=("condition", "severity", "image")))
    source = Job(job.data, job.trained, job.cache, 1)
    for setting in SMALL:
        Bench(source).measure(setting)
    tables.make_tables(source, tmp_path / "tables", lambda: None)
    held = load_detections(tmp_path / "tables")
    for setting in settings_of(held):
        FeatureBench(source).measure(setting)
    make_features(FeatureBench(source), held, tmp_path / "tables" / "boxes.parquet", tmp_path / "features")
    return scene_bench(job, scene_settings(held), held, load_features(tmp_path / "features"))


def test_a_scene_is_measured_by_networks_that_never_saw_its_parents(job: SceneJob) -> None:
    source, ours = Job(job.data, job.trained, job.cache, 1), job.dataset.scenes
    assert len(ours) == 8 + 4
    for scene, half in zip(ours, job.halves, strict=True):
        assert {int(source.halves[parent]) for parent in scene.parents} == {half}
    make_networks(source)
    assert job.network("yolox_nano", "int8_all", 1) == source.network("yolox_nano", "int8_all", 1)
    at_8_bits = {name for name, precision in job.networks_of(Setting("fog", 1)) if precision != "fp32"}
    assert at_8_bits == {"yolox_nano"}
    assert ("fastestdet", "int8_all") in job.networks_of(Setting("clean", 0))


def test_a_detector_never_says_what_it_does_not_know_and_misses_it(job: SceneJob) -> None:
    for setting in (Setting("clean", 0), Setting("unknown", 1)):
        Bench(job).measure(setting)
    clean, unknown = (seen(job, Setting(*of)).found("yolox_nano", "fp32") for of in (("clean", 0), ("unknown", 1)))
    assert set(clean.category) == {0, 1} and set(unknown.category) == {1}
    rows = tables.setting_rows(job, Setting("unknown", 1))["outcomes"]
    cats = np.flatnonzero(job.dataset.labels.category == 0)
    assert len(cats) and (rows.loc[rows["box"].isin(cats), "score"] == 0).all()


def test_tables_and_effects_come_of_scenes(bench: SceneBench, tmp_path: Path) -> None:
    ticks: list[int] = []
    bench.measure(lambda: ticks.append(1))
    assert len(ticks) == (1 + 6) + (2 + 6)
    bench.write(tmp_path / "tables" / "boxes.parquet", tmp_path / "out")
    found = load_scenes(tmp_path / "out")
    assert found.scenes["kind"].value_counts().to_dict() == {"image": 8, "crop": 8, "mixture": 4}
    assert list(found.about.conditions) == ["fog", "stale_model", "occlusion", "unknown"]
    own = found.outcomes[found.outcomes["image"].isin([str(number) for number in range(8)])]
    assert set(own["condition"]) == {"occlusion", "unknown"} and own["box"].max() == bench.tables.about.boxes - 1
    # An image under unknown animals looks as it does clean.
    mine, theirs = (
        rows[rows["condition"] == condition].set_index("image").loc[[str(number) for number in range(8)], "f00"]
        for rows, condition in ((found.features, "unknown"), (bench.features.rows, "clean"))
    )
    np.testing.assert_allclose(mine, theirs, atol=0.01)
    effects = load_effects(tmp_path / "out")
    assert set(effects.rows["condition"]) == {"occlusion", "unknown"} and (effects.rows["images"] <= 4).all()
    lost = effects.of("yolox_nano", "unknown", 1, "found_share")
    assert lost["change"] <= 0


def test_families_hold_two_images_their_crops_and_their_mixture(bench: SceneBench) -> None:
    families = bench.families
    assert families.value_counts().tolist() == [5, 5, 5, 5]
    for name, family in families.items():
        assert str(name).removesuffix("_crop") in (family, *family.split("+"))


def test_other_tables_and_unknown_conditions_are_refused(bench: SceneBench, tmp_path: Path) -> None:
    with pytest.raises(CannotMeasureError, match=r"--conditions snow: there is no condition 'snow'; there are: fog"):
        scene_settings(bench.tables, ["snow"])
    bench.measure(lambda: None)
    outcomes = bench.tables.outcomes.assign(score=1 - bench.tables.outcomes["score"])
    other = DetectionTables(**vars(bench.tables) | {"outcomes": outcomes})
    with pytest.raises(CannotMeasureError, match="from the detection tables in the mean; measure these anew"):
        replace(bench, tables=other).write(tmp_path / "x", tmp_path / "out")
    rows = bench.features.rows.assign(f00=pd.Series(9.0, bench.features.rows.index))
    with pytest.raises(CannotMeasureError, match=r"a feature of clean images is .* from assets/features"):
        replace(bench, features=replace(bench.features, rows=rows)).write(tmp_path / "x", tmp_path / "out")
