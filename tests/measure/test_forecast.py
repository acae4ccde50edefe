"""Forecasts of servers whose law is known: a machine that wanders is covered, a constant one gets a narrow interval."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy.stats import binomtest, t

from simulator.engine.stages.replicas import TritonRule
from simulator.evidence.fidelity_reports import FidelityOutcome
from simulator.measure.batch_server import Batch, Pending
from simulator.measure.forecast import (
    GAPS_S,
    Machine,
    ServedPath,
    ServerProfile,
    Trouble,
    forecast,
    outcome,
    plausible_speeds,
    predicted,
)

ONE_S, NOISE, REQUESTS = 0.01, 0.05, 250
RULE, PATH = TritonRule(1), ServedPath()
USUAL = np.array([[0.0, ONE_S]] * (len(GAPS_S) + 1))


def calls(rng, speed, count=150):
    """A stretch of calls on a machine of that speed: back to back, each with a little noise of its own."""
    took = ONE_S * speed * np.exp(NOISE * rng.standard_normal(count))
    ends = np.cumsum(took)
    return [Batch([Pending(0, 0, 0.0)], end - one, end, end - one) for one, end in zip(took, ends, strict=True)]


def expected(scheduled, profile, *others, paths=(PATH,)):
    """The forecast of a run of the server with this profile, on a machine with others."""
    machine = Machine({str(number): server for number, server in enumerate([profile, *others])}, list(paths))
    return forecast(RULE, scheduled, profile, 10 * ONE_S, machine)


def study(rng, spread, load):
    """A profile of five stretches and a look at the machine, each with a speed of its own, and then a run with another."""
    speeds = np.exp(spread * rng.standard_normal(7))
    profile = ServerProfile([calls(rng, speed) for speed in speeds[:-1]], 1)
    scheduled = np.cumsum(rng.exponential(ONE_S / load, REQUESTS))
    slowness = speeds[-1] * np.exp(NOISE * rng.standard_normal(REQUESTS))
    real = outcome(scheduled, predicted(RULE, scheduled, PATH, USUAL, Trouble(slowness)), 10 * ONE_S)
    return expected(scheduled, profile), real


def held(found, real, figure):
    return getattr(found.low, figure) <= getattr(real, figure) <= getattr(found.high, figure)


def test_the_speeds_drawn_are_a_prediction_interval_for_the_next_stretch():
    known = [1.0, 1.1, 0.9, 1.2, 1.0]
    drawn, logs = np.log(plausible_speeds(known, [known], 2000)), np.log(known)
    middle = (logs.mean() + logs[-1]) / 2
    assert np.median(drawn) == pytest.approx(middle)
    reach = t.ppf(0.975, 4) * logs.std(ddof=1) * (1 + 1 / 4 + 3 / 20) ** 0.5
    np.testing.assert_allclose(np.percentile(drawn, [2.5, 97.5]), [middle - reach, middle + reach], rtol=0.01)


def test_all_servers_tell_how_far_the_machine_wanders():
    calm, restless = [0.99, 1.0, 1.01, 1.0], [0.8, 1.0, 1.3, 1.0, 0.9]
    drawn = np.log(plausible_speeds(calm, [calm, restless], 2000))
    pooled = (3 * np.log(calm).var(ddof=1) + 4 * np.log(restless).var(ddof=1)) / 7
    reach = t.ppf(0.975, 7) * (pooled * (1 + 1 / 4 + 3 / 16)) ** 0.5
    assert np.ptp(np.percentile(drawn, [2.5, 97.5])) == pytest.approx(2 * reach, rel=0.01)


def share_held(load, studies, figure):
    """The share of studies whose run lies in the interval, with its exact binomial interval."""
    rng = np.random.default_rng(1)
    found = [study(rng, 0.1, load) for _ in range(studies)]
    return binomtest(sum(held(one, real, figure) for one, real in found), len(found)).proportion_ci()


@pytest.mark.long
def test_nineteen_runs_of_twenty_lie_in_the_interval_of_a_machine_that_wanders(monkeypatch):
    monkeypatch.setattr("simulator.measure.forecast.RUNS", 40)
    share = share_held(0.9, 30, "p99_s")
    assert share.low > 0.7
    assert share.high > 0.95


@pytest.mark.long
@pytest.mark.parametrize("load", [0.5, 0.9])
@pytest.mark.parametrize("figure", ["p50_s", "p99_s", "goodput"])
def test_many_forecasts_hold_as_often_as_they_say(load, figure):
    share = share_held(load, 150, figure)
    assert share.low > 0.87
    assert share.high > 0.95


def test_a_constant_machine_has_a_narrow_interval_that_holds():
    found, real = study(np.random.default_rng(2), 0.0, 0.6)
    for figure in ("p50_s", "p95_s", "p99_s"):
        assert held(found, real, figure)
        assert getattr(found.high, figure) / getattr(found.low, figure) < 1.25


def test_near_saturation_a_spread_of_speed_is_a_factor_in_the_waits():
    profile = ServerProfile([calls(np.random.default_rng(3), speed) for speed in (0.9, 1.0, 1.05, 0.95, 1.1, 1.0)], 1)
    gaps = np.random.default_rng(4).exponential(ONE_S, REQUESTS)
    light, heavy = (expected(np.cumsum(gaps / load), profile) for load in (0.3, 0.9))
    assert light.high.p50_s / light.low.p50_s < 2
    assert heavy.high.p50_s / heavy.low.p50_s > 4


def test_stalls_of_the_profile_reach_the_forecast():
    rng = np.random.default_rng(4)
    stretches = [calls(rng, 1.0, count=500) for _ in range(5)]  # as long as the run
    scheduled = np.cumsum(rng.exponential(ONE_S / 0.5, REQUESTS))
    calm = expected(scheduled, ServerProfile(stretches, 1))
    stalled = list(stretches[2])
    last = stalled[-1]
    stalled.append(Batch(last.requests, last.done, last.done + 40 * ONE_S, last.done))
    shaken = expected(scheduled, ServerProfile([*stretches[:2], stalled, *stretches[3:]], 1))
    assert shaken.high.p99_s > 5 * calm.high.p99_s
    assert shaken.high.p50_s < 1.5 * calm.high.p50_s
    assert shaken.low.p99_s == pytest.approx(calm.low.p99_s, rel=0.2)


def test_a_stall_of_one_server_may_meet_another():
    rng = np.random.default_rng(6)
    calm = ServerProfile([calls(rng, 1.0, count=500) for _ in range(3)], 1)
    last = calls(rng, 1.0, count=500)
    last.append(Batch(last[-1].requests, last[-1].done, last[-1].done + 0.5, last[-1].done))
    stalled = ServerProfile([calls(rng, 1.0, count=500), calls(rng, 1.0, count=500), last], 1)
    scheduled = np.cumsum(rng.exponential(ONE_S / 0.5, REQUESTS))
    alone = expected(scheduled, calm)
    together = expected(scheduled, calm, stalled)
    assert alone.high.p99_s < 0.2
    assert 0.3 < together.high.p99_s < 0.7
    assert together.middle.p99_s < 0.2


def test_a_restless_way_is_one_of_those_that_a_run_may_meet():
    rng = np.random.default_rng(7)
    profile = ServerProfile([calls(rng, 1.0) for _ in range(5)], 1)
    scheduled = np.cumsum(rng.exponential(ONE_S / 0.3, REQUESTS))
    restless = ServedPath(before_s=np.where(np.arange(200) < 20, 0.5, 0.0))
    found = expected(scheduled, profile, paths=[PATH] * 3 + [restless])
    assert found.low.p99_s < found.middle.p99_s < 0.2
    assert found.high.p99_s > 0.5


def test_bounds_lie_around_the_middle_in_every_figure():
    found, _ = study(np.random.default_rng(5), 0.1, 0.8)
    assert [field.name for field in fields(found)] == ["low", "middle", "high"]
    for figure in FidelityOutcome.model_fields:
        assert getattr(found.low, figure) <= getattr(found.middle, figure) <= getattr(found.high, figure)
