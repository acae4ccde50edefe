"""One step either way: against Erlang's formula, against steps that change nothing, and against the runs of the steps."""

from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from simulator.case.load import load, loads
from simulator.case.scenario_parts import Objective
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.explain.design_changes import DesignChange, changes_of_design
from simulator.explain.judged_changes import (
    RESAMPLED_TRIAL,
    SECOND_LOOK,
    TRIAL,
    TRIALS,
    Baseline,
    JudgedChange,
    Lever,
    for_objectives,
    real_below,
    spent_at_first,
)
from simulator.explain.result import replicate
from simulator.intervals import Estimate, Interval
from simulator.metrics.comparisons import Difference, OneSided
from simulator.metrics.measures import measure
from simulator.metrics.paired_samples import chance_of
from simulator.metrics.replications import run_replication, run_replications
from simulator.metrics.summary import Verdict, summary_of
from simulator.sweeps.levers import Levers, LeverSearch
from tests.builders import assumed, checked, document, people
from tests.case.texts import SMALL, changed
from tests.truths.queue_formulas import mmc_wait

RATE = 2.4


def option(label, **values):
    return {"label": label, "set": {f"stages.r.{name}": value for name, value in values.items()}}


def queue(seconds=10_000, **fields):
    """Cases of a second each on average that come to three readers, with levers whose effect is known."""
    reader = people(("00:00", "24:00", 3), label="Readers") | {"minutes": {"exponential_mean": assumed(1 / 60)}}
    choices = {
        "readers": {"kind": "number", "label": "Readers", "default": 3, "min": 3, "max": 5, "step": 1,
                    "set": ["stages.r.shifts.0.people"]},
        "order": {"kind": "options", "label": "Order", "default": "fifo", "options": {
            "fifo": option("First come first served", order="fifo"),
            "again": option("The same under another name", order="fifo"),
            "freshest": option("Newest first", order="freshest")}},
        "cost": {"kind": "options", "label": "Pay", "default": "low", "options": {
            "low": option("60 USD an hour", **{"usd_per_hour.value": 60}),
            "high": option("90 USD an hour", **{"usd_per_hour.value": 90})}},
    }  # fmt: skip
    objectives = [
        {"metric": "latency_mean_s", "at_most": 1.5, "label": "Mean time"},
        {"metric": "cost_per_1000_usd", "at_most": 1, "label": "Cost"},
    ]
    made = document({"r": reader}, seconds=seconds, rate=RATE, choices=choices, objectives=objectives)
    return checked(made | fields)


def tried(plan, seed=1, trials=4, replications=8, steps=None):
    """The steps from a plan, each tried in this process."""
    base = summary_of(plan, seed, [measure(simulate(plan, seed, number)) for number in range(replications)])
    baseline = Baseline(base, trials)
    rows = [
        baseline.lever(step, run_replications(for_objectives(step.plan), seed, trials, options=TRIAL))
        for step in steps or changes_of_design(plan)
    ]
    return Levers(base, trials, len(rows), rows, [])


def row(levers, pick):
    return next(lever for lever in levers.rows if lever.step.pick == pick)


@pytest.fixture(scope="module")
def levers():
    return tried(compile_plan(queue()))


def test_every_choice_is_moved_one_step_either_way():
    scenario = queue()
    picks = [(step.choice, step.pick) for step in changes_of_design(compile_plan(scenario, {"readers": 4, "order": "again"}))]
    assert picks == [("readers", 3), ("readers", 5), ("order", "fifo"), ("order", "freshest"), ("cost", "high")]
    at_the_end = [step.words for step in changes_of_design(compile_plan(scenario)) if step.choice == "readers"]
    assert at_the_end == ["Readers: 3 → 4"]


def test_what_a_reader_more_brings_is_what_erlang_says(levers):
    truth = mmc_wait(RATE, 1.0, 4) - mmc_wait(RATE, 1.0, 3)
    wait = row(levers, 4).effects[0]
    assert wait.change.change.low < truth < wait.change.change.high < 0
    assert wait.change.change.high - wait.change.change.low < 0.5 * abs(truth)
    assert (wait.real, wait.helps, wait.before.standing, wait.after.standing) == (True, True, "not met", "met")


def test_the_figure_one_step_away_is_nearer_to_the_truth_than_the_trials_alone(levers):
    """The paired change is added to the figure of the whole run, so that both doubts are in the interval."""
    after = row(levers, 4).effects[0].after.estimate
    assert after.low < 1 + mmc_wait(RATE, 1.0, 4) < after.high
    base = levers.base.metrics["latency_mean_s"]
    assert after.value == pytest.approx(base.value + row(levers, 4).effects[0].change.change.value)


def test_a_lever_that_changes_nothing_says_so(levers):
    again = row(levers, "again")
    assert [effect.outcome for effect in again.effects] == ["the same", "the same"]
    assert [effect.words for effect in again.effects] == ["no change", "no change"]
    assert (again.idle, again.words) == (True, "changes nothing")
    assert levers.rows[-1] is again


def test_a_price_changes_the_cost_by_just_so_much(levers):
    wait, cost = row(levers, "high").effects
    assert wait.outcome == "the same"
    assert cost.change.change.value == pytest.approx(0.5 * levers.base.metrics["cost_per_1000_usd"].value, rel=0.05)
    assert cost.real
    assert cost.helps is False


def test_what_helps_an_objective_that_is_not_met_comes_first(levers):
    assert levers.rows[0].step.pick == 4
    assert levers.sentence.startswith(
        "1 step brings an objective that is not met noticeably closer. The most useful is “Readers: 3 → 4”: Mean time −"
    )


def costly_step(seconds=10_000):
    """A fourth reader brings the time below its bound, and the cost of 1,000 cases from 21 USD to 28."""
    objectives = [
        {"metric": "latency_mean_s", "at_most": 1.5, "label": "Mean time"},
        {"metric": "cost_per_1000_usd", "at_most": 24, "label": "Cost"},
    ]
    plan = compile_plan(queue(seconds, objectives=objectives))
    return tried(plan, steps=[step for step in changes_of_design(plan) if step.pick == 4])


def test_an_objective_that_the_most_useful_step_takes_from_met_is_named_before_the_gain():
    found = costly_step()
    assert (
        "The most useful is “Readers: 3 → 4”: Cost goes from met to not met after 4 replications, Mean time −" in found.sentence
    )


def test_a_verdict_of_fewer_replications_says_so_and_one_of_as_many_is_that_of_a_run():
    """A fourth reader, tried 4 times beside a run of 8; and tried 8 times, as in a run of the changed design on its own."""
    plan = compile_plan(queue())
    (step,) = [step for step in changes_of_design(plan) if step.pick == 4]
    few, many = (tried(plan, trials=trials, steps=[step]).rows[0].effects[0] for trials in (4, 8))
    assert (few.turn, many.turn) == ("not met → met after 4 replications", "not met → met")
    own = summary_of(step.plan, 1, run_replications(step.plan, 1, 8)).verdicts[0]
    assert many.after.estimate.value == pytest.approx(own.estimate.value)
    assert (many.after.estimate.low, many.after.estimate.high) == pytest.approx((own.estimate.low, own.estimate.high))


def test_a_change_that_is_none_in_truth_is_called_real_as_often_as_promised():
    """Whether the oldest or the newest case is read first, cases wait equally long on average."""
    plan, wrong, runs = compile_plan(queue(seconds=150)), 0, 25
    steps = [step for step in changes_of_design(plan) if step.pick == "freshest"]
    for seed in range(runs):
        (effect, _) = tried(plan, seed, replications=4, steps=steps).rows[0].effects
        assert effect.outcome == "changes"
        wrong += effect.change.significant
        assert effect.change.significant or not effect.real
    assert wrong <= binom.ppf(0.999, runs, 0.05)


@cache
def time_metric():
    return queue().metrics["latency_mean_s"]


def effect_of(value, half, freedom=3, bound=10.0):
    """A change of an objective that stands at 20 and should be at most 10."""
    metric = time_metric()
    at = Interval(20.0, 19.0, 21.0)
    before = Verdict(Objective(metric=metric.name, at_most=bound, label="Wait"), metric, Estimate(20.0, 19.0, 21.0, at))
    change = Interval(value, value - half, value + half)
    found = Difference(metric, at, at, Estimate(value, value - half, value + half, change))
    return JudgedChange(before, before, found, chance=chance_of(found.change, freedom))


def levers_of(*effects):
    step = DesignChange("readers", "Readers", "3", "4", 4, None)
    return Levers(None, 4, len(effects), [Lever(replace(step, pick=at), [effect]) for at, effect in enumerate(effects)], [])


def test_the_chance_of_a_change_is_that_of_students_test():
    """An interval whose end lies at zero is the one of a chance of 5%."""
    assert effect_of(2.0, 2.0).chance == pytest.approx(0.05)
    assert effect_of(-2.0, 2.0).chance == pytest.approx(0.05)
    assert effect_of(2.0, 1.0).chance < 0.01
    assert effect_of(2.0, 0.0).chance == 0


def test_a_step_that_takes_another_objective_further_away_is_less_useful_and_says_so():
    """Both objectives stand at 20 and should be at most 10: one step brings the first by 8 and takes the second by 20."""
    step = DesignChange("readers", "Readers", "3", "4", 4, None)
    dear = Lever(step, [effect_of(-8.0, 0.5), effect_of(20.0, 0.5)])
    fair = Lever(replace(step, after="5"), [effect_of(-6.0, 0.5), effect_of(0.0, 5.0)])
    base = SimpleNamespace(verdicts=[effect.before for effect in dear.effects], outside_brief="")
    assert [row.step.after for row in Levers(base, 4, 2, [dear, fair], []).rows] == ["5", "4"]
    both, alone = (Levers(base, 4, len(rows), rows, []).sentence for rows in ([dear, fair], [dear]))
    assert "The most useful is “Readers: 3 → 5”: Wait −6.00 s" in both
    assert alone.endswith("It makes “Wait” worse.")
    assert "worse" not in both


def test_many_changes_that_are_none_in_truth_are_rarely_called_real():
    """Of forty steps that do nothing two have an interval without zero on average; few tables hold one that is called real."""
    rng, tables, half = np.random.default_rng(0), 100, 3.182446
    called = 0
    for _ in range(tables):
        samples = rng.normal(size=(40, 4))
        means, errors = samples.mean(1), samples.std(1, ddof=1) / 2
        found = levers_of(*(effect_of(mean, half * error) for mean, error in zip(means, errors, strict=True)))
        called += any(lever.effects[0].real for lever in found.rows)
    assert called <= binom.ppf(0.999, tables, 0.05)


def test_two_looks_call_changes_that_are_none_no_more_often_real_than_one():
    """Each of forty steps that do nothing gets sixteen replications where its first four seem to help, as in a search."""
    rng, tables, spent = np.random.default_rng(1), 400, spent_at_first(40)
    called = looked_again = 0
    for _ in range(tables):
        samples = rng.normal(size=(40, SECOND_LOOK))
        first = ttest_1samp(samples[:, :TRIALS], 0, axis=1)
        again = (first.statistic > 0) & (first.pvalue > spent) & (first.pvalue <= 0.05)
        chances = np.where(again, ttest_1samp(samples, 0, axis=1).pvalue + spent, first.pvalue)
        called += (chances <= real_below(chances, 40)).any()
        looked_again += again.sum()
    assert looked_again > tables / 2
    assert called <= binom.ppf(0.999, tables, 0.05)


def noisy_queue():
    """Three readers for 40 s: four replications do not tell a fourth reader's help from chance, sixteen do."""
    objectives = [{"metric": "latency_mean_s", "at_most": 1.7, "label": "Mean time"}]
    return compile_plan(queue(seconds=40, objectives=objectives))


def test_a_step_that_may_help_meets_more_replications_and_a_plain_one_does_not(evidence):
    plan = noisy_queue()
    base = replicate(plan, 5, 20)
    now = Now()
    trying = LeverSearch(base, now.submit)
    while trying.running:
        found = trying.so_far()
    rows = {lever.step.pick: lever for lever in found.rows}
    assert (rows[4].second_look, rows["again"].second_look) == (SECOND_LOOK, 0)
    assert len(now.jobs) == TRIALS * len(trying.steps) + (SECOND_LOOK - TRIALS) * sum(row.second_look > 0 for row in found.rows)
    own = Baseline(base, TRIALS).tried(rows[4].step)
    assert own.effects[0].chance == rows[4].effects[0].chance
    assert own.effects[0].change.change == rows[4].effects[0].change.change
    whole = Baseline(base, SECOND_LOOK).tried(rows[4].step).effects[0]
    assert own.effects[0].chance == pytest.approx(whole.chance + spent_at_first(4))
    assert rows[4].effects[0].real
    assert "A step that seemed to help meets those of the first 16." in found.sense


def test_a_change_is_called_real_beside_many_others_only_if_it_is_far_from_zero():
    alone = levers_of(effect_of(-2.0, 1.8))
    assert alone.rows[0].effects[0].real
    beside = levers_of(effect_of(-2.0, 1.8), *(effect_of(0.1, 1.0) for _ in range(20)))
    assert not any(lever.effects[0].real for lever in beside.rows)
    far = levers_of(effect_of(-8.0, 0.5), *(effect_of(0.1, 1.0) for _ in range(20)))
    assert [lever.effects[0].real for lever in far.rows] == [True] + 20 * [False]


def test_a_gain_is_the_part_of_the_way_to_where_the_objective_is_plainly_met():
    (lever,) = levers_of(effect_of(-5.5, 0.1)).rows
    assert lever.effects[0].gain == pytest.approx(0.5)  # of the way from 21, the upper end, to 10
    (lever,) = levers_of(effect_of(-0.05, 0.001)).rows
    assert lever.effects[0].real
    assert (lever.effects[0].slight, lever.effects[0].gain, lever.words) == (True, 0.0, "next to no change")


class Now:
    """Does each job at once, as an executor with a process to spare would."""

    def __init__(self):
        self.jobs = []

    def submit(self, job, *arguments):
        future = Future()
        future.set_result(job(*arguments))
        self.jobs.append(arguments[-1])
        return future


def test_steps_that_change_a_wait_run_again_for_other_labelled_people(evidence):
    timed = changed("objectives:", "objectives:\n  - {metric: latency_mean_s, at_most: 60, label: Time}")
    base = replicate(compile_plan(loads(timed)), 1, 4)
    now = Now()
    trying = LeverSearch(base, now.submit)
    assert now.jobs.count(TRIAL) == 4 * len(trying.steps)
    first = trying.so_far()
    waits = {lever.step.words: lever.effects[0] for lever in first.tried}
    assert any(effect.pending for effect in waits.values())
    assert not any(effect.real for effect in waits.values() if effect.pending)
    while trying.running:
        last = trying.so_far()
    told = {lever.step.words: lever.effects[0] for lever in last.tried}
    assert now.jobs.count(RESAMPLED_TRIAL) == 4 * sum(effect.pending for effect in waits.values())
    for name, effect in told.items():
        assert not effect.pending
        if waits[name].pending:
            assert effect.change.change.labels is not None
            narrow, wide = (one.change.change.high - one.change.change.low for one in (waits[name], effect))
            assert wide > narrow


def test_a_trial_measures_what_the_objectives_ask_for_as_the_whole_run_does():
    plan = compile_plan(load("skin-cancer-triage"))
    metrics = {objective.metric: plan.scenario.metrics[objective.metric] for objective in plan.scenario.objectives}
    whole, asked = measure(simulate(plan, 1)), run_replication(for_objectives(plan), 1, 0, TRIAL)
    assert asked.figures(metrics) == whole.figures(metrics)
    assert len(asked.figures(metrics)) == len(metrics) == 5
    assert asked.groups.keys() == {"diagnosis.MEL"}
    assert asked.samples.keys() == {"served", "wait.dermatologist", "wait.dermatologist.urgent"}


def test_a_design_that_cannot_run_is_told_and_left_out(evidence):
    unmeasured = """\
  threads:
    kind: options
    label: Threads
    default: one
    options:
      one: {label: One, set: {stages.classify.threads: 1}}
      two: {label: Two, set: {stages.classify.threads: 2}}
"""
    base = replicate(compile_plan(loads(SMALL + unmeasured)), 1, 2)
    trying = LeverSearch(base, Now().submit)
    (refused,) = trying.refused
    assert refused.words == "Threads: One → Two"
    assert "thread" in refused.refused
    assert refused not in trying.steps
    while trying.running:
        trying.so_far()
    assert len(trying.so_far().tried) == len(trying.steps) == 5


def test_a_figure_vanishes_for_any_reason_but_too_few_trials():
    figure = Estimate(0.5, 0.4, 0.6, Interval(0.5, 0.4, 0.6))
    verdict = effect_of(-2.0, 0.5).before

    def outcome_of(before, after):
        return JudgedChange(verdict, verdict, OneSided(verdict.metric, before, after)).outcome

    assert [outcome_of(figure, why) for why in ("no steady state", "no figure", "too few waits")] == [
        "vanishes",
        "vanishes",
        "too few",
    ]
    assert (outcome_of("no figure", figure), outcome_of("no figure", "too few waits")) == ("appears", "the same")
