"""Controllers: schedules worked out by hand."""

import pytest

from simulator.case.designs import apply
from simulator.case.document import ScenarioError
from simulator.engine import actions
from simulator.engine import plan as plans
from simulator.engine.actions import with_actions
from simulator.engine.run import Run, simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.servers import paid_usd, server_s, servers
from simulator.records.streams import Streams
from tests.builders import MACHINE, arrivals_at, checked, document, pool


def case(controller=None, **fields):
    """A pool that takes ten seconds a request, one replica or four."""
    replicas = {"kind": "number", "label": "Replicas", "default": 1, "values": [1, 2, 4], "set": ["stages.p.replicas"]}
    rate = {"kind": "number", "label": "Rate", "default": 1, "values": [1, 2], "set": ["arrivals.rate_per_s.value"]}
    told = {"controllers": {"guard": {"label": "Guard", "set": {"replicas": 4}} | controller}} if controller else {}
    return document({"p": pool() | fields}, choices={"replicas": replicas, "rate": rate}, **told)


@pytest.fixture
def compiled(monkeypatch):
    """A plan of the case, compiled as any other, but served in ten seconds a request."""

    def compile_plan(scenario, picks=None, strikes=None, figures=None):
        made, design = apply(scenario, picks or {})
        return plans.Plan(made, design, "", {"p": constant(10.0)}, machines={"p": MACHINE}, authored=scenario)

    monkeypatch.setattr(actions, "compile_plan", compile_plan)
    return lambda data, picks=None: compile_plan(checked(data), picks)


def starts(trace):
    return trace.visits["started_s"].tolist()


def test_replicas_that_are_added_serve_at_once(compiled):
    with arrivals_at([0, 1, 2, 3, 4]):
        trace = simulate(compiled(case()), actions=[(5.0, {"replicas": 4})])
    # From 5 s on three more replicas take what waits; the fifth waits for the first of them all, which is free at 10.
    assert starts(trace) == [0, 5, 5, 5, 10]
    assert [at_s for at_s, _ in trace.phases] == [0, 5]


def test_a_replica_that_is_taken_away_finishes_what_it_serves(compiled):
    made = compiled(case())
    with arrivals_at([0, 0, 1, 2]):
        trace = simulate(with_actions(made, [(0.0, {"replicas": 2})]), actions=[(5.0, {"replicas": 1})])
    assert starts(trace) == [0, 0, 10, 20]


def test_a_controller_acts_when_its_signal_has_lasted_and_its_delay_is_over(compiled):
    guard = {"watches": "queue.p", "above": 1, "every_s": 2, "lasts_s": 4, "delay_s": 3}
    with arrivals_at([0, 1, 2, 3, 4]):
        trace = simulate(compiled(case(guard)))
    # Two wait from 2 s on, which it sees at 4 s (at 2 s the third has not come); at 8 s that has lasted; it acts at 11 s.
    assert [at_s for at_s, _ in trace.phases] == [0, 11]
    assert starts(trace) == [0, 10, 11, 11, 11]


def test_a_controller_watches_what_was_answered_in_its_window(compiled):
    guard = {"watches": "latency_mean_s", "above": 15, "every_s": 1, "window_s": 5}
    with arrivals_at([0, 0, 0, 0]):
        trace = simulate(compiled(case(guard)))
    # Answers at 10, 20, 30 s. The second, alone in its window, took 20 s: it is known at 21 s.
    assert [at_s for at_s, _ in trace.phases] == [0, 21]
    assert starts(trace) == [0, 10, 20, 21]


def test_what_a_controller_changed_stays_when_a_later_action_changes_something_else(compiled):
    guard = {"watches": "queue.p", "above": 0, "every_s": 1}
    with arrivals_at([0, 0, 0]):
        trace = simulate(
            compiled(case(guard) | {"choices": case()["choices"] | {"batch": BATCH}}), actions=[(9.0, {"batch": 5})]
        )
    assert [plan.design["replicas"] for _, plan in trace.phases] == [1, 4, 4]
    assert [plan.design["batch"] for _, plan in trace.phases] == [0, 0, 5]


BATCH = {"kind": "number", "label": "Delay", "default": 0, "values": [0, 5], "set": ["stages.p.max_queue_delay_ms"]}


def test_a_run_can_be_driven_by_hand(compiled):
    with arrivals_at([0, 1, 2]):
        run = Run(compiled(case()), Streams(0), stops=True)
        run.advance(5)
        assert starts(run.look())[0] == 0
        assert run.look().requests["finished_s"].isna().all()
        run.act({"replicas": 4})
        assert starts(run.trace()) == [0, 5, 5]


@pytest.mark.parametrize(
    ("action", "field", "message"),
    [
        ((5.0, {"rate": 2}), "rate", "writes arrivals.rate_per_s.value, which cannot change during a run"),
        ((-1.0, {"replicas": 4}), "replicas", "should change at 0 s or later"),
        ((5e6, {"replicas": 4}), "replicas", "when the run ends; got 5e+06"),
        ((5.0, {"replica": 4}), "replica", "did you mean 'replicas'?"),
        ((5.0, {"replicas": 3}), "replicas", "expected one of: 1, 2, 4"),
    ],
)
def test_an_action_that_cannot_be_taken_is_refused(compiled, action, field, message):
    with pytest.raises(ScenarioError) as refused:
        simulate(compiled(case()), actions=[action])
    (fault,) = refused.value.faults
    assert fault.field == field
    assert message in fault.message


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"watches": "queue.q"}, "watches", "'q' is not a stage; expected one of: p"),
        ({"watches": "queues.p"}, "watches", "did you mean 'queue.p'?"),
        ({"set": {"replica": 4}}, "set.replica", "did you mean 'replicas'?"),
        ({"set": {"replicas": 3}}, "set.replicas", "expected one of: 1, 2, 4"),
        ({"set": {"rate": 2}}, "set.rate", "writes arrivals.rate_per_s.value"),
        ({"below": 1}, "", "give exactly one of above and below"),
    ],
)
def test_a_controller_that_cannot_work_is_refused(changes, field, message):
    with pytest.raises(ScenarioError) as refused:
        checked(case({"watches": "queue.p", "above": 1} | changes))
    told = {fault.field: fault.message for fault in refused.value.faults}
    assert message in told[f"controllers.guard.{field}".rstrip(".")]


# What servers there were, and what they cost


def test_servers_are_counted_and_paid_as_they_were_in_each_part_of_the_run(compiled):
    with arrivals_at([0, 1, 2]):
        trace = simulate(compiled(case()), actions=[(40.0, {"replicas": 4})])
    there = servers(trace, "p")
    assert (there.times, there.values) == ((0.0, 40.0), (1.0, 4.0))
    assert server_s(trace, "p") == pytest.approx(40 * 1 + 60 * 4)  # requests arrive for 100 s
    hourly = MACHINE.usd_per_replica_hour(1)
    assert paid_usd(trace, "p") == pytest.approx((40 * 1 + 60 * 4) / 3600 * hourly)


def test_a_change_at_the_very_start_is_a_design_of_its_own(compiled):
    with arrivals_at([0, 1, 2]):
        changed, picked = simulate(compiled(case()), actions=[(0.0, {"replicas": 4})]), compiled(case(), {"replicas": 4})
        alone = simulate(picked)
    assert changed.digest == alone.digest
    assert server_s(changed, "p") == server_s(alone, "p")


def test_a_run_that_was_not_to_be_stopped_refuses_to_be(compiled):
    with arrivals_at([0]), pytest.raises(ValueError, match="stops=True"):
        Run(compiled(case()), Streams(0)).advance(5)
