"""The lessons of the skin case on experiments are what the audit and the canary compute."""

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.experiments.canary import Canary, canary_report, field_shares, people_a_day
from simulator.experiments.cleared_audits import cleared_flow
from simulator.explain.result import replicate


@pytest.fixture(scope="module")
def run():
    return replicate(compile_plan(load("skin-cancer-triage"), {}), seed=1, replications=3)


def test_a_month_of_two_per_cent_shows_few_cancers_and_ten_per_cent_halve_the_interval(run):
    """About 7 cancers, about 8 points; half as wide, and five times the price."""
    flow = cleared_flow(run)
    small, large = (flow.audited(share, 30) for share in (0.02, 0.1))
    assert 5 <= small.positives.value <= 11
    widths = [one.sensitivity.high - one.sensitivity.low for one in (small, large)]
    assert 0.06 <= widths[0] <= 0.11
    assert widths[1] / widths[0] == pytest.approx(0.5, abs=0.1)
    assert large.usd / small.usd == pytest.approx(5)
    assert large.usd - large.hours * flow.usd_per_hour > large.usd / 2


def test_daily_looks_for_a_month_alarm_in_28_per_cent_and_the_sequential_test_in_fewer_than_5(run):
    referred = field_shares(run, run)[0]
    rows = canary_report(referred, Canary(people_a_day(run), 0.1, 30)).table().set_index("test")
    assert rows.loc["plain test, every day", "false_alarms"] == pytest.approx(0.28, abs=0.04)
    assert rows.loc["sequential test, every day", "false_high"] < 0.05


def test_the_field_s_shares_are_those_of_the_run(run):
    referred, found = field_shares(run, run)
    assert referred.usual == pytest.approx(run.metrics["escalated_share"].value, rel=1e-9)
    assert found.usual <= run.metrics["sensitivity"].value * 0.03
    assert (referred.difference, found.difference) == (0, 0)
