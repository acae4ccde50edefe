"""The next exercise: the weakest signal of a session, and an exercise whose goal is the rule that decides the signal.

Where no signal is weak, the exercise trains the signal that was practised least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from simulator.case.schema import Scenario
from simulator.session.session_course import Course
from simulator.session.session_signals import LEVELS, SIGNALS, WEAK, Level, Signal, signals_of
from simulator.session.session_state import SessionState
from simulator.session.signal_rules import decided_levels, fired_rules


@dataclass(frozen=True)
class Exercise:
    """An exercise for a signal: its goal for the next session, and the rules that show it reached; none where no log can."""

    signal: str
    goal: str
    reached_by: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()


EXERCISES = {
    one.signal: one
    for one in (
        Exercise(
            "framing",
            "Before your first run: ask what decides, read the answers, pin one as an assumption and rank the objectives.",
            reached_by=("decided_first",),
        ),
        Exercise("data", "Ask about the data, change them or open a panel of their phase before you end.", avoids=("no_data",)),
        Exercise(
            "model",
            "Run two models with everything else equal, and predict the effect of the change.",
            reached_by=("compared",),
        ),
        Exercise(
            "evaluation",
            "Open a panel of errors first. Then move the threshold alone, predict its effect, and run both.",
            reached_by=("looked_at_errors",),
        ),
        Exercise(
            "serving",
            "Size the service one predicted step at a time, until the last run misses no objective for certain.",
            reached_by=("sized",),
        ),
        Exercise(
            "safety",
            "Predict what a curveball breaks, change the design for it, predict again, and run it.",
            reached_by=("answered_a_failure",),
        ),
        Exercise(
            "quantified",
            "Predict three designs, move one choice at a time, and give intervals that are narrow and hold.",
            reached_by=("checked",),
        ),
        Exercise("communication", "Answer each defence prompt in two sentences: the reason, and its price."),
    )
}


def known_levels(scenario: Scenario, state: SessionState) -> dict[str, Level]:
    """Return the level of each signal that has one: the one that the log decides, else the person's own."""
    decided = {name: found.level for name, found in decided_levels(scenario, state).items()}
    rated: dict[str, Level] = {name: level for name, level in state.ratings.items() if level in LEVELS}
    return rated | decided


class NextSignal(NamedTuple):
    """The signal to train next; is_weak: its level is below strong, else it is the one that was practised least."""

    name: str
    is_weak: bool


def weakest(scenario: Scenario, state: SessionState) -> NextSignal:
    """Return the signal with the lowest level below strong, the first of equals; without one, the least practised signal.

    Signals that are known as strong come last among those.
    """
    levels, course = known_levels(scenario, state), Course(scenario, state)
    weak = [signal.name for signal in SIGNALS if levels.get(signal.name) in WEAK]
    if weak:
        return NextSignal(min(weak, key=lambda name: LEVELS.index(levels[name])), True)
    least = min(signals_of(scenario), key=lambda signal: (signal.name in levels, _activity(signal, course)))
    return NextSignal(least.name, False)


def _activity(signal: Signal[Course], course: Course) -> int:
    """Return the number of events that show a signal; to look into a phase shows nothing."""
    visits = {visit.place for visit in course.state.visits}
    return len({place for evidence in signal.evidence(course) for place in evidence.places} - visits)


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
