"""Spikes and other surges: the same change of clock for every kind, and none of them moves the past."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.case_contract import ARRIVAL_KINDS
from simulator.engine.arrivals.arrival import Clock, Process, warped
from simulator.evidence.row_files import Recording
from simulator.records.streams import Streams
from simulator.records.timetables import Surge
from tests.engine.arrivals.kinds import check_poisson, counts, drawn, process, states
from tests.engine.intervals import assert_agrees

RECORDED = Recording(np.arange(0, 190, 0.5))
OPEN = {
    "poisson": {"rate_per_s": 2},
    "constant": {"rate_per_s": 2},
    "gamma": {"rate_per_s": 2, "cv": 2},
    "weibull": {"rate_per_s": 2, "cv": 0.5},
    "mmpp": {"states": states((0, 10), (5, 20))},
    "daily": {"per_day": 172_800, "weights": [1]},
    "weekly": {"per_week": 1_209_600, "days": [1] * 7, "weights": [1]},
    "replay": {"file": "x.csv", "column": "t", "source": "a test"},
    "server": {"rate_per_s": 2, "queries": 300, "bound_s": 1},
}


def of(kind, end=100.0, **fields):
    return process(end, recording=RECORDED, kind=kind, **OPEN[kind], **fields)


def spike(at_s, seconds, times):
    return {"at_s": at_s, "seconds": seconds, "times": times}


def test_a_spike_multiplies_the_rate_in_its_window():
    made = of("poisson", spikes=[spike(20, 30, 4), spike(40, 10, 0.5), spike(90, 50, 0)])
    check_poisson(counts(made, [0, 20, 40, 50, 90, 100]), [40, 160, 40, 80, 0], checks=1)
    assert made.expected == 320
    assert made.rates_in_run()[1] == 8
    assert made.mean_rate == 2


def test_even_spacing_stays_even_within_a_spike():
    times = drawn(of("constant", end=10.0, spikes=[spike(3, 2, 5)]), runs=1)[0]
    assert times == pytest.approx(np.concatenate([np.arange(0, 3, 0.5), np.arange(3, 5, 0.1), np.arange(5, 10, 0.5)]))


def test_a_recording_goes_on_after_a_spike_where_it_was():
    times = drawn(of("replay", spikes=[spike(10, 10, 2)]), runs=1)[0]
    slow, fast, later = np.arange(0, 10, 0.5), np.arange(10, 20, 0.25), np.arange(20, 100, 0.5)
    assert times == pytest.approx(np.concatenate([slow, fast, later]))


@pytest.mark.parametrize("kind", OPEN)
def test_a_surge_leaves_the_requests_before_it_as_they_are(kind):
    plain, surged = (drawn(of(kind), runs=5, surges=surges) for surges in ((), [Surge(40, inf, 3)]))
    for before, after in zip(plain, surged, strict=True):
        assert after[after < 40] == pytest.approx(before[before < 40], abs=1e-9)
    assert sum(map(len, surged)) > sum(map(len, plain))


@pytest.mark.parametrize("kind", OPEN)
def test_a_surge_of_once_changes_nothing(kind):
    for before, after in zip(*(drawn(of(kind), runs=2, surges=s) for s in ((), [Surge(40, 20, 1)])), strict=True):
        assert after == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("kind", OPEN)
def test_as_many_requests_come_as_are_expected(kind):
    made = of(kind, spikes=[spike(20, 15, 3), spike(60, 20, 0.4)])
    number = [len(times) for times in drawn(made, runs=400)]
    if len(set(number)) > 1:
        assert_agrees(number, made.expected, checks=len(OPEN))
    else:
        assert abs(number[0] - made.expected) < 1


def test_every_kind_that_can_be_written_can_be_drawn():
    assert all(issubclass(kind, Process) for kind in ARRIVAL_KINDS.values())
    assert set(OPEN) < set(ARRIVAL_KINDS)


windows = st.builds(spike, st.floats(0, 150), st.floats(0.001, 200), st.sampled_from([0, 0.3, 1, 2.5, 20]))


@given(st.sampled_from(list(OPEN)), st.lists(windows, max_size=4), st.floats(0.01, 300), st.integers(0, 2**31 - 1))
def test_whatever_the_spikes_times_are_sorted_within_the_run_and_the_same_for_the_same_seed(kind, spikes, end, seed):
    made = of(kind, end=end, spikes=spikes)
    times, again = (made.comings(Streams(seed).named("arrivals")).times for _ in range(2))
    assert np.all(np.diff(times) >= 0)
    assert not len(times) or (times[0] >= 0 and times[-1] < end)
    assert np.array_equal(times, again)
    assert made.rates_in_run()[1] * end >= made.expected - 1e-6


def test_times_on_another_clock_are_mapped_back_to_seconds():
    clock = Clock(np.array([0.0, 10, 20, 40]), np.array([1.0, 0, 2]), start=5)  # the run: five slow seconds, ten stopped, fast
    times = warped(lambda total: np.arange(0.5, total + 2), 25, clock)
    assert times == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5, *np.arange(15.25, 25, 0.5)])
