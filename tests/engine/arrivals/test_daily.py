"""Arrivals by the calendar against the counts that a Poisson process has in every slot."""

import numpy as np
import pytest

from simulator.records.timetables import DAY_S, HOUR_S, clock_s
from tests.engine.arrivals.kinds import check_poisson, counts, process

CHECKS = 6


def by_day(per_day, weights, peaks=(), end=DAY_S, **fields):
    return process(end, kind="daily", per_day=per_day, weights=weights, peaks=list(peaks), **fields)


def check(made, edges, expected):
    check_poisson(counts(made, edges), expected, CHECKS)


def test_daily_arrivals_follow_the_weights_of_the_day():
    made = by_day(2400, [1, 0, 3, 2], end=2 * DAY_S)  # a quarter of the day each
    check(made, np.arange(9) * 6 * HOUR_S, [400, 0, 1200, 800] * 2)


def test_a_run_that_starts_in_the_afternoon_meets_the_evening_first():
    made = by_day(2400, [1, 0, 3, 2], starts_at=clock_s("15:00"))
    edges = np.array([0, 3, 9, 15, 21, 24]) * HOUR_S  # from 15:00: the rest of a quarter, three whole ones, half a one
    check(made, edges, [600, 800, 400, 0, 600])


def test_a_peak_takes_its_share_of_the_day_and_the_weights_share_the_rest():
    made = by_day(2400, [1, 1, 1, 1], [{"start": "19:00", "minutes": 90, "share": 0.25}])
    edges = np.array([0, 6, 12, 18, 19, 20.5, 24]) * HOUR_S
    check(made, edges, [450, 450, 450, 75, 600 + 112.5, 262.5])


def test_two_peaks_may_overlap():
    peaks = [{"start": "10:00", "minutes": 120, "share": 0.2}, {"start": "11:00", "minutes": 120, "share": 0.4}]
    edges, shares = by_day(1000, [1], peaks).day_shares()
    assert np.round(edges / HOUR_S).tolist() == [0, 10, 11, 12, 13, 24]
    hourly = 0.4 / 24
    assert shares * HOUR_S == pytest.approx([hourly, hourly + 0.1, hourly + 0.3, hourly + 0.2, hourly])


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [5, 0, 0, 1, 2, 2, 7]])
def test_the_rates_of_a_day_add_up_to_its_requests(weights):
    made = by_day(5000, weights, [{"start": "09:10", "minutes": 7, "share": 0.3}], end=3 * DAY_S, starts_at=8 * HOUR_S)
    edges, shares = made.day_shares()
    assert (np.diff(edges) * shares).sum() == pytest.approx(1)
    assert made.mean_rate * DAY_S == pytest.approx(5000)
    assert made.expected == pytest.approx(15_000)
    assert made.rates_in_run()[1] == pytest.approx(5000 * shares.max())


def test_a_spike_multiplies_the_rate_of_its_hours_and_moves_nothing_after_it():
    spike = {"at_s": 5 * HOUR_S, "seconds": 2 * HOUR_S, "times": 3}  # the quarter changes in the middle of it
    made = by_day(2400, [1, 2, 3, 6], spikes=[spike])
    check(made, np.array([0, 5, 6, 7, 12, 18, 24]) * HOUR_S, [200 * 5 / 6, 100, 200, 400 * 5 / 6, 600, 1200])
    assert made.expected == pytest.approx(2400 + 2 * 100 / 3 + 2 * 200 / 3)
    assert made.rates_in_run()[1] == pytest.approx(1200 / (6 * HOUR_S))  # the last quarter is busier than the spike


WEEK = [5, 4, 4, 4, 3, 1, 0]


def test_weekly_arrivals_follow_the_days_of_the_week_and_the_weights_of_the_day():
    made = process(8 * DAY_S, kind="weekly", per_week=2100, days=WEEK, weights=[1, 2])
    days = np.array([*WEEK, WEEK[0]]) * 100
    check(made, np.arange(17) * DAY_S / 2, np.outer(days, [1 / 3, 2 / 3]).ravel())
    assert made.expected == pytest.approx(2600)


def test_a_week_may_begin_on_friday_afternoon():
    fields = {"kind": "weekly", "per_week": 2100, "days": WEEK, "weights": [1], "starts_on": "friday"}
    made = process(3 * DAY_S, starts_at=12 * HOUR_S, **fields)
    check(made, np.array([0, 0.5, 1.5, 2.5, 3]) * DAY_S, [150, 100, 0, 250])
