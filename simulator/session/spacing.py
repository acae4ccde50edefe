"""Spaced practice: the day on which to come back to a case, from the reviews that the log holds.

Each strong review in its time takes the next of five growing intervals; a weak one begins again at the first. A scheduler that
learns, such as FSRS, fits some twenty parameters to hundreds of reviews. A person reviews a case a handful of times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from simulator.session.session_signals import WEAK
from simulator.session.session_state import SessionState

DAY_S = 86_400.0

#: Days from a review to the next one; the last interval repeats.
INTERVALS_DAYS = (1, 3, 7, 16, 35)

#: A weak review begins again at the first interval, a strong one goes on to the next, an unrated one repeats its own.
Outcome = Literal["weak", "strong", "unrated"]


@dataclass(frozen=True)
class Review:
    """A session or an incident that has ended, at a time (s since 1970)."""

    at: float
    outcome: Outcome


@dataclass(frozen=True)
class NextReview:
    """The time of the next review (s since 1970), the interval that leads to it (days), and the reason for that in words."""

    due_at: float
    interval_days: int
    reason: str = ""

    def is_due(self, now: float) -> bool:
        return now >= self.due_at


def next_review(reviews: Iterable[Review]) -> NextReview | None:
    """Return the next review of a case after these, in any order; None before the first.

    A review before its time moves the date and leaves the interval: to repeat a case on one day shows little of what stays.
    """
    planned: NextReview | None = None
    step = 0
    for review in sorted(reviews, key=lambda review: review.at):
        reason = "you practised it for the first time" if planned is None else _REPEATS[review.outcome]
        if review.outcome == "weak":
            step, reason = 0, "weak the last time, so the intervals begin again"
        elif planned is not None and review.outcome == "strong" and planned.is_due(review.at):
            step, reason = min(step + 1, len(INTERVALS_DAYS) - 1), "strong the last time, and when it was due"
        days = INTERVALS_DAYS[step]
        planned = NextReview(review.at + days * DAY_S, days, reason)
    return planned


#: The reasons of an interval that stays as it was.
_REPEATS = {
    "strong": "strong the last time, but before it was due, so the interval stays",
    "unrated": "not rated the last time, so the interval stays",
    "weak": "",
}


def session_review(state: SessionState) -> Review | None:
    """Return the review that a session is; None while it goes on, and for one that ended without a run.

    It is weak where the person rated half of the signals or more as weak, and unrated without any rating.
    """
    if state.ended_at is None or not any(run.ended for run in state.runs):
        return None
    levels = list(state.ratings.values())
    weak = sum(level in WEAK for level in levels)
    outcome: Outcome = "unrated" if not levels else "weak" if 2 * weak >= len(levels) else "strong"
    return Review(state.ended_at, outcome)
