"""Advice: what is told of a step is what runs of both designs give, and where no run bears it out nothing is."""

import dataclasses
import json

import pytest

from simulator import compile_plan, load
from simulator.analysis.run import advice
from simulator.analysis.run.replicate import replicate
from simulator.scenario.cases import find
from simulator.scenario.load import loads as loads_text
from tests.scenario.texts import changed

CASE = "skin-cancer-triage"


def told(made, replications=2):
    summary = replicate(made, 1, replications)
    return summary, summary.bottleneck


def one(picks, strikes=None):
    """One replication of the skin case."""
    return replicate(compile_plan(load(CASE), picks, strikes), 1, 1)


def mean_time(summary, stage):
    times = summary.stages[stage]
    return times.total_s / times.visits


@pytest.mark.parametrize("strikes", [{}, {"news": 57_600.0}])
def test_one_more_dermatologist_eases_what_both_runs_say_and_nothing_that_is_missed(strikes):
    summary, found = told(compile_plan(load(CASE), {}, strikes))
    (move,) = found.moves
    assert (move.choice, move.pick, move.eased) == ("dermatologists", 17, "time_s")
    now, then = (one({"dermatologists": count}, strikes) for count in (16, 17))
    assert move.trial_before == mean_time(now, "dermatologist")
    assert move.trial_after == mean_time(then, "dermatologist")
    assert move.before == found.load
    assert move.after == pytest.approx(found.load * 16 / 17, rel=1e-3)  # those who gave up count as the mean
    assert f"{found.load:.0%} of what the people" in found.sentence
    assert f"its load from {found.load:.0%} to {found.load * 16 / 17:.0%}" in found.sentence
    assert move.not_eased == [verdict.objective.label for verdict in summary.verdicts if not verdict.met]
    assert found.sentence.endswith(
        'It does not improve "Cancers found", "Melanomas found", "Cost of 1,000 people", which are missed.'
    )


def test_a_missed_latency_is_eased_as_much_as_the_runs_say():
    _, found = told(compile_plan(load(CASE), {"decoders": 1}))
    assert (found.stage, found.objective) == ("decode", "latency_served_p95_s")
    moves = {move.choice: move for move in found.moves}
    assert moves.keys() == {"decoding", "decoders"}
    move = moves["decoders"]
    assert (move.what, move.eased) == ("load at the peak", "latency_served_p95_s")
    assert move.before == pytest.approx(2 * move.after)
    assert move.before > 1 > move.after
    now, then = (one({"decoders": count}).metrics["latency_served_p95_s"].value for count in (1, 2))
    assert (move.trial_before, move.trial_after) == (now, then)
    assert now > 10 > then


def storm(**picks):
    """The shipped case, of which four minutes are enough."""
    text = find("retry-storm").read_text(encoding="utf-8").replace("days: 0.00694444", "days: 0.00277778")
    return compile_plan(loads_text(text), picks)


def test_a_step_that_no_run_bears_out_is_not_told():
    """A third replica lowers the load by a third, and as many photos are turned away: retries take all that it does."""
    summary, found = told(storm())
    assert [move.choice for move in found.moves] == ["retries"]
    assert found.moves[0].eased == "turned_away_share"
    assert found.moves[0].also_eased == ["Retries per photo"]
    more = replicate(storm(replicas=3), 1, 1)
    assert more.stages["check"].load < 0.7 * summary.stages["check"].load
    lost, lost_with_more = (times.turned_away / times.visits for times in (summary.stages["check"], more.stages["check"]))
    assert lost_with_more > lost - advice.FEW


def test_without_retries_more_replicas_do_ease_it():
    _, found = told(storm(retries="none"))
    assert (found.moves[0].choice, found.moves[0].pick) == ("replicas", 3)
    assert "the share turned away there from" in found.sentence


def test_what_was_tried_in_vain_is_named():
    _, found = told(compile_plan(load(CASE), {"dermatologists": 30}))
    assert found.moves == []
    assert "None of the changes tried helps: " in found.sentence
    assert "No single change of a choice" not in found.sentence
    assert found.sentence.count(" instead of ") == advice.TRIED


DELAY = "  delay: {kind: number, label: Delay, default: 500, values: [0, 100, 500], set: [stages.classify.max_queue_delay_ms]}"


def small(choice, delay=0, rate=1.0):
    """The small case, where hardly any request goes on to people, with a choice that writes to its pool."""
    text = changed("choices:\n", f"choices:\n{choice}\n", "max_batch: 4\n", f"max_batch: 4\n    max_queue_delay_ms: {delay}\n",
                   "at_sensitivity: 0.5, to: reader, tag: urgent", "at_sensitivity: 0.5, to: cleared, tag: urgent",
                   "at_sensitivity: 0.9, to: reader", "at_sensitivity: 0.9, to: cleared", "- {to: cleared}", "- {to: reader}",
                   "value: 0.1, assumed", f"value: {rate}, assumed", "value: 0.05", "value: 0.0001")  # fmt: skip
    return compile_plan(loads_text(text))


def test_what_shortens_a_wait_for_company_is_a_shorter_delay(evidence):
    _, found = told(small(DELAY, delay=500))
    (move,) = found.moves
    assert (found.stage, move.choice, move.pick, move.what) == ("classify", "delay", 100, "batching delay")
    assert (move.before, move.after) == (0.5, 0.1)
    assert move.trial_before > 2 * move.trial_after
    assert "and its longest batching delay from 500 ms to 100 ms." in found.sentence


def test_no_step_of_a_choice_is_said_to_ease_it_where_every_one_was_tried(evidence):
    """Requests come so rarely that none meets another: how large a batch may be makes no difference."""
    size = "  size: {kind: number, label: Size, default: 4, values: [3, 4], set: [stages.classify.max_batch]}"
    _, found = told(small(size, rate=0.01))
    assert (found.stage, found.moves) == ("classify", [])
    assert found.sentence.endswith("No single change of a choice helps; tried: Size at “3” instead of “4”.")


def test_where_no_choice_writes_to_the_stage_that_is_said(evidence):
    other = "  other: {kind: number, label: Other, default: 9, values: [8, 9], set: [stages.reader.shifts.0.people]}"
    _, found = told(small(other))
    assert found.stage == "classify"
    assert found.sentence.endswith("No choice in this case changes it.")


def test_a_trial_takes_a_replication_for_thirty_of_the_run(monkeypatch):
    asked = []
    kept = advice._trial
    monkeypatch.setattr(advice, "_trial", lambda summary, plan: asked.append(kept(summary, plan)) or asked[-1])
    summary = dataclasses.replace(replicate(compile_plan(load(CASE)), 1, 2), replications=31)
    assert json.dumps(summary.bottleneck.to_json())
    assert [trial.replications for trial in asked] == [2, 2]


def test_an_objective_that_a_trial_is_too_short_to_tell_is_said_neither_to_be_eased_nor_not(monkeypatch):
    kept = advice._trial

    def untold(summary, plan):
        found = kept(summary, plan)
        return dataclasses.replace(found, verdicts=[dataclasses.replace(one, estimate=None) for one in found.verdicts])

    monkeypatch.setattr(advice, "_trial", untold)
    _, found = told(compile_plan(load(CASE), {"decoders": 1}))
    assert (found.objective, found.moves[0].eased) == ("latency_served_p95_s", "time_s")
    assert found.moves[0].also_eased == found.moves[0].not_eased == []
