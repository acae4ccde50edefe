"""The stage that is named, why, and what would move it, on designs whose bottleneck is known."""

import json

import pytest

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.theory.loads import loads
from tests.builders import arrivals_at, assumed, link, people, plan, pool

CASE = "skin-cancer-triage"


def bottleneck(made, replications=2):
    return replicate(made, 1, replications).bottleneck


def two_pools(fast=0.1, slow=0.5, objectives=(), **fields):
    stages = {"a": pool(to="b", label="First"), "b": pool(label="Second", **fields)}
    return plan(stages, {"a": constant(fast), "b": constant(*[slow] * fields.get("max_batch", 1))}, seconds=1000,
                objectives=list(objectives))  # fmt: skip


LATE = {"metric": "latency_mean_s", "at_most": 0.01, "label": "Answer"}


def test_it_is_where_requests_spend_most_of_their_time():
    found = bottleneck(two_pools(objectives=[LATE]))
    assert (found.stage, found.objective) == ("b", "latency_mean_s")
    assert found.share > 0.8
    assert found.load == pytest.approx(0.5, rel=0.1)
    assert "The bottleneck is Second" in found.sentence


def test_where_nothing_is_late_or_lost_there_is_none():
    """Cancers missed and a cost too high are no reason to speak of the stage that takes longest."""
    costs = {"metric": "cost_per_1000_usd", "at_most": 0, "label": "Cost"}
    assert bottleneck(two_pools(objectives=[costs])) is None
    assert bottleneck(two_pools()) is None


def test_a_throughput_that_is_not_met_leads_to_the_stage_that_turns_requests_away():
    done = {"metric": "done_share", "at_least": 0.99, "label": "Done"}
    found = bottleneck(two_pools(slow=0.8, objectives=[done], max_queue=1, on_full="done"))
    assert (found.stage, found.objective) == ("b", "done_share")
    assert "of what comes to it is turned away or gives up" in found.why


def test_more_work_than_can_be_done_comes_before_all_else():
    late = {"metric": "wait_p95_s.a", "at_most": 0, "label": "First wait"}
    found = bottleneck(two_pools(slow=1.5, objectives=[late]))
    assert found.stage == "b"
    assert found.load > 1


def test_a_missed_wait_names_its_stage():
    late = {"metric": "wait_p95_s.a", "at_most": 0.001, "label": "First wait"}
    found = bottleneck(two_pools(fast=0.3, objectives=[late]))
    assert (found.stage, found.objective) == ("a", "wait_p95_s.a")
    assert found.sentence.startswith("“First wait” is not met.")


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


def test_a_wait_for_company_is_told_as_one():
    found = bottleneck(two_pools(max_batch=8, max_queue_delay_ms=3000, objectives=[LATE]))
    assert "is batching delay, of up to 3.00 s" in found.why
    assert "batching" not in bottleneck(two_pools(slow=0.9, objectives=[LATE])).why


def test_hours_without_anybody_are_told():
    shifts = people(("08:00", "16:00", 2), minutes=1, label="Readers")
    wait = {"metric": "wait_p50_s.r", "at_most": 1, "label": "Wait"}
    made = plan({"r": shifts}, rate=0.001, run={"days": 2, "drain_days": 1, "replications": 2}, objectives=[wait])
    found = bottleneck(made)
    assert "no one is on duty for 16 hours a day" in found.why
    assert found.queueing > 0.9


def test_where_nothing_takes_time_there_is_no_bottleneck():
    assert bottleneck(plan({"p": pool()}, constant(0.1), rate=1e-6)) is None


def test_where_nobody_was_answered_no_stage_is_blamed_for_the_answers():
    late = {"metric": "latency_p95_s", "at_most": 1, "label": "Answer"}
    stages = {"a": pool(to="far"), "far": link("done", 50)}  # the run is over after eleven seconds
    assert bottleneck(plan(stages, constant(0.001), seconds=1, rate=50, objectives=[late])) is None


def test_in_the_skin_case_there_is_none_until_people_are_too_few():
    assert bottleneck(compile_plan(load(CASE), {"dermatologists": 30})) is None
    found = bottleneck(compile_plan(load(CASE), {"dermatologists": 10}))
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["stage"] == "dermatologist"
    assert "no one is on duty for 12 hours a day" in told["sentence"]
    assert "objective" not in told


def test_a_missed_latency_of_a_class_leads_to_the_stage_with_most_of_it():
    classes = {name: {"label": name.title(), "share": assumed(0.5), "priority": 1} for name in ("urgent", "routine")}
    slow = {"metric": "latency_p95_s.urgent", "at_most": 0.1, "label": "Urgent answers"}
    stages = {"a": pool(to="b", label="First"), "b": pool(label="Second")}
    service = {"a": constant(0.1), "b": constant(0.5)}
    found = bottleneck(plan(stages, service, seconds=1000, objectives=[slow], classes=classes))
    assert (found.stage, found.objective) == ("b", "latency_p95_s.urgent")
    assert found.sentence.startswith("“Urgent answers” is not met. The bottleneck is Second")


def test_a_wait_while_replicas_are_down_is_told():
    gone = {"gone": {"kind": "replica_loss", "label": "Gone", "stage": "b", "at_s": 0, "replicas": 1}}
    stages = {"a": pool(to="b"), "b": pool(label="Second", replicas=2)}
    service = {"a": constant(0.01), "b": constant(0.7)}
    made = plan(stages, service, seconds=1000, curveballs=gone, strikes={"gone": 0.0}, objectives=[LATE])
    found = bottleneck(made)
    assert "100% of the wait is while a replica was down" in found.why
    assert "batching" not in found.why
    assert found.load == pytest.approx(0.7, rel=0.1)  # of what one can do


def test_what_is_told_in_one_output_agrees():
    """The largest batch is not the best one: what comes in is more than can be done in the batches that form."""
    stages = {"p": pool(label="Model", max_batch=3)}
    made = plan(stages, constant(1.0, 1.6, 3.9), rate=0.9, seconds=2000)
    summary = replicate(made, 1, 3)
    (load,) = loads(made)
    assert load.mean == pytest.approx(0.9 * 3.9 / 3)
    assert summary.bottleneck.load == pytest.approx(load.mean, rel=0.05)
    assert summary.bottleneck.load == pytest.approx(summary.metrics["utilization.p"].value, rel=0.05)
    assert "overload" in next(note.sentence for note in summary.trust if note.topic == "load")
    assert any("There is no steady state" in warning for warning in summary.warnings)


def test_a_wait_at_a_low_load_is_explained_and_does_not_follow_from_the_load():
    """Ten come at once every 10 s to one server of 50 ms: they take 0.05 to 0.5 s, of which 0 to 0.45 s (82%) are waiting."""
    late = {"metric": "latency_p95_s", "at_most": 0.1, "label": "Answers"}
    with arrivals_at([10.0 * group for group in range(10) for _ in range(10)]):
        sentence = bottleneck(plan({"p": pool()}, constant(0.05), seconds=100, objectives=[late])).sentence
    assert "82% of it waiting; the offered load is" in sentence
    assert sentence.endswith("requests that arrive close together wait for one another.")
    assert "close together" not in bottleneck(two_pools(slow=0.9, objectives=[LATE])).sentence  # there, the load is the reason
