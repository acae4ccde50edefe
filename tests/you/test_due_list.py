"""The case to come back to stands first; its words count days from now."""

import pytest

from simulator.app.visitors import clock
from simulator.session.next_steps import DAY_S, NextReview
from simulator.you.own_record import OwnRecord, due_cases, due_words, reason_words, weakest_signals
from tests.you.records import DRIFT, STORM, incident, session

RIGHT = [{"kind": "wait"}, {"kind": "diagnose", "cause": "overload", "confidence": 0.8}]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-3.2, "3 days overdue"),
        (-1.0, "1 day overdue"),
        (-0.5, "due today"),
        (0.0, "due today"),
        (0.5, "due tomorrow"),
        (1.0, "due tomorrow"),
        (2.6, "due in 3 days"),
        (35.0, "due in 35 days"),
    ],
)
def test_a_date_is_said_in_days(days, words):
    assert due_words(NextReview(100 * DAY_S + days * DAY_S, 1), 100 * DAY_S) == words


def test_cases_are_in_order_of_their_date_and_an_incident_is_an_entry_of_its_own():
    strong = {"framing": "strong"}
    sessions = [  # the latest first
        session(DRIFT, ended_at=4 * DAY_S, ratings={"framing": "weak", "data": "very_weak"}),
        session(STORM, ended_at=2 * DAY_S, ratings=strong),
        session(STORM, ended_at=1 * DAY_S, ratings=strong),
        session(STORM, ended_at=None),
    ]
    found = due_cases(OwnRecord(sessions, [incident(RIGHT), incident(RIGHT, revealed=False)]))
    # The incident began at 100 s, so it is due after a day; retries: strong after a day, so 3 days after day 2; drift: a day.
    assert [(one.scenario.id, one.page, one.planned.due_at / DAY_S) for one in found] == [
        (DRIFT, "incident.py", pytest.approx(1 + 100 / DAY_S)),
        (STORM, "session.py", 5.0),
        (DRIFT, "session.py", 5.0),
    ]
    assert found[2].weakest == ("Data and labels",)


def test_nothing_is_due_before_a_session_has_ended():
    assert due_cases(OwnRecord([session(ended_at=None)], [])) == []


def test_signals_are_named_only_where_they_are_weak():
    assert weakest_signals(session(ratings={"framing": "strong", "data": "very_strong"}).state) == ()
    assert weakest_signals(session(ratings={"framing": "weak", "data": "weak", "model": "strong"}).state) == (
        "Framing",
        "Data and labels",
    )


@pytest.mark.parametrize(
    ("ratings", "days", "reason"),
    [
        ([None], 1, "you practised it for the first time"),
        (["weak"], 1, "weak the last time, so the intervals begin again; weak: Framing"),
        (["strong", "strong"], 3, "strong the last time, and when it was due"),
        (["strong", "strong", "strong"], 3, "strong the last time, but before it was due, so the interval stays"),
        (["strong", "strong", None], 3, "not rated the last time, so the interval stays"),
    ],
)
def test_a_date_has_its_reason(ratings, days, reason):
    ends = [1, 2, 3]  # a day apart: the second is due, the third comes before its time
    rated = [{"framing": level} if level else {} for level in ratings]
    sessions = [session(STORM, ended_at=end * DAY_S, ratings=own) for end, own in zip(ends, rated, strict=False)]
    (due,) = due_cases(OwnRecord(sessions[::-1], []))
    last = clock(len(ratings) * DAY_S)
    assert reason_words(due) == f"{days} day{'s' if days > 1 else ''} after {last}: {reason}"
