"""The record has a row for everything that was done, in the order of the log, in the words of the case."""

import pytest

from simulator.session.event_log import LoggedEvent
from simulator.session.session_course import Course
from simulator.session.session_events import AssumptionPinned, AssumptionWritten, SessionEnded
from simulator.session.session_record import record
from simulator.session.session_state import IDLE_S, SessionState
from tests.session.session_bots import BOTS, case, played_session
from tests.session.test_signal_rules import HEAD, asked, change, guess, place, played, run


@pytest.mark.parametrize("bot", BOTS)
def test_every_event_has_a_row_at_its_place_and_minute(bot):
    state = played_session("retry-storm", bot, 3)
    rows = record(case("retry-storm"), state)
    assert [row.place for row in rows] == sorted(row.place for row in rows)
    ended = sum(run.ended is not None for run in state.runs)
    assert len(rows) == state.place - ended  # a run's end is in the row of its begin; the last row is the end
    assert rows[-1].what == "End"
    assert all(row.minute >= 0 for row in rows)


def test_rows_speak_the_language_of_the_case():
    state = played(change("replicas", 3), guess(0.9, 1.0, replicas=3), *run("met", replicas=3))
    texts = {row.what: row.details for row in record(case(HEAD.case), state)}
    assert texts["Change"] == "Classifier replicas: 2 → 3"
    assert texts["Prediction"] == "Cancers found: 90.0% to 100.0%; the run: 95.0%, held"
    assert texts["Run"] == "1 met; run hash 000000000000"


def test_the_seconds_of_a_choice_run_from_its_change_to_the_next_and_a_long_rest_counts_no_more():
    changes = change("replicas", 3), *run(), change("decoders", 3), *run(), SessionEnded()
    assert Course(case(HEAD.case), played(*changes)).seconds_by_choice == {
        "replicas": 120.0,
        "decoders": 120.0,
    }  # none for the run
    assert Course(case(HEAD.case), played(*run())).seconds_by_choice == {}
    late = SessionState.of(HEAD, [logged(0, 0.0, change("replicas", 3)), logged(1, 5000.0, change("decoders", 3))])
    assert Course(case(HEAD.case), late).seconds_by_choice == {"replicas": IDLE_S / 2, "decoders": IDLE_S / 2}


def test_choices_that_change_before_one_run_share_the_time():
    course = Course(case(HEAD.case), played(change("replicas", 3), change("decoders", 3), *run(), SessionEnded()))
    assert course.seconds_by_choice == {"replicas": 90.0, "decoders": 90.0}  # three minutes of steps, none for the run


def logged(place, after_s, event):
    return LoggedEvent(place, 1000.0 + after_s, "candidate", event)


def test_a_pinned_assumption_reads_as_its_question_and_the_answer():
    state = played(
        asked("run on the phone"),
        AssumptionPinned(question=place("run on the phone")),
        AssumptionWritten(text="Phones are slow."),
    )
    found = [assumption.event.details(case(HEAD.case), state) for assumption in state.assumptions]
    assert found[0].startswith("May the model run on the phone? A small one may clear what it is sure of.")
    assert found[1] == "Phones are slow."
