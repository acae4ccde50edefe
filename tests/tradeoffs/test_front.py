"""Fronts against brute force, and dominance claimed only where the truth has one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.load import loads
from simulator.case.outputs import Metric
from simulator.errors import InputError
from simulator.intervals import Estimate, Interval, estimate, mean_interval
from simulator.metrics.paired_samples import PairedSample, is_equal
from simulator.metrics.replications import run_replications
from simulator.sweeps.outcome_cache import DesignOutcome, outcome_of
from simulator.tradeoffs.front import Front, Goal, _best, goal_of, goals_of, missed, strongest_conflict
from simulator.tradeoffs.tradeoff_charts import parallel_chart
from tests.builders import assumed, exponential, plan, pool, scenario
from tests.case.texts import SMALL
from tests.tradeoffs.made import COST, FOUND, LATENCY, outcome

GOALS = [Goal(COST, higher=False), Goal(FOUND, higher=True)]
#: Equal amounts of money are no worse; equal shares that chance made may differ.
MONEY = [GOALS[0], Goal(Metric("found", "Earned", "USD", "higher", "mean", "found"), higher=True)]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_the_best_rows_are_those_that_no_other_row_beats(rows):
    worse = np.array(rows, float)
    expected = [not any((other <= row).all() and (other < row).any() for other in worse) for row in worse]
    assert _best(worse).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=25))
def test_without_luck_the_front_is_that_of_the_plain_values(pairs):
    outcomes = [outcome({"cost": float(cost), "found": float(found)}) for cost, found in pairs]
    front = Front(MONEY, outcomes)
    expected = [not any(c <= cost and f >= found and (c, f) != (cost, found) for c, f in pairs) for cost, found in pairs]
    assert [place in front.by_value for place in range(len(pairs))] == expected
    assert front.places == front.by_value


def test_a_dominance_names_who_is_better_and_by_how_much():
    front = Front(GOALS, [outcome({"cost": 10.0, "found": 0.9}), outcome({"cost": 8.0, "found": 0.95})])
    (found,) = front.dominated.items()
    assert found[0] == 0
    assert found[1].by == 1
    assert [one.value for one in found[1].changes] == pytest.approx([-2.0, 0.05])


def test_a_design_without_a_figure_takes_no_part_and_is_counted():
    front = Front(
        GOALS, [outcome({"cost": 10.0, "found": 0.9}), outcome({"cost": 1.0}), outcome({"cost": 12.0, "found": 0.95})]
    )
    assert front.comparable == [0, 2]
    assert "1 more cannot run, or has no figure" in front.sentence


@pytest.mark.parametrize("count", [1, 5])
def test_a_front_is_over_two_to_four_metrics(count):
    names = ["sensitivity", "cost_per_1000_usd", "latency_p50_s", "latency_p95_s", "latency_p99_s"][:count]
    with pytest.raises(InputError, match=f"over 2 to 4 metrics, got {count}"):
        goals_of(loads(SMALL), names)


def test_which_way_is_better_is_as_the_objective_asks_or_as_the_metric_says():
    scenario = loads(SMALL)
    assert goal_of(scenario, "sensitivity").higher
    assert not goal_of(scenario, "cost_per_1000_usd").higher
    with pytest.raises(InputError, match="neither more nor less of it is always better"):
        goal_of(scenario, "escalated_share")


def noisy(rng: np.random.Generator, costs: list[float], founds: list[float], replications: int = 5) -> list[DesignOutcome]:
    """Designs that meet the same requests: what they have in common is luck, and so is a little of their own."""
    common = rng.normal(0, 1, (2, replications))
    return [
        outcome({"cost": cost + common[0] + rng.normal(0, 0.3, replications),
                 "found": found + 0.02 * common[1] + rng.normal(0, 0.01, replications)})
        for cost, found in zip(costs, founds, strict=True)
    ]  # fmt: skip


def test_of_two_designs_with_the_same_truth_neither_is_said_to_dominate():
    """Whoever claims one at a level of 5% does so in 5 of 100 worlds; binomial, 7 or fewer with a chance of 87%."""
    claims = sum(
        bool(Front(GOALS, noisy(np.random.default_rng(seed), [10.0, 10.0], [0.9, 0.9])).dominated) for seed in range(100)
    )
    assert claims <= 7


def test_of_twenty_designs_with_the_same_truth_none_is_said_to_be_dominated():
    worlds = [Front(GOALS, noisy(np.random.default_rng(seed), [10.0] * 20, [0.9] * 20)) for seed in range(100)]
    assert sum(bool(front.dominated) for front in worlds) <= 7


def test_a_design_that_is_truly_worse_in_both_is_found_out():
    fronts = [Front(GOALS, noisy(np.random.default_rng(seed), [10.0, 13.0], [0.95, 0.80])) for seed in range(100)]
    assert sum(front.dominated.keys() == {1} for front in fronts) >= 95


def test_two_models_of_the_same_roc_are_not_told_apart_by_who_was_labelled():
    """The doubt about who was labelled is that of a hundred positives: a world draws them once for both designs."""

    def world(seed: int) -> list[DesignOutcome]:
        rng = np.random.default_rng(seed)
        found = rng.random((2, 100)) < 0.9  # of the same true sensitivity
        weights = rng.multinomial(100, np.full(100, 0.01), 1000)
        designs = []
        for hits in found:
            share, drawn = float(hits.mean()), weights @ hits / 100
            draws = np.stack([np.zeros(1000), drawn - share, drawn - share])
            run = Interval(share, share, share)
            labels = Interval(share, *np.quantile(drawn, [0.025, 0.975]))
            reading = PairedSample(run=run, parts=np.array([[share * 1000] * 5, [1000.0] * 5]), draws=draws)
            cost = mean_interval(np.full(5, 10.0))
            metrics = {"found": estimate(run, labels), "cost": estimate(cost)}
            readings = {"found": [reading], "cost": [PairedSample(run=cost, parts=np.full((1, 5), 10.0))]}
            designs.append(DesignOutcome({}, {}, 1, 5, metrics=metrics, readings=readings))
        return designs

    share = Metric("found", "Found", "share", "higher", "ratio")
    goals = [Goal(COST, higher=False), Goal(share, higher=True)]
    assert sum(bool(Front(goals, world(seed)).dominated) for seed in range(100)) <= 7


def test_what_a_design_leaves_lying_is_the_best_of_those_that_are_no_worse_in_the_other_goals():
    goals = [*GOALS, Goal(LATENCY, higher=False)]
    rng = np.random.default_rng(2)
    outcomes = [outcome({"cost": float(c), "found": float(f), "latency": float(t)}) for c, f, t in rng.integers(0, 6, (60, 3))]
    own = outcome({"cost": 3.0, "found": 3.0, "latency": 3.0})
    told = {goal.metric.name: outcomes[place] for goal, place in missed(Front(goals, outcomes), own)}
    for name, sign in (("cost", 1), ("found", -1), ("latency", 1)):

        def worse(one: DesignOutcome, metric: str) -> float:
            return one.metrics[metric].value * (-1 if metric == "found" else 1)

        others = {"cost", "found", "latency"} - {name}
        fit = [one for one in outcomes if all(worse(one, other) <= worse(own, other) for other in others)]
        expected = min((worse(one, name) for one in fit), default=np.inf)
        assert (name in told) == (expected < worse(own, name))
        if name in told:
            assert sign * told[name].metrics[name].value == expected


def test_a_design_that_nothing_betters_leaves_nothing_lying():
    outcomes = [outcome({"cost": 5.0, "found": 0.9}), outcome({"cost": 4.0, "found": 0.8})]
    assert missed(Front(GOALS, outcomes), outcome({"cost": 4.0, "found": 0.9})) == []


def test_a_projection_that_leaves_the_sign_open_claims_no_dominance():
    def projected(cost: float, band: float) -> DesignOutcome:
        made = outcome({"cost": cost, "found": 0.9})
        edges = [mean_interval(np.full(4, cost + sign * band)) for sign in (-1, 1)]
        middle = made.readings["cost"][0]
        readings = [middle, *(PairedSample(run=edge, parts=np.full((1, 4), edge.value)) for edge in edges)]
        one = made.metrics["cost"]
        spans = Estimate(one.value, cost - band, cost + band, one.run, None, Interval(cost, cost - band, cost + band))
        return DesignOutcome(
            {}, {}, 1, 4, metrics={**made.metrics, "cost": spans}, readings={**made.readings, "cost": readings}
        )

    measured = outcome({"cost": 9.0, "found": 0.9})
    assert Front(MONEY, [projected(10.0, 0.5), measured]).dominated.keys() == {0}
    assert not Front(MONEY, [projected(10.0, 3.0), measured]).dominated


@pytest.mark.parametrize(("replications", "told"), [(2, True), (4, False)])
def test_two_replications_are_said_to_tell_next_to_nothing_apart(replications, told):
    rng = np.random.default_rng(0)
    outcomes = [
        outcome({"cost": rng.normal(1e4, 500, replications), "found": rng.normal(0.9, 0.02, replications)}) for _ in range(6)
    ]
    front = Front(GOALS, outcomes)
    assert not front.dominated
    assert ("With 2 replications of each design, almost no difference is significant" in front.sentence) is told


def test_a_metric_in_which_no_run_differs_is_named_where_no_design_is_beaten():
    rng = np.random.default_rng(0)
    outcomes = [outcome({"cost": rng.normal(1e4, 500, 4), "found": np.full(4, 1.0)}) for _ in range(4)]
    front = Front(GOALS, outcomes)
    assert not front.dominated
    assert front.sentence.endswith("The runs show no difference in “Found”; a rare one may exist.")


CLASSES = {"all": {"label": "All", "share": assumed(1), "deadline_s": 4}}


def servers_at_a_price(count: int, seed: int, seconds: int = 1000) -> DesignOutcome:
    """M/M/c at 2.5 requests a second of a second each: one more server costs more, and some requests wait less."""
    made = plan({"p": pool(replicas=count)}, exponential(1.0), rate=2.5, seconds=seconds, classes=CLASSES)
    return outcome_of(made, run_replications(made, seed, 4), DesignOutcome({}, {}, seed, 4))


@pytest.mark.parametrize("seconds", [60, 1000])
def test_a_server_that_helps_nobody_in_a_few_runs_does_not_make_a_design_beaten(seconds):
    """All four are on the true front: 1.5%, 0.5%, 0.1% and 0.03% of the requests wait for 7 to 10 servers (Erlang C).

    In 14 of 25 seeds of a minute each, the tenth server helps no request of the four runs. Most requests that are late, or
    that stand at a percentile, did not wait at all.
    """
    for seed in range(25):
        outcomes = [servers_at_a_price(count, seed, seconds) for count in (7, 8, 9, 10)]
        for metric in ("latency_mean_s", "latency_p50_s", "latency_p95_s", "on_time_share"):
            goals = goals_of(scenario({"p": pool()}, classes=CLASSES), ["cost_per_1000_usd", metric])
            assert not Front(goals, outcomes).dominated


def test_a_wait_that_is_surely_zero_in_both_designs_is_no_worse():
    """1.5% wait for 7 servers and 0.5% for 8: 95 in 100 wait for no time in both, and one server is paid in vain."""
    goals = goals_of(scenario({"p": pool()}, classes=CLASSES), ["cost_per_1000_usd", "wait_p95_s.p"])
    assert Front(goals, [servers_at_a_price(count, 0) for count in (7, 8)]).dominated.keys() == {1}


@pytest.mark.parametrize(
    ("before", "after", "equal"),
    [
        ((0.0, 0.0), (0.0, 0.0), True),  # surely none of them wait, though the slowest may wait less
        ((0.0, 0.1), (0.0, 0.0), False),  # the percentile may lie above the tie
        ((0.9, 1.1), (0.9, 1.1), False),  # equal in these runs: a rare request may take another time
    ],
)
def test_an_equal_percentile_is_no_worse_only_where_its_interval_is_one_value(before, after, equal):
    metric = Metric("wait", "Wait", "s", "lower", "quantile", "wait", 0.95)
    old, new = ([PairedSample(run=Interval(low, low, high), parts=np.full((1, 4), low))] for low, high in (before, after))
    assert is_equal(metric, old, new) is equal


@pytest.mark.parametrize(
    ("unit", "events", "labelled", "equal"),
    [("share", 40, False, False), ("share", 40, True, True), ("per 1,000", 0, True, False), ("USD", 0, False, True)],
)
def test_equal_counts_are_no_worse_only_for_labelled_items_and_money(unit, events, labelled, equal):
    metric, draws = Metric("late", "Late", unit, "lower", "share"), np.zeros((3, 10)) if labelled else None
    parts, run = np.array([[events] * 4, [1000.0] * 4]), Interval(events / 1000, events / 1000, events / 1000)
    assert is_equal(metric, *([PairedSample(run=run, parts=parts, draws=draws)],) * 2) is equal


def test_each_axis_of_the_lines_names_its_options():
    """Numbers stand by size and not by their first appearance; of options too close to tell apart, the ends are named."""
    designs = [outcome({"cost": cost, "found": 0.9}) for cost in (3.0, 1.0, 2.0)]
    columns = {"Queue": ["No limit", "40 photos", "No limit"], "Replicas": [10, 2, 3], "Cost": [3.0, 1.0, 2.0]}
    drawn = parallel_chart(Front(GOALS, designs), columns, pd.DataFrame({"cost": [3.0, 1.0, 2.0]})).figure
    named = {place: {} for place in range(3)}
    for note in drawn.layout.annotations:
        named[note.x][note.text] = round(note.y, 3)
    assert named == {0: {"No limit": 0.0, "40 photos": 1.0}, 1: {"2": 0.0, "3": 0.125, "10": 1.0},
                     2: {"1": 0.0, "2": 0.5, "3": 1.0}}  # fmt: skip


def test_the_goals_that_conflict_most_are_those_with_most_pairs_of_designs_in_opposite_orders():
    """Cost is the share that is not found, as where a person checks what the service leaves out; latency grows with it."""
    found, noise = np.linspace(0.5, 0.95, 10), np.random.default_rng(1).permutation(10)
    latency = Goal(LATENCY, higher=False)
    outcomes = [
        outcome({"cost": 100 * (1 - share), "found": share, "latency": float(place)})
        for place, share in zip(noise, found, strict=True)
    ]
    pairs = [(a, b) for a in range(10) for b in range(a)]
    opposed = sum((found[a] > found[b]) == (noise[a] > noise[b]) for a, b in pairs) / len(pairs)
    conflict = strongest_conflict([*GOALS, latency], outcomes)
    assert (conflict.goals[0].metric, conflict.goals[1]) == (COST, latency)
    assert conflict.share == pytest.approx(opposed)
    assert conflict.sentence.startswith("“Cost” and “Latency” conflict most: in ")


def test_where_one_design_is_best_in_everything_no_conflict_is_claimed():
    outcomes = [outcome({"cost": 100 * (1 - share), "found": share}) for share in (0.5, 0.7, 0.9)]
    conflict = strongest_conflict(GOALS, outcomes)
    assert conflict.share == 0
    assert conflict.sentence.startswith("No two objectives conflict noticeably in these designs.")


def test_of_designs_that_do_not_differ_no_conflict_is_claimed():
    conflict = strongest_conflict(GOALS, [outcome({"cost": 1.0, "found": 0.5}), outcome({"cost": 1.0})])
    assert (conflict.goals, conflict.share) == (tuple(GOALS), None)
    assert conflict.sentence == "These designs do not differ in “Cost” and “Found”."


def test_pairs_of_designs_that_do_not_differ_in_a_goal_count_against_its_conflict():
    """Cost and found differ in three of six pairs, cost and latency in five; each of these pairs is in opposite orders."""
    rows = [(1.0, 0.5, 4.0), (2.0, 0.5, 3.0), (2.0, 0.5, 3.0), (3.0, 0.5, 1.0)]
    outcomes = [outcome({"cost": cost, "found": found, "latency": late}) for cost, found, late in rows]
    outcomes[-1] = outcome({"cost": 3.0, "found": 0.9, "latency": 1.0})
    conflict = strongest_conflict([*GOALS, Goal(LATENCY, higher=False)], outcomes)
    assert [goal.metric for goal in conflict.goals] == [COST, LATENCY]
    assert conflict.share == pytest.approx(5 / 6)
