"""The next steps of a person: an exercise for the weakest signal, and the day on which to come back to a case.

The goal of an exercise is the rule that decides its signal. Where no signal is weak, the exercise trains the signal that was
practised least. Each strong review in its time takes the next of five growing intervals; a weak one begins again at the first.
A scheduler that learns, such as FSRS, fits some twenty parameters to hundreds of reviews. A person reviews a case a handful of
times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from simulator.case.schema import Scenario
from simulator.phrases import phrase
from simulator.session.session_course import Course
from simulator.session.session_signals import LEVELS, SIGNALS, WEAK, Level, Signal, signals_of
from simulator.session.session_state import SessionState
from simulator.session.signal_rules import decided_levels, fired_rules


@dataclass(frozen=True)
class Exercise:
    """An exercise for a signal: the rules that show its goal reached; none where no log can."""

    signal: str
    reached_by: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()

    @property
    def goal(self) -> str:
        """Its goal for the next session."""
        return phrase(f"exercises.{self.signal}")


EXERCISES = {
    exercise.signal: exercise
    for exercise in (
        Exercise("framing", reached_by=("decided_first",)),
        Exercise("data", avoids=("no_data",)),
        Exercise("model", reached_by=("compared",)),
        Exercise("evaluation", reached_by=("looked_at_errors",)),
        Exercise("serving", reached_by=("sized",)),
        Exercise("safety", reached_by=("answered_a_failure",)),
        Exercise("quantified", reached_by=("checked",)),
        Exercise("communication"),
    )
}


def known_levels(scenario: Scenario, state: SessionState) -> dict[str, Level]:
    """Return the level of each signal that has one: the one that the log decides, else the person's own."""
    decided = {name: found.level for name, found in decided_levels(scenario, state).items()}
    rated: dict[str, Level] = {name: level for name, level in state.ratings.items() if level in LEVELS}
    return rated | decided


def weakest(scenario: Scenario, state: SessionState) -> tuple[str, bool]:
    """Return the signal to train next, and whether its level is below strong.

    It is that with the lowest such level, the first of equals; without one, the least practised signal. Signals that are known
    as strong come last among those.
    """
    levels, course = known_levels(scenario, state), Course(scenario, state)
    weak = [signal.name for signal in SIGNALS if levels.get(signal.name) in WEAK]
    if weak:
        return min(weak, key=lambda name: LEVELS.index(levels[name])), True
    visits = {visit.place for visit in state.visits}  # to look into a phase shows nothing

    def practised(signal: Signal[Course]) -> tuple[bool, int]:
        places = {place for evidence in signal.evidence(course) for place in evidence.places}
        return signal.name in levels, len(places - visits)

    return min(signals_of(scenario), key=practised).name, False


def nothing_done(state: SessionState) -> bool:
    """Return whether a session holds nothing that a debrief could speak of."""
    acts = (state.questions, state.assumptions, state.rankings, state.changes, state.predictions, state.panels)
    return not any((*acts, state.curveballs, state.defences, any(run.ended for run in state.runs)))


def goal_reached(scenario: Scenario, state: SessionState, signal: str) -> bool | None:
    """Return whether the goal of an exercise was reached in a session; None where no log can tell."""
    exercise, fired = EXERCISES[signal], {rule.name for rule, _ in fired_rules(scenario, state)}
    if exercise.avoids:
        return not fired & set(exercise.avoids)
    return fired >= set(exercise.reached_by) if exercise.reached_by else None


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
