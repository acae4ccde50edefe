"""Whole runs: by their invariants and against themselves. What theory knows of them is in tests/truths."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from simulator.case.document import ScenarioError
from simulator.engine import contract
from simulator.engine.run import Run, simulate
from simulator.evidence.latency_tables import constant
from simulator.limits import RUN_STEPS
from simulator.records.streams import Streams
from tests.builders import gate, people, plan, pool, population, retake
from tests.effort import examples
from tests.engine.networks import check, networks, ordered, service_times, simulate_step_by_step, turned_round

DAY = ("00:00", "24:00")


# Invariants


@settings(max_examples=examples(150))
@given(networks(), st.integers(0, 2**31))
def test_in_any_network_no_request_is_lost_no_server_idles_and_no_effect_comes_before_its_cause(made, seed):
    check(simulate(made, seed))


@pytest.mark.long
@settings(max_examples=examples(80))
@given(networks(late_fallbacks=False), st.integers(0, 2**31))
def test_a_stage_that_runs_ahead_ends_where_single_steps_and_single_handovers_end(made, seed):
    ahead, stepped = simulate(made, seed), simulate_step_by_step(made, seed)
    assert ahead.digest == stepped.digest
    assert_frame_equal(ordered(ahead.visits), ordered(stepped.visits))


@settings(max_examples=examples(80))
@given(networks(), st.integers(0, 2**31))
def test_it_makes_no_difference_which_branch_of_a_fork_is_named_first(made, seed):
    assume("fork" in made.scenario.stages)
    one, other = simulate(made, seed), simulate(turned_round(made), seed)
    assert one.digest == other.digest
    assert_frame_equal(one.requests, other.requests)
    assert_frame_equal(ordered(one.visits), ordered(other.visits))


def test_two_pools_in_a_ring_hand_requests_to_and_fro_until_they_pass():
    """A photo passes the check in half of the cases; each try visits both pools."""
    stages = {
        "a": pool(to="b"),
        "b": pool(to="look"),
        "look": gate("quality", {"at_sensitivity": 0.5, "to": "done"}, {"to": "again"}),
        "again": retake("a", max_tries=3),
    }
    made = plan(stages, constant(0.2), rate=1, seconds=300, population=population(unusable=0.0))
    trace = simulate(made, seed=0)
    assert set(trace.requests["tries"]) == {1, 2, 3}
    for stage in ("a", "b"):
        assert np.array_equal(np.bincount(trace.logs[stage].request), trace.requests["tries"])
    assert (trace.requests["outcome"] == "done").all()


# Repeatability


def small(**fields):
    stages = {"a": pool(to="b", max_batch=4, max_queue=5, on_full="done"), "b": people((*DAY, 3), minutes=1 / 60, sigma=0.5)}
    return plan(stages, service_times(4, 0), rate=3, **fields)


def test_the_same_seed_gives_the_same_run_and_another_seed_or_replication_another():
    runs = [simulate(small(), seed, replication) for seed, replication in [(1, 0), (1, 0), (2, 0), (1, 1)]]
    first, again, *others = (run.digest for run in runs)
    assert first == again
    assert_frame_equal(runs[0].visits, runs[1].visits)
    assert len({first, *others}) == 3


def test_more_servers_serve_the_same_requests_and_none_of_them_later():
    few = simulate(plan({"p": pool()}, constant(1.0), rate=0.9, seconds=500), seed=1)
    many = simulate(plan({"p": pool(replicas=2)}, constant(1.0), rate=0.9, seconds=500), seed=1)
    assert few.requests["arrived_s"].equals(many.requests["arrived_s"])
    assert (many.requests["finished_s"] <= few.requests["finished_s"]).all()
    assert (many.requests["finished_s"] < few.requests["finished_s"]).any()


# Bounds


def test_a_run_whose_stages_have_more_turns_than_it_may_is_refused_at_a_stage_of_it(monkeypatch):
    made = plan({"serve": pool()})
    run = Run(made, Streams(1, 0))
    run.trace()
    assert run.turns >= 1
    monkeypatch.setattr(contract, "RUN_STEPS", replace(RUN_STEPS, most=run.turns))
    simulate(made, 1)
    monkeypatch.setattr(contract, "RUN_STEPS", replace(RUN_STEPS, most=run.turns - 1))
    with pytest.raises(ScenarioError) as refused:
        simulate(made, 1)
    [fault] = refused.value.faults
    assert fault.field == "stages.serve"
    assert f"the stages have had {run.turns - 1:,} turns, the most of one run" in fault.message
