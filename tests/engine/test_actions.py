"""Runs that are stopped, looked at, and go on with a pick changed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from simulator.engine.run import Run, simulate
from simulator.records.streams import Streams
from tests.builders import checked
from tests.effort import examples
from tests.engine.networks import HORIZON_S, check_changed, networks, ordered
from tests.engine.test_contracts import NETWORKS, SHARED

TIMES = st.floats(1, HORIZON_S - 1)


POLICIES = [{}, {"order": "risk"}, {"balance": "round_robin"}, {"balance": "two_choices"}]
#: Of a hedged request the first copy to be done counts, and only then is it known since when the other one waited.
HEDGED = [*POLICIES, {"hedge_after_s": 0.4}]


def redesigned_pool(draw, stage, policies):
    largest = draw(st.integers(1, stage["max_batch"]))
    sizes = [size for size in stage.get("preferred_batches", []) if size <= largest]
    stage |= {"replicas": draw(st.integers(1, 4)), "max_batch": largest, "preferred_batches": sizes}
    for policy in ("order", "balance", "hedge_after_s"):
        stage.pop(policy, None)
    stage |= draw(st.sampled_from(policies))
    if "timeout_s" in stage:
        stage["timeout_s"] = draw(st.sampled_from([0.05, 0.5, 9]))


def redesigned_people(draw, stage, policies):
    for shift in stage["shifts"]:
        shift["people"] = draw(st.integers(1, 4))
    stage["order"] = draw(st.sampled_from(["fifo", "risk", "tag"]))
    if "patience_h" in stage:
        stage["patience_h"]["median"]["value"] = draw(st.sampled_from([0.05, 1, 9])) / 3600


def redesigned_gate(draw, stage, policies):
    stage["routes"][0]["at_least"] = draw(st.sampled_from([-1, 0.2, 0.7, 2]))


def redesigned_link(draw, stage, policies):
    stage["latency_ms"]["value"] = draw(st.sampled_from([0, 10, 500]))


def redesigned_join(draw, stage, policies):
    stage |= {"needs": draw(st.sampled_from(["all", 1, 2])), "timeout_s": draw(st.sampled_from([0.2, 1, 9]))}


def sent_more_often(draw, stage, policies):
    stage["max_tries"] = draw(st.integers(2, 4))


REDESIGNS = {
    "pool": redesigned_pool,
    "people": redesigned_people,
    "gate": redesigned_gate,
    "link": redesigned_link,
    "join": redesigned_join,
    "retry": sent_more_often,
    "retake": sent_more_often,
}


@st.composite
def designed(draw, made, policies=POLICIES):
    """The same case with another design: other numbers of servers, batches, thresholds, delays, limits and policies."""
    data = json.loads(json.dumps(made.scenario.document.data))
    for stage in data["stages"].values():
        REDESIGNS.get(stage["kind"], lambda *_: None)(draw, stage, policies)
        if "max_queue" in stage:
            stage["max_queue"] = draw(st.integers(1, 6))
    return replace(made, scenario=checked(data))


@st.composite
def changes(draw, policies=POLICIES):
    """A plan, and the same plan with another design from some time on."""
    made, at_s = draw(networks()), draw(TIMES)
    if draw(st.booleans()):
        made = draw(designed(made, policies))
    return made, at_s, replace(made, later=((at_s, draw(designed(made, policies))),))


def before(trace, time):
    """What happened before a time, whatever was known of it when: requests and visits."""

    def known(column, at):
        return column.where(at < time)

    requests = trace.requests[trace.requests["arrived_s"] < time].copy()
    requests["end"] = known(requests["end"].astype(object), requests["finished_s"])
    for name in ("answered_s", "finished_s"):
        requests[name] = known(requests[name], requests[name])
    visits = trace.visits[trace.visits["entered_s"] < time].copy()
    for name in ("server", "batch_size", "started_s"):
        visits[name] = known(visits[name], visits["started_s"])
    visits["left_s"] = known(visits["left_s"], visits["left_s"])
    visits["stage"] = visits["stage"].astype(str)
    told = ["request", "stage", "entered_s", "started_s", "left_s", "server", "batch_size"]
    return requests[["arrived_s", "answered_s", "finished_s", "end", "positive"]], visits.sort_values(told)[told].reset_index(
        drop=True
    )


def same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        assert_frame_equal(mine, theirs, check_dtype=False)


@settings(max_examples=examples(100))
@given(changes(), st.integers(0, 2**31))
def test_what_comes_before_a_change_is_the_same_with_and_without_it(case, seed):
    made, at_s, acted = case
    same(before(simulate(made, seed), at_s), before(simulate(acted, seed), at_s))


@settings(max_examples=examples(60))
@given(networks(), st.lists(TIMES, min_size=1, max_size=5), st.integers(0, 2**31))
def test_a_run_that_is_stopped_and_looked_at_ends_as_if_it_had_not_been(made, times, seed):
    run = Run(made, Streams(seed), stops=True)
    for time in sorted(times):
        run.advance(time)
        run.look()
    stopped, whole = run.trace(), simulate(made, seed)
    assert stopped.digest == whole.digest
    assert_frame_equal(stopped.requests, whole.requests)
    assert_frame_equal(ordered(stopped.visits), ordered(whole.visits))


@settings(max_examples=examples(60))
@given(networks(), TIMES, st.integers(0, 2**31))
def test_nothing_that_happens_later_shows_when_a_run_is_looked_at(made, time, seed):
    run = Run(made, Streams(seed), stops=True)
    run.advance(time)
    seen = run.look()
    same(before(seen, np.inf), before(simulate(made, seed), time))
    assert seen.requests.loc[seen.requests["finished_s"].isna(), "outcome"].eq("unfinished").all()


@pytest.mark.long
@settings(max_examples=examples(60))
@given(changes(), TIMES, st.integers(0, 2**31))
def test_a_look_tells_the_same_whatever_changes_later(case, time, seed):
    made, at_s, acted = case
    seen = []
    for plan in (made, acted):
        run = Run(plan, Streams(seed), stops=True)
        run.advance(min(time, at_s))
        seen.append(run.look())
    assert_frame_equal(seen[0].requests, seen[1].requests)
    assert_frame_equal(ordered(seen[0].visits), ordered(seen[1].visits))


@settings(max_examples=examples(60))
@given(changes(HEDGED), st.integers(0, 2**31))
def test_after_a_change_no_request_is_lost_and_the_same_change_gives_the_same_run(case, seed):
    _, _, acted = case
    trace, again = simulate(acted, seed), simulate(acted, seed)
    assert trace.digest == again.digest
    check_changed(trace)


@pytest.mark.parametrize(
    "kind", ["cache", "fanout", "sensors", "assemble", "replaces of sensor", "preempts of sensor", "preempts", *SHARED]
)
@pytest.mark.parametrize("time", [3.3, 20.0])
def test_a_change_that_changes_nothing_leaves_frames_and_shared_pools_as_they_were(kind, time):
    made = NETWORKS[kind]()
    usual, changed = simulate(made, 1), simulate(replace(made, later=((time, made),)), 1)
    assert usual.digest == changed.digest
    assert_frame_equal(ordered(usual.visits), ordered(changed.visits))
