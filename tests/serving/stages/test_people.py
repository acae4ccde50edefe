"""Reviewers on shifts, by rotas worked out by hand. Runs start at 07:00 and times are minutes from then."""

import numpy as np
import pytest
from scipy.stats import binomtest

from tests.builders import assumed, end, gate, link, people, plan, pool, population, run_at, score_table, spread

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
