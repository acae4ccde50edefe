"""Reviewers on shifts, by rotas worked out by hand. Runs start at 07:00 and times are minutes from then."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.servers import servers
from simulator.records.timetables import DAY_S, Roster, clock_s
from simulator.theory.loads import loads, visit_ratios
from tests.builders import assumed, end, figures, gate, link, people, plan, pool, population, run_at, score_table, spread
from tests.effort import examples
from tests.engine.intervals import assert_agrees
from tests.truths.queue_formulas import mg1_wait, mmc_wait

DAY = {"starts_at": "07:00", "days": 1, "drain_days": 1, "replications": 2}


def cases(minutes, *shifts, **fields):
    """When each case was begun and closed, by whom, in minutes; cases take ten minutes."""
    made = plan({"r": people(*shifts, minutes=10, **fields)}, run=DAY)
    visits = run_at(made, [60 * minute for minute in minutes]).visits.sort_values("request")
    return [(row.started_s / 60, row.left_s / 60, row.server) for row in visits.itertuples()]


def close(*expected):
    return [pytest.approx(row) for row in expected]


def test_cases_are_taken_in_turn_by_whoever_is_free_on_duty():
    found = cases([60, 61, 62, 63], ("08:00", "16:00", 2))
    assert found == close((60, 70, 0), (61, 71, 1), (70, 80, 0), (71, 81, 1))


def test_nobody_reads_before_the_shift_begins_and_the_queue_waits_for_it():
    assert cases([0, 59], ("08:00", "16:00", 1)) == close((60, 70, 0), (70, 80, 0))


def test_who_is_in_the_middle_of_a_case_at_the_end_of_the_shift_finishes_it_and_takes_no_other():
    found = cases([535, 536], ("08:00", "16:00", 1))  # 15:55 and 15:56
    assert found == close((535, 545, 0), (1500, 1510, 0))  # the second waits until 08:00 on the next day


def test_a_case_that_comes_in_at_night_is_read_in_the_morning():
    assert cases([900], ("08:00", "16:00", 3)) == close((1500, 1510, 0))


def test_at_a_change_of_shift_there_are_as_many_as_the_new_shift_has():
    found = cases([475, 476, 477, 478, 479], ("08:00", "15:00", 1), ("15:00", "20:00", 3))
    assert found == close((475, 485, 0), (480, 490, 1), (480, 490, 2), (485, 495, 0), (490, 500, 1))


def test_a_smaller_shift_begins_once_enough_cases_are_closed():
    found = cases([475, 475, 476, 477], ("08:00", "15:00", 2), ("15:00", "20:00", 1))
    assert found == close((475, 485, 0), (475, 485, 1), (485, 495, 0), (495, 505, 0))


def test_a_shift_of_none_leaves_every_case_to_the_next_one():
    assert cases([60], ("08:00", "15:00", 0), ("15:00", "16:00", 1)) == close((480, 490, 0))


def ended(times, *shifts, minutes=10, **fields):
    """How each request ended and after how many minutes."""
    made = plan({"r": people(*shifts, minutes=minutes, **fields)}, run=DAY)
    requests = run_at(made, [60 * minute for minute in times]).requests
    return [(row.outcome, pytest.approx(row.finished_s / 60)) for row in requests.itertuples()]


PATIENT = {"patience_h": spread(0.5), "on_timeout": "done"}


def test_who_has_waited_too_long_gives_up_when_the_patience_ends_not_when_it_is_noticed():
    assert ended([0, 40, 600], ("08:00", "16:00", 1), **PATIENT) == [("timed_out", 30), ("done", 70), ("timed_out", 630)]


def test_who_waits_exactly_as_long_as_the_patience_lasts_is_still_served():
    assert ended([30], ("08:00", "16:00", 1), **PATIENT) == [("done", 70)]


def test_patience_does_not_count_while_the_case_is_read():
    assert ended([60], ("08:00", "16:00", 1), minutes=50, **PATIENT) == [("done", 110)]


def test_a_full_queue_refuses_at_once():
    assert ended([0, 1, 2], ("08:00", "16:00", 1), max_queue=2, on_full="done") == [("done", 70), ("done", 80), ("shed", 2)]


def test_a_case_waits_only_if_no_reviewer_takes_it_at_the_instant_at_which_it_comes():
    full = {"max_queue": 1, "on_full": "done"}
    assert ended([60] * 4, ("00:00", "24:00", 2), **full) == [("done", 70), ("done", 70), ("done", 80), ("shed", 60)]
    assert ended([0, 1, 10], ("00:00", "24:00", 1), **full) == [("done", 10), ("done", 20), ("done", 30)]
    at_the_start = ended([30, 60, 60, 60], ("08:00", "16:00", 2), **full)
    assert at_the_start == [("done", 70), ("done", 70), ("done", 80), ("shed", 60)]


def test_of_the_cases_that_come_at_once_the_most_urgent_is_read_and_then_the_last_is_refused():
    """Those without a tag come before all others, but are delivered last, by the second route of the gate."""
    stages = {"r": people(("00:00", "24:00", 1), minutes=10, order="tag", max_queue=1, on_full="done")}
    look = gate("quality", {"at_least": 1, "to": "r", "tag": "good"}, {"to": "r"})
    requests = run_at(plan({"look": look, **stages}, run=DAY, population=population(unusable=0.5)), [0] * 6).requests
    good, untagged = (np.flatnonzero(requests["tag"] == tag) for tag in (1, 0))
    assert len(good) > 1
    assert len(untagged) > 1
    ends = dict.fromkeys(range(6), ("shed", 0)) | {untagged[0]: ("done", 10), good[0]: ("done", 20)}
    assert dict(enumerate(zip(requests["outcome"], requests["finished_s"] / 60, strict=True))) == ends


minutes = st.lists(st.integers(0, 60) | st.sampled_from([0, 10, 20, 30]), min_size=1, max_size=25).map(sorted)


@settings(max_examples=examples(60))
@given(minutes, st.integers(1, 3), st.integers(1, 3))
def test_reviewers_who_are_always_there_are_replicas_that_take_one_case_at_a_time(times, readers, most):
    made = plan({"p": pool(replicas=readers, max_queue=most, on_full="done")}, constant(600.0), run=DAY)
    requests = run_at(made, [60 * time for time in times]).requests
    replicas = [(row.outcome, pytest.approx(row.finished_s / 60)) for row in requests.itertuples()]
    assert ended(times, ("00:00", "24:00", readers), max_queue=most, on_full="done") == replicas


def test_who_gave_up_and_goes_to_another_stage_gets_there_when_that_is_noticed():
    first = people(("08:00", "16:00", 1), patience_h=spread(0.5), on_timeout="late")
    requests = run_at(plan({"r": first, "late": link("done", 60)}, run=DAY), [0]).requests
    assert requests["outcome"].tolist() == ["timed_out"]
    assert requests["answered_s"].tolist() == [3600]
    assert requests["finished_s"].tolist() == pytest.approx([3660])


def test_who_gave_up_unnoticed_still_waits_when_the_run_ends():
    busy = people(("08:00", "16:00", 1), minutes=4000, patience_h=spread(2), on_timeout="late")
    trace = run_at(plan({"late": link("done", 60), "r": busy}, start="r", run=DAY), [0, 60])
    assert trace.requests["outcome"].tolist() == ["unfinished", "unfinished"]
    assert trace.requests["answered_s"].isna().all()
    assert trace.visits["left_s"].isna().tolist() == [False, True]
    waiting = plan({"r": busy | {"on_timeout": "done"}}, run=DAY)
    assert run_at(waiting, [0, 60]).requests["outcome"].tolist() == ["unfinished", "timed_out"]


def test_the_order_of_risk_takes_the_highest_score_first_and_fifo_the_first_to_come():
    table = score_table([0.1, 0.9, 0.5, 0.7], [0.0])
    for order in ("risk", "fifo"):
        stages = {"p": pool(to="r", scores="x"), "r": people(("08:00", "16:00", 1), minutes=10, order=order)}
        made = plan(stages, scores=table, population=population(1.0), run=DAY)
        trace = run_at(made, range(0, 600, 20))
        read = trace.visits[trace.visits["stage"] == "r"].sort_values("started_s")["request"]
        scores = trace.columns.scores[0, read].tolist()
        assert len(set(scores)) == 4
        assert scores == (sorted(scores, reverse=True) if order == "risk" else trace.columns.scores[0].tolist())


def test_the_order_of_tags_takes_the_routes_in_the_order_of_the_gate_and_each_in_the_order_of_arrival():
    routes = {"at_least": 0.6, "to": "r", "tag": "urgent"}, {"to": "r", "tag": "routine"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes), "r": people(("08:00", "16:00", 1), order="tag")}
    made = plan(stages, scores=score_table([0.5, 0.9], [0.0]), population=population(1.0), run=DAY)
    trace = run_at(made, range(0, 600, 20))
    read = trace.visits[trace.visits["stage"] == "r"].sort_values("started_s")["request"]
    urgent = trace.columns.scores[0] > 0.6
    assert 0 < urgent.sum() < 30
    assert read.tolist() == [*np.flatnonzero(urgent), *np.flatnonzero(~urgent)]


def test_a_request_that_no_model_has_scored_counts_as_the_most_urgent():
    full = pool(to="r", scores="x", max_queue=1, on_full="r", max_batch=1)
    made = plan({"p": full, "r": people(("08:00", "16:00", 1), minutes=10, order="risk")}, scores=score_table([0.5], [0.1]),
                population=population(1.0), run=DAY)  # fmt: skip
    trace = run_at(made, [0, 0.1, 0.2])
    read = trace.visits[trace.visits["stage"] == "r"].sort_values("started_s")["request"]
    assert read.tolist() == [2, 0, 1]


def test_readers_recognise_positives_and_negatives_at_their_rates():
    rates = {"sensitivity": assumed(0.8), "specificity": assumed(0.7), "positive_to": "yes", "negative_to": "no"}
    stages = {"r": people(("00:00", "24:00", 500), **rates)}
    made = plan(stages, population=population(), ends={"yes": end(), "no": end()}, run=DAY)
    requests = run_at(made, range(4000)).requests
    for positive, correct, rate in ((True, "yes", 0.8), (False, "no", 0.7)):
        read = requests.loc[requests["positive"] == positive, "end"]
        assert binomtest(int((read == correct).sum()), len(read), rate).pvalue > 0.05 / 2


def shift(start, stop, count, **fields):
    return {"start": start, "end": stop, "people": count} | fields


def test_nobody_takes_a_case_in_a_break_and_who_is_in_the_middle_of_one_finishes_it():
    pause = shift("08:00", "16:00", 2, breaks=[{"start": "10:30", "minutes": 15}])  # minutes 210 to 225
    found = cases([204, 209, 211, 212, 226], shifts=[pause])
    assert found == close((204, 214, 0), (209, 219, 1), (225, 235, 0), (225, 235, 1), (235, 245, 0))


def test_a_break_in_groups_leaves_the_others_to_read():
    pause = shift("08:00", "16:00", 2, breaks=[{"start": "10:30", "minutes": 15, "groups": 2}])
    found = cases([211, 212, 224, 230], shifts=[pause])  # reader 0 is away from 210 to 225, reader 1 from 225 to 240
    assert found == close((211, 221, 1), (221, 231, 1), (225, 235, 0), (235, 245, 0))


def test_the_others_of_another_shift_read_on_in_a_break():
    early = shift("08:00", "16:00", 1, breaks=[{"start": "12:00", "minutes": 60}])  # minutes 300 to 360
    found = cases([299, 301, 302], shifts=[early, shift("10:00", "18:00", 1)])
    assert found == close((299, 309, 0), (301, 311, 1), (311, 321, 1))


def test_nobody_takes_a_case_in_the_hand_over():
    early, late = shift("08:00", "12:00", 1), shift("12:00", "16:00", 2, handover_minutes=20)  # minutes 300 to 320
    assert cases([295, 296, 297], shifts=[early, late]) == close((295, 305, 0), (320, 330, 0), (320, 330, 1))


def test_reading_slows_with_the_hours_since_the_shift_began():
    two = [shift("08:00", "16:00", 1), shift("16:00", "20:00", 1)]
    found = cases([60, 180, 550], shifts=two, fatigue_per_h=assumed(0.3))
    assert found == close((60, 70, 0), (180, 180 + 10 * 1.6, 0), (550, 550 + 10 * (1 + 0.3 / 6), 0))


def test_who_came_later_is_less_tired():
    found = cases([301, 301], shifts=[shift("08:00", "16:00", 1), shift("12:00", "20:00", 1)], fatigue_per_h=assumed(0.6))
    assert found == close((301, 301 + 10 * (1 + 0.6 * 241 / 60), 0), (301, 301 + 10 * (1 + 0.6 / 60), 1))


def twice(share=1.0, rule="either", **fields):
    return {"second_reader": {"share": share, "rule": rule} | fields}


def test_a_second_reading_is_a_second_visit_and_waits_for_somebody_else():
    found = cases([60, 62], ("08:00", "16:00", 2), **twice())
    assert found == close((60, 70, 0), (72, 82, 1), (62, 72, 1), (72, 82, 0))


def test_who_may_not_read_a_case_again_takes_the_next_one():
    found = cases([60, 62, 70.5], ("08:00", "16:00", 2), **twice())
    assert found == close((60, 70, 0), (72, 82, 1), (62, 72, 1), (80.5, 90.5, 0), (70.5, 80.5, 0), (82, 92, 1))


def test_a_second_reading_joins_the_queue_when_the_first_is_done():
    found = cases([60, 61, 61.5], ("08:00", "16:00", 2), **twice())
    assert found == close((60, 70, 0), (71, 81, 1), (61, 71, 1), (80, 90, 0), (70, 80, 0), (81, 91, 1))


def test_who_is_alone_on_duty_reads_twice():
    assert cases([60], ("08:00", "16:00", 1), **twice()) == close((60, 70, 0), (70, 80, 0))
    found = cases([120], ("08:00", "09:05", 2), ("09:05", "16:00", 1), **twice())  # the second reader left at 125
    assert found == close((120, 130, 0), (130, 140, 0))


def test_a_case_that_only_waits_for_another_reader_goes_to_the_first_who_comes():
    rota = [shift("08:00", "16:00", 1), shift("08:00", "08:04", 1), shift("08:12", "16:00", 1)]
    found = cases([60, 63.5], shifts=rota, **twice())
    # The second reader finishes a case until 73.5, when the third sits down at the same desk.
    assert found == close((60, 70, 0), (70, 80, 0), (63.5, 73.5, 1), (80, 90, 0))


def test_a_case_between_its_readings_is_not_refused():
    limited = {"max_queue": 1, "on_full": "done"} | twice()
    assert ended([60, 62, 65], ("08:00", "16:00", 2), **limited) == [("done", 82), ("done", 90), ("done", 92)]


def test_time_in_the_queue_before_both_readings_counts_as_waiting():
    patient = {"patience_h": spread(82 / 60), "on_timeout": "done"}
    found = ended([0, 0, *[30] * 6], ("08:00", "16:00", 2), **patient, **twice())
    # Two are read at 60 and wait again from 70, behind the others, until 100: they had 22 minutes of patience left.
    assert found == [("timed_out", 92)] * 2 + [("done", 110)] * 2 + [("done", 120)] * 2 + [("done", 130)] * 2


def test_who_gave_up_unnoticed_makes_room_in_a_full_queue():
    limited = {"max_queue": 2, "on_full": "done"} | PATIENT
    assert ended([0, 1, 40], ("08:00", "16:00", 1), **limited) == [("timed_out", 30), ("timed_out", 31), ("done", 70)]
    assert ended([0, 1, 30], ("08:00", "16:00", 1), **limited) == [("timed_out", 30), ("timed_out", 31), ("shed", 30)]


def read_by(share=1.0, rule="either", **fields):
    """What becomes of 4,000 cases that a crowd of readers reads, and which were read twice."""
    rates = {"sensitivity": assumed(0.8), "specificity": assumed(0.7), "positive_to": "yes", "negative_to": "no"}
    stages = {"r": people(("00:00", "24:00", 500), **rates, **twice(share, rule), **fields)}
    made = plan(stages, population=population(), ends={"yes": end(), "no": end()}, run=DAY)
    trace = run_at(made, range(4000))
    return trace.requests, trace.visits["request"].value_counts().sort_index().to_numpy() == 2


@pytest.mark.parametrize(
    ("rule", "found", "cleared"), [("either", 1 - 0.2**2, 0.7**2), ("both", 0.8**2, 1 - 0.3**2)], ids=["either", "both"]
)
def test_two_readers_are_independent_and_the_rule_says_whose_word_counts(rule, found, cleared):
    requests, again = read_by(rule=rule)
    assert again.all()
    for positive, correct, rate in ((True, "yes", found), (False, "no", cleared)):
        read = requests.loc[requests["positive"] == positive, "end"]
        assert binomtest(int((read == correct).sum()), len(read), rate).pvalue > 0.05 / 4


def test_a_share_of_the_cases_is_read_twice_and_a_larger_share_holds_the_smaller():
    few, many = read_by(0.3)[1], read_by(0.6)[1]
    assert binomtest(int(few.sum()), 4000, 0.3).pvalue > 0.05
    assert not (few & ~many).any()


def test_a_second_reader_changes_nothing_of_the_first_readings():
    plain, some = read_by(0)[0], read_by(0.3)
    once = ~some[1]
    columns = ["end", "finished_s"]
    assert plain.loc[once, columns].equals(some[0].loc[once, columns])
    assert not plain["end"].equals(some[0]["end"])


def test_second_readings_may_be_kept_for_the_cases_with_a_tag():
    routes = {"at_least": 0.6, "to": "r", "tag": "urgent"}, {"to": "r", "tag": "routine"}
    reader = people(("07:00", "16:00", 9), **twice(tag="urgent"))
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes), "r": reader}
    made = plan(stages, scores=score_table([0.5, 0.9], [0.0]), population=population(1.0), run=DAY)
    trace = run_at(made, range(0, 600, 20))
    visits = trace.visits.loc[trace.visits["stage"] == "r", "request"].value_counts().sort_index()
    assert visits.tolist() == np.where(trace.columns.scores[0] > 0.6, 2, 1).tolist()


QUARTERS = [f"{8 + quarter // 4:02d}:{15 * (quarter % 4):02d}" for quarter in range(32)]


@st.composite
def rotas(draw):
    """One to three shifts within a working day, some with a hand-over and a break."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, 20))
        stop = draw(st.integers(start + 4, 31))
        count, fields = draw(st.integers(1, 3)), {"handover_minutes": draw(st.sampled_from([0, 10]))}
        if draw(st.booleans()):
            groups = draw(st.integers(1, 2))
            pause = draw(st.integers(start, stop - groups))
            fields["breaks"] = [{"start": QUARTERS[pause], "minutes": 15, "groups": groups}]
        found.append(shift(QUARTERS[start], QUARTERS[stop], count, **fields))
    return found


@settings(max_examples=examples(60))
@given(rotas(), st.lists(st.integers(0, 500), min_size=1, max_size=40), st.sampled_from([0, 0.5, 1]), st.sampled_from([0, 0.4]))
def test_whatever_the_rota_who_reads_is_on_duty_and_no_case_waits_for_somebody_free(rota, arrivals, share, fatigue):
    stage = people(minutes=10, shifts=rota, fatigue_per_h=assumed(fatigue), **twice(share))
    made = plan({"r": stage}, run=DAY)
    visits = run_at(made, sorted(60 * minute for minute in arrivals)).visits
    roster = Roster(made.scenario.stages["r"].shifts, clock_s("07:00"), made.horizon_s)
    read = visits[visits["started_s"].notna()]
    firsts: dict[int, int] = {}
    for row in read.sort_values("started_s").itertuples():
        readers = roster.readers(row.started_s)
        assert row.server in readers
        slower = 1 + fatigue * (row.started_s - readers[row.server]) / 3600
        assert row.left_s - row.started_s == pytest.approx(600 * slower)
        assert len(readers) == 1 or row.server != firsts.get(row.request)
        firsts[row.request] = row.server
    for _, mine in read.groupby("server"):
        times = mine.sort_values("started_s")
        assert (times["left_s"].to_numpy()[:-1] <= times["started_s"].to_numpy()[1:]).all()
    _check_nobody_idle(visits, roster, made.horizon_s)


def _check_nobody_idle(visits, roster, horizon):
    """Whenever somebody may have come free, every case that waits has been read by all who are free, with others on duty."""
    entered, started, left, server, request = (
        visits[name].to_numpy() for name in ("entered_s", "started_s", "left_s", "server", "request")
    )
    moments = np.unique(np.concatenate([entered, left, roster.times]))
    for now in moments[moments < horizon]:
        waiting = (entered <= now) & ~(started <= now)
        free = set(roster.readers(now)) - set(server[(started <= now) & (now < left)])
        for case in request[waiting] if free else []:
            assert len(roster.readers(now)) > 1
            assert free == {server[(request == case) & (left <= now)][0]}


def test_people_with_exponential_cases_wait_as_erlang_says():
    made = plan({"r": people(("00:00", "24:00", 3), minutes=1) | {"minutes": {"exponential_mean": assumed(1 / 60)}}},
                seconds=20_000, rate=2.4)  # fmt: skip
    waits = [_mean_wait(simulate(made, 5, replication)) for replication in range(12)]
    assert_agrees(waits, mmc_wait(2.4, 1.0, 3), checks=2, sharp=0.1)


def test_people_with_cases_from_a_list_wait_as_pollaczek_and_khinchine_say():
    seconds = np.array([0.5, 0.5, 2.0])
    listed = {"minutes": {"samples": (seconds / 60).tolist(), "assumed": "for a test"}}
    made = plan({"r": people(("00:00", "24:00", 1)) | listed}, seconds=20_000, rate=0.7)
    waits = [_mean_wait(simulate(made, 5, replication)) for replication in range(12)]
    assert_agrees(waits, mg1_wait(0.7, 1.0, float((seconds**2).mean())), checks=2, sharp=0.1)


def _mean_wait(trace):
    visits = trace.logs["r"].frame("r")
    return (visits["started_s"] - visits["entered_s"]).mean()


@pytest.mark.parametrize("order", ["fifo", "freshest"])
def test_a_limit_that_the_queue_never_reaches_changes_nothing(order):
    """Without a limit cases go a shorter way through the engine; more than all of them never wait."""
    shifts = [("08:00", "16:00", 2), ("15:00", "20:00", 1)]
    fields = {"minutes": 2, "sigma": 0.5, "order": order, "patience_h": spread(3, 0.5), "fatigue_per_h": assumed(0.1)}
    ends = {"done": end(), "full": end(), "late": end()}
    made = (
        plan({"r": people(*shifts, **fields, on_timeout="late", **limit)}, rate=0.02, ends=ends, run=DAY)
        for limit in ({}, {"max_queue": 10_000, "on_full": "full"})
    )
    free, limited = (simulate(one, seed=1) for one in made)
    assert set(free.requests["end"].dropna()) == {"done", "late"}
    assert free.visits.equals(limited.visits)
    assert free.digest == limited.digest


# People who are out


def struck(minutes, *shifts, at, lasts, **ball):
    """As `cases`, while a curveball keeps people away from one minute of the run to another."""
    away = {"kind": "absence", "label": "Flu", "stage": "r", "at_s": 60 * at, "lasts_s": 60 * lasts} | ball
    made = plan({"r": people(*shifts, minutes=10)}, run=DAY, curveballs={"flu": away})
    trace = run_at(made, [60 * minute for minute in minutes])
    visits = trace.visits.sort_values("request")
    return trace, [(row.started_s / 60, row.left_s / 60, row.server) for row in visits.itertuples()]


def test_who_is_out_takes_no_case_from_that_instant_until_the_end_of_the_absence():
    """Of two people the first is out from minute 65 to minute 95: the case in hand is finished, and the other goes on."""
    _, found = struck([60, 61, 66, 67, 94], ("08:00", "16:00", 2), at=65, lasts=30, people=1)
    assert found == close((60, 70, 0), (61, 71, 1), (71, 81, 1), (81, 91, 1), (94, 104, 1))
    _, found = struck([60, 61, 66, 67, 68], ("08:00", "16:00", 2), at=65, lasts=10, people=1)
    assert found == close((60, 70, 0), (61, 71, 1), (71, 81, 1), (75, 85, 0), (81, 91, 1))


def test_if_everybody_is_out_cases_wait_for_their_return():
    _, found = struck([70], ("08:00", "16:00", 3), at=60, lasts=90, people=5)
    assert found == close((150, 160, 0))


@pytest.mark.parametrize(("share", "present"), [(0.5, 1), (0.25, 2), (0.1, 3), (1.0, 0)])
def test_a_share_of_each_shift_is_rounded_halves_up(share, present):
    trace, _ = struck([70], ("08:00", "16:00", 3), at=60, lasts=120, share=share)
    assert servers(trace, "r").at(100 * 60) == present
    assert servers(trace, "r").at(300 * 60) == 3


def test_an_absence_that_spans_shifts_and_breaks_takes_the_same_places_of_each():
    pause = {"start": "09:00", "minutes": 30, "groups": 2}
    shifts = [shift("08:00", "10:00", 2, breaks=[pause]), shift("10:00", "12:00", 3)]
    away = {"kind": "absence", "label": "Flu", "stage": "r", "people": 1, "at_s": 60 * 130, "lasts_s": 60 * 110}
    trace = run_at(plan({"r": people(minutes=10, shifts=shifts)}, run=DAY, curveballs={"flu": away}), [60])
    there = servers(trace, "r")
    assert [there.at(60 * minute) for minute in (100, 125, 140, 155, 170, 185, 239, 241)] == [2, 1, 1, 0, 0, 2, 2, 3]


def test_absent_people_are_paid_and_count_as_no_capacity():
    usual = run_at(plan({"r": people(("08:00", "16:00", 2), minutes=10)}, run=DAY), [60])
    trace, _ = struck([60], ("08:00", "16:00", 2), at=0, lasts=24 * 60, people=1)
    assert figures(trace)["cost_per_1000_usd"] == pytest.approx(figures(usual)["cost_per_1000_usd"])
    assert figures(trace)["utilization.r"] == pytest.approx(2 * figures(usual)["utilization.r"])


ABSENT = plan(
    {"r": people(("00:00", "24:00", 40), minutes=10, absence=assumed(0.2))},
    rate=1e-4,
    run=DAY | {"starts_at": "00:00", "days": 20},
)


def test_absences_by_chance_have_their_share_and_differ_by_shift_person_and_replication():
    """The people present on each of 20 days, of 40: binomial with 0.8, and a day's draw is independent of the next one's."""
    runs = [simulate(ABSENT, 1, replication) for replication in range(10)]
    present = np.array([[servers(trace, "r").at((day + 0.5) * DAY_S) for day in range(20)] for trace in runs])
    assert_agrees(present.mean(axis=1), 40 * 0.8, checks=1)
    assert 0.6 < present.var() / (40 * 0.8 * 0.2) < 1.5
    assert len({tuple(row) for row in present.tolist()}) == 10
    assert abs(np.corrcoef(present[:, :-1].ravel(), present[:, 1:].ravel())[0, 1]) < 0.2


def test_the_planned_load_counts_the_people_who_come_on_average():
    (load,) = loads(ABSENT)
    assert load.mean == pytest.approx(1e-4 * 600 / (40 * 0.8))


def test_one_more_person_leaves_the_absences_of_the_others_as_they_were():
    def present(count):
        made = plan({"r": people(("00:00", "24:00", count), absence=assumed(0.5))}, rate=1e-4, run=DAY | {"days": 3})
        return [set(simulate(made, 3).conditions.roster("r").readers((day + 0.5) * DAY_S)) for day in range(3)]

    for few, more in zip(present(10), present(11), strict=True):
        assert few == more - {10}


def test_an_absence_needs_people_and_one_number():
    ball = {"kind": "absence", "label": "Flu", "stage": "r", "people": 1}
    with pytest.raises(ScenarioError, match="'r' is a stage of the kind pool; this strikes people"):
        plan({"r": pool()}, curveballs={"flu": ball})
    with pytest.raises(ScenarioError, match="give people, for a number of each shift, or share"):
        plan({"r": people(("08:00", "16:00", 1))}, curveballs={"flu": ball | {"share": 0.5}})


# Rates by group


SITE = {"kind": "category", "label": "Site", "shares": {"shop": assumed(0.3), "forum": assumed(0.7)}}
CLASSES = {name: {"label": name, "share": assumed(0.5)} for name in ("fast", "slow")}
READ = {
    "sensitivity": assumed(0.9),
    "specificity": assumed(0.8),
    "readings": [
        {"groups": {"site": ["shop"]}, "sensitivity": assumed(0.4)},
        {"classes": ["slow"], "sensitivity": assumed(0.6), "specificity": assumed(0.3)},
    ],
    "positive_to": "found",
    "negative_to": "done",
}


def by_group(**fields):
    stage = people(("00:00", "24:00", 99), minutes=0.1, **READ | fields)
    ends = {"found": end(escalated=True, detected=assumed(1)), "done": end()}
    parts = {"attributes": {"site": SITE}, "classes": CLASSES, "population": population(0.5), "ends": ends}
    return plan({"r": stage}, rate=10, seconds=2_000, **parts)


def test_each_group_is_read_at_its_own_rates_and_the_first_entry_that_fits_holds():
    trace = simulate(by_group(), 1)
    rows = trace.requests
    shop, slow, positive = rows["site"] == "shop", trace.columns.kind == 1, rows["positive"]
    called = rows["end"] == "found"
    expected = [
        (positive & shop, 0.4), (positive & ~shop & slow, 0.6), (positive & ~shop & ~slow, 0.9),
        (~positive & shop, 0.2), (~positive & ~shop & slow, 0.7), (~positive & ~shop & ~slow, 0.2),
    ]  # fmt: skip
    for which, rate in expected:
        assert binomtest(int(called[which].sum()), int(which.sum()), rate).pvalue > 0.001


@pytest.mark.parametrize("fields", [{}, twice(0.5)])
def test_the_planned_flow_is_that_of_the_groups_together(fields):
    """In theory and in runs alike, also where some cases are read twice."""
    stages = {
        "r": people(("00:00", "24:00", 99), minutes=0.1, **READ | fields | {"positive_to": "next"}),
        "next": link("found", 0.1),
    }
    ends = {"found": end(), "done": end()}
    parts = {"attributes": {"site": SITE}, "classes": CLASSES, "population": population(0.5), "ends": ends}
    made = plan(stages, rate=10, seconds=1_000, **parts)
    shares = [len(trace.logs["next"]) / trace.columns.n for trace in (simulate(made, seed) for seed in range(8))]
    assert_agrees(shares, visit_ratios(made)["next"], checks=2)


def test_a_drop_of_the_accuracy_holds_for_every_group_while_it_lasts():
    drop = {"kind": "accuracy_drop", "label": "Tired", "stage": "r", "sensitivity": 0.0, "at_s": 0, "lasts_s": 1_000}
    stage = people(("00:00", "24:00", 99), minutes=0.1, **READ)
    ends = {"found": end(escalated=True, detected=assumed(1)), "done": end()}
    parts = {"attributes": {"site": SITE}, "classes": CLASSES, "population": population(0.5), "ends": ends}
    rows = simulate(plan({"r": stage}, rate=10, seconds=2_000, curveballs={"tired": drop}, **parts), 1).requests
    found = rows["positive"] & (rows["end"] == "found")
    assert not found[rows["arrived_s"] < 900].any()
    late = rows[(rows["arrived_s"] > 1_000) & rows["positive"] & (rows["site"] == "shop")]
    assert binomtest(int((late["end"] == "found").sum()), len(late), 0.4).pvalue > 0.001


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"sensitivity": assumed(1)}, "say which cases these rates are for: classes or groups"),
        ({"classes": ["slow"]}, "give sensitivity or specificity of these cases"),
        ({"classes": ["slw"], "sensitivity": assumed(1)}, "'slw' is not a class of requests; did you mean 'slow'"),
        ({"groups": {"site": ["shp"]}, "sensitivity": assumed(1)}, "'shp' is not a group of 'site'; did you mean 'shop'"),
    ],
)
def test_rates_of_cases_that_there_are_not_are_refused(reading, message):
    with pytest.raises(ScenarioError) as caught:
        by_group(readings=[reading])
    assert message in str(caught.value)
    assert "stages.r.readings.0" in str(caught.value)
