"""Permutations and bootstraps: against every arrangement, the chi-squared law and the known standard error."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from simulator.metrics import distances
from simulator.monitors.blocks import Blocks, grouped
from simulator.monitors.resampling import arrangements, permutation_p, resampling


def test_p_of_blocks_is_that_of_all_arrangements() -> None:
    """Three blocks of the reference and three of production: of the 20 ways to deal them, two are as extreme as this one."""
    reference, production = np.repeat([0, 1, 2], 4), np.repeat([5, 6, 3], 4)
    cells = distances.cells_of_numbers(reference.astype(float), production.astype(float))
    rows = resampling((cells.reference, cells.production), len(cells.support), grouped(reference, production))
    assert rows.arrangements == 20
    values = np.array([0, 1, 2, 5, 6, 3])
    exact = np.mean([abs(stats.ks_2samp(order[:3], order[3:]).statistic) >= 1 for order in permutations(values)])
    assert exact == pytest.approx(0.1)
    found = permutation_p(float(distances.ks(*rows.counted)[0]), rows.permuted(distances.ks, 9999, 0))
    assert found == pytest.approx(exact, abs=0.01)


def test_p_of_independent_rows_is_that_of_chi_squared() -> None:
    counts = np.array([[200, 150, 50], [170, 160, 70]])
    cells = tuple(np.repeat([0, 1, 2], row) for row in counts)
    rows = resampling((cells[0], cells[1]), 3, None)
    found = permutation_p(float(distances.chi_squared(*rows.counted)[0]), rows.permuted(distances.chi_squared, 9999, 0))
    assert found == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue, abs=0.012)


@pytest.mark.parametrize("blocked", [False, True])
def test_drawing_again_gives_the_known_standard_error(blocked: bool) -> None:
    """Of a difference of means of independent rows, blocks or not: sqrt(1 / n + 1 / m) standard deviations."""
    rng = np.random.default_rng(0)
    reference, production = rng.normal(size=2000), rng.normal(size=1000)
    cells = distances.cells_of_numbers(reference, production)
    blocks = Blocks(np.arange(2000) // 5, np.arange(1000) // 5) if blocked else None
    drawn = resampling((cells.reference, cells.production), len(cells.support), blocks).drawn(
        distances.mean_shift(cells.support, reference.std()), 1500, 0
    )
    assert drawn.std() == pytest.approx(np.sqrt(1 / 2000 + 1 / 1000), rel=0.1)


def test_how_many_arrangements_there_are() -> None:
    assert (arrangements(3, 3), arrangements(1, 9), arrangements(500, 500)) == (20, 10, np.inf)
