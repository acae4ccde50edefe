"""Advice: what is told of a step is what runs of both designs give, and where no run bears it out nothing is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from simulator.case.load import load
from simulator.case.load import loads as loads_text
from simulator.engine.actions import with_actions
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate as run_once
from simulator.explain import advice
from simulator.explain.advice import AdviceTrials
from simulator.explain.claims import said
from simulator.explain.design_changes import change_design, changes_of_choice, longer_changes
from simulator.explain.judged_changes import Baseline, real_below
from simulator.explain.result import replicate
from simulator.metrics.summary import summarise
from tests.case.texts import changed
from tests.explain.test_reasons import skin, stormy
from tests.sweeps.test_levers import RATE, queue
from tests.truths.queue_formulas import mmc_wait

CASE = "skin-cancer-triage"


@pytest.fixture(autouse=True)
def few_replications(monkeypatch):
    monkeypatch.setattr(advice, "TRIALS", 3)


def picks(plan, choice):
    return [step.pick for step in changes_of_choice(plan, choice)]


def test_a_step_is_another_option_or_the_next_number():
    plan = compile_plan(load(CASE))
    assert picks(plan, "operating_point") == [0.93, 0.97]
    assert picks(plan, "dermatologists") == [15, 17]
    assert picks(plan, "precision") == ["int8_dynamic", "int8_static"]
    assert picks(compile_plan(load(CASE), {"dermatologists": 30}), "dermatologists") == [29]


def test_a_longer_step_goes_on_the_same_way_to_the_last_number():
    plan = compile_plan(load(CASE), {"operating_point": 0.9})
    down, up = changes_of_choice(plan, "operating_point")
    assert [step.pick for step in longer_changes(plan, down)] == [0.8]
    assert [step.pick for step in longer_changes(plan, up)] == [0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1]
    (other, *_) = changes_of_choice(plan, "architecture")
    assert list(longer_changes(plan, other)) == []


@pytest.mark.long
def test_a_late_answer_is_eased_as_much_as_the_runs_say():
    result = skin(decoders=1)
    late = {verdict.metric.name: place for place, verdict in enumerate(result.verdicts) if verdict.metric.is_time}
    assert [name for name, place in late.items() if place in result.reasons] == list(late)
    assert list(late) == ["latency_served_p95_s", "wait_p95_s.dermatologist.urgent"]
    reason = result.reasons[late["latency_served_p95_s"]]
    own, step = reason.advice.move.own, reason.advice.move.step
    looks = reason.advice.move.lever.second_look or advice.TRIALS
    assert looks in (3, 4)
    assert (reason.stage, own.before.metric.name) == ("decode", "latency_served_p95_s")
    assert set(reason.choices) == {"decoding", "decoders", "on_timeout", "foreign_check"}
    assert step.choice in ("decoding", "decoders")
    plans = [result.plan, compile_plan(load(CASE), {"decoders": 1, step.choice: step.pick})]
    now, then = (summarise(run_once(plan, 1, number) for number in range(looks)) for plan in plans)
    change = then["latency_served_p95_s"].value - now["latency_served_p95_s"].value
    assert own.change.change.value == pytest.approx(change)
    assert own.change.change.high < 0 > change


@pytest.mark.long
def test_a_step_that_no_run_bears_out_is_not_told():
    """A third replica lowers the load by a third, and within four minutes no more photos are checked: retries take it all."""
    result = stormy()[1]
    trials = AdviceTrials(result)
    more = next(step for step in changes_of_choice(result.plan, "replicas") if step.pick == 3)
    (trial,) = trials.of(0, more)
    after = replicate(more.plan, 1, 2)
    assert after.stages["check"].load < 0.7 * result.stages["check"].load
    assert not trial.improves
    assert trials.advice(0, {0: [more]}).move is None
    assert (
        "The step that was tried does not improve it noticeably and beyond chance: “Replicas: 2 → 3” ("
        in trials.advice(0, {0: [more]}).sentence
    )


@pytest.mark.long
def test_a_step_that_leaves_another_objective_without_a_figure_says_so_before_its_gain():
    """More people are sent to the dermatologists than they can see, who are enough before."""
    result = skin(dermatologists=17)
    wait = result.verdicts[3]
    assert (wait.metric.name, wait.standing) == ("wait_p95_s.dermatologist.urgent", "met")
    trials = AdviceTrials(result)
    (step,) = [
        step for step in longer_changes(result.plan, changes_of_choice(result.plan, "operating_point")[1]) if step.pick == 0.995
    ]
    (trial,) = trials.of(0, step)
    assert replicate(step.plan, 1, 2).stages["dermatologist"].load > 1
    lever = replace(trial.lever, effects=[effect.if_real for effect in trial.lever.effects])
    sentence = said(replace(trial, lever=lever).claims())
    lost = "leaves “Wait of an urgent referral, 95% within”, which was met, without a figure. It changes “Cancers found” by"
    assert lost in sentence


def test_a_step_that_may_help_by_chance_is_left_to_the_levers(monkeypatch):
    """Of eight changes that do nothing, one has a chance of 3% or less with 22%."""
    _, trials, steps = served(cost=10)
    kept = Baseline.tried

    def unsure(self, change):
        lever = kept(self, change)
        return replace(lever, effects=[replace(effect, chance=0.03) for effect in lever.effects])

    monkeypatch.setattr(Baseline, "tried", unsure)
    told = trials.advice(0, {0: [steps[4]]})
    assert told.move.step.pick == 4
    assert "This may be chance among many steps; a trial of every lever decides it. It may" in told.sentence
    assert "It may make “Cost” (+" in told.sentence
    assert told.effect.endswith("), which may be chance among many steps")


@pytest.mark.parametrize("untried", range(4))
def test_a_change_that_is_real_in_an_advice_is_real_among_all_levers(untried):
    rng = np.random.default_rng(untried)
    for _ in range(200):
        chances = 10 ** rng.uniform(-5, 0, 20)
        some = chances[: rng.integers(1, 20)]
        every = false_discovery_control(chances) <= 0.05
        in_advice = some <= real_below(some, len(chances))
        assert not (in_advice & ~every[: len(some)]).any()
        assert ((chances <= real_below(chances, len(chances))) == every).all()


def test_a_figure_that_appears_is_an_improvement():
    result = skin(dermatologists=10)
    assert result.verdicts[3].estimate is None
    (step,) = [
        step for step in longer_changes(result.plan, changes_of_choice(result.plan, "dermatologists")[1]) if step.pick == 20
    ]
    told = AdviceTrials(result).advice(3, {3: [step]})
    assert told.move.own.change is None
    assert "changes “Wait of an urgent referral, 95% within” from no figure to " in told.sentence


def test_a_step_that_meets_the_objective_comes_before_one_that_only_improves_it():
    """A fourth reader brings the mean time to 1.18 s and a fifth to 1.04 s: only the fifth is below 1.1."""
    means = {count: 1 + mmc_wait(RATE, 1.0, count) for count in (3, 4, 5)}
    assert means[3] > means[4] > 1.1 > means[5]
    made = queue(objectives=[{"metric": "latency_mean_s", "at_most": 1.1, "label": "Mean time"}])
    result = replicate(compile_plan(made), 1, 3)
    four, five = (step for count in (4, 5) for step in [change_design(result.plan, "readers", count)])
    assert AdviceTrials(result).advice(0, {0: [four, five]}).move.step.pick == 5
    assert AdviceTrials(result).advice(0, {0: [four]}).move.step.pick == 4  # where none meets it, the one that improves it


def test_each_change_is_tried_once(monkeypatch):
    ran = []
    kept = Baseline.tried
    monkeypatch.setattr(Baseline, "tried", lambda self, change: ran.append(change) or kept(self, change))
    result = skin()
    trials, steps = AdviceTrials(result), changes_of_choice(result.plan, "dermatologists") * 2
    assert trials.advice(0, {0: steps}).move is None
    assert len(ran) == 2  # though each of the two steps was named twice
    trials.advice(4, {4: steps})
    assert len(ran) == 2


def test_where_picks_change_in_a_run_no_step_is_tried():
    plan = with_actions(compile_plan(load(CASE)), [(43_200.0, {"dermatologists": 20})])
    assert AdviceTrials(replicate(plan, 1, 2)).changes("operating_point") == []


def test_only_choices_that_write_to_what_decides_are_named(evidence):
    other = "  other: {kind: number, label: Other, default: 4, values: [3, 4], set: [stages.classify.max_batch]}"
    text = changed(
        "choices:\n", f"choices:\n{other}\n", "metric: sensitivity, at_least: 0.9", "metric: utilization.reader, at_most: 0"
    )
    result = replicate(compile_plan(loads_text(text)), 1, 3)
    (reason,) = result.reasons.values()
    assert reason.stage == "reader"
    assert reason.choices == ["reading"]


def test_a_change_is_compiled_from_what_the_author_wrote_not_from_what_the_present_pick_wrote(evidence):
    """The present pick writes a batch of two; the other one says nothing of batches, so that the author's four are back."""
    choice = """\
choices:
  serving:
    kind: options
    label: Serving
    default: batched
    options:
      batched: {label: Batched, set: {stages.classify.max_batch: 2}}
      plain: {label: Plain, set: {stages.reader.usd_per_hour.value: 60}}
"""
    plan = compile_plan(loads_text(changed("choices:\n", choice)))
    assert plan.scenario.stages["classify"].max_batch == 2
    (change,) = changes_of_choice(plan, "serving")
    assert change.plan.scenario.stages["classify"].max_batch == plan.authored.stages["classify"].max_batch == 4
    assert change.plan.identity == compile_plan(plan.authored, {"serving": "plain"}).identity


def served(cost, time=1.5):
    """Three readers of a second a case, for whom 2.4 cases a second are too many; they cost 21 USD for 1,000 cases, four 28."""
    objectives = [
        {"metric": "latency_mean_s", "at_most": time, "label": "Mean time"},
        {"metric": "cost_per_1000_usd", "at_most": cost, "label": "Cost"},
    ]
    result = replicate(compile_plan(queue(objectives=objectives)), 1, 3)
    steps = {step.pick: step for name in ("readers", "cost") for step in changes_of_choice(result.plan, name)}
    return result, AdviceTrials(result), steps


def test_an_objective_that_a_step_takes_from_met_is_named_before_its_gain():
    result, trials, steps = served(cost=24)
    assert [verdict.standing for verdict in result.verdicts] == ["not met", "met"]
    told = trials.advice(0, {0: [steps[4]]})
    json = told.move.to_json()
    assert (json["breaks"], json["worse"], told.move.worse) == (["Cost"], ["Cost"], [])
    assert told.sentence.startswith("In a trial run, “Readers: 3 → 4” takes “Cost” from met to not met (+")
    assert told.sentence.index("“Cost”") < told.sentence.index("It changes “Mean time” by −")
    assert "worse" not in told.sentence


def test_a_step_that_only_worsens_an_objective_is_no_near_miss():
    _, trials, steps = served(cost=10)
    told = trials.advice(1, {1: [steps[4]]})
    assert told.move is None
    assert told.sentence == (
        "The step that was tried does not improve it noticeably and beyond chance. It makes it worse."
    )  # a fourth reader costs a third more
    both = trials.advice(1, {1: [steps[4], steps["high"]]}).sentence
    assert both == "None of the 2 steps that were tried improves it noticeably and beyond chance. All of them make it worse."


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_where_no_step_of_its_own_helps_an_objective_those_of_the_others_are_looked_at(order):
    """Pay changes no time. The fourth reader does, and is tried for the cost alone."""
    _, trials, steps = served(cost=10)
    promising = {0: [steps["high"]], 1: [steps[4]]}
    told = {place: trials.advice(place, promising) for place in order}
    assert told[0].move is not None
    assert told[0].move.step.pick == 4
    assert "None of the 2 steps that were tried improves it" in told[1].sentence


def test_a_step_of_another_objective_is_preferred_to_one_that_takes_an_objective_from_met():
    """Both helpful steps are the fourth reader's: at a lower pay, which another objective asks for, the cost stays met."""
    choices = queue().document.data["choices"]
    both = {"stages.r.shifts.0.people": 4, "stages.r.usd_per_hour.value": 40}
    plan_ = queue(choices=choices | {"team": {"kind": "options", "label": "Team", "default": "now", "options": {
        "now": {"label": "Three", "set": {"stages.r.usd_per_hour.value": 60}},
        "four": {"label": "Four at 40 USD", "set": both}}}}, objectives=[
        {"metric": "latency_mean_s", "at_most": 1.5, "label": "Mean time"},
        {"metric": "cost_per_1000_usd", "at_most": 24, "label": "Cost"},
    ])  # fmt: skip
    result = replicate(compile_plan(plan_), 1, 3)
    steps = {step.pick: step for name in ("readers", "team") for step in changes_of_choice(result.plan, name)}
    assert AdviceTrials(result).advice(0, {0: [steps[4]], 1: [steps["four"]]}).move.step.pick == "four"
