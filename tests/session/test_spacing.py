"""The next review follows a schedule worked out by hand: intervals grow with strong reviews in time, weak ones begin again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.session.event_log import Session
from simulator.session.next_steps import DAY_S, NextReview, Review, next_review, session_review
from simulator.session.session_events import RunAsked, RunEnded
from simulator.session.session_state import RunSeen, SessionState


def after(*reviews):
    """The day of the next review and its interval, after reviews on given days: 10 and "strong" as "10 strong"."""
    words = [one.split() for one in reviews]
    planned = next_review([Review(float(day) * DAY_S, outcome) for day, outcome in words])
    return planned.due_at / DAY_S, planned.interval_days


def test_nothing_is_due_before_the_first_review():
    assert next_review([]) is None


#: Reviews, then the day of the next one and the days that lead to it, by hand.
SCHEDULES = [
    (["0 strong"], (1, 1)),
    (["0 strong", "1 strong"], (4, 3)),
    (["0 strong", "1 strong", "4 strong"], (11, 7)),
    (["0 strong", "1 strong", "4 strong", "11 strong"], (27, 16)),
    (["0 strong", "1 strong", "4 strong", "11 strong", "27 strong"], (62, 35)),
    (["0 strong", "1 strong", "4 strong", "11 strong", "27 strong", "62 strong"], (97, 35)),
    (["0 strong", "1 strong", "4 weak"], (5, 1)),  # back to the first interval
    (["0 strong", "1 strong", "4 weak", "5 strong"], (8, 3)),
    (["0 strong", "1 strong", "2 strong"], (5, 3)),  # a day after the second, two days early: the interval stays
    (["0 strong", "1 strong", "2 weak"], (3, 1)),  # a weak one counts early too
    (["0 strong", "0.1 strong", "0.2 strong"], (1.2, 1)),  # three times on one day are one step
    (["0 strong", "30 strong"], (33, 3)),  # late: the interval grows from the day of the review
    (["0 unrated", "1 unrated"], (2, 1)),  # without a rating the interval repeats
    (["0 strong", "1 strong", "4 unrated"], (7, 3)),
]


@pytest.mark.parametrize(("reviews", "planned"), SCHEDULES)
def test_the_next_review_is_that_of_the_schedule_by_hand(reviews, planned):
    assert after(*reviews) == pytest.approx(planned)
    assert after(*reversed(reviews)) == pytest.approx(planned)


def test_a_review_is_due_from_its_time_on():
    planned = NextReview(100.0, 1)
    assert [planned.is_due(now) for now in (99.9, 100.0, 1e9)] == [False, True, True]


REVIEWS = st.lists(
    st.builds(Review, st.floats(0, 1e9), st.sampled_from(["weak", "strong", "unrated"])), min_size=1, max_size=12
)


@given(REVIEWS)
def test_the_next_review_is_an_interval_after_the_last_one(reviews):
    planned = next_review(reviews)
    last = max(one.at for one in reviews)
    assert planned.due_at - last == pytest.approx(planned.interval_days * DAY_S)


@pytest.mark.parametrize(
    ("levels", "outcome"),
    [
        ([], "unrated"),
        (["weak"], "weak"),
        (["very_weak", "very_strong"], "weak"),  # half of them
        (["weak", "strong", "very_strong"], "strong"),
        (["strong"] * 8, "strong"),
    ],
)
def test_a_session_is_a_weak_review_where_half_of_its_signals_are(levels, outcome):
    session = Session("s" * 22, "some-case", 1, "0" * 12, "o" * 22, 1, 45, True, 0.0)
    asked = RunAsked(picks={"replicas": 2}, seed=1, replications=2)
    run = RunSeen(0, 1.0, asked, RunEnded(design=asked.design, run_hash="0" * 12), 2.0)
    ratings = {str(place): level for place, level in enumerate(levels)}
    ended = SessionState(session, ended_at=5.0, runs=(run,), ratings=ratings)
    assert session_review(ended) == Review(5.0, outcome)
    assert session_review(replace(ended, ended_at=None)) is None
    for runs in ((), (RunSeen(0, 1.0, asked),)):  # none, and one that was left before its end
        assert session_review(replace(ended, runs=runs)) is None
