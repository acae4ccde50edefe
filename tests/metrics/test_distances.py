"""Distances as functions of counts: against scipy, worked examples and the law that the PSI follows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulator.metrics import distances
from simulator.monitors.blocks import resampling

numbers = st.lists(st.integers(-20, 20).map(lambda value: value / 4), min_size=3, max_size=60).map(np.array)


@given(numbers, numbers)
def test_ks_and_wasserstein_from_counts_are_those_of_scipy(reference: np.ndarray, production: np.ndarray) -> None:
    cells = distances.cells_of_numbers(reference, production)
    counts = resampling((cells.reference, cells.production), len(cells.support), None).counted
    assert distances.ks(*counts)[0] == pytest.approx(stats.ks_2samp(reference, production, method="asymp").statistic)
    if reference.std() > 0:
        moved = stats.wasserstein_distance(reference, production) / reference.std()
        assert distances.wasserstein(cells.support, reference.std())(*counts)[0] == pytest.approx(moved, abs=1e-9)
        shift = (production.mean() - reference.mean()) / reference.std()
        assert distances.mean_shift(cells.support, reference.std())(*counts)[0] == pytest.approx(shift, abs=1e-9)


def test_cells_of_many_values_keep_the_statistics_to_within_a_cell() -> None:
    rng = np.random.default_rng(0)
    reference, production = rng.normal(size=3000), rng.normal(0.3, 1, size=2000)
    cells = distances.cells_of_numbers(reference, production)
    assert len(cells.support) == distances.CELLS
    counts = resampling((cells.reference, cells.production), len(cells.support), None).counted
    assert distances.ks(*counts)[0] == pytest.approx(stats.ks_2samp(reference, production).statistic, abs=1 / 256)
    assert distances.mean_shift(cells.support, reference.std())(*counts)[0] == pytest.approx(0.3, abs=0.1)


def test_chi_squared_is_that_of_scipy() -> None:
    counts = np.array([[30.0, 14, 6, 1], [22, 25, 3, 0]])
    found = distances.chi_squared(counts[:1], counts[1:])[0]
    assert found == pytest.approx(stats.chi2_contingency(counts, correction=False).statistic)


def test_psi_of_worked_examples() -> None:
    """Incomes of 2020 and 2021 in three bins, .4, .3, .3 and .35, .25, .4, by hand; an empty bin counts as half a row."""
    worked = -0.05 * np.log(0.875) - 0.05 * np.log(5 / 6) + 0.1 * np.log(4 / 3)
    assert worked == pytest.approx(0.0446, abs=5e-5)
    assert distances.psi(np.array([40.0, 30, 30]), np.array([35.0, 25, 40])) == pytest.approx(worked)
    empty = 0.5 * np.log(0.5 / 1) * -1 + (0.005 - 0.5) * np.log(0.005 / 0.5)
    assert distances.psi(np.array([50.0, 50]), np.array([100.0, 0])) == pytest.approx(empty)


def test_psi_of_equal_distributions_has_its_published_mean() -> None:
    """(bins - 1) (1 / n + 1 / m), since it is chi-squared (Yurdakul 2018)."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        reference, production = rng.normal(size=2000), rng.normal(size=1000)
        cells = distances.psi_cells(reference, production)
        found.append(distances.psi(*resampling((cells.reference, cells.production), len(cells.support), None).counted)[0])
    error = np.std(found) / 20
    assert np.mean(found) == pytest.approx(9 * (1 / 2000 + 1 / 1000), abs=4 * error)


def test_bins_of_the_psi_are_tenths_of_the_reference() -> None:
    cells = distances.psi_cells(np.arange(1000.0), np.array([-5.0, 2000.0]))
    assert np.bincount(cells.reference).tolist() == [100] * 10
    assert cells.production.tolist() == [0, 9]
