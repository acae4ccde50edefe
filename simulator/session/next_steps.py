"""The next exercise: the weakest signal of a session, and an exercise whose goal is the rule that decides the signal."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.case.schema import Scenario
from simulator.session.session_signals import LEVELS, SIGNALS, Level
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
            "Ask half of the deciding questions, write an assumption and rank the objectives before your first run.",
            reached_by=("decided_first",),
        ),
        Exercise("data", "Ask about the data, or open a panel of the data phase, before you end.", avoids=("no_data",)),
        Exercise("model", "Run two models with everything else equal, and keep one for a reason.", reached_by=("compared",)),
        Exercise(
            "evaluation",
            "Open a panel of errors first. Then move the threshold alone, and run both.",
            reached_by=("looked_at_errors",),
        ),
        Exercise(
            "serving",
            "Size the service one step at a time, until the last run misses no objective for certain.",
            reached_by=("sized",),
        ),
        Exercise(
            "safety",
            "Predict what a curveball breaks, change the design for it, and run it again.",
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


def weakest(scenario: Scenario, state: SessionState) -> str | None:
    """Return the signal with the lowest known level, the first of equals; None where no level is known."""
    levels = known_levels(scenario, state)
    known = [signal.name for signal in SIGNALS if signal.name in levels]
    return min(known, key=lambda name: LEVELS.index(levels[name]), default=None)


def goal_reached(scenario: Scenario, state: SessionState, signal: str) -> bool | None:
    """Return whether the goal of an exercise was reached in a session; None where no log can tell."""
    exercise, fired = EXERCISES[signal], {rule.name for rule, _ in fired_rules(scenario, state)}
    if exercise.avoids:
        return not fired & set(exercise.avoids)
    return fired >= set(exercise.reached_by) if exercise.reached_by else None
