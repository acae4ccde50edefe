"""The audit of the cleared against counts by hand, binomial bounds of another library, and draws whose truth is known."""

import numpy as np
import pytest
from scipy.stats import binomtest

from simulator.case.exhibits import audit_gate
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.experiments.cleared_audits import ClearedFlow, cleared_flow, field_sensitivity
from simulator.explain.result import replicate

FLOW = ClearedFlow(cleared=1000, missed=10, found=90, hits=1, false_calls=0.1, minutes=1.5, usd_per_hour=120, usd_a_visit=200)


@pytest.mark.parametrize(("found", "audited", "share"), [(90, 10, 1.0), (180, 2, 0.1), (5000, 3, 0.02), (40, 0, 0.1)])
def test_each_audited_positive_stands_for_one_over_the_share(found: int, audited: int, share: float):
    reported = field_sensitivity(found, audited, share)
    assert reported.value == pytest.approx(found / (found + audited / share))
    bounds = binomtest(audited, found + audited).proportion_ci(0.95, "exact")
    odds = [theta / (1 - theta) / share for theta in (bounds.high, bounds.low)]
    assert (reported.low, reported.high) == pytest.approx(tuple(1 / (1 + one) for one in odds))


def test_without_a_positive_among_the_referred_nothing_is_found():
    assert field_sensitivity(0, 5, 0.1).value == 0


def test_a_forecast_is_the_flow_times_share_and_days():
    forecast = FLOW.audited(0.1, 30)
    assert (forecast.read, forecast.hours, forecast.positives.value) == pytest.approx((3000, 75, 30))
    assert forecast.usd == pytest.approx(75 * 120 + (30 + 0.1 * 2970) * 200)
    assert forecast.sensitivity.value == pytest.approx(0.9)


def test_readers_who_miss_alike_on_both_sides_leave_the_threshold_s_sensitivity():
    """Of 100 positives the model refers 90; readers find 4 in 5 of whatever they read."""
    careless = ClearedFlow(**vars(FLOW) | {"found": 72, "hits": 0.8})
    assert careless.sensitivity == pytest.approx(0.9)


def test_the_interval_narrows_with_the_root_of_the_audited_positives():
    widths = [one.sensitivity.high - one.sensitivity.low for one in (FLOW.audited(0.05, 100), FLOW.audited(0.05, 400))]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.15)


def test_the_gate_of_the_skin_case_is_known_with_its_share():
    plan = compile_plan(load("skin-cancer-triage"), {"audit": "one_in_10"})
    gate = audit_gate(plan.scenario)
    assert gate is not None
    assert (gate.name, gate.share, gate.tag, gate.readers, gate.end) == ("audit", 0.1, "audit", "dermatologist", "cleared")


def test_cases_without_such_a_gate_have_no_audit():
    assert audit_gate(load("production-drift")) is None


def test_the_audit_reads_its_share_and_changes_nobody_else():
    """The same patients come: those cleared without an audit are those cleared or audited with it."""
    scenario = load("skin-cancer-triage")
    without, audited = (simulate(compile_plan(scenario, {"audit": pick}), seed=1).requests for pick in ("none", "one_in_10"))
    cleared, read = without["end"] == "cleared", audited["tag"] == scenario.tags().index("audit") + 1
    assert np.array_equal(cleared, (audited["end"] == "cleared") | read)
    assert read.sum() / cleared.sum() == pytest.approx(0.1, abs=0.015)
    assert np.array_equal(without["answered_s"][cleared], audited["answered_s"][cleared])


def test_the_flow_of_a_run_is_that_of_its_requests():
    plan = compile_plan(load("skin-cancer-triage"), {})
    flow = cleared_flow(replicate(plan, seed=1, replications=2))
    traces = [simulate(plan, seed=1, replication=number).requests for number in range(2)]
    cleared = [trace[trace["end"] == "cleared"] for trace in traces]
    assert flow is not None
    assert flow.cleared == pytest.approx(sum(map(len, cleared)) / 4)  # two replications of two days
    assert flow.missed == pytest.approx(sum(one["positive"].sum() for one in cleared) / 4)
    found = sum((one["positive"] & one["detected"] & one["end"].isin(["clinic", "appointment"])).sum() for one in traces)
    assert flow.found == pytest.approx(found / 4)
