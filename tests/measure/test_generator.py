"""LoadGen's own schedule, known before it is sent."""

from __future__ import annotations

import numpy as np
from scipy import stats

from simulator.measure.batch_server import answer, drive, schedule


def test_the_schedule_known_beforehand_is_the_one_that_is_sent():
    sent = drive(lambda token, _: answer([token]), 500, 200, seed=3)
    # The rushed schedule's gaps, of 10 µs, are cut to whole ns before they are stretched.
    np.testing.assert_allclose(schedule(500, 200, seed=3), sent.scheduled, rtol=2e-4, atol=1e-6)
    assert (sent.issued >= sent.scheduled).all()
    assert (sent.answered >= sent.issued).all()


def test_its_gaps_are_exponential_and_another_seed_is_another_schedule():
    times = schedule(40, 5_000, seed=1)
    assert stats.kstest(np.diff(times), stats.expon(scale=1 / 40).cdf).pvalue > 0.01
    assert not np.allclose(times, schedule(40, 5_000, seed=2))
