"""The share of the time in which the age is within a limit, against hand-drawn teeth and against the age instant by instant."""

import numpy as np
import pytest

from simulator.metrics.ages import known_from, shares_within


def known(*pairs):
    sent, came = np.array(pairs, float).reshape(-1, 2).T
    return known_from(sent, came)


def test_a_tooth_spends_as_long_at_every_age_that_it_has():
    """Teeth from 0 to 3, 2 to 4 and 1 to 5 over 3 + 2 + 4 s: within 2 s for 2 + 0 + 1 of 9."""
    limits, shares = shares_within(known((1, 3), (4, 5)), 9.0)
    assert np.interp([0, 2, 3, 4, 5], limits, shares) == pytest.approx(np.array([0, 3, 6, 8, 9]) / 9)


def test_the_shares_are_those_of_many_instants():
    rng = np.random.default_rng(3)
    sent = np.sort(rng.uniform(0, 500, 2000))
    found = known_from(sent, sent + rng.lognormal(-1, 1, 2000))
    instants = np.arange(0.005, 500, 0.01)
    place = np.searchsorted(found.at, instants, "right")
    age = instants - np.append(0.0, found.sent)[place]
    limits, shares = shares_within(found, 500.0)
    for limit in (0.1, 0.3, 0.5, 1.0):
        assert np.interp(limit, limits, shares) == pytest.approx(np.mean(age <= limit), abs=0.003)


def test_where_nothing_comes_every_age_takes_as_long():
    limits, shares = shares_within(known(), 10.0)
    assert np.interp(4, limits, shares) == pytest.approx(0.4)
