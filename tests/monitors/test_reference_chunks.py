"""Windows and bands: against the t distribution, by hand, and for the hours of the day."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simulator.monitors.drift_course import ReferenceChunks, clock_of_rows, clock_of_times, window_means


def test_the_band_of_one_window_is_the_prediction_interval_of_the_textbook():
    """Mean and deviation of k chunks, t of k - 1 degrees, and sqrt(1 + 1 / k) for a further one (Montgomery 2013)."""
    values = np.array([4.0, 6.0, 5.0, 7.0, 3.0, 5.0])
    chunks = ReferenceChunks.of(window_means(values, np.arange(6)), 1)
    half = float(chunks.half_width(np.array([9]), 0.05)[0])
    assert float(chunks.centres(np.array([9]))[0]) == 5.0
    assert half == pytest.approx(stats.t.ppf(0.975, 5) * values.std(ddof=1) * np.sqrt(7 / 6))


def test_a_quiet_window_leaves_the_band_with_the_promised_chance():
    rng = np.random.default_rng(0)
    out = []
    for _ in range(400):
        chunks = ReferenceChunks.of(window_means(rng.normal(size=40), np.arange(40)), 4)
        fresh = np.arange(40, 60)
        out.append(np.abs(rng.normal(size=20) - chunks.centres(fresh)) > chunks.half_width(fresh, 0.1))
    assert np.mean(out) == pytest.approx(0.1, abs=0.02)


def test_windows_compare_the_same_hours_of_the_day():
    hours = np.arange(0, 96, 0.5)
    clock = clock_of_times(hours, hours, 1, 6.0)
    assert clock.slots == 4
    means = window_means(np.cos(2 * np.pi * hours / 24) + 0.01 * np.random.default_rng(0).normal(size=192), clock.reference)
    chunks = ReferenceChunks.of(means, clock.slots)
    assert chunks.count.tolist() == [4, 4, 4, 4]
    assert float(chunks.spread.max()) < 0.02 < float(np.ptp(chunks.centre))


def test_of_a_reference_that_is_shorter_than_two_days_the_hour_does_not_matter():
    hours = np.arange(0, 30, 0.5)
    assert clock_of_times(hours, hours, 1, 6.0).slots == 1
    assert clock_of_times(np.arange(0, 96.0), hours, 1, 5.0).slots == 1


@pytest.mark.parametrize(("span_h", "step_h", "width"), [(168, 0.05, 3.0), (2, 0.001, 1 / 12), (5, 0.5, 6.0), (9000, 1, 168.0)])
def test_windows_divide_a_day_and_hold_ten_rows(span_h, step_h, width):
    hours = np.arange(0, span_h, step_h)
    assert clock_of_times(hours, hours, 60).width == pytest.approx(width)


def test_without_times_windows_are_stretches_of_rows():
    clock = clock_of_rows(100, 95, 5)
    assert (clock.width, clock.production.max(), clock.begins(2)) == (19, 4, 38)


def test_windows_with_few_rows_and_empty_cells_are_left_out():
    values = np.array([1.0, 3.0, np.nan, 5.0, 7.0, 9.0])
    means = window_means(values, np.array([0, 0, 0, 1, 1, 2]))
    assert (means.windows.tolist(), means.value.tolist(), means.rows.tolist()) == ([0, 1, 2], [2, 6, 9], [2, 2, 1])
    assert window_means(values, np.array([0, 0, 0, 0, 0, 2])).windows.tolist() == [0]


def test_a_constant_reference_has_no_band():
    chunks = ReferenceChunks.of(window_means(np.ones(10), np.arange(10)), 1)
    assert np.isnan(chunks.half_width(np.array([0]), 0.05)).all()
