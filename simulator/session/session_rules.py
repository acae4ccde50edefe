"""The rules of a session: whether an event makes sense at its place, asked before it is appended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from simulator.case.choices import Pick
from simulator.case.phases import defence_of, phases_of
from simulator.case.schema import Scenario
from simulator.errors import suggest
from simulator.rooms.room_rules import AFTER_THE_END, ROOM_RULES, closed_to_candidate, scorecard_fault
from simulator.rooms.session_board import drawing_hash, drawing_of
from simulator.session.session_events import (
    AnyEvent,
    AssumptionPinned,
    AssumptionRemoved,
    CurveballStruck,
    DefenceAnswered,
    HelpAsked,
    HintTaken,
    IncidentAction,
    ObjectivesRanked,
    PhaseBegun,
    PickChanged,
    PredictionMade,
    QuestionAsked,
    Role,
    RunAsked,
    RunEnded,
    SelfRated,
)
from simulator.session.session_state import SessionState


def refusal(scenario: Scenario, state: SessionState, role: Role, event: AnyEvent) -> str:
    """Return a sentence that refuses an event at the present place of a session; empty if it may be appended."""
    if role not in type(event).by:
        return f"The role “{role}” may not do this."
    if isinstance(event, SelfRated):
        return "" if state.ended_at is not None else "Rate yourself after the end of the session: the record comes first."
    if state.ended_at is not None and not isinstance(event, AFTER_THE_END):
        return "This session has ended. Begin another one."
    if fault := scorecard_fault(state, role, event) or closed_to_candidate(scenario, state, role, event):
        return fault
    rule = _RULES.get(type(event)) or ROOM_RULES.get(type(event))
    return rule(scenario, state, event) if rule else ""


def _among(word: str, known: Iterable[str], kind: str) -> str:
    names = list(known)
    return "" if word in names else f"This case has no {kind} “{word}”; {suggest(word, names)}"


def _phase_begun(scenario: Scenario, state: SessionState, event: PhaseBegun) -> str:
    if event.phase == state.phase:
        return "You are in this phase already."
    return _among(event.phase, (phase.id for phase in phases_of(scenario)), "phase")


def _asked(scenario: Scenario, state: SessionState, event: QuestionAsked) -> str:
    if event.question is None:
        return ""
    if event.question >= len(scenario.questions):
        return f"This case has {len(scenario.questions)} questions."
    return "You have asked this already; its answer is shown." if state.asked(event.question) else ""


def _pinned(scenario: Scenario, state: SessionState, event: AssumptionPinned) -> str:
    if not state.asked(event.question) or event.question >= len(scenario.questions):
        return "Ask the question first: only an answer that you have can be pinned."
    pinned = any(assumption.question == event.question and not assumption.removed for assumption in state.assumptions)
    return "This answer is pinned already." if pinned else ""


def _removed(scenario: Scenario, state: SessionState, event: AssumptionRemoved) -> str:
    there = any(assumption.place == event.assumption and not assumption.removed for assumption in state.assumptions)
    return "" if there else "This assumption is not in the list, or was removed already."


def _ranked(scenario: Scenario, state: SessionState, event: ObjectivesRanked) -> str:
    named = [objective.metric for objective in event.objectives if objective.metric is not None]
    if len(set(named)) < len(named):
        return "A metric can have one rank only."
    return next(filter(None, (_among(name, scenario.metrics, "metric") for name in named)), "")


def _picked(scenario: Scenario, state: SessionState, event: PickChanged) -> str:
    if fault := _among(event.choice, scenario.choices, "choice"):
        return fault
    choice, now = scenario.choices[event.choice], state.picks(scenario)[event.choice]
    if event.before != now:
        return f"“{choice.label}” is at {now}, not at {event.before}; another browser may have changed it."
    if event.after == event.before:
        return f"“{choice.label}” is at {now} already."
    return _unread(scenario, {event.choice: event.after})


def _unread(scenario: Scenario, picks: dict[str, Pick]) -> str:
    """Return why a pick is not offered; empty if all are."""
    for name, pick in picks.items():
        try:
            scenario.choices[name].read(pick)
        except ValueError as error:
            return f"“{scenario.choices[name].label}”: {error}."
    return ""


def _predicted(scenario: Scenario, state: SessionState, event: PredictionMade) -> str:
    if state.revealed(event.design):
        return "The run of this design has been shown. A prediction comes before it."
    drawn = drawing_of(scenario, state).scenario or scenario
    if event.metric is not None and (fault := _among(event.metric, drawn.metrics, "metric")):
        return fault
    if event.stage is not None and (fault := _among(event.stage, drawn.stages, "stage")):
        return fault
    made = any((prediction.design, prediction.metric or "") == event.target for prediction in state.predictions)
    return "You have predicted this for this design already." if made else ""


def _run_asked(scenario: Scenario, state: SessionState, event: RunAsked) -> str:
    if event.picks != state.picks(scenario) or event.drawing != drawing_hash(scenario, state):
        return "This run is of another design than the one at hand; another browser may have changed it."
    struck = state.strikes
    return next((f"The curveball “{name}” has not struck." for name in event.strikes if name not in struck), "")


def _run_ended(scenario: Scenario, state: SessionState, event: RunEnded) -> str:
    if not any(run.design == event.design and run.ended is None for run in state.runs):
        return "No run of this design was asked for."
    drawn = drawing_of(scenario, state).scenario or scenario
    unknown = (_among(figure.metric, {**scenario.metrics, **drawn.metrics}, "metric") for figure in event.figures)
    stage = _among(event.bottleneck, drawn.stages, "stage") if event.bottleneck is not None else ""
    return next(filter(None, unknown), stage)


def _hint(scenario: Scenario, state: SessionState, event: HintTaken) -> str:
    if fault := _among(event.phase, (phase.id for phase in phases_of(scenario)), "phase"):
        return fault
    taken = state.hints_taken(event.phase)
    if event.step <= taken:
        return "This hint is shown already."
    return "" if event.step == taken + 1 else f"Hint {taken + 1} comes first."


def _help(scenario: Scenario, state: SessionState, event: HelpAsked) -> str:
    return "" if state.revealed(event.design) else "Run this design first."


def _struck(scenario: Scenario, state: SessionState, event: CurveballStruck) -> str:
    if fault := _among(event.curveball, scenario.curveballs, "curveball"):
        return fault
    return "This curveball has struck already." if event.curveball in state.strikes else ""


def _defended(scenario: Scenario, state: SessionState, event: DefenceAnswered) -> str:
    count = len(defence_of(scenario))
    return "" if event.prompt < count else f"This case has {count} defence prompts."


def _action(scenario: Scenario, state: SessionState, event: IncidentAction) -> str:
    return "This action belongs to an incident."


_RULES: dict[type[AnyEvent], Callable[[Scenario, SessionState, Any], str]] = {
    PhaseBegun: _phase_begun,
    QuestionAsked: _asked,
    AssumptionPinned: _pinned,
    AssumptionRemoved: _removed,
    ObjectivesRanked: _ranked,
    PickChanged: _picked,
    PredictionMade: _predicted,
    RunAsked: _run_asked,
    RunEnded: _run_ended,
    HintTaken: _hint,
    HelpAsked: _help,
    CurveballStruck: _struck,
    DefenceAnswered: _defended,
    IncidentAction: _action,
}
