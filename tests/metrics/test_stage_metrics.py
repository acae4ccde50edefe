"""Where time went at a stage, on schedules worked out by hand."""

import numpy as np
import pytest

from simulator.engine.compiled_plan import strikes_of
from simulator.evidence.latency_tables import constant
from simulator.metrics.measures import measure
from simulator.metrics.servers import paid_s, server_s
from simulator.metrics.stage_metrics import (
    BEHIND,
    DOWN,
    HELD,
    StageTimes,
    clock,
    pooled,
    strike_sentence,
    struck_spans,
    unchanged_since,
    wait_steps,
)
from simulator.records.timetables import DAY_S, HOUR_S
from simulator.theory.loads import loads
from tests.builders import assumed, figures, gate, link, people, plan, pool, population, retake, run_at, spread


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
    assert found.load == pytest.approx(3 / (2 / 3 * 100))  # two in three seconds, when it never runs out of work


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
    times, states = wait_steps(trace, name, trace.logs[name].visits(), server)
    kept = np.append(True, np.diff(states) != 0)
    return list(zip(times[kept].tolist(), states[kept].tolist(), strict=True))


def test_a_wait_for_company_is_one_while_some_replica_is_free():
    made = plan({"p": pool(replicas=2, max_queue_delay_ms=1)}, constant(10.0))
    found = steps(made, [0, 4, 30])  # both are busy from 4 to 10 alone
    assert found == [(0, HELD), (4, BEHIND), (10, HELD)]


LOSS = {"gone": {"kind": "replica_loss", "label": "Gone", "stage": "p", "at_s": 2, "lasts_s": 20, "replicas": 1}}


def test_a_wait_while_a_replica_is_down_is_none_for_company():
    """One of two is down from 2 to 22; the other serves the first until 12, the second until 22."""
    made = plan({"p": pool(replicas=2)}, constant(10.0), curveballs=LOSS)
    assert steps(made, [3, 4, 50]) == [(0, BEHIND), (2, DOWN), (22, BEHIND)]
    found = times(made, [3, 4, 50])["p"]
    assert (found.waited_s, found.held_s, found.down_s) == (13 - 4, 0, 13 - 4)


def test_where_a_rule_waits_for_company_and_a_replica_is_down_a_free_one_comes_first():
    made = plan({"p": pool(replicas=2, max_batch=2, max_queue_delay_ms=4000)}, constant(10.0, 10.0), curveballs=LOSS)
    found = times(made, [3, 10])["p"]  # the first waits for company until 7; the second until 17 for the only one that is up
    assert (found.waited_s, found.held_s, found.down_s) == (4 + 7, 4, 7)


def test_who_waits_in_the_queue_of_one_replica_is_behind_others_though_another_is_free():
    made = plan({"p": pool(replicas=2, balance="round_robin", max_batch=2, max_queue_delay_ms=1000)}, constant(10.0, 10.0))
    arrivals = [0, 0, 5, 30, 31]  # the first, third and fifth go to the first replica, which works from 1 to 21 and from 32 on
    assert steps(made, arrivals, server=0) == [(0, HELD), (1, BEHIND), (21, HELD), (32, BEHIND), (42, HELD)]
    assert steps(made, arrivals, server=-1) == [(0, BEHIND)]


def test_the_load_of_a_run_is_the_load_before_it_for_as_many_requests():
    stages = {"p": pool(to="r", max_batch=3, replicas=2), "r": people(("09:00", "17:00", 2), minutes=3)}
    run = {"starts_at": "09:00", "days": 4 / 24, "drain_days": 1, "replications": 2}
    made = plan(stages, constant(1.0, 1.2, 3.9), rate=100 / (4 * HOUR_S), run=run)
    before = {load.stage: load.mean for load in loads(made)}
    found = times(made, range(100))
    assert {name: found[name].load for name in before} == pytest.approx(before)


def test_a_replica_that_is_slowed_down_can_do_less():
    slow = {"slow": {"kind": "slow_replicas", "label": "Slow", "stage": "p", "at_s": 0, "replicas": 1, "times": 2}}
    made = plan({"p": pool(replicas=2)}, constant(4.0), curveballs=slow)
    assert times(made, [0, 1, 2])["p"].load == pytest.approx(3 / (100 / 4 + 100 / 8))


def test_tired_people_can_do_less_and_their_load_is_that_before_the_run():
    """The first case begins with the shift, the second after two hours, by when it takes half as long again."""
    reader = people(("00:00", "08:00", 1), minutes=30, fatigue_per_h=assumed(0.25))
    made = plan({"r": reader}, rate=2 / (8 * HOUR_S), run={"days": 8 / 24, "replications": 2})
    trace = run_at(made, [0, 2 * HOUR_S])
    assert figures(trace)["utilization.r"] == pytest.approx((0.5 + 0.75) / 8)
    (before,) = loads(made)
    assert before.mean == pytest.approx(1.0 / (4 * np.log(3)))
    assert times(made, [0, 2 * HOUR_S])["r"].load == pytest.approx(before.mean)


OFFICE = people(("09:00", "17:00", 1), minutes=30)


def office(hours, arrivals, starts_at="09:00", stage=OFFICE):
    """What is offered and paid for, in hours, where requests come for some hours at these, and may be read for a day more."""
    made = plan({"r": stage}, run={"starts_at": starts_at, "days": hours / 24, "drain_days": 1, "replications": 2})
    trace = run_at(made, [HOUR_S * hour for hour in arrivals])
    return server_s(trace, "r") / HOUR_S, paid_s(trace, "r") / HOUR_S


def test_a_run_of_some_hours_is_offered_and_pays_the_people_of_those_hours():
    assert office(8, [0, 3]) == pytest.approx((8, 8))
    assert office(2, [0, 1]) == pytest.approx((2, 2))


def test_reading_after_the_last_request_may_come_is_paid_at_the_time_that_it_takes():
    assert office(2, [0, 1.75]) == pytest.approx((2, 2.25))  # a quarter of an hour of the second case
    assert office(2, [0, 1, 1, 1, 1]) == pytest.approx((2, 2 + 1))  # two of the last four after eleven
    assert office(2, [1] * 6, starts_at="15:00") == pytest.approx((2, 2 + 2))  # four of six on the next morning


def test_a_case_that_keeps_its_reader_beyond_the_shift_is_paid():
    assert office(24, [7.75]) == pytest.approx((8, 8.25))
    two = people(("09:00", "13:00", 1), ("13:00", "17:00", 1), minutes=30)
    assert office(24, [3.75], stage=two) == pytest.approx((8, 8))  # whoever comes at one waits for the desk, and is paid


def test_people_who_read_at_another_time_than_requests_come_are_paid_for_that():
    offered, paid = office(6, [0, 1, 2], starts_at="20:00")
    assert (offered, paid) == pytest.approx((8 / 4, 1.5))


def test_replicas_are_paid_while_requests_come_and_while_they_work_after_that():
    made = plan({"p": pool(replicas=2)}, constant(30.0))
    trace = run_at(made, [0, 80, 90, 95])  # done at 30, 110, 120 and 140; requests come until 100
    assert paid_s(trace, "p") == pytest.approx(2 * 100 + 10 + 20 + 30)


def test_replications_are_added_up():
    one, two = StageTimes(1, 0, 2.0, 1.0, 3.0, 4.0, 0.5), StageTimes(2, 1, 4.0, 0.0, 1.0, 2.0, 0.7)
    assert pooled([one, two]) == StageTimes(3, 1, 6.0, 1.0, 4.0, 6.0, pytest.approx(0.6))


def test_the_load_since_the_last_strike_is_that_of_what_came_since():
    """Service takes 10 s. Before 60 s a replica of two is down; 4 requests come by then, and 2 in the 40 s after that."""
    lost = {"lost": {"kind": "replica_loss", "label": "Lost", "stage": "p", "replicas": 1, "lasts_s": 60}}
    made = plan({"p": pool(replicas=2)}, constant(10.0), curveballs=lost, strikes={"lost": 0.0}, seconds=100)
    found = measure(run_at(made, [0, 1, 2, 3, 70, 80])).stages["p"]
    assert found.load == pytest.approx(6 / ((60 + 2 * 40) / 10))
    assert found.struck_load == pytest.approx(4 / (60 / 10))
    assert found.late_load == pytest.approx(2 / (2 * 40 / 10))


def test_where_nothing_strikes_the_load_is_that_of_the_whole_run():
    found = measure(run_at(plan({"p": pool()}, constant(10.0), seconds=100), [0, 50])).stages["p"]
    assert (found.load, found.late_load, found.struck_load) == (0.2, 0.2, 0.0)


BALLS = {
    "surge": {"kind": "traffic", "label": "A surge", "note": "three times as many", "times": 3, "lasts_s": 60},
    "gone": {"kind": "replica_loss", "label": "Gone", "stage": "p", "replicas": 1},
    "dear": {"kind": "price", "label": "Dear", "times": 2, "lasts_s": 100},
}


def struck(seconds=1000, **strikes):
    return plan({"p": pool(replicas=2)}, curveballs=BALLS, strikes=strikes, seconds=seconds)


def test_strikes_come_in_the_order_of_time_with_their_ends():
    found = strikes_of(struck(gone=300.0, surge=200.0))
    assert [(one.name, one.start_s, one.end_s, one.to_the_end) for one in found] == [
        ("surge", 200, 260, False),
        ("gone", 300, 11_000, True),
    ]


def test_a_strike_is_told_with_its_time_its_length_and_what_it_does():
    made = struck(seconds=500, surge=200.0)
    assert strike_sentence(made, strikes_of(made)[0]) == (
        "“A surge” struck at 00:03:20 (3.33 min into the run) and lasted 60.0 s: three times as many."
    )


def test_a_long_run_is_told_by_the_clock_too():
    run = {"days": 2, "drain_days": 1, "replications": 2, "starts_at": "20:00"}
    made = plan({"p": pool()}, run=run).scenario
    assert clock(made, 16 * 3600) == "12:00 (16.0 h into the run)"
    assert clock(made, 0) == "20:00 (0 s into the run)"


@pytest.mark.parametrize(
    ("strikes", "since"),
    [({}, 0), ({"surge": 200.0}, 260), ({"gone": 300.0}, 300), ({"surge": 200.0, "gone": 100.0}, 260), ({"surge": 960.0}, 0),
     ({"dear": 500.0}, 0)],
)  # fmt: skip
def test_nothing_changes_any_more_since_the_last_strike_began_or_ended(strikes, since):
    """A strike that begins when almost no request is left to come says nothing; a price moves no load."""
    assert unchanged_since(struck(**strikes), daily=False) == pytest.approx(since)


def test_where_days_repeat_whole_days_are_compared():
    made = plan({"p": pool()}, curveballs=BALLS, strikes={"surge": 0.5 * DAY_S}, seconds=2 * DAY_S, rate=0.001)
    assert unchanged_since(made, daily=True) == pytest.approx(DAY_S)
    assert unchanged_since(made, daily=False) == pytest.approx(0.5 * DAY_S + 60)


def test_what_strikes_after_the_last_request_changes_no_load():
    assert struck_spans(struck(gone=2000.0)) == []
