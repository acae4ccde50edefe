"""One request's path, against schedules worked out by hand; its steps always add up to its time."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.request_path import answers_early, percentile, request_path
from tests.builders import (
    assemble,
    end,
    fork,
    gate,
    join,
    link,
    people,
    plan,
    pool,
    population,
    retake,
    retry,
    run_at,
    sensors,
    spread,
)
from tests.effort import examples
from tests.engine.networks import networks


def parts(path):
    return [(step.stage, round(step.queued_s, 6), round(step.held_s, 6), round(step.served_s, 6)) for step in path.steps]


def test_a_wait_behind_others_and_one_for_company_are_told_apart():
    """Two go at 0 and are done at 2; the third came at 1, has the server to itself from 2 on and is due at 6."""
    made = plan({"p": pool(max_batch=2, max_queue_delay_ms=5000)}, constant(2.0, 2.0))
    slowest = request_path(run_at(made, [0, 0, 1]), 1.0)
    assert parts(slowest) == [("p", 1, 4, 2)]
    (step,) = slowest.steps
    assert (slowest.request, slowest.total_s, step.server, step.batch_size, step.outcome) == (2, 7, 1, 1, "served")
    assert step.words == "4.00 s batching delay, 2.00 s served, 1.00 s behind others"
    assert [(wait.start_s, wait.end_s, wait.behind_others) for wait in step.waits] == [(1, 2, True), (2, 6, False)]
    fastest = request_path(run_at(made, [0, 0, 1]), 0.01)
    assert (parts(fastest), fastest.steps[0].batch_size) == ([("p", 0, 0, 2)], 2)


def test_a_percentile_of_answers_says_that_refusals_are_among_them():
    """The pool is busy until 4 with the first request; the second is refused at 1."""
    stages = {"p": pool(label="Model", to="done", max_queue=0, on_full="no")}
    made = plan(stages, constant(4.0), ends={"done": end(label="Done"), "no": end(label="Refused")})
    words = "The answer took 4.00 s for the slowest request"
    assert request_path(run_at(made, [0, 1]), 1.0).sentence.startswith(f"{words} of all answers, refusals included; Model took")
    assert request_path(run_at(made, [0, 5]), 1.0).sentence.startswith(f"{words}; Model took")
    assert "refusals" not in request_path(run_at(made, [0, 1]), 1.0, "end").sentence


def test_of_several_branches_the_one_that_was_waited_for_is_on_the_path():
    """The pool is busy until 4 with the first request, so that the second one, refused at 1, comes back at 5."""
    stages = {"f": fork("a", "p"), "a": link("j", 3), "p": pool(to="j", max_queue=0, on_full="r"),
              "r": retry("p", backoff_ms=4000, on_exhausted="j"), "j": join("q"), "q": pool()}  # fmt: skip
    made = plan(stages, {"p": constant(4.0), "q": constant(1.0)})
    found = request_path(run_at(made, [0, 1]), 1.0)
    assert parts(found) == [("p", 0, 0, 0), ("r", 0, 0, 4), ("p", 0, 0, 4), ("j", 0, 0, 0), ("q", 0, 0, 1)]
    late = plan(stages | {"j": join("q", timeout_s=2)}, {"p": constant(4.0), "q": constant(1.0)})
    assert parts(request_path(run_at(late, [0, 1]), 1.0))[-3:] == [("a", 0, 0, 3), ("j", 0, 2, 0), ("q", 0, 0, 1)]


def test_a_set_that_waits_for_a_frame_says_so():
    arrivals = sensors(a={"rate_per_s": 0.25}, b={"rate_per_s": 0.25, "skew_ms": 1500})
    made = plan(
        {"s": assemble("p"), "p": pool()}, arrivals=arrivals, seconds=4, ends={"done": end(), "rest": end(), "old": end()}
    )
    found = request_path(simulate(made), 1.0)
    assert parts(found) == [("s", 0, 1.5, 0), ("p", 0, 0, 1)]
    assert found.steps[0].words == "1.50 s waiting for other frames"


def test_a_wait_for_somebody_on_duty_is_none_behind_others():
    made = plan({"r": people(("00:00", "00:01", 1), ("00:03", "00:10", 1), minutes=1)}, seconds=600)
    found = request_path(run_at(made, [0, 30, 40]), 1.0)  # read at 0, 180 and 240; nobody is there from 60 to 180
    assert parts(found) == [("r", 80, 120, 60)]
    assert [(wait.start_s, wait.end_s, wait.behind_others) for wait in found.steps[0].waits] == [
        (40, 60, True), (60, 180, False), (180, 240, True)]  # fmt: skip
    assert "80.0 s behind others" in found.sentence
    assert "2.00 min waiting for a reviewer on duty" in found.sentence


def test_a_wait_while_a_replica_is_down_is_told_as_one():
    """One of two is down from 0 to 60: the other serves the first until 10, the second until 20."""
    gone = {"gone": {"kind": "replica_loss", "label": "Gone", "stage": "p", "at_s": 0, "lasts_s": 60, "replicas": 1}}
    made = plan({"p": pool(replicas=2, label="Model")}, constant(10.0), curveballs=gone)
    found = request_path(run_at(made, [0, 1]), 1.0)
    assert parts(found) == [("p", 0, 9, 10)]
    assert found.sentence.endswith("Model took 19.0 s of it (100%): 10.0 s served, 9.00 s waiting while a replica was down.")
    (wait,) = found.steps[0].waits
    assert not wait.behind_others


def test_in_the_skin_case_half_of_whose_machines_are_gone_nobody_waits_for_company_at_a_pool_without_batches():
    trace = simulate(compile_plan(load("skin-cancer-triage"), {}, {"half_the_zone": 0.0}), 1)
    decode = next(step for step in request_path(trace, 0.99).steps if step.stage == "decode")
    assert {wait.what for wait in decode.waits} == {"waiting while a replica was down"}


def test_the_way_to_the_answer_begins_with_the_last_photo_and_ends_before_the_end():
    look = gate("quality", {"at_least": 99, "to": "done"}, {"to": "again"})
    stages = {"p": pool(to="g"), "g": look, "again": retake("p", minutes=spread(1), on_exhausted="later"),
              "later": link("done", 7)}  # fmt: skip
    trace = run_at(plan(stages, constant(2.0), population=population(unusable=0.5)), [0])
    answer, end = request_path(trace, 0.5), request_path(trace, 0.5, "end")
    assert parts(answer) == [("p", 0, 0, 2)]
    assert [step for step, *_ in parts(end)] == ["p", "again", "p", "later"]
    assert (answer.start_s, answer.total_s, end.total_s) == pytest.approx((62, 2, 71))


def test_who_is_turned_away_has_a_step_that_says_how():
    made = plan({"p": pool(max_queue=1, on_full="done", timeout_s=1, on_timeout="done")}, constant(5.0))
    trace = run_at(made, [0, 0.5, 0.6])  # the second gives up at 1.5, the third finds the queue full
    found = {path.request: path for share in (0.3, 0.6, 1.0) if (path := request_path(trace, share))}
    assert {request: (path.steps[0].outcome, path.total_s) for request, path in found.items()} == {
        0: ("served", 5), 1: ("timed_out", 1), 2: ("shed", 0)}  # fmt: skip


@pytest.mark.parametrize(("share", "request_"), [(0.25, 0), (0.26, 1), (0.5, 1), (0.75, 2), (0.99, 3), (1.0, 3)])
def test_a_percentile_is_a_request_and_between_two_the_slower(share, request_):
    trace = run_at(plan({"p": pool()}, constant(10.0)), [0, 1, 2, 3])  # 10, 19, 28 and 37 seconds
    assert request_path(trace, share).request == request_


def test_where_nobody_was_answered_there_is_no_path():
    assert request_path(run_at(plan({"l": link("done", 60)}, seconds=1), [0]), 0.99) is None


@settings(max_examples=examples(60))
@given(networks())
def test_the_steps_of_every_way_add_up_and_follow_each_other(made):
    trace = simulate(made, 1)
    for until in ("answer", "end"):
        for share in (0.2, 0.9, 1.0):
            path = request_path(trace, share, until)
            if path is not None:
                check(trace, path)


def check(trace, path):
    columns = trace.columns
    start, stop = (columns.sent, columns.answered) if path.until == "answer" else (columns.arrived, columns.finished)
    assert path.total_s == stop[path.request] - start[path.request]
    assert sum(step.total_s for step in path.steps) == pytest.approx(path.total_s, abs=1e-9)
    assert all(step.stage for step in path.steps)  # in these networks no time passes between stages
    assert all(min(step.queued_s, step.held_s, step.served_s) >= 0 for step in path.steps)
    entered = [step.entered_s for step in path.steps]
    left = [step.entered_s + step.total_s for step in path.steps]
    assert entered == pytest.approx([path.start_s, *left[:-1]] if path.steps else [], abs=1e-9)


def test_the_p99_request_of_the_skin_case_is_the_one_that_its_latency_says():
    trace = simulate(compile_plan(load("skin-cancer-triage")), 1)
    assert answers_early(trace)
    latency = trace.columns.answered - trace.columns.sent
    path = request_path(trace, 0.99)
    assert path.total_s == np.quantile(latency[np.isfinite(latency)], 0.99, method="inverted_cdf")
    assert [step.stage for step in path.steps] == ["upload", "decode", "classifier"]
    end = request_path(trace, 0.99, "end")
    assert end.steps[-1].stage == "dermatologist"
    assert end.steps[-1].held_s > 3600
    assert json.loads(json.dumps(end.to_json(), allow_nan=False))["steps"][-1]["server"] >= 1


def test_a_percentile_is_read_from_text():
    assert [percentile(text) for text in ("p50", "p99.9", "p100", "slowest")] == pytest.approx([0.5, 0.999, 1, 1])
    for text in ("99", "p0", "p101", "p", "fastest", "p9x"):
        with pytest.raises(ValueError, match="write one as p50"):
            percentile(text)


def test_the_sentence_is_a_claim_of_the_time_and_of_the_part_of_one_stage():
    """Two arrive at once at one server of 10 s: the slower one waits 10 s and is served 10 s."""
    made = plan({"p": pool(label="Model")}, constant(10.0), seconds=100)
    found = request_path(run_at(made, [0, 0]), 1.0)
    (part,) = found.claim.parts
    assert (found.claim.value, found.claim.unit, found.claim.population) == (20.0, "s", "request 1")
    assert (part.relation, part.value) == ("among", 20.0)
    assert found.to_json()["claims"][0]["words"] == found.sentence == found.claim.words
