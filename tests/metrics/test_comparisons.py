"""Differences of two designs that met the same requests."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.evidence.latency_tables import constant
from simulator.intervals import Estimate, Interval
from simulator.metrics.comparisons import Difference, compare, differences, side_by_side, undecided
from simulator.metrics.replications import run_replication
from simulator.metrics.summary import summary_of
from tests.builders import assumed, end, pool, population
from tests.builders import plan as plan_of

REPLICATIONS = 3


def run(picks, seed=1):
    plan = compile_plan(load("skin-cancer-triage"), picks)
    measures = [run_replication(plan, seed, replication) for replication in range(REPLICATIONS)]
    return measures, summary_of(plan, seed, measures)


@pytest.fixture(scope="module")
def base():
    return run({})


@pytest.fixture(scope="module")
def wider():
    return run({"operating_point": 0.98})


def moved(before, after):
    return {d.metric.name: d for d in differences(before[1], after[1])}


NOTHING = Interval(0.0, 0.0, 0.0)


def lines(found):
    return [(difference.label, difference.line) for difference in found.all]


def told(metric, label, *bounds):
    """A difference of a metric of the skin-cancer case."""
    labelled = replace(load("skin-cancer-triage").metrics[metric], label=label)
    return Difference(labelled, NOTHING, NOTHING, Estimate(*bounds, run=Interval(*bounds)))


def test_a_design_does_not_differ_from_itself(base):
    for difference in moved(base, base).values():
        assert (difference.change.value, difference.change.low, difference.change.high) == (0, 0, 0)
        assert difference.words == "no change"


def test_a_change_is_that_of_the_summaries(base, wider):
    for name, difference in moved(base, wider).items():
        assert difference.change.value == pytest.approx(wider[1].metrics[name].value - base[1].metrics[name].value)
        assert difference.change.low <= difference.change.value <= difference.change.high


def test_every_metric_that_both_can_quote_is_compared_when_asked_for(base, wider):
    found = differences(base[1], wider[1], every=True)
    assert {one.label for one in found} >= {"Cancers found", "Cancers missed"}  # labels, not names
    names = [difference.metric.name for difference in found]
    assert names == [name for name in wider[1].metrics if name in base[1].metrics]
    for name, difference in zip(names, found, strict=True):
        change = wider[1].metrics[name].value - base[1].metrics[name].value
        assert difference.change.value == pytest.approx(change, abs=1e-6), name


def test_what_may_be_chance_is_told_in_one_sentence():
    found = [
        told("sensitivity", "Cancers found", -0.003, -0.02, 0.014),
        told("latency_p95_s", "Answers", 2.0, 1.0, 3.0),
        told("specificity", "Healthy sent home", 0.01, -0.01, 0.03),
        told("cost_per_1000_usd", "Cost", 0.0, 0.0, 0.0),
    ]
    assert undecided(found) == (
        "Not significantly different: Cancers found (−0.3 points, −2.0 to +1.4 points) and Healthy sent home "
        "(+1.0 points, −1.0 to +3.0 points). Each interval includes zero, so chance alone may explain it."
    )
    assert undecided(found[1:2]) == ""
    verdicts = ["not significantly different", "differs", "not significantly different", "the same"]
    assert [one.verdict for one in found] == verdicts


def test_pairing_narrows_the_interval(base, wider):
    change = moved(base, wider)["sensitivity"].change
    alone = [summary.metrics["sensitivity"] for _, summary in (base, wider)]
    assert change.high - change.low < sum(metric.high - metric.low for metric in alone)


def test_a_lower_threshold_finds_significantly_more(base, wider):
    difference = moved(base, wider)["sensitivity"]
    assert difference.significant
    assert difference.words.startswith("+")
    assert difference.words.endswith("points")


def test_a_time_is_paired_by_replication(base):
    def later(one):
        return replace(one, values=one.values + np.float32(2))

    usual = [replace(m, resampled=None) for m in base[0]]
    slower = [replace(m, samples=m.samples | {"served": later(m.samples["served"])}) for m in usual]
    both = ((measures, replace(base[1], measures=measures)) for measures in (usual, slower))
    change = moved(*both)["latency_served_p95_s"].change
    assert (change.value, change.low, change.high) == pytest.approx((2, 2, 2), abs=1e-5)


@pytest.mark.long
def test_faster_machines_that_are_projected_change_no_wait_for_people(base):
    """Both designs wait for the same labelled people, at the edges of the projection too."""
    wait = "wait_p95_s.dermatologist.urgent"
    change = moved(base, run({"hardware": "t4"}))[wait].change
    labels = base[1].metrics[wait].labels
    assert change.projected is not None
    assert change.high - change.low < 0.1 * (labels.high - labels.low)


def test_the_luck_of_who_was_labelled_is_in_the_interval_of_a_difference(base, wider):
    without = {name for name, difference in moved(base, wider).items() if difference.change.labels is None}
    # Photos are answered before the threshold, and urgent referrals are read before those that a wider one adds.
    assert without == {"latency_served_p95_s", "wait_p95_s.dermatologist.urgent"}
    other = run({"precision": "int8_dynamic"})
    every = differences(base[1], other[1], every=True)
    found = next(difference.change for difference in every if difference.metric.name == "specificity")
    assert found.labels.high - found.labels.low > 5 * (found.run.high - found.run.low)


def test_two_designs_of_a_case_whose_population_has_no_scores_are_compared():
    plans = [
        plan_of({"p": pool()}, constant(0.1), population=population(0.5), ends={"done": end(detected=assumed(share))})
        for share in (0.2, 0.4)
    ]
    both = [[run_replication(made, 0, number) for number in range(5)] for made in plans]
    found = {
        d.metric.name: d
        for d in differences(*(summary_of(made, 0, m) for made, m in zip(plans, both, strict=True)), every=True)
    }
    assert found["sensitivity"].change.value == pytest.approx(0.2, abs=0.1)
    assert found["sensitivity"].change.labels is None


def served_by(replicas, seed=0, count=3, **fields):
    """A pool with an endless queue: 1.2 requests a second, each served in a second."""
    made = plan_of({"p": pool(replicas=replicas) | fields}, constant(1.0), seconds=2_000, rate=1.2, objectives=OBJECTIVES)
    return summary_of(made, seed, [run_replication(made, seed, number) for number in range(count)])


OBJECTIVES = [
    {"metric": "latency_p95_s", "label": "Answers", "at_most": 5},
    {"metric": "done_share", "label": "Served", "at_least": 0.9},
    {"metric": "cost_per_1000_usd", "label": "Cost", "at_most": 5},
]


@pytest.fixture(scope="module")
def overloaded():
    return served_by(1)


@pytest.fixture(scope="module")
def wide():
    return served_by(3)


def test_a_steady_state_gained_comes_first_with_its_reason_and_one_lost_too(overloaded, wide):
    gained, lost = compare(overloaded, wide), compare(wide, overloaded)
    value = wide.metrics["latency_p95_s"].value
    assert lines(gained)[0] == ("Answers", f"no steady state → {value:.2f} s")
    assert lines(lost)[0] == ("Answers", f"{value:.2f} s → no steady state")
    assert {label for label, _ in lines(gained)} == {"Answers", "Served", "Cost"}
    assert gained.rows["metric"].tolist() == [label for label, _ in lines(gained)]
    assert gained.to_json()[0] == {
        "metric": "latency_p95_s",
        "unit": "s",
        "before_untold": "no steady state",
        "after": value,
        "words": f"no steady state → {value:.2f} s",
    }


def test_what_neither_run_can_quote_is_told_too(overloaded):
    other = served_by(1, max_batch=1)
    found = compare(overloaded, other)
    assert lines(found)[-1] == ("Answers", "no steady state in both")
    assert found.rows.iloc[-1].tolist() == ["Answers", *["no steady state"] * 2, "", "", "", "no figure on either side"]


def test_every_metric_of_either_run_is_told_once(overloaded, wide):
    found = compare(overloaded, wide, every=True)
    names = [one.metric.name for one in (*found.one_sided, *found.moved)]
    assert sorted(names) == sorted({*overloaded.metrics, *wide.metrics})


def test_why_a_figure_is_missing_is_known(overloaded):
    assert overloaded.missing["latency_p95_s"] == "no steady state"
    few = served_by(3, count=2)
    cut = replace(few.measures[0], samples={})
    silent = summary_of(few.plan, 0, [cut, cut])
    assert silent.missing["latency_p95_s"] == "no figure"
    assert set(silent.missing) | set(silent.metrics) == set(few.plan.scenario.metrics)


def test_the_largest_change_comes_first_and_chance_last(base, wider):
    found = compare(base[1], wider[1], every=True).moved
    proven = [one.significant for one in found]
    assert proven == sorted(proven, reverse=True)
    # 12 more of 100 working hours, 3 more of 100 cancers, and 3 more of 1,000 referrals are wrong.
    place = [one.metric.name for one in found].index
    assert place("utilization.dermatologist") < place("sensitivity") < place("positive_predictive_value")


def test_other_seeds_are_not_paired_and_fewer_replications_are_compared_as_far_as_both_go(wide):
    other, fewer = served_by(3, seed=5), served_by(3, count=2)
    assert compare(wide, wide).pairing == ""
    assert "seeds differ (0 and 5)" in compare(wide, other).pairing
    found = compare(wide, fewer)
    assert found.pairing.startswith("The runs have 3 and 2 replications. The first 2 of each are compared, ")
    assert [one.change.value for one in found.moved] == [0.0] * len(found.moved)  # the same two replications
    assert found.before.replications == found.after.replications == 2


def test_several_runs_stand_side_by_side_each_against_the_first(overloaded, wide):
    table = side_by_side([wide, overloaded, wide], ["A", "B", "C"])
    assert table.columns.tolist() == ["metric", "A", "B", "C"]
    assert table["metric"].tolist()[:3] == ["Answers", "Served", "Cost"]
    answers = table.iloc[0]
    assert (answers["B"], answers["C"]) == ("no steady state", answers["A"])
    change = next(one for one in compare(wide, overloaded).moved if one.metric.name == "cost_per_1000_usd")
    assert table.iloc[2]["B"].endswith(f"({change.size}, {change.interval})")


def test_runs_side_by_side_show_the_replications_that_all_of_them_have():
    long, short = served_by(3, count=3), served_by(4, count=2)
    first_two = compare(long, short).before
    assert side_by_side([long, short], ["A", "B"])["A"].equals(side_by_side([first_two, short], ["A", "B"])["A"])


def test_a_change_in_too_few_replications_has_no_bounds_and_is_not_claimed(wide):
    empty = {name: replace(one, values=one.values[:0], starts=one.starts * 0) for name, one in wide.measures[0].samples.items()}
    rest = [replace(one, samples=one.samples | empty) for one in wide.measures[1:]]
    thin = summary_of(wide.plan, 0, [wide.measures[0], *rest])
    found = {one.metric.name: one for one in compare(wide, thin, every=True).moved}
    mean = found["latency_mean_s"]
    assert not mean.significant
    assert mean.interval == "unbounded to unbounded"
    assert "low" not in mean.to_json()


@pytest.mark.parametrize(
    ("metric", "change", "words"),
    [
        ("sensitivity", (0.021, 0.01, 0.03), "+2.1 points"),
        ("cost_per_1000_usd", (-3100, -4000, -2000), "−3,100 USD"),
        ("latency_p95_s", (0.5, -0.1, 1.1), "+0.50 s (not significantly different)"),
    ],
)
def test_a_change_is_told_with_its_unit(metric, change, words):
    difference = told(metric, "", *change)
    assert difference.words == words
    assert difference.size == words.removesuffix(" (not significantly different)")


def test_the_bounds_of_a_change_have_their_own_signs():
    assert told("latency_p95_s", "", 0.5, -0.1, 1.1).interval == "−0.10 to +1.10 s"


def test_two_equal_figures_look_equal_however_wide_their_intervals_are():
    """222 ms with an interval of 2 ms or of 200 ms: the change between them carries tens."""
    narrow, wide = Interval(0.2222, 0.2212, 0.2232), Interval(0.2222, 0.1, 0.3)
    assert set(told("latency_p95_s", "", 0.0, -0.1, 0.1).sides_of(narrow, wide)) == {"220 ms"}
    assert set(told("latency_p95_s", "", 0.0, 0.0, 0.0).sides_of(narrow, narrow)) == {"222 ms"}


@pytest.mark.parametrize(
    ("bounds", "interval", "with_interval"),
    [
        ((0.01, 0.002, 0.018), "+0.20 to +1.80 points", "+1.00 points (+0.20 to +1.80)"),
        ((0.0101, -0.4, 0.41), "−40 to +41 points", "+1 point (−40 to +41)"),
        ((-0.01, -0.4, 0.01), "−40 to +1 point", "−1 point (−40 to +1)"),
        ((0.01, 0.01, 0.4), "+1 to +40 points", "+1 point (+1 to +40)"),
    ],
)
def test_a_change_of_one_point_is_in_the_singular_and_shares_its_unit_with_its_interval(bounds, interval, with_interval):
    change = told("sensitivity", "Cancers found", *bounds)
    assert change.interval == interval
    assert change.with_interval == with_interval
