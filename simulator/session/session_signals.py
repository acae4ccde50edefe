"""Signals of a session: what an interviewer looks for, four anchored levels of each, and the evidence that the log holds.

The log decides no level here: each signal shows its evidence beside the anchors, and the person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.session.session_state import SessionState
from simulator.units import counted

#: The levels of a signal, from the lowest on; there is no middle.
LEVELS = ("very_weak", "weak", "strong", "very_strong")


@dataclass(frozen=True)
class Signal:
    """A signal; anchors: the behaviour at each of the LEVELS; evidence: sentences on what the log holds about it."""

    name: str
    label: str
    anchors: tuple[str, str, str, str]
    evidence: Callable[[Scenario, SessionState], list[str]]


def _framing(scenario: Scenario, state: SessionState) -> list[str]:
    asked = len(state.answers(scenario))
    kept = sum(not one.removed for one in state.assumptions)
    return [
        f"You asked {asked} of {counted(len(scenario.questions), 'question')}.",
        f"You wrote down {counted(kept, 'assumption')}.",
        f"You stated {counted(len(state.objectives), 'objective')} in order."
        if state.objectives
        else "You ranked no objectives.",
    ]


def _changes_of(phase: str) -> Callable[[Scenario, SessionState], list[str]]:
    def evidence(scenario: Scenario, state: SessionState) -> list[str]:
        own = {name for one in phases_of(scenario) if one.id == phase for name in one.choices}
        count = sum(getattr(one.event, "choice", None) in own for one in state.changes)
        if not any(name == phase for name, _ in state.visits):
            return ["You did not go to this phase."]
        return [f"You went to this phase and changed its choices {counted(count, 'time')}."]

    return evidence


def _safety(scenario: Scenario, state: SessionState) -> list[str]:
    if not scenario.curveballs:
        return []
    if not state.curveballs:
        return ["No curveball struck in this session."]
    struck = state.curveballs[0]
    after = sum(one.at > struck.at for one in state.changes)
    return [f"After the curveball you changed the design {counted(after, 'time')}."]


def _quantified(scenario: Scenario, state: SessionState) -> list[str]:
    settled = [one for one in state.predictions if one.metric is not None and one.settled is not None]
    held = sum(bool(one.settled and one.settled.held) for one in settled)
    runs = sum(run.ended is not None for run in state.runs)
    predicted = len({one.design for one in state.predictions})
    return [
        f"You ran {counted(runs, 'design')} and predicted {predicted}.",
        f"{held} of {counted(len(settled), 'interval')} held the result." if settled else "No prediction was settled.",
    ]


def _words(scenario: Scenario, state: SessionState) -> list[str]:
    return [f"You answered {counted(len(state.defences), 'defence prompt')}."]


SIGNALS = (
    Signal(
        "framing",
        "Framing",
        (
            "Starts with an architecture; the goal stays vague.",
            "Repeats the brief; asks little that would change the design.",
            "States the goal in numbers, asks what decides, writes assumptions down.",
            "Also ranks the objectives, and says which assumption would change the design.",
        ),
        _framing,
    ),
    Signal(
        "data",
        "Data and labels",
        (
            "Does not mention data.",
            "Takes the labels as true and the sample as the population.",
            "Names the source of the labels, their number, and who is missing.",
            "Also says what the next label would buy, and how drift would show.",
        ),
        _changes_of("data"),
    ),
    Signal(
        "model",
        "Choice of the model",
        (
            "Names a model without a reason.",
            "Takes the most accurate one.",
            "Compares candidates by accuracy, latency and cost.",
            "Also knows what compression costs, and starts from a baseline.",
        ),
        _changes_of("model"),
    ),
    Signal(
        "evaluation",
        "Evaluation and thresholds",
        (
            "One accuracy figure.",
            "A fitting metric, without the price of its errors.",
            "Chooses a threshold by the price of both errors, with an interval.",
            "Also looks at groups, and at what the data cannot show.",
        ),
        _changes_of("evaluate"),
    ),
    Signal(
        "serving",
        "Serving and cost",
        (
            "No constraint of deployment.",
            "Names latency, without load or cost.",
            "Sizes machines and people for the peak, with a cost.",
            "Also finds the bottleneck, and moves it for the least money.",
        ),
        _changes_of("serve"),
    ),
    Signal(
        "safety",
        "Failure and safety",
        (
            "No failure is named.",
            "Names failures, without what happens then.",
            "Has a fallback for the failure that hurts most, and an alarm.",
            "Also says who is harmed meanwhile, and how long it lasts.",
        ),
        _safety,
    ),
    Signal(
        "quantified",
        "Reasoning with numbers",
        (
            "Changes things at random.",
            "Guesses directions.",
            "Predicts sizes, moves one thing at a time, checks against intervals.",
            "Also explains each surprise before the next change.",
        ),
        _quantified,
    ),
    Signal(
        "communication",
        "Communication",
        (
            "Cannot say why.",
            "Describes what was done.",
            "Gives the reason and the price of each choice.",
            "Also names what would change their mind.",
        ),
        _words,
    ),
)
