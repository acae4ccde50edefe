"""Autocorrelation times of known processes, the blocks that follow, and independent rows."""

import numpy as np
import pytest

from simulator.monitors.blocks import (
    autocorrelation_time,
    block_length,
    contiguous,
    edge_of,
    grouped,
    independent_rows,
    neighbours_alike,
)
from tests.monitors.worlds import ar1, scenes, slow


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_an_ar1_series_has_its_known_autocorrelation_time(phi: float) -> None:
    times = [autocorrelation_time(ar1(np.random.default_rng(seed), 20_000, phi)) for seed in range(30)]
    assert np.mean(times) == pytest.approx((1 + phi) / (1 - phi), rel=0.08)


@pytest.mark.parametrize("phi", [0.5, 0.9])
def test_an_ar1_series_has_its_known_edge(phi: float) -> None:
    """The variance of a sum of L rows is that of L - 2 phi / (1 - phi^2) rows of endless blocks; long stretches add to it."""
    truth = 2 * phi / (1 - phi**2)
    edges = [edge_of([ar1(np.random.default_rng(seed), 20_000, phi)]).rows for seed in range(30)]
    assert truth < np.median(edges) < 1.8 * truth


def test_a_slow_part_under_noise_is_seen_by_its_stretches() -> None:
    """Its edge, 2 sum(k rho) over the autocorrelation time: of single rows alone it would look like 0.6 rows."""
    truth = 2 * 0.3 * 0.98 / 0.02**2 / (0.7 + 0.3 * 99)
    edges = [edge_of([slow(np.random.default_rng(seed))]) for seed in range(60)]
    assert 0.9 * truth < np.median([edge.rows for edge in edges]) < 1.8 * truth
    assert np.mean([edge.alike > 2 * edge.beside for edge in edges]) > 0.6


def test_a_spread_that_comes_and_goes_is_seen_though_the_mean_stays() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=5000) * np.repeat(rng.choice([0.2, 3.0], 100), 50)
    assert autocorrelation_time(values) < 3 < 10 < edge_of([values]).rows


def test_blocks_are_single_rows_where_rows_are_independent_and_long_where_they_are_not() -> None:
    rng = np.random.default_rng(1)
    lengths = [block_length([rng.normal(size=500)], (500, 500)) for _ in range(40)]
    assert np.mean(np.array(lengths) <= 3) > 0.85
    assert block_length([ar1(rng, 5000, 0.9)], (5000, 5000)) >= 6 * 9.47
    assert block_length([np.ones(500)], (500, 500)) == 1
    assert block_length([np.arange(500.0)], (500, 500)) > 500  # a file that only rises is one block


def test_many_rows_are_joined_for_speed_while_either_file_keeps_200_blocks() -> None:
    white = [np.random.default_rng(2).normal(size=400)]
    assert block_length(white, (100_000, 100_000)) == 100
    assert block_length(white, (100_000, 400)) == 2


def test_a_short_rest_joins_the_last_block_and_a_long_one_is_a_block() -> None:
    assert contiguous((10, 14), 4).reference.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert contiguous((9, 14), 4).reference.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert contiguous((3, 14), 4).counts == (1, 4)
    assert grouped(["b", "a", "b"], [7, 7, 8]).counts == (2, 2)


def test_independent_rows_follow_from_the_variance_of_the_mean() -> None:
    """Of AR(1): n (1 - phi) / (1 + phi). Of rows that are copies in tens: a tenth. Of independent rows: all, and no more."""
    counted = [
        independent_rows(ar1(np.random.default_rng(seed), 10_000, 0.8), contiguous((10_000, 1), 100).reference)
        for seed in range(10)
    ]
    assert np.mean(counted) == pytest.approx(10_000 / 9, rel=0.15)
    rng = np.random.default_rng(0)
    assert independent_rows(np.repeat(rng.normal(size=300), 10), np.repeat(np.arange(300), 10)) == pytest.approx(300, rel=0.01)
    assert 400 < independent_rows(rng.normal(size=500), np.arange(500)) <= 500
    assert independent_rows(np.ones(50), np.arange(50)) == 50


def test_groups_that_are_too_short_are_found_out() -> None:
    series = ar1(np.random.default_rng(0), 2000, 0.95)
    assert neighbours_alike(series, np.arange(2000) // 10) > 0.4
    values, names = scenes(np.random.default_rng(1), 200, 10)
    assert neighbours_alike(values, names) == 0
