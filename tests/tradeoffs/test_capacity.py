"""Capacity of a queue that theory knows, the fewest servers, and what each nine costs."""

from dataclasses import replace

import pytest

from simulator.case.load import loads
from simulator.explain.result import replicate
from simulator.intervals import Interval, estimate
from simulator.metrics.summary import Verdict
from simulator.sweeps.sweep import SweepRequest
from simulator.tradeoffs.breakeven_claims import Answer, claims_of
from simulator.tradeoffs.capacity import Loading, by_the_nine
from tests.sweeps.test_sweep import Here
from tests.tradeoffs.made import outcome
from tests.truths.queue_formulas import mmc_wait

#: Readers whose service is exponential, one minute on average: a queue M/M/c.
QUEUE = """\
id: queue
version: 1
title: Queue
summary: A queue
brief: A test
run: {starts_at: "00:00", days: 2, drain_days: 1, replications: 4}
arrivals:
  kind: poisson
  rate_per_s: {value: 0.02, assumed: a test}
population:
  positive: ill
  negative: healthy
  prevalence: {value: 0.5, assumed: a test}
start: reader
stages:
  reader:
    kind: people
    label: Reader
    shifts: [{start: "00:00", end: "24:00", people: 2}]
    minutes: {exponential_mean: {value: 1, assumed: a test}}
    usd_per_hour: {value: 60, assumed: a test}
    sensitivity: {value: 1, assumed: a test}
    specificity: {value: 1, assumed: a test}
    positive_to: done
    negative_to: done
ends:
  done:
    label: Done
    escalated: false
    detected: {value: 1, assumed: a test}
    usd: {value: 0, assumed: a test}
objectives:
  - {metric: latency_mean_s, at_most: BOUND, label: Mean}
choices:
  readers:
    kind: number
    label: Readers
    default: 2
    min: 1
    max: 8
    step: 1
    set: [stages.reader.shifts.0.people]
"""


def requested(bound: float, **fields) -> SweepRequest:
    scenario = loads(QUEUE.replace("BOUND", str(bound)))
    metrics = ["latency_mean_s", "cost_per_1000_usd"]
    return SweepRequest(**({"scenario": scenario, "axes": [], "metrics": metrics, "points": [], "replications": 4} | fields))


@pytest.fixture(scope="module")
def carried():
    made = requested(120.0)
    return Loading(made, claims_of(made.scenario), Here().submit).find()


def test_the_most_traffic_of_a_queue_is_that_at_which_theory_says_its_mean_reaches_the_bound(carried):
    """M/M/2 with a service of 60 s has a mean of 120 s at a load of sqrt(1/2): 60 / (1 - load^2)."""
    rate = 2 * 0.5**0.5 / 60
    assert 60 + mmc_wait(rate, 1 / 60, 2) == pytest.approx(120)
    where = carried.binding.upper
    assert where.low <= rate / 0.02 <= where.high
    assert where.high - where.low < 0.25
    assert carried.rate == pytest.approx(0.02, rel=0.05)
    assert "is the first that is no longer met as traffic grows, beyond" in carried.sentences[0]


def test_headroom_is_named_only_where_runs_show_it(carried):
    """The traffic of the case is 1: an interval around it says neither that there is room nor that there is none."""
    limit = carried.binding
    assert carried.sentences[0].endswith(f"The headroom is {limit.upper.at - 1:.0%}.") == (limit.upper.low > 1)
    for low, high, words in [
        (0.9, 1.3, "Runs do not show whether the case brings more than that."),
        (1.05, 1.3, "The headroom is 20%."),
    ]:
        other = replace(limit, upper=replace(limit.upper, at=1.2, low=low, high=high))
        assert replace(carried, limits=[other]).sentences[0].endswith(words)


def test_traffic_that_is_too_little_is_named_where_its_turn_is_not_known(carried):
    """Runs show that the objective fails at a quarter and at half of the traffic, and is met from there on."""
    (claim,) = carried.objectives
    sides = {0.25: 130.0, 0.5: 121.0, 1.0: 90.0, 2.0: 95.0}
    loading = Loading(carried.request, [claim], Here().submit)
    loading._answer = lambda claim, times, seed=None: Answer(
        Verdict(claim.objective, claim.metric, estimate(Interval(sides[times], sides[times] - 0.5, sides[times] + 0.5)))
    )
    loading._resolved = lambda claim, low, high: None
    limit = loading._limit(claim, list(sides))
    assert (limit.lower, limit.met, limit.failing) == (None, (1.0, 2.0), (0.25, 0.5))
    said = replace(carried, limits=[limit]).sentences
    assert "“Mean at most 2.00 min” is not met at 0.25 to 0.5 times the traffic, and met from 1 times on." in said


def test_every_load_has_the_verdict_that_the_card_has_there(carried):
    (objective,) = carried.request.scenario.objectives
    for load in carried.loads:
        card = Verdict(objective, carried.objectives[0].metric, load.outcome.metrics.get("latency_mean_s")).standing
        words = "Mean at most 2.00 min"
        expected = {
            "met": ("", "", ""),
            "not met": (words, "", ""),
            "not proven": ("", words, ""),
            "no figure": ("", "", f"{words} (no steady state)"),
        }
        assert load.shortfalls(carried.objectives) == expected[card]
    verdicts = [one["verdicts"]["latency_mean_s"] for one in carried.to_json()["loads"]]
    assert {"met", "not met"} <= {*verdicts}


def test_an_objective_without_a_figure_is_not_said_to_fail_and_the_claim_says_why(carried):
    """With the least traffic too few wait: the objective has a column of its own, and the sentence names the reason."""
    least = carried.loads[0]
    bare = replace(least.outcome, metrics={}, missing_reasons={"latency_mean_s": "too few answers"}, run_hash="bare")
    found = replace(carried, loads=[replace(least, times=0.0625, outcome=bare), *carried.loads[1:]])
    assert found.loads[0].shortfalls(found.objectives) == ("", "", "Mean at most 2.00 min (too few answers)")
    (said,) = [claim for claim in found.claims if claim.run == "bare"]
    assert (said.subject, said.relation, said.value) == ("latency_mean_s", "is", None)
    assert said.words == "“Mean at most 2.00 min” has no figure at 0.0625 times the traffic (too few answers)."


def test_what_a_thousand_cost_falls_with_the_load(carried):
    costs = [load.outcome.value("cost_per_1000_usd") for load in carried.loads if load.times <= carried.binding.most]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) >= 4


@pytest.mark.long
def test_the_fewest_servers_are_those_with_which_theory_meets_the_bound():
    made = requested(75.0, picks={"readers": 8})
    found = Loading(made, claims_of(made.scenario), Here().submit).find()
    (fewest,) = found.least_servers
    means = {count: 60 + mmc_wait(0.02, 1 / 60, count) for count in range(2, 9)}
    assert fewest.pick == min(count for count, mean in means.items() if mean <= 75)
    assert fewest.below.startswith("“Mean at most 75.0 s” ")


def test_an_objective_that_no_traffic_lets_a_design_meet_is_named():
    made = requested(30.0)
    found = Loading(made, claims_of(made.scenario), Here().submit).find()
    assert [one.claim.words for one in found.unmet if one.fails] == ["Mean at most 30.0 s"]
    assert found.sentences == [
        "No run shows that an objective is met, at any traffic that was tried, so the capacity is unknown.",
        "“Mean at most 30.0 s” is not met at any traffic that was tried.",
    ]
    assert all(load.shortfalls(found.objectives) == ("Mean at most 30.0 s", "", "") for load in found.loads)


MISSED = """\
  missed: {label: Missed, escalated: false, detected: {value: 0, assumed: a test}, usd: {value: 0, assumed: a test}}
objectives:
  - {metric: sensitivity, at_least: 0.9, label: Found}
"""
NOISE = (
    QUEUE.replace("sensitivity: {value: 1,", "sensitivity: {value: 0.9,")
    .replace("negative_to: done", "negative_to: missed")
    .replace("objectives:\n", MISSED)
    .replace("BOUND", "120")
)


def test_a_share_that_does_not_depend_on_the_traffic_has_no_capacity():
    """Nine in ten are found at any traffic; a bound at nine in ten is met and missed by chance, and no run decides it."""
    scenario = loads(NOISE)
    made = SweepRequest(scenario, [], ["sensitivity", "latency_mean_s", "cost_per_1000_usd"], [], replications=4)
    found = Loading(made, claims_of(scenario), Here().submit).find()
    (found_share,) = found.unmet
    assert (found_share.claim.label, found_share.fails) == ("Found", False)
    card = replicate(made.plan(made.base), 1, 4).verdicts[0].standing
    assert found_share.statement.value == card
    assert found_share.statement.words.endswith(f"at the traffic of the case it is {card}.")
    assert found_share.statement.words in found.sentences
    assert [limit.claim.label for limit in found.limits] == ["Mean"]


def test_a_number_of_servers_with_which_queues_grow_without_end_is_not_enough():
    """Three readers would be at a load of 100%: fewer meet the bound of the cost too, but their work has no end."""
    text = QUEUE.replace(
        "{metric: latency_mean_s, at_most: BOUND, label: Mean}", "{metric: cost_per_1000_usd, at_most: 9999, label: Cost}"
    )
    scenario = loads(text.replace("value: 0.02", "value: 0.05"))
    request = {"scenario": scenario, "axes": [], "metrics": ["cost_per_1000_usd", "latency_mean_s"], "points": []}
    four = Loading(SweepRequest(**request, picks={"readers": 4}, replications=4), claims_of(scenario), Here().submit).find()
    assert [one.pick for one in four.least_servers] == [4]
    assert four.least_servers[0].below == "the queue of “Reader” grows without end"
    two = Loading(SweepRequest(**request, picks={"readers": 2}, replications=4), claims_of(scenario), Here().submit).find()
    assert two.growing == ["Reader"]
    assert not two.least_servers
    assert any("grows without end" in one for one in two.sentences)


def test_each_nine_costs_what_the_cheapest_design_that_reaches_it_costs():
    outcomes = [outcome({"found": share, "cost": usd}) for share, usd in ((0.85, 1.0), (0.95, 3.0), (0.995, 9.0), (0.992, 7.0))]
    found = by_the_nine(outcomes, "found", "cost")
    assert [(one.place, one.usd and one.usd.value) for one in found] == [(1, 3.0), (3, 7.0), (None, None)]
    assert found[2].words == "none reaches 99.9%"  # nor more nines
    asked = by_the_nine(outcomes, "found", "cost", [0.84], nines=1)
    assert [one.words for one in asked] == ["1.00 USD for 84% or more", "3.00 USD for 90% or more"]
