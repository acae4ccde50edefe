"""CUSUM against a stream worked by hand, ADWIN and Page-Hinkley against river itself, and what rearranged streams say."""

import numpy as np
import pytest

from simulator.monitors import column_tests
from tests.monitors.worlds import ar1


def test_cusum_of_a_stream_worked_by_hand() -> None:
    """Up: 0.5, 1.5, 0, 2.5. Down: 0, 0, 1.5, 0. Each value less or more than the allowance of a half."""
    up, down = column_tests.cusum_sums(np.array([[1.0, 1.5, -2.0, 3.0]]))
    assert (up.tolist(), down.tolist()) == ([[0.5, 1.5, 0.0, 2.5]], [[0.0, 0.0, 1.5, 0.0]])


def test_cusum_tells_where_a_shift_began() -> None:
    """Each value of 2.9 adds 2.4, from the fifth on."""
    quiet = np.tile([-1.0, 1.0], 50) * np.sqrt(99 / 100)  # of variance 1
    alarm = column_tests.cusum(quiet, np.array([0.0, 0, 0, 0, 2.9, 2.9, 2.9, 2.9]), 999, 0)
    assert (alarm.block, alarm.statistic) == (4, pytest.approx(9.6))
    assert alarm.p == 0.001
    none = column_tests.cusum(quiet, quiet[:40], 999, 0)
    assert none.block is None and none.p > 0.05


@pytest.mark.parametrize("name", ["adwin", "page_hinkley"])
def test_the_detectors_alarm_where_those_of_river_do(name: str) -> None:
    drift = pytest.importorskip("river.drift")
    make = {"adwin": lambda: drift.ADWIN(delta=0.002, clock=1), "page_hinkley": drift.PageHinkley}[name]
    rng = np.random.default_rng(3)
    reference, production = rng.normal(5, 2, size=120), np.concatenate([rng.normal(5, 2, size=40), rng.normal(11, 2, size=80)])
    detector, alarms = make(), []
    for place, value in enumerate((np.concatenate([reference, production]) - reference.mean()) / reference.std(ddof=1)):
        detector.update(value)
        if detector.drift_detected and place >= 120:
            alarms.append(place - 120)
    alarm = getattr(column_tests, name)(reference, production, 199, 0)
    assert alarm.block == alarms[0] >= 40
    assert alarm.p <= 0.05


@pytest.mark.parametrize("name", ["adwin", "page_hinkley"])
def test_a_quiet_stream_does_not_alarm(name: str) -> None:
    pytest.importorskip("river.drift")
    rng = np.random.default_rng(0)
    alarm = getattr(column_tests, name)(rng.normal(size=100), rng.normal(size=100), 199, 0)
    assert (alarm.block, alarm.p) == (None, 1.0)


def test_blocks_are_joined_in_their_order_and_as_many_in_both_files() -> None:
    first, second = column_tests.joined(np.array([2, 2, 0, 0, 1]), np.array([0, 1, 2]))
    assert (first.tolist(), second.tolist()) == ([0, 0, 1, 1, 2], [0, 1, 2])
    first, second = column_tests.joined(np.arange(1000), np.arange(302))
    assert set(np.bincount(first)) == {4} and np.bincount(second).tolist() == [4] * 74 + [6]
    assert set(np.bincount(column_tests.joined(np.arange(10_000), np.arange(60))[0])) == {3, 4}


def test_the_p_of_cusum_keeps_its_promise_on_independent_means_and_an_autocorrelated_stream_breaks_it() -> None:
    def claims(phi: float) -> float:
        found = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            found.append(column_tests.cusum(ar1(rng, 80, phi), ar1(rng, 40, phi), 199, seed).p <= 0.05)
        return float(np.mean(found))

    assert claims(0.0) <= 0.09
    assert claims(0.8) > 0.2
