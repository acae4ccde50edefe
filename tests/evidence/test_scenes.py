"""Scenes: those that come along are whole and keep the halves apart, and each fault names its file, row and column."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from campaigns.detections.condition_effects import load_effects
from simulator.evidence.detection_tables import load_detections
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.scene_tables import NUMBERS, SceneTables, load_features, load_scenes
from simulator.paths import DETECTIONS, SCENES
from tests.scenes import IMAGES, small_scenes, write_scenes

ANIMALS = {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"}


@pytest.fixture(scope="module")
def shipped():
    return load_scenes()


@pytest.fixture(scope="module")
def tables():
    return load_detections()


def rows_of(rows, **wanted):
    keep = np.ones(len(rows), bool)
    for column, value in wanted.items():
        keep &= (rows[column] == value).to_numpy()
    return rows[keep]


def test_no_scene_has_parents_in_both_halves(shipped):
    reference = set(load_features().of("clean", 0, reference=True).index)
    assert shipped.scenes["kind"].value_counts().to_dict() == {"image": 128, "crop": 128, "mixture": 64}
    for parents, half in zip(shipped.scenes["parents"].str.split("+"), shipped.scenes["reference"], strict=True):
        assert {parent in reference for parent in parents} == {half}
    mixed = shipped.scenes.loc[shipped.scenes["kind"] == "mixture", "parents"].str.split("+").explode()
    assert len(mixed) == len(set(mixed)) == 128


def test_boxes_lie_in_their_scenes_and_mixtures_have_all_of_their_parents(shipped, tables):
    sizes = shipped.scenes.set_index("scene").loc[shipped.boxes["image"].astype(str)]
    for start, length, side in (("left_px", "width_px", "width_px"), ("top_px", "height_px", "height_px")):
        end = shipped.boxes[start].to_numpy(float) + shipped.boxes[length].to_numpy(float)
        # Four significant digits are kept.
        assert (end <= sizes[side].to_numpy() + 1).all() and (shipped.boxes[start] >= 0).all()
    counted = shipped.boxes["image"].astype(str).value_counts()
    alone = tables.boxes["image"].astype(str).value_counts()
    for scene in shipped.scenes[shipped.scenes["kind"] == "mixture"].itertuples():
        assert counted.get(scene.scene, 0) == sum(alone.get(parent, 0) for parent in scene.parents.split("+"))


def test_every_setting_of_the_detection_tables_is_there_and_two_more(shipped, tables):
    def settings(rows, **of):
        return set(rows_of(rows, **of)[["condition", "severity"]].drop_duplicates().itertuples(index=False, name=None))

    world = {("unknown", 1), *(("occlusion", severity) for severity in range(1, 6))}
    for detector in tables.about.detectors:
        theirs = settings(tables.answers, detector=detector, precision="fp32")
        bugs = {name for name, told in tables.about.conditions.items() if told.kind == "bug"}
        wanted = {(name, severity) for name, severity in theirs if name not in bugs or severity == 2} | world
        assert settings(shipped.answers, detector=detector, precision="fp32") == wanted
        for precision in ("int8_all", "int8_depthwise_float"):
            at_8_bits = settings(shipped.outcomes, detector=detector, precision=precision)
            coarse = {one for one in wanted if one[0] in bugs or one[1] in (0, 1, 3, 5)}
            assert at_8_bits == (coarse if detector != "fastestdet" else {("clean", 0)})
    assert settings(shipped.images) == settings(shipped.features) == settings(shipped.answers)


def test_images_themselves_are_measured_under_the_world_alone_with_the_boxes_of_the_detection_tables(shipped, tables):
    own = shipped.outcomes[shipped.outcomes["image"].isin(tables.images["image"].unique())]
    assert set(own["condition"]) == {"occlusion", "unknown"}
    mine = rows_of(own, detector="nanodet_m", precision="fp32", condition="occlusion", severity=3)
    assert mine["box"].tolist() == tables.boxes["box"].tolist()
    assert mine["image"].astype(str).tolist() == tables.boxes["image"].astype(str).tolist()
    assert shipped.about.detections_sha256 == hashlib.sha256((DETECTIONS / "boxes.parquet").read_bytes()).hexdigest()


def test_unknown_animals_are_missed_and_other_boxes_are_found_as_before(shipped, tables):
    unknown = rows_of(shipped.outcomes, detector="yolox_nano", precision="fp32", condition="unknown")
    own, animal = unknown["image"].isin(tables.boxes["image"].unique()), tables.boxes["category"].isin(ANIMALS)
    before, after = tables.scores("yolox_nano", "fp32", "clean", 0), unknown.loc[own, "score"].to_numpy(float)
    assert animal.any() and (after[animal] == 0).all()
    # Suppression within a class leaves the others as they were, but for the few whose second class is another now.
    assert (np.abs(after - before)[~animal] < 0.01).mean() > 0.99
    made = shipped.boxes["category"].isin(ANIMALS).to_numpy()
    assert (unknown.loc[~own, "score"].to_numpy()[made] == 0).all()


def test_features_are_on_the_scale_of_the_images(shipped):
    clean = load_features().of("clean", 0)
    unknown = rows_of(shipped.features, condition="unknown").set_index("image")
    # Unknown animals change nothing about an image.
    np.testing.assert_allclose(unknown.loc[clean.index, NUMBERS], clean, atol=0.05)


def test_more_is_missed_the_more_is_covered(shipped):
    found = rows_of(shipped.outcomes, detector="yolox_nano", precision="fp32", condition="occlusion")
    share = found.assign(found=found["score"] >= 0.3).groupby("severity")["found"].mean()
    assert (share.diff().dropna() < 0).all()


def test_effects_tell_of_the_world_by_family(shipped):
    effects = load_effects(SCENES)
    assert set(effects.rows["condition"]) == {"occlusion", "unknown"}
    assert effects.of("yolox_nano", "occlusion", 5, "ap")["high"] < 0
    assert set(effects.rows["images"]) <= set(range(1, 65))
    # The image is the same; only the answers are not.
    assert effects.of("yolox_nano", "unknown", 1, "feature_shift")["change"] == 0


def test_it_holds_no_photo_and_less_than_three_megabytes():
    files = list(SCENES.iterdir())
    assert {file.suffix or file.name for file in files} == {".yaml", ".csv", ".parquet", "LICENSE"}
    assert sum(file.stat().st_size for file in files) < 3e6


def rewrite(folder, name, change):
    if name == "scenes":
        change(pd.read_csv(folder / "scenes.csv")).to_csv(folder / "scenes.csv", index=False)
    else:
        path = folder / f"{name}.parquet"
        change(pd.read_parquet(path)).to_parquet(path, index=False)


def put(name, row, column, value):
    """Write another value into one cell."""

    def spoil(folder):
        rewrite(folder, name, lambda rows: rows.assign(**{column: rows[column].where(rows.index != row, value)}))

    return spoil


def drop(name, row):
    return lambda folder: rewrite(folder, name, lambda rows: rows.drop(index=row))


FAULTS_SHOWN = {
    "no folder": (
        lambda folder: (folder / "about.yaml").unlink(),
        "about.yaml: is missing; `python -m campaigns.detections scenes` writes it",
    ),
    "no table": (
        lambda folder: (folder / "answers.parquet").unlink(),
        "answers.parquet: is missing; `python -m campaigns.detections scenes`",
    ),
    "no parquet": (lambda folder: (folder / "boxes.parquet").write_text("x"), "boxes.parquet: cannot be read"),
    "field": (lambda folder: (folder / "about.yaml").write_text("date: x"), "about.yaml: processor: Field required"),
    "column": (
        lambda folder: rewrite(folder, "outcomes", lambda rows: rows.drop(columns="image")),
        "outcomes.parquet: lacks the column image",
    ),
    "twice": (put("scenes", 1, "scene", "i0"), "scenes.csv: line 3: scene: expected one row per scene, got i0"),
    "kind": (put("scenes", 4, "kind", "photo"), "line 6: kind: expected one of image, crop, mixture, got photo"),
    "parent": (
        put("scenes", 8, "parents", "i0+i9"),
        "line 10: parents: expected scenes of the kind image, joined by +, got i0",
    ),
    "halves": (put("scenes", 8, "parents", "i0+i2"), "line 10: parents: expected all in the half of the scene, got i0+i2"),
    "scene": (put("answers", 3, "image", "i9"), "answers.parquet: row 3: image: expected a scene of scenes.csv, got i9"),
    "number": (put("boxes", 5, "box", 9), "boxes.parquet: row 5: box: expected boxes numbered from 0, got 9"),
    "score": (put("outcomes", 7, "score", 2.0), "row 7: score: expected a number from 0 to 1, got 2.0"),
    "feature": (put("features", 2, "f03", np.nan), "features.parquet: row 2: f03: expected a finite number, got nan"),
    "half": (put("features", 0, "reference", False), "row 0: reference: expected the half in scenes.csv, got False"),
    "boxes": (drop("boxes", 11), "boxes.parquet: has 11 rows, but about.yaml says 12"),
    "scenes": (drop("scenes", 7), "scenes.csv: has 9 rows, but about.yaml says 10"),
    "no parent": (put("scenes", 4, "parents", ""), "line 6: parents: expected scenes of the kind image, joined by +, got $"),
    "again": (
        put("outcomes", 5, "box", 4),
        "outcomes.parquet: row 5: box: expected one row per detector, precision, condition, severity, image, box, got 4",
    ),
    "outcome": (drop("outcomes", 0), "outcomes.parquet: yolox_nano fp32 clean 0: has 11 rows, expected 12"),
    "own": (
        lambda folder: rewrite(folder, "images", lambda rows: rows[~rows["image"].isin(IMAGES)]),
        "images.parquet: occlusion 1: has 6 rows, expected 10",
    ),
    "condition": (
        lambda folder: rewrite(folder, "answers", lambda rows: rows[rows["condition"] != "fog"]),
        "answers.parquet: condition: has no row of 'fog', which about.yaml lists",
    ),
}


@pytest.mark.parametrize("fault", FAULTS_SHOWN)
def test_a_fault_names_file_row_and_column(fault, tmp_path):
    spoil, sentence = FAULTS_SHOWN[fault]
    spoil(write_scenes(tmp_path))
    with pytest.raises(EvidenceError, match=sentence.replace("+", r"\+")):
        load_scenes(tmp_path)


def test_every_column_is_there(tmp_path):
    tables = small_scenes(tmp_path)
    for name, table in SceneTables.tables().items():
        assert list(getattr(tables, name).columns) == table.names
