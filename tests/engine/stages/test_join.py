"""A fork sends a request several ways at once, and a join lets it go on once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.theory.loads import loads, visit_ratios
from tests.builders import (
    end,
    exponential,
    figures,
    fork,
    gate,
    join,
    link,
    people,
    plan,
    pool,
    population,
    retry,
    run_at,
    score_table,
)
from tests.case.test_checks import messages

WAYS = {"done": end(), "lacks": end()}


def three(seconds=(1, 2, 5), **fields):
    """Three branches that take these times, whatever the load."""
    ways = {name: link("j", length) for name, length in zip("abc", seconds, strict=True)}
    return plan({"f": fork(*ways), **ways, "j": join(**fields)}, ends=WAYS)


def finished(made, times=(0, 10)):
    return run_at(made, times).requests["finished_s"].tolist()


@pytest.mark.parametrize(("needs", "when"), [("all", 5), (3, 5), (2, 2), (1, 1)])
def test_a_request_goes_on_when_as_many_inputs_have_come_as_are_needed(needs, when):
    assert finished(three(needs=needs)) == pytest.approx([when, 10 + when])


def test_it_goes_on_once_and_what_comes_later_is_dropped():
    trace = run_at(three(needs=2), [0])
    mine = trace.visits[trace.visits["stage"] == "j"]
    assert mine["entered_s"].tolist() == pytest.approx([1, 2, 5])
    assert mine["started_s"].tolist() == pytest.approx([2, 2, np.nan], nan_ok=True)
    assert mine["batch_size"].tolist() == [2, 2, 1]
    assert figures(trace)["late_share.j"] == pytest.approx(1 / 3)
    assert trace.requests["outcome"].tolist() == ["done"]


def test_without_a_fallback_it_goes_on_with_what_has_come_in_time_from_the_first_input_on():
    trace = run_at(three(timeout_s=2), [0])
    assert trace.requests.loc[0, ["finished_s", "end", "outcome"]].tolist() == [pytest.approx(3), "done", "done"]
    assert figures(trace)["incomplete_share.j"] == 1


def test_with_one_it_takes_that_and_has_timed_out():
    requests = run_at(three(timeout_s=2, on_incomplete="lacks"), [0]).requests
    assert requests.loc[0, ["finished_s", "end", "outcome"]].tolist() == [pytest.approx(3), "lacks", "timed_out"]


def test_an_input_that_comes_at_the_deadline_is_in_time():
    """Halves and quarters, so that the sums are exact: the first input comes at 0.25, the last at 0.75."""
    stages = {"f": fork("a", "b"), "a": pool(to="j"), "b": pool(to="j"), "j": join(timeout_s=0.5, on_incomplete="lacks")}
    made = plan(stages, {"a": constant(0.25), "b": constant(0.75)}, ends=WAYS)
    assert run_at(made, [0]).requests["end"].tolist() == ["done"]
    late = plan(stages, {"a": constant(0.25), "b": constant(0.75 + 2**-40)}, ends=WAYS)
    assert run_at(late, [0]).requests["end"].tolist() == ["lacks"]


# Branches that turn requests away


def sheds(to="j", **fields):
    """A fast branch, and one with a server that takes ten seconds and a place for one who waits."""
    stages = {"f": fork("a", "b"), "a": link("j", 1), "b": pool(to="j", max_queue=1, on_full=to), "j": join(**fields)}
    return plan(stages, constant(10.0), ends=WAYS)


def test_a_missing_input_is_not_waited_for_and_without_a_fallback_it_is_done_without():
    requests = run_at(sheds(), [0, 0.1, 0.2]).requests
    assert requests["finished_s"].tolist() == pytest.approx([10, 20, 1.2])
    assert requests["outcome"].tolist() == ["done"] * 3
    assert requests["answered_s"].tolist() == requests["finished_s"].tolist()


def test_a_request_that_lacks_what_it_needs_comes_to_what_its_branch_came_to():
    requests = run_at(sheds(on_incomplete="lacks"), [0, 0.1, 0.2]).requests
    assert requests.loc[2, ["finished_s", "end", "outcome"]].tolist() == [pytest.approx(1.2), "lacks", "shed"]


def test_a_missing_input_does_not_count_among_those_that_are_needed():
    requests = run_at(sheds(needs=1, on_incomplete="lacks"), [0, 0.1, 0.2]).requests
    assert requests["end"].tolist() == ["done"] * 3
    assert requests["finished_s"].tolist() == pytest.approx([1, 1.1, 1.2])


def test_a_branch_may_try_again_before_it_gives_up():
    stages = {"f": fork("a", "b"), "a": link("j", 1), "b": pool(to="j", max_queue=1, on_full="again"),
              "again": retry("b", backoff_ms=10_000, max_tries=2, on_exhausted="j"),
              "j": join(on_incomplete="lacks")}  # fmt: skip
    requests = run_at(plan(stages, constant(10.0), ends=WAYS), [0, 0.1, 0.2, 0.3]).requests
    assert requests["end"].tolist() == ["done", "done", "done", "lacks"]
    assert requests["finished_s"].tolist() == pytest.approx([10, 20, 30, 10.3])
    assert requests["outcome"].tolist() == ["done", "done", "done", "shed"]


def test_a_fork_within_a_branch_has_a_join_of_its_own():
    stages = {"f": fork("g", "c"), "g": fork("a", "b"), "a": link("h", 1), "b": link("h", 2), "h": join("j"),
              "c": link("j", 1.5), "j": join()}  # fmt: skip
    assert finished(plan(stages)) == pytest.approx([2, 12])


def test_the_earliest_answer_counts_whichever_branch_is_simulated_first():
    stages = {"f": fork("a", "b"), "a": link("g", 5), "b": link("h", 1), "j": join(),
              "g": gate("quality", {"to": "j"}, answers=True), "h": gate("quality", {"to": "j"}, answers=True)}  # fmt: skip
    assert run_at(plan(stages, population=population(unusable=0.0)), [0]).requests["answered_s"].tolist() == pytest.approx([1])


def test_an_answer_of_a_branch_that_comes_after_the_end_is_none():
    stages = {"f": fork("a", "b"), "a": link("g", 5), "b": link("j", 1), "j": join(needs=1),
              "g": gate("quality", {"to": "j"}, answers=True)}  # fmt: skip
    assert run_at(plan(stages, population=population(unusable=0.0)), [0]).requests["answered_s"].tolist() == pytest.approx([1])


def test_what_still_waits_for_an_input_at_the_end_is_unfinished():
    trace = run_at(three(seconds=(1, 2, 50)), [1060])  # the run ends at 1100
    assert trace.requests["outcome"].tolist() == ["unfinished"]
    assert trace.visits.loc[trace.visits["stage"] == "j", "left_s"].isna().all()


def test_the_metrics_of_a_join_are_those_of_the_scenario():
    made = three(needs=2)
    assert figures(simulate(made)).keys() <= set(made.scenario.metrics)


# A stage of several branches


def shared(service, ways=(1, 2), **fields):
    """Two branches that take these times, then one pool for both."""
    stages = {"f": fork("a", "b"), "a": link("p", ways[0]), "b": link("p", ways[1]), "p": pool(to="j", **fields), "j": join()}
    return plan(stages, service, ends=WAYS)


def test_two_branches_queue_at_one_pool_and_the_request_goes_on_when_both_are_done():
    """Served at 1 to 4, at 4 to 7 (waited from 2) and so on; the second request comes when all is over."""
    trace = run_at(shared(constant(3.0)), [0, 10])
    visits = trace.visits[trace.visits["stage"] == "p"]
    assert visits["started_s"].tolist() == pytest.approx([1, 4, 11, 14])
    assert trace.requests["finished_s"].tolist() == pytest.approx([7, 17])


def test_frames_of_two_branches_are_batched_together():
    """The first inputs go together at 1, the second ones at 2."""
    trace = run_at(shared(constant(0.5, 0.5), ways=(1, 1), max_batch=2), [0])
    visits = trace.visits[trace.visits["stage"] == "p"]
    assert visits["batch_size"].tolist() == [2, 2]
    assert trace.requests["finished_s"].tolist() == pytest.approx([1.5])


def test_a_fork_may_name_one_stage_twice():
    stages = {"f": fork("p", "p"), "p": pool(to="j"), "j": join()}
    assert finished(plan(stages, constant(3.0))) == pytest.approx([6, 16])


@pytest.mark.long
@given(
    times=st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True),
    ways=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    largest=st.integers(1, 3),
    replicas=st.integers(1, 2),
    managed=st.booleans(),
)
def test_a_shared_pool_serves_visits_as_if_each_were_a_request_of_its_own(times, ways, largest, replicas, managed):
    """Against a run without a fork in which each visit is a row; at odd and even sixteenths of a second none coincide."""
    fields = {"replicas": replicas, "max_batch": largest} | ({"drops": "oldest"} if managed else {})
    table = constant(*[0.25 + 0.125 * size for size in range(3)])
    sent = np.sort(times) / 8
    both = run_at(shared(table, ways=(ways[0] / 8, ways[1] / 8 + 1 / 16), **fields), sent)
    here = both.visits[both.visits["stage"] == "p"]
    alone = run_at(plan({"p": pool(**fields)}, table), np.sort(here["entered_s"]))
    assert here["started_s"].tolist() == pytest.approx(alone.visits["started_s"].tolist())
    last = here.groupby("request")["left_s"].max()
    assert both.requests["finished_s"].tolist() == pytest.approx(last.tolist())


@pytest.mark.parametrize("policies", [{}, {"balance": "round_robin"}])
def test_each_visit_to_a_shared_pool_draws_a_service_time_of_its_own(policies):
    """One draw for both would give a correlation of 1; of independent ones it is normal with a deviation of 1 / sqrt(n)."""
    trace = run_at(shared(exponential(0.1), ways=(0, 1), replicas=2, **policies), np.arange(0, 800, 2))
    visits = trace.visits[trace.visits["stage"] == "p"]
    pairs = (visits["left_s"] - visits["started_s"]).to_numpy().reshape(-1, 2)
    assert len(pairs) == 400
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 4 / np.sqrt(len(pairs))
    assert pairs.mean(0) == pytest.approx([0.1, 0.1], rel=0.25)


def test_the_load_on_a_shared_pool_is_that_of_all_branches():
    made = shared(constant(0.2), ways=(1, 2))
    assert visit_ratios(made) == pytest.approx({"f": 1, "a": 1, "b": 1, "p": 2, "j": 2})
    assert loads(made)[0].mean == pytest.approx(2 * 0.2)
    assert figures(simulate(made, 1))["utilization.p"] == pytest.approx(0.4, rel=0.2)


def test_an_input_that_a_shared_pool_turns_away_is_missing_once():
    stages = {"f": fork("a", "b"), "a": link("p", 1), "b": link("p", 1.5),
              "p": pool(to="j", max_queue=0, on_full="j"), "j": join(on_incomplete="lacks")}  # fmt: skip
    requests = run_at(plan(stages, constant(2.0), ends=WAYS), [0]).requests
    assert requests.loc[0, ["finished_s", "end", "outcome"]].tolist() == [pytest.approx(3), "lacks", "shed"]


# What may stand between a fork and its join


def faults(**changed):
    stages = {
        "start": link("f", 1),
        "f": fork("a", "b"),
        "a": pool(to="j"),
        "b": pool(to="j"),
        "j": join("after"),
        "after": pool(),
    }
    return messages(stages | changed, population=population(unusable=0.1))


QUALITY = {"at_least": 0}
ALONE = {
    "a way out": ({"b": pool()}, "stages.f.to", "do not meet"),
    "a fallback out": ({"b": pool(to="j", max_queue=1, on_full="done")}, "stages.f.to", "do not meet"),
    "a way back": ({"after": gate("quality", QUALITY | {"to": "f"}, {"to": "done"})}, "stages.f", "come back"),
    "a way in": (
        {"start": gate("quality", QUALITY | {"to": "j"}, {"to": "f"})},
        "stages.start.routes.0.to",
        "only the fork may lead there",
    ),
    "scores of both": ({"a": pool(to="j", scores="x"), "b": link("a", 1)}, "stages.a", "two branches"),
    "a retry of both": (
        {"a": pool(to="j", max_queue=1, on_full="r"), "r": retry("a", on_exhausted="j"), "b": link("a", 1)},
        "stages.r", "two branches",
    ),
    "people": ({"b": people(("00:00", "24:00", 1), positive_to="j", negative_to="j")}, "stages.b.kind", "cannot be between"),
    "too many": ({"j": join("after", needs=3)}, "stages.j.needs", "2 branches meet"),
    "a fallback past the retry": (
        {"b": pool(to="c", max_queue=1, on_full="c"), "c": pool(to="j")}, "stages.b.on_full", "or to a retry"
    ),
    "another photo": (
        {"b": gate("quality", QUALITY | {"to": "j"}, {"to": "r"}),
         "r": {"kind": "retake", "label": "R", "minutes": {"median": {"value": 1, "assumed": "x"}, "sigma": 0},
               "gives_up": {"value": 0, "assumed": "x"}, "to": "b", "on_give_up": "j", "on_exhausted": "j"}},
        "stages.r.kind", "cannot be between",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "place", "says"), ALONE.values(), ids=ALONE)
def test_what_would_let_branches_part_or_disturb_each_other_is_refused(changed, place, says):
    assert says in faults(**changed)[place]


def test_a_join_without_a_fork_is_refused():
    assert "no fork meet" in messages({"a": pool(to="j"), "j": join()})["stages.j"]


def test_one_branch_alone_may_score_or_tag():
    stages = {"f": fork("a", "b"), "a": pool(to="j", scores="x"), "b": pool(to="j", scores="x"), "j": join()}
    assert "one branch may" in messages(stages, population=population())["stages.b"]
    one = stages | {"b": pool(to="j"), "j": join("g"), "g": gate("score", {"at_least": 0.5, "to": "lacks"}, {"to": "done"})}
    table = score_table([0.9], [0.1])
    requests = run_at(plan(one, constant(0.1), table, population=population(), ends=WAYS), range(20)).requests
    assert ((requests["end"] == "lacks") == requests["positive"]).all()
    assert set(requests["positive"]) == {True, False}


def test_an_unknown_branch_is_answered_with_the_nearest_name():
    stages = {"f": fork("a", "bb"), "a": pool(to="j"), "b": pool(to="j"), "j": join()}
    assert "did you mean 'b'" in messages(stages)["stages.f.to.1"]
