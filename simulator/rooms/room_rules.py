"""The rules of a room: whether one of its events makes sense at its place, asked on the server for every event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from simulator.board.box_fields import choices_at
from simulator.board.operations import OperationError, SetField
from simulator.case.phases import SIGNAL_PHASES
from simulator.case.schema import Scenario
from simulator.errors import suggest
from simulator.rooms.own_task import OWN_TASK
from simulator.rooms.room_events import (
    BoardChanged,
    BoardLocked,
    BoundRevealed,
    ClockPaused,
    CurveballArmed,
    CurveballWithdrawn,
    LeadEnded,
    NotesSaved,
    ProbeTicked,
    QuestionAnswered,
    RoomOpened,
    ScorecardSubmitted,
    SignalRated,
    TagRemoved,
    TagSet,
    TaskSet,
)
from simulator.rooms.session_board import board_of
from simulator.session.session_events import AnyEvent, CurveballStruck, HintTaken, PhaseBegun, PickChanged, RunEnded

if TYPE_CHECKING:
    from simulator.session.session_state import SessionState

#: Events that may come after the end of the session: those of raters, and the result of a run that went on.
AFTER_THE_END = (SignalRated, ScorecardSubmitted, TagSet, TagRemoved, NotesSaved, RunEnded)

#: The signals of a scorecard.
CARD_SIGNALS = ("framing", "data", "model", "evaluation", "serving", "communication")

#: Events that only the interviewer of a room decides on; a candidate who practises alone may append them.
_LED = (PhaseBegun, HintTaken, CurveballStruck)


def closed_to_candidate(scenario: Scenario, state: SessionState, role: str, event: AnyEvent) -> str:
    """Return a sentence if the interviewer has not opened this to the candidate; empty in a session that is no room."""
    settings = state.room.settings
    if settings is None or role != "candidate":
        return ""
    if isinstance(event, _LED):
        return "The interviewer decides on this."
    if isinstance(event, PickChanged | BoardChanged) and state.room.locked:
        return "The interviewer has locked the board."
    if settings.choices is None or set(_choices_of(scenario, event)) <= set(settings.choices):
        return ""
    return "The interviewer has not opened this choice."


def _choices_of(scenario: Scenario, event: AnyEvent) -> list[str]:
    """Return the choices that an event changes: by name, or by a field that they write to."""
    if isinstance(event, BoardChanged) and isinstance(event.operation, SetField):
        return choices_at(scenario, event.operation.box, event.operation.field)
    return [event.choice] if isinstance(event, PickChanged) else []


def _board(scenario: Scenario, state: SessionState, event: BoardChanged) -> str:
    if any(_same(operation.event, event) for operation in state.operations):
        return "This change was taken already."
    try:
        board_of(scenario, state).after(event.operation)
    except OperationError as error:
        return str(error)
    return ""


def _same(one: AnyEvent, event: BoardChanged) -> bool:
    return isinstance(one, BoardChanged) and (one.browser, one.number) == (event.browser, event.number)


def _opened(scenario: Scenario, state: SessionState, event: RoomOpened) -> str:
    before = state.room.settings
    if before is not None and before.empty_board != event.empty_board and state.operations:
        return "The board has changes already: it stays as it is."
    unknown = (_among(name, scenario.choices, "choice") for name in event.choices or ())
    return next(filter(None, unknown), "")


def _task_set(scenario: Scenario, state: SessionState, event: TaskSet) -> str:
    if event.text is None and event.minutes is None and event.own is None:
        return "Nothing of the task is changed."
    if event.own is not None and scenario.id != OWN_TASK:
        return "The numbers of this task are those of its case."
    return ""


def _withdrawn(scenario: Scenario, state: SessionState, event: CurveballWithdrawn) -> str:
    return "" if event.curveball in state.strikes else "This curveball has not struck."


def _ticked(scenario: Scenario, state: SessionState, event: ProbeTicked) -> str:
    return "It is so already." if (event.ask in state.room.probes) == event.asked else ""


def _answered(scenario: Scenario, state: SessionState, event: QuestionAnswered) -> str:
    return (
        ""
        if any(question.place == event.question for question in state.questions)
        else "There is no such question in this room."
    )


def _armed(scenario: Scenario, state: SessionState, event: CurveballArmed) -> str:
    if fault := _among(event.curveball, scenario.curveballs, "curveball"):
        return fault
    if event.curveball in state.strikes:
        return "This curveball has struck already."
    return "It is so already." if (event.curveball in state.room.armed) == event.ready else ""


def _lead_ended(scenario: Scenario, state: SessionState, event: LeadEnded) -> str:
    return "" if state.room.leads else "No lead is on now."


def _bound(scenario: Scenario, state: SessionState, event: BoundRevealed) -> str:
    return _among(event.metric, [objective.metric for objective in scenario.objectives], "objective")


def _tag(scenario: Scenario, state: SessionState, event: TagSet) -> str:
    if fault := _among(event.signal, SIGNAL_PHASES, "signal"):
        return fault
    return "The moment lies in the future." if event.about is not None and event.about >= state.place else ""


def _untag(scenario: Scenario, state: SessionState, event: TagRemoved) -> str:
    return "" if any(tag.place == event.tag for tag in state.room.tags) else "There is no such mark."


def _locked(scenario: Scenario, state: SessionState, event: BoardLocked) -> str:
    return "It is so already." if state.room.locked == event.locked else ""


def _paused(scenario: Scenario, state: SessionState, event: ClockPaused) -> str:
    return "It is so already." if state.paused == event.paused else ""


def _rated(scenario: Scenario, state: SessionState, event: SignalRated) -> str:
    if event.signal not in CARD_SIGNALS:
        return f"The scorecard has no signal “{event.signal}”; {suggest(event.signal, CARD_SIGNALS)}"
    return "The evidence lies in the future." if max(event.evidence, default=-1) >= state.place else ""


def _among(word: str, known: Iterable[str], kind: str) -> str:
    names = list(known)
    return "" if word in names else f"This case has no {kind} “{word}”; {suggest(word, names)}"


#: Rules by the kind of event. Those of raters are in `scorecard_fault`, since they depend on the role too.
ROOM_RULES: dict[type[AnyEvent], Callable[[Scenario, SessionState, Any], str]] = {
    BoardChanged: _board,
    RoomOpened: _opened,
    TaskSet: _task_set,
    CurveballWithdrawn: _withdrawn,
    ProbeTicked: _ticked,
    QuestionAnswered: _answered,
    CurveballArmed: _armed,
    LeadEnded: _lead_ended,
    BoundRevealed: _bound,
    TagSet: _tag,
    TagRemoved: _untag,
    BoardLocked: _locked,
    ClockPaused: _paused,
    SignalRated: _rated,
}


def scorecard_fault(state: SessionState, role: str, event: AnyEvent) -> str:
    """Return a sentence that refuses an event of a rater's scorecard; empty for every other event."""
    if not isinstance(event, SignalRated | ScorecardSubmitted):
        return ""
    if role in state.room.submitted:
        return "This scorecard is complete: it cannot be changed any more."
    if state.ended_at is None:
        return "Rate after the end of the interview."
    open_ones = [name for name in CARD_SIGNALS if name not in state.room.ratings_of(role)]
    if isinstance(event, ScorecardSubmitted) and open_ones:
        return f"Rate every signal first: {', '.join(open_ones)}."
    return ""
