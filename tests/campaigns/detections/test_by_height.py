"""Recall by height and shifts, against steps, hand-worked fits and data drawn from a known shift."""

import numpy as np
import pytest
from scipy.stats import norm

from campaigns.detections.by_height import FURTHEST, NODES_PX, Looked, probit_shift, recall_curve, share_found


def looked(height: np.ndarray, found: np.ndarray, per_image: int = 4) -> Looked:
    return Looked(height, found, np.arange(len(height)) // per_image)


def test_a_detector_that_finds_exactly_what_is_20_px_high_gives_a_step_there() -> None:
    height = np.random.default_rng(0).uniform(4, 300, 4000)
    curve = recall_curve(looked(height, height >= 20), 50, 1)
    assert NODES_PX[4] == 20
    np.testing.assert_allclose(curve.value[:4], 0)
    np.testing.assert_allclose(curve.value[5:], 1)
    assert 0.3 < curve.value[4] < 0.8  # the node stands for heights from 17 to 24 px


def test_the_fit_is_that_of_a_hand_worked_example() -> None:
    # 1 of 2, none of 2, 2 of 2 and 1 of 2: the first two are pooled to a quarter, the last two to three quarters.
    height = np.repeat(NODES_PX[:4], 2)
    curve = recall_curve(looked(height, np.array([1, 0, 0, 0, 1, 1, 0, 1], bool)), 10, 1)
    np.testing.assert_allclose(curve.value, [0.25, 0.25, 0.75, 0.75, *[0.75] * 8])


def test_recall_never_falls_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(2)
    height = np.exp(rng.uniform(np.log(4), np.log(300), 800))
    truth = norm.cdf(np.log2(NODES_PX / 30))
    curve = recall_curve(looked(height, rng.random(800) < norm.cdf(np.log2(height / 30))), 300, 1)
    assert (np.diff(curve.value) >= 0).all() and (np.diff(curve.drawn, axis=1) >= 0).all()
    assert ((curve.low <= curve.value) & (curve.value <= curve.high)).all()
    assert np.abs(curve.value - truth).max() < 0.1
    assert ((curve.low <= truth) & (truth <= curve.high)).mean() >= 0.75


def test_a_repeatable_bootstrap_is_wider_where_the_boxes_of_an_image_agree() -> None:
    height, found = np.full(400, 40.0), np.repeat(np.arange(100) % 2 == 0, 4)
    together = recall_curve(looked(height, found), 300, 1)
    apart = recall_curve(looked(height, found, per_image=1), 300, 1)
    np.testing.assert_array_equal(together.drawn, recall_curve(looked(height, found), 300, 1).drawn)
    # Four boxes that agree are worth one: the standard error is twice that of 400 independent boxes.
    assert together.drawn[:, 6].std() == pytest.approx(2 * apart.drawn[:, 6].std(), rel=0.2)


def test_where_none_is_found_the_bound_is_exact() -> None:
    told = share_found(np.zeros(40, bool), np.arange(40) // 2, 50, 1)
    # 20 images without a hit: the share at which that happens once in 40 times.
    assert (told.value[0], told.low[0]) == (0, 0)
    assert (1 - told.high[0]) ** 20 == pytest.approx(0.025)
    all_found = share_found(np.ones(40, bool), np.arange(40) // 2, 50, 1)
    assert (all_found.high[0], all_found.low[0]) == pytest.approx((1, 1 - told.high[0]))


def shift_of(clean: np.ndarray, spoilt: np.ndarray, kind: np.ndarray | None = None) -> tuple[float, float, float]:
    image = np.arange(len(clean)) // 5
    kinds = np.zeros(len(clean), int) if kind is None else kind
    told = probit_shift(kinds, clean, spoilt, image, int(image.max()) + 1, 200, 1)
    return float(told.value[0]), float(told.low[0]), float(told.high[0])


def test_half_to_a_sixth_is_a_shift_of_one_standard_deviation() -> None:
    clean, spoilt = np.arange(10_000) % 2 == 0, np.arange(10_000) < 1587  # Phi(0) and Phi(-1)
    assert shift_of(clean, spoilt)[0] == pytest.approx(-1, abs=1e-3)


def test_equal_looks_have_no_shift_and_a_blind_one_has_the_furthest() -> None:
    kind = np.repeat([0, 1, 2], 100)
    clean = np.concatenate([np.zeros(100, bool), np.arange(100) % 2 == 0, np.ones(100, bool)])
    assert shift_of(clean, clean, kind) == pytest.approx((0, 0, 0), abs=1e-6)
    assert shift_of(np.arange(300) % 2 == 0, np.zeros(300, bool))[0] == pytest.approx(-FURTHEST)


@pytest.mark.parametrize("shift", [-1.2, -0.4, 0.3])
def test_a_known_shift_is_recovered(shift: float) -> None:
    rng = np.random.default_rng(3)
    kind, latent = rng.integers(0, 5, 4000), rng.standard_normal(4000)
    line = np.array([-1.5, -0.5, 0.2, 0.9, 1.6])[kind]
    value, low, high = shift_of(latent <= line, latent <= line + shift, kind)
    assert value == pytest.approx(shift, abs=0.06)
    assert low <= shift <= high and high - low < 0.2
