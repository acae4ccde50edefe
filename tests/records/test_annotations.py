"""What one stage writes on a request and another one reads holds from the time at which it was written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.run import simulate
from simulator.engine.stages import STAGES
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.evidence.latency_tables import constant
from simulator.records.trace import TimedMarks
from tests.builders import (
    assumed,
    batches,
    end,
    exponential,
    figures,
    fork,
    gate,
    join,
    link,
    plan,
    pool,
    population,
    retake,
    run_at,
    score_table,
)
from tests.effort import examples

WAYS = {"escalated": end(escalated=True, detected=assumed(1)), "cleared": end(), "done": end(), "lost": end()}
SCORES = score_table([0.9, 0.4], [0.1, 0.7])
SORT = gate("score", {"at_least": 0.5, "to": "escalated", "tag": "high"}, {"to": "cleared", "tag": "low"})
#: A pool that hands on at the end of each batch, and one that hands on ahead.
POOLS = {"plain": {}, "managed": {"client_timeout_s": 1e6, "on_timeout": "meet"}}


def test_a_mark_holds_from_its_time_on_until_the_next_one_in_whatever_order_they_are_written():
    marks = TimedMarks(np.full(3, np.inf))
    marks.write(1, 5.0, 9.0)
    marks.write(1, 3.0, 2.0)
    marks.write(1, 4.0, 2.0)
    assert [marks.at(1, time) for time in (0, 1.9, 2, 8.9, 9, 50)] == [np.inf, np.inf, 4, 4, 5, 5]
    assert marks.at_all(np.array([0, 1, 1]), np.array([9.0, 3.0, 9.0])).tolist() == [np.inf, 4, 5]
    assert marks.known(np.array([9.0, 8.0, 9.0])).tolist() == [np.inf, 4, np.inf]


# A gate behind a join that did not wait


def early(**fields):
    """A score takes 9 ms, the join lets go at 3 ms: 1 ms for the first input, 2 ms of patience."""
    stages = {"spread": fork("model", "near"), "model": pool(to="meet", scores="x", replicas=50) | fields,
              "near": link("meet", 0.001), "meet": join("sort", timeout_s=0.002), "sort": SORT}  # fmt: skip
    return plan(stages, constant(0.009), SCORES, population=population(), ends=WAYS)


@pytest.mark.parametrize("fields", POOLS.values(), ids=POOLS)
def test_a_score_that_is_not_there_yet_routes_nobody(fields):
    trace = run_at(early(**fields), np.arange(40.0))
    requests = trace.requests
    assert (requests["finished_s"] - requests["arrived_s"]).to_numpy() == pytest.approx(0.003)
    assert requests["score"].isna().all()
    assert (requests["end"] == "escalated").all()  # as whoever comes to the gate by a fallback, without a score
    assert figures(trace)["incomplete_share.meet"] == 1


@pytest.mark.parametrize("fields", POOLS.values(), ids=POOLS)
def test_a_score_that_has_come_by_the_time_a_request_is_at_the_gate_counts_though_the_join_did_not_wait_for_it(fields):
    made = early(**fields)
    stages = {name: stage.model_dump() for name, stage in made.scenario.stages.items()}
    stages["meet"]["to"], stages["far"] = "far", link("sort", 0.007)  # 3 + 7 ms: the score is 1 ms old
    trace = run_at(plan(stages, constant(0.009), SCORES, population=population(), ends=WAYS), np.arange(40.0))
    score, referred = trace.requests["score"], trace.requests["end"] == "escalated"
    assert score.notna().all()
    assert (referred == (score >= 0.5)).all()
    assert set(referred) == {True, False}


@st.composite
def hurried(draw):
    """A score that may or may not be there in time, with waits and batches; the gate is right behind the join or further on."""
    model = {"max_batch": draw(st.integers(1, 3)), "replicas": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        model |= {"max_queue": 1, "on_full": "meet"}
    patience = {"needs": draw(st.sampled_from(["all", 1, 2])), "timeout_s": draw(st.sampled_from([None, 0.8]))}
    stages = {
        "spread": fork(*draw(st.permutations(["model", "near", "other"]))),
        "model": pool(to="meet", scores="x", **model, **draw(st.sampled_from([*POOLS.values()]))),
        "near": link("meet", draw(st.sampled_from([0.3, 1.5]))),
        "other": pool(to="meet", replicas=5),
        "meet": join("far", **patience),
        "far": draw(st.sampled_from([link("sort", 0.7), pool(to="sort", replicas=2)])),
        "sort": SORT,
    }
    if draw(st.booleans()):
        stages["meet"] |= {"to": "sort"}
        del stages["far"]
    pools = {name: constant(0.9, 1.3, 1.6) if name == "model" else exponential(0.8) for name in ("model", "other", "far")}
    tables = {name: table for name, table in pools.items() if name in stages and stages[name]["kind"] == "pool"}
    return plan(stages, tables, SCORES, population=population(), ends=WAYS, rate=draw(st.sampled_from([0.5, 2])), seconds=40)


@settings(max_examples=examples(100))
@given(hurried(), st.integers(0, 99))
def test_nobody_is_routed_by_a_value_from_the_future(made, seed):
    """The gate takes no time: a request is there when it ends, and its score is known from the end of its service on."""
    trace = simulate(made, seed)
    scored = trace.logs["model"].frame("model").dropna(subset="started_s").set_index("request")["left_s"]
    for row in trace.requests.dropna(subset="finished_s").itertuples():
        known = scored.get(row.Index, np.inf) <= row.finished_s
        score = trace.columns.scores_by["model"][0, row.Index] if known else np.inf
        assert (row.end, row.tag) == (("escalated", 1) if score >= 0.5 else ("cleared", 2))
        assert np.isnan(row.score) == (not known)


# Queues in another branch


def side_by_side(scores_s, reaches_s, **fields):
    """One branch takes `scores_s` to score everybody; the other one comes after `reaches_s` to a queue in order of risk."""
    stages = {"spread": fork("model", "way"), "model": pool(to="meet", scores="x", replicas=50) | fields,
              "way": link("queue", reaches_s), "queue": pool(to="meet", order="risk"), "meet": join()}  # fmt: skip
    latencies = {"model": constant(scores_s), "queue": constant(10.0)}
    made = plan(stages, latencies, SCORES, population=population(), ends=WAYS)
    return run_at(made, [0, 1, 2, 3, 4, 5, 6, 7])


@pytest.mark.parametrize("fields", POOLS.values(), ids=POOLS)
def test_a_queue_goes_by_the_scores_that_are_known_when_a_request_joins_it(fields):
    late = side_by_side(4.5, 2, **fields)
    assert [rows for _, rows in batches(late, "queue")] == [[row] for row in range(8)]
    known = side_by_side(0.5, 2, **fields)
    scores = known.columns.scores_by["model"][0]
    by_risk = sorted(range(1, 8), key=lambda row: (-scores[row], row))  # the first is taken before the others are there
    assert [rows for _, rows in batches(known, "queue")] == [[0], *([row] for row in by_risk)]
    assert by_risk != sorted(by_risk)


@pytest.mark.parametrize("fields", [{}, {"client_timeout_s": 1e6, "on_timeout": "done"}], ids=POOLS)
def test_a_branch_that_goes_on_sees_what_is_written_behind_the_join(fields):
    """The join lets go after 0.1 s, and the model behind it has scored everybody before the slow branch comes to its queue."""
    stages = {"spread": fork("near", "way"), "near": link("meet", 0.1), "way": link("queue", 20),
              "queue": pool(to="meet", order="risk"), "meet": join("model", needs=1),
              "model": pool(scores="x", replicas=50) | fields}  # fmt: skip
    made = plan(stages, {"model": constant(1.0), "queue": constant(30.0)}, SCORES, population=population(), ends=WAYS)
    trace = run_at(made, range(0, 24, 3))
    scores = trace.columns.scores_by["model"][0]
    by_risk = sorted(range(1, 8), key=lambda row: (-scores[row], row))
    assert [rows for _, rows in batches(trace, "queue")] == [[0], *([row] for row in by_risk)]


# Photos


@pytest.mark.parametrize("managed", [False, True])
def test_a_branch_looks_at_the_photo_that_came_to_its_fork(managed):
    """The join does not wait for the model; by the time it has looked, the requester has sent another photo."""
    stages = {"spread": fork("near", "far"), "near": link("meet", 1), "far": link("model", 5),
              "model": pool(to="meet", scores="x", replicas=50),
              "meet": join("look", needs=1), "look": gate("quality", {"at_least": 99, "to": "done"}, {"to": "again"}),
              "again": retake("keep", on_give_up="lost", on_exhausted="done"), "keep": pool(replicas=50)}  # fmt: skip
    latencies = {"model": constant(100.0), "keep": constant(500.0)}
    made = plan(stages, latencies, SCORES, population=population(unusable=0.5), ends=WAYS)
    with pytest.MonkeyPatch.context() as patch:
        if managed:
            patch.setitem(STAGES, "pool", ManagedPoolStage)
        trace = run_at(made, range(20))
    assert (trace.requests["tries"] == 2).all()
    first, second = trace.columns.scores_by["model"][:2]
    assert trace.requests["score"].to_numpy() == pytest.approx(first)
    assert (first != second).any()
