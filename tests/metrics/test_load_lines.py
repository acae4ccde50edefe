"""Bounds of a wait whose load is uncertain, against queues whose times are known in closed form."""

import numpy as np
import pytest
from scipy.stats import t

from simulator.intervals import share_interval
from simulator.metrics.estimates import Estimator, spread_of
from simulator.metrics.label_uncertainty import LEAST_ANSWER, LoadLines, load_lines

SERVICE_S, LONG_S = 60.0, 1e9


def stay(loads):
    """Mean time of M/M/1, whose quantiles are multiples of it."""
    return SERVICE_S / (1 - loads)


def lines_of(load, runs, drawn, span_s=LONG_S):
    """Lines from logarithms of the change of a load, in the runs and in the draws, for one server."""
    return load_lines(load, load * np.exp(drawn), np.full(len(runs), load), load * np.exp(runs), 1.0, SERVICE_S, span_s)


def simulated_stay(customers=2000, worlds=200):
    """The mean time of M/M/1 that begins empty, by its load: Lindley's recursion over as many customers, on common streams."""
    rng, loads = np.random.default_rng(5), np.geomspace(0.2, 2.0, 40)[:, None]
    waits, total = np.zeros((40, worlds)), np.zeros((40, worlds))
    for _ in range(customers):
        total += waits + SERVICE_S
        waits = np.maximum(waits + SERVICE_S * (rng.exponential(size=worlds) - rng.exponential(size=worlds) / loads), 0)
    means = np.log(total.mean(1) / customers)
    return lambda load: np.exp(np.interp(np.log(load), np.log(loads[:, 0]), means))


@pytest.mark.parametrize("seed", range(8))
def test_a_wait_follows_the_draws_of_the_load_and_not_the_luck_of_seven_runs(seed):
    rng, load = np.random.default_rng(seed), 0.7
    runs, drawn = 0.08 * rng.standard_normal(7), 0.08 * rng.standard_normal(1000)
    low, high, _ = lines_of(load, runs, drawn).bounds(np.log(stay(load * np.exp(runs)) / stay(load)))
    true_low, true_high = np.log(np.quantile(stay(load * np.exp(drawn)), [0.025, 0.975]) / stay(load))
    assert high - low == pytest.approx(true_high - true_low, rel=0.25)


def lucky(truth, unsure, worlds, bounds):
    """The number of worlds whose bounds hold the true time, where few labels tell the load with an error."""
    rng, stay_of, held = np.random.default_rng(2), simulated_stay(), 0
    for _ in range(worlds):
        load = truth * np.exp(unsure * rng.standard_normal())
        runs, drawn = unsure * rng.standard_normal(7), unsure * rng.standard_normal(300)
        low, high = bounds(load, runs, drawn, np.log(stay_of(load * np.exp(runs)) / stay_of(load)))
        held += low <= np.log(stay_of(truth) / stay_of(load)) <= high
    return held


def one_line(load, runs, drawn, moved):
    """Bounds by a straight line through the runs alone."""
    slope = runs @ moved / (runs @ runs)
    rest = t.ppf(0.975, len(runs) - 1) * np.sqrt(((moved - slope * runs) ** 2).sum() / (len(runs) - 1))
    low, high = np.quantile(slope * drawn, [0.025, 0.975])
    return -np.hypot(min(low, 0), rest), np.hypot(max(high, 0), rest)


def test_lucky_labels_hide_how_steep_the_queue_is_and_a_second_line_shows_it():
    """The true load is 80%, labels tell it to 25%: one line holds the true time in 85% of the worlds, both in 91%."""
    worlds, span_s = 1000, 2000 * SERVICE_S / 0.8
    both = lucky(0.8, 0.25, worlds, lambda load, runs, drawn, moved: lines_of(load, runs, drawn, span_s).bounds(moved)[:2])
    alone = lucky(0.8, 0.25, worlds, one_line)
    assert share_interval(alone, worlds).high < 0.88 < share_interval(both, worlds).low


def test_a_median_that_stands_still_in_the_runs_may_yet_begin_to_move():
    runs, drawn = np.array([0.1, -0.1, 0.05, -0.05]), np.linspace(-0.3, 0.3, 1001)
    lines = lines_of(0.7, runs, drawn)
    assert lines.bounds(np.zeros(4)) == (0, 0, 0)
    low, high, _ = lines.bounds(np.zeros(4), nothing=True)
    assert high > float(np.quantile(lines.queue_drawn, 0.975)) * LEAST_ANSWER / 2 > 0
    assert low < 0


def test_what_the_load_does_not_explain_counts_in_full():
    runs, drawn = np.array([0.1, -0.1, 0.1, -0.1]), np.zeros(1000)
    rest = np.array([0.2, 0.2, -0.2, -0.2])  # at right angles to the load
    half = t.ppf(0.975, 3) * np.sqrt((rest @ rest) / 3)
    low, high, unexplained = LoadLines(runs, drawn, runs, drawn).bounds(2 * runs + rest)
    assert (low, high) == pytest.approx((-half, half))
    assert unexplained == pytest.approx(np.sqrt(rest @ rest / 3))


def test_without_a_load_in_closed_form_the_runs_alone_count():
    moved = np.array([0.3, -0.1, 0.2, -0.4])
    estimator = Estimator([], None)
    estimator.__dict__["_loads"] = {}
    low, high = estimator._by_load("reader", moved)
    assert (low, high) == pytest.approx((-spread_of(moved), spread_of(moved)))


def test_draws_without_a_load_are_left_out():
    runs, drawn = np.array([0.1, -0.1, 0.05, -0.05]), np.linspace(-0.3, 0.3, 99)
    whole, gaps = lines_of(0.7, runs, drawn), lines_of(0.7, runs, np.append(drawn, np.nan))
    assert gaps.bounds(2 * runs) == whole.bounds(2 * runs)
    assert lines_of(0.7, runs, np.full(3, np.nan)) is None


@pytest.mark.parametrize("gone", ["load", "service"])
def test_a_load_that_stands_still_or_vanishes_has_no_lines(gone):
    runs = np.zeros(4) if gone == "load" else np.array([0.1, -0.1, 0.1, -0.1])
    loads = 0.5 * np.exp(runs)
    assert load_lines(0.5, loads, np.full(4, 0.5), loads, 1.0, 0.0 if gone == "service" else 1.0, LONG_S) is None
