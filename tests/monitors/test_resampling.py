"""Permutations and bootstraps: against every arrangement, the chi-squared law and the known standard error."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from simulator.metrics import distances
from simulator.monitors.blocks import (
    Blocks,
    arrangements,
    dealt_to_production,
    drawn_again,
    grouped,
    permutation_p,
    resampling,
)


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
    assert (arrangements((3, 3)), arrangements((1, 9)), arrangements((500, 500))) == (20, 10, np.inf)


SOURCES = (np.array([0, 0, 0, 1, 1, 2, 2]), np.array([1, 1, 0, 2, 2, 0, 0]))


def test_blocks_change_places_within_their_source() -> None:
    dealt = dealt_to_production(np.random.default_rng(1), 12_000, (7, 7), SOURCES)
    both = np.concatenate(SOURCES)
    for source, blocks in ((0, 3), (1, 2), (2, 2)):
        assert (dealt[:, both == source].sum(axis=1) == blocks).all()
    assert dealt.mean(axis=0) == pytest.approx(np.full(14, 0.5), abs=0.03)
    # Of source 0 six blocks are dealt, three to a file: 20 ways; of the others four, two to a file: 6 ways.
    assert arrangements((7, 7), SOURCES) == 20 * 6 * 6
    assert len(np.unique(dealt, axis=0)) == 720


def test_blocks_drawn_again_within_their_source_vary_as_a_mean_of_independent_blocks_does() -> None:
    values = np.random.default_rng(2).normal(size=7) + 100 * SOURCES[0]
    drawn = drawn_again(np.random.default_rng(3), 200_000, 7, SOURCES[0])
    assert drawn.sum(axis=1) == pytest.approx(np.full(200_000, 7))
    # The variance of a sum over strata: n times the unbiased variance within each (Cochran 1977, section 5.3).
    expected = sum(len(part) * part.var(ddof=1) for part in (values[SOURCES[0] == one] for one in range(3)))
    assert (drawn @ values).var() == pytest.approx(expected, rel=0.02)
