"""The smallest change that is seen is seen in four cases of five: by simulation."""

import numpy as np
import pytest
from scipy import stats

from simulator.metrics import distances
from simulator.monitors.blocks import KS_EFFICIENCY, smallest_change, smallest_shift
from simulator.monitors.column_tests import smallest_psi


def seen(p: list[float]) -> float:
    return float(np.mean(np.array(p) <= 0.05))


def test_a_test_of_means_sees_its_smallest_shift_in_four_of_five() -> None:
    """Textbook: 2.80 standard errors at 5% (Cohen 1988)."""
    assert smallest_shift((100, 100), 0.05) == pytest.approx(2.80 * np.sqrt(2 / 100), rel=0.002)
    rng, shift = np.random.default_rng(0), smallest_shift((150, 100), 0.05)
    p = [stats.ttest_ind(rng.normal(size=150), rng.normal(shift, 1, size=100)).pvalue for _ in range(1500)]
    assert seen(p) == pytest.approx(0.8, abs=0.04)


def test_ks_sees_its_smallest_shift_in_at_least_four_of_five() -> None:
    rng, shift = np.random.default_rng(1), smallest_shift((200, 150), 0.05, KS_EFFICIENCY)
    p = [stats.ks_2samp(rng.normal(size=200), rng.normal(shift, 1, size=150)).pvalue for _ in range(600)]
    assert 0.77 <= seen(p) <= 0.92


def test_a_changed_share_is_seen_in_four_of_five() -> None:
    rng, change = np.random.default_rng(2), smallest_change(0.4, (400, 300), 0.05)
    p = []
    for _ in range(800):
        hits = rng.binomial(400, 0.4), rng.binomial(300, 0.4 + change)
        p.append(stats.chi2_contingency([[hits[0], 400 - hits[0]], [hits[1], 300 - hits[1]]], correction=False).pvalue)
    assert seen(p) == pytest.approx(0.8, abs=0.05)


def test_a_psi_of_the_smallest_size_is_seen_in_four_of_five() -> None:
    """Four equal bins, of which one gains what another loses, until the index is the smallest that is seen."""
    rows, rng = (500, 400), np.random.default_rng(3)
    smallest = smallest_psi(4, rows, 0.05) or 0.0
    moved = np.linspace(0.001, 0.2, 2000)
    index = moved * np.log((0.25 + moved) / 0.25) - moved * np.log((0.25 - moved) / 0.25)
    by = moved[np.abs(index - smallest).argmin()]
    reference, production = (
        rng.multinomial(rows[0], [0.25] * 4, 800),
        rng.multinomial(rows[1], [0.25 + by, 0.25 - by, 0.25, 0.25], 800),
    )
    limit = stats.chi2.isf(0.05, 3) * (1 / rows[0] + 1 / rows[1])
    found = distances.psi(reference.astype(float), production.astype(float)) > limit
    assert np.mean(found) == pytest.approx(0.8, abs=0.05)
    assert smallest_psi(1, rows, 0.05) is None
