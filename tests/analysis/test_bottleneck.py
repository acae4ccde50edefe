"""The stage that is named, why, and what would move it, on designs whose bottleneck is known."""

import json

import pytest

from simulator import compile_plan, load
from simulator.analysis.replicate import replicate
from simulator.scenario.load import loads as loads_text
from simulator.serving.latency import constant
from simulator.serving.theory import loads
from tests.builders import assumed, link, people, plan, pool
from tests.scenario.texts import changed

CASE = "skin-cancer-triage"


def bottleneck(made, replications=2):
    return replicate(made, 1, replications).bottleneck


def two_pools(fast=0.1, slow=0.5, objectives=(), **fields):
    stages = {"a": pool(to="b", label="First"), "b": pool(label="Second", **fields)}
    return plan(stages, {"a": constant(fast), "b": constant(*[slow] * fields.get("max_batch", 1))}, seconds=1000,
                objectives=list(objectives))  # fmt: skip


def test_it_is_where_requests_spend_most_of_their_time():
    found = bottleneck(two_pools())
    assert (found.stage, found.objective) == ("b", None)
    assert found.share > 0.8
    assert found.load == pytest.approx(0.5, rel=0.1)
    assert "The bottleneck is Second" in found.sentence


def test_more_work_than_can_be_done_comes_before_all_else():
    late = {"metric": "wait_p95_s.a", "at_most": 0, "label": "First wait"}
    found = bottleneck(two_pools(slow=1.5, objectives=[late]))
    assert found.stage == "b"
    assert found.load > 1


def test_a_missed_wait_names_its_stage():
    late = {"metric": "wait_p95_s.a", "at_most": 0.001, "label": "First wait"}
    found = bottleneck(two_pools(fast=0.3, objectives=[late]))
    assert (found.stage, found.objective) == ("a", "wait_p95_s.a")
    assert found.sentence.startswith("First wait is missed.")


def test_a_missed_latency_leads_to_the_stage_with_most_of_it():
    """The link takes longest, but the answer is there before."""
    stages = {
        "a": pool(to="g", label="Model"),
        "g": {"kind": "gate", "label": "G", "by": "quality", "answers": True, "routes": [{"to": "far"}]},
        "far": link("done", 9),
    }
    slow = {"metric": "latency_p95_s", "at_most": 0.1, "label": "Answer"}
    people_who = {"positive": "ill", "negative": "well", "prevalence": assumed(0.5),
                  "quality": {"unusable": assumed(0.1), "auc": assumed(0.9)}}  # fmt: skip
    made = plan(stages, constant(0.2), seconds=1000, objectives=[slow], population=people_who)
    found = bottleneck(made)
    assert (found.stage, found.share) == ("a", 1)
    assert bottleneck(plan(stages, constant(0.2), seconds=1000, population=people_who)).stage == "far"


def test_a_wait_for_company_is_told_as_one():
    found = bottleneck(two_pools(max_batch=8, max_queue_delay_ms=3000))
    assert "is for company in a batch, up to 3.00 s" in found.why
    assert "company" not in bottleneck(two_pools(slow=0.9)).why


def test_what_shortens_a_wait_for_company_is_a_shorter_delay(evidence):
    delay = (
        "  delay: {kind: number, label: Delay, default: 500, values: [0, 100, 500], set: [stages.classify.max_queue_delay_ms]}"
    )
    text = changed("choices:\n", f"choices:\n{delay}\n", "max_batch: 4\n", "max_batch: 4\n    max_queue_delay_ms: 500\n",
                   "at_sensitivity: 0.5, to: reader, tag: urgent", "at_sensitivity: 0.5, to: cleared, tag: urgent",
                   "at_sensitivity: 0.9, to: reader", "at_sensitivity: 0.9, to: cleared", "- {to: cleared}", "- {to: reader}",
                   "value: 0.1, assumed", "value: 1, assumed", "value: 0.05", "value: 0.0001")  # fmt: skip
    found = bottleneck(compile_plan(loads_text(text)))
    (move,) = found.moves
    assert (found.stage, move.choice, move.pick, move.what) == ("classify", "delay", 100, "wait for company")
    assert (move.before, move.after) == (0.5, 0.1)
    assert found.sentence.endswith("Delay at 100 instead of 500 would take its longest wait for company from 500 ms to 100 ms.")


def test_hours_without_anybody_are_told():
    shifts = people(("08:00", "16:00", 2), minutes=1, label="Readers")
    made = plan({"r": shifts}, rate=0.001, run={"days": 2, "drain_days": 1, "replications": 2})
    found = bottleneck(made)
    assert "nobody is on duty for 16 hours a day" in found.why
    assert found.queueing > 0.9


def test_where_nothing_takes_time_there_is_no_bottleneck():
    assert bottleneck(plan({"p": pool()}, constant(0.1), rate=1e-6)) is None


def test_where_nobody_was_answered_it_is_still_where_the_time_goes():
    late = {"metric": "latency_p95_s", "at_most": 1, "label": "Answer"}
    stages = {"a": pool(to="far"), "far": link("done", 50)}  # the run is over after eleven seconds
    found = bottleneck(plan(stages, constant(0.001), seconds=1, rate=50, objectives=[late]))
    assert (found.stage, found.objective) == ("far", None)
    assert "its time does not depend on the load" in found.sentence


@pytest.fixture(scope="module")
def skin():
    return bottleneck(compile_plan(load(CASE)))


def test_in_the_skin_case_it_is_the_dermatologists_and_one_more_eases_them(skin):
    assert skin.stage == "dermatologist"
    (move,) = skin.moves
    assert (move.choice, move.pick) == ("dermatologists", 17)
    before, after = (
        next(found.mean for found in loads(compile_plan(load(CASE), {"dermatologists": count})) if found.stage == skin.stage)
        for count in (16, 17)
    )
    assert (move.before, move.after) == pytest.approx((before, after))
    assert f"from {before:.0%} to {after:.0%}" in skin.sentence
    assert "nobody is on duty for 12 hours a day" in skin.sentence


def test_it_is_an_object_in_json(skin):
    told = json.loads(json.dumps(skin.to_json(), allow_nan=False))
    assert told["stage"] == "dermatologist"
    assert told["moves"][0]["before"] > told["moves"][0]["after"]
    assert "objective" not in told


def test_in_the_skin_case_with_one_decoder_a_second_halves_its_peak():
    found = bottleneck(compile_plan(load(CASE), {"decoders": 1}))
    assert (found.stage, found.objective) == ("decode", "latency_p95_s")
    moves = {move.choice: move for move in found.moves}
    assert moves.keys() == {"decoding", "decoders"}
    assert moves["decoders"].what == "load at the peak"
    assert moves["decoders"].before == pytest.approx(2 * moves["decoders"].after)
    assert moves["decoders"].before > 1 > moves["decoders"].after


def test_with_as_many_people_as_may_be_picked_no_step_helps():
    found = bottleneck(compile_plan(load(CASE), {"dermatologists": 30}))
    assert found.moves == []
    assert found.sentence.endswith("No step of a choice eases it.")


def test_advice_in_a_run_that_something_struck_says_which_loads_it_compares():
    plan = compile_plan(load(CASE), {}, {"news": 57_600.0})
    assert bottleneck(plan).sentence.endswith("Both loads are without what struck.")
