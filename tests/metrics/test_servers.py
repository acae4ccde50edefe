"""How many servers there are at a time, against outages, shifts and autoscaling decisions that are written down."""

import pytest

from simulator.evidence.latency_tables import constant
from simulator.metrics.servers import down, server_s, servers, work_s
from simulator.records.timetables import HOUR_S
from tests.builders import assumed, people, plan, pool, run_at


def steps(found):
    return list(zip(found.times, found.values, strict=True))


def struck(arrivals, *balls, **fields):
    """A pool that is struck within a hundred seconds in which requests come."""
    named = {f"ball{index}": {"label": "Ball", "stage": "p"} | ball for index, ball in enumerate(balls)}
    made = plan({"p": pool(**fields)}, constant(10.0), curveballs=named)
    made.cold_starts["p"] = [2.0]
    return run_at(made, arrivals)


def loss(at_s, lasts_s, replicas=1):
    return {"kind": "replica_loss", "at_s": at_s, "lasts_s": lasts_s, "replicas": replicas}


def test_replicas_that_are_down_do_not_count_meanwhile():
    trace = struck([0], loss(20, 30), loss(40, 30, replicas=2), replicas=3)
    assert steps(servers(trace.plan, "p")) == [(0, 3)]
    assert steps(servers(trace, "p")) == [(0, 3), (20, 2), (40, 1), (70, 3)]
    assert steps(down(trace, "p")) == [(0, 0), (20, 1), (40, 2), (70, 0)]
    assert steps(servers(trace, "p", server=0)) == [(0, 1), (20, 0), (70, 1)]
    assert server_s(trace, "p") == work_s(trace, "p") == 300 - 20 - 2 * 30


def test_a_replica_that_is_slowed_down_is_there_and_gets_less_done():
    slow = {"kind": "slow_replicas", "at_s": 20, "lasts_s": 30, "replicas": 1, "times": 3}
    trace = struck([0], slow, loss(40, 30), replicas=2)
    assert server_s(trace, "p") == 200 - 30
    assert work_s(trace, "p") == pytest.approx(200 - 30 - 20 * 2 / 3)


def test_a_replica_that_was_started_counts_from_its_first_answer_until_it_goes():
    """Busy from 0 to 15, so that a second is wanted at 15 and serves from 17 on; none has anything to do from 40 on."""
    hpa = {"kind": "hpa", "every_s": 15, "max_replicas": 2, "stabilization_s": 20}
    trace = struck([0, 1, 2, 3], replicas=1, scaling=hpa)
    wanted = trace.fleets["p"].wanted
    assert wanted[:2] == [(0, 1), (15, 2)]
    gone = wanted[2][0]
    assert steps(servers(trace, "p")) == [(0, 1), (17, 2), (gone, 1), (trace.plan.horizon_s, 0)]
    assert servers(trace, "p").at(16.9) == 1
    assert steps(servers(trace.plan, "p")) == [(0, 2)]  # as many as there may be


def test_people_count_outside_breaks_on_the_clock_of_the_run():
    rota = [{"start": "09:00", "end": "17:00", "people": 2, "breaks": [{"start": "12:00", "minutes": 60}]}]
    run = {"starts_at": "10:00", "days": 6 / 24, "drain_days": 1, "replications": 2}
    made = plan({"r": people(shifts=rota, fatigue_per_h=assumed(0.0))}, run=run)
    assert steps(servers(made, "r"))[:4] == [(0, 2), (2 * HOUR_S, 0), (3 * HOUR_S, 2), (7 * HOUR_S, 0)]
    assert server_s(made, "r") == 2 * 5 * HOUR_S


def test_where_nobody_is_on_duty_while_requests_come_a_share_of_the_day_counts():
    run = {"starts_at": "20:00", "days": 6 / 24, "drain_days": 1, "replications": 2}
    made = plan({"r": people(("09:00", "17:00", 2))}, run=run)
    assert server_s(made, "r") == pytest.approx(2 * 8 / 4 * HOUR_S)


def test_a_stage_without_servers_has_none():
    made = plan({"g": {"kind": "fork", "label": "F", "to": ["p", "q"]}, "p": pool(to="j"), "q": pool(to="j"),
                 "j": {"kind": "join", "label": "J", "to": "done"}})  # fmt: skip
    assert steps(servers(made, "g")) == [(0, 0)]
