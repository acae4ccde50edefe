"""Damage to photos and the measures of it, against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.ndimage import laplace
from scipy.spatial.distance import cdist, mahalanobis
from sklearn.covariance import LedoitWolf

from campaigns.datalab.spoiled import NEIGHBOURS, distances, drawn
from campaigns.datalab.spoilers import SEVERITIES, SPOILERS, light, sharpness, spoil
from campaigns.detections.conditions import LUMA

PHOTO = np.random.default_rng(0).integers(40, 200, (256, 256, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", SPOILERS)
def test_damage_grows_with_its_severity_and_its_photo_determines_it(name):
    spoiled = [spoil(PHOTO, name, severity, "one").astype(int) for severity in SEVERITIES]
    assert (np.diff([0, *(np.abs(one - PHOTO).mean() for one in spoiled)]) > 0).all()
    assert np.array_equal(spoil(PHOTO, name, 2, "one"), spoiled[1])


def test_sharpness_is_the_variance_of_scipys_laplacian():
    luma = PHOTO.astype(float) @ LUMA
    assert sharpness(PHOTO) == pytest.approx(laplace(luma)[1:-1, 1:-1].var(), rel=1e-4)
    assert light(PHOTO) == pytest.approx(luma.mean(), rel=1e-5)
    assert sharpness(spoil(PHOTO, "blur", 3, "one")) < sharpness(PHOTO)


def test_exposure_multiplies_the_light():
    grey = np.full((8, 8, 3), 100, np.uint8)
    found = {int(spoil(grey, "exposure", 1, str(photo))[0, 0, 0]) for photo in range(20)}
    expected = {int(255 * ((100 / 255) ** 2.2 * 2.0**stops) ** (1 / 2.2) + 0.5) for stops in (-0.7, 0.7)}
    assert found == expected


def test_distances_are_those_of_scipy():
    rng = np.random.default_rng(1)
    learnt, asked = rng.normal(size=(60, 5)).astype(np.float32), rng.normal(1, 1, (7, 5)).astype(np.float32)
    found = distances(learnt, asked)
    covariance = LedoitWolf().fit(learnt).covariance_
    by_hand = [mahalanobis(one, learnt.mean(axis=0), np.linalg.inv(covariance)) for one in asked]
    assert found["mahalanobis"] == pytest.approx(by_hand, rel=1e-3)
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (asked, learnt)]
    assert found["neighbours"] == pytest.approx(np.sort(cdist(*unit), axis=1)[:, NEIGHBOURS - 1], rel=1e-4)


def test_the_drawn_photos_are_the_same_each_time(tmp_path):
    paths = [tmp_path / f"{number:04}.jpg" for number in range(700)]
    assert drawn(paths) == drawn(paths[::-1]) and len(set(drawn(paths))) == 500
