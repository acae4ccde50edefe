"""Where time went at a stage, on schedules worked out by hand."""

import numpy as np
import pytest

from simulator.analysis.measures import measure
from simulator.analysis.times import BEHIND, HELD, StageTimes, pooled, wait_steps
from simulator.serving.latency import constant
from tests.builders import gate, link, people, plan, pool, population, retake, run_at, spread


def times(made, arrivals):
    return measure(run_at(made, arrivals)).stages


def test_a_visit_waits_and_is_served():
    found = times(plan({"p": pool()}, constant(2.0)), [0, 1])["p"]  # served at 0 and at 2, two seconds each
    assert (found.visits, found.turned_away, found.waited_s, found.held_s, found.served_s) == (2, 0, 1, 0, 4)
    assert found.answer_s == found.total_s == 5
    assert found.load == pytest.approx(2 * 2 / 100)


def test_each_of_a_batch_is_served_as_long_as_the_batch():
    made = plan({"p": pool(max_batch=2, max_queue_delay_ms=5000)}, constant(2.0, 3.0))
    found = times(made, [0, 1, 10])["p"]  # two go at 1, the third waits five seconds in vain
    assert (found.waited_s, found.served_s) == (1 + 5, 2 * 3 + 2)
    assert found.held_s == pytest.approx(6)
    assert found.load == pytest.approx(3 / (2 / 3 * 100))  # two in three seconds is the most that it can do


def test_who_waits_for_company_behind_a_busy_server_is_not_held_up_by_the_rule_alone():
    made = plan({"p": pool(max_batch=2, max_queue_delay_ms=5000)}, constant(2.0, 2.0))
    found = times(made, [0, 0, 1])["p"]  # two go at 0; the third waits a second for the server and four for company
    assert (found.waited_s, found.held_s) == pytest.approx((5, 4))


def test_night_is_no_work_to_wait_for():
    made = plan({"r": people(("00:00", "00:01", 1), ("00:03", "00:10", 1), minutes=1)}, seconds=600)
    found = times(made, [0, 30, 40])["r"]  # read at 0, 180 and 240; nobody is there from 60 to 180
    assert (found.waited_s, found.held_s, found.served_s) == pytest.approx((150 + 200, 2 * 120, 180))


def test_who_is_never_served_waits_to_the_end_and_who_gives_up_until_then():
    shift = people(("00:00", "00:01", 1), minutes=5, patience_h=spread(100 / 3600), on_timeout="done")
    found = times(plan({"r": shift}, seconds=20), [0, 1])["r"]  # the run ends at 220, the second gives up at 101
    assert (found.visits, found.turned_away, found.waited_s) == (2, 1, pytest.approx(100))
    made = plan({"r": people(("00:00", "00:01", 1), minutes=5)}, seconds=20)
    assert times(made, [0, 1])["r"].waited_s == pytest.approx(219)


def test_only_what_the_last_photo_waits_for_counts_towards_the_answer():
    look = gate("quality", {"at_least": 99, "to": "done"}, {"to": "again"})
    stages = {"p": pool(to="g"), "g": look, "again": retake("p", minutes=spread(1)), "later": link("done", 7)}
    stages["again"]["on_exhausted"] = "later"
    found = times(plan(stages, constant(2.0), population=population(unusable=0.5)), [0])
    assert found["p"].total_s == 4
    assert found["p"].answer_s == pytest.approx(2)
    assert found["again"].total_s == pytest.approx(60)
    assert found["later"].answer_s == 0  # the answer was there before


def steps(made, arrivals, name="p", server=None):
    trace = run_at(made, arrivals)
    times, states = wait_steps(trace, name, trace.logs[name].frame(name), server)
    kept = np.append(True, np.diff(states) != 0)
    return list(zip(times[kept].tolist(), states[kept].tolist(), strict=True))


def test_a_wait_for_company_is_one_while_some_replica_is_free():
    made = plan({"p": pool(replicas=2, max_queue_delay_ms=1)}, constant(10.0))
    found = steps(made, [0, 4, 30])  # both are busy from 4 to 10 alone
    assert found == [(0, HELD), (4, BEHIND), (10, HELD)]


def test_replications_are_added_up():
    one, two = StageTimes(1, 0, 2.0, 1.0, 3.0, 4.0, 0.5), StageTimes(2, 1, 4.0, 0.0, 1.0, 2.0, 0.7)
    assert pooled([one, two]) == StageTimes(3, 1, 6.0, 1.0, 4.0, 6.0, pytest.approx(0.6))
