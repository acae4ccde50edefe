"""Features of images: those that come along are whole, distances by hand, and each fault gets its sentence."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis

from simulator.evidence.detection_tables import load_detections
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.scene_tables import NUMBERS, load_features
from simulator.paths import ASSETS, DETECTIONS, FEATURES
from tests.features import small_features, write_features


@pytest.fixture(scope="module")
def shipped():
    return load_features()


def test_what_comes_along_holds_every_setting_and_image_of_the_detection_tables(shipped):
    tables = load_detections()
    keys = ["condition", "severity", "image"]
    mine, theirs = (set(map(tuple, rows[keys].astype(str).to_numpy())) for rows in (shipped.rows, tables.images))
    assert mine == theirs
    assert shipped.about.detections_sha256 == hashlib.sha256((DETECTIONS / "boxes.parquet").read_bytes()).hexdigest()
    assert shipped.about.sha256 == tables.about.detectors["yolox_nano"].sha256
    assert shipped.about.reference_images == 64


def test_the_reference_images_have_uncorrelated_numbers_of_deviation_1(shipped):
    clean = shipped.of("clean", 0, reference=True).to_numpy(float)
    np.testing.assert_allclose(np.cov(clean.T), np.eye(16), atol=0.01)
    np.testing.assert_allclose(clean.mean(axis=0), 0, atol=0.002)


def test_a_distance_is_that_of_mahalanobis_from_the_reference(shipped):
    clean = shipped.of("clean", 0, reference=True).to_numpy(float)
    inverse, middle = np.linalg.inv(np.cov(clean.T)), clean.mean(axis=0)
    spoilt, told = shipped.of("fog", 5), shipped.distances("fog", 5)
    for image in spoilt.index[::16]:
        assert told[image] == pytest.approx(mahalanobis(spoilt.loc[image], middle, inverse), rel=0.01)


def test_detections_and_features_stay_below_four_megabytes():
    assert {file.suffix or file.name for file in FEATURES.iterdir()} == {".yaml", ".parquet", "LICENSE"}
    sizes = [file.stat().st_size for folder in (DETECTIONS, FEATURES) for file in folder.iterdir()]
    assert sum(sizes) < 4e6, ASSETS


def test_distances_by_hand(tmp_path):
    small = small_features(tmp_path)
    np.testing.assert_allclose(small.distances("fog", 1), np.sqrt([17, 16, 17] * 2))
    assert small.distances("bgr", 1, reference=False).to_dict() == {"i3": 1, "i4": 0, "i5": 1}
    with pytest.raises(EvidenceError, match="severity: holds no '4'; there are: 1, 3, 5"):
        small.of("fog", 4)


def rewrite(folder, change):
    path = folder / "features.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)


FAULTS_SHOWN = {
    "no folder": (
        lambda folder: (folder / "about.yaml").unlink(),
        "about.yaml: is missing; `python -m campaigns.detections features` writes it",
    ),
    "no table": (lambda folder: (folder / "features.parquet").unlink(), "features.parquet: is missing"),
    "no parquet": (lambda folder: (folder / "features.parquet").write_text("x"), "features.parquet: cannot be read"),
    "field": (lambda folder: (folder / "about.yaml").write_text("date: x"), "about.yaml: processor: Field required"),
    "column": (lambda folder: rewrite(folder, lambda rows: rows.drop(columns="f03")), "lacks the column f03"),
    "number": (
        lambda folder: rewrite(folder, lambda rows: rows.assign(f03=np.nan)),
        "row 0: f03: expected a finite number, got nan",
    ),
    "twice": (lambda folder: rewrite(folder, lambda rows: rows.assign(image="i0")), "row 1: clean:0 holds i0 twice"),
    "images": (lambda folder: rewrite(folder, lambda rows: rows[1:]), "clean:0: has 5 images, 2 of them of the reference, but"),
    "clean": (
        lambda folder: rewrite(folder, lambda rows: rows[rows["condition"] != "clean"]),
        "condition: holds no row of 'clean', the reference of the others",
    ),
}


@pytest.mark.parametrize("fault", FAULTS_SHOWN)
def test_a_fault_names_file_and_field(fault, tmp_path):
    spoil, sentence = FAULTS_SHOWN[fault]
    spoil(write_features(tmp_path))
    with pytest.raises(EvidenceError, match=sentence):
        load_features(tmp_path)


def test_there_are_sixteen_numbers():
    assert (NUMBERS[0], NUMBERS[-1], len(NUMBERS)) == ("f00", "f15", 16)
