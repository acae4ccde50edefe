"""The state of a room beside that of its session, as a function of the same log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.rooms.own_task import OwnTask
from simulator.rooms.room_events import (
    BoardLocked,
    BoundRevealed,
    CurveballArmed,
    LeadEnded,
    MessageSent,
    NotesSaved,
    PanelPushed,
    ProbeTicked,
    QuestionAnswered,
    RoomOpened,
    ScorecardSubmitted,
    ScratchpadSaved,
    SignalRated,
    TagRemoved,
    TagSet,
    TaskSet,
)
from simulator.session.session_events import LoggedEvent


@dataclass(frozen=True)
class RoomAnswer:
    """An answer of the interviewer, by the places of its event and of the question; at: in seconds since 1970."""

    place: int
    question: int
    at: float
    text: str


@dataclass(frozen=True)
class Tag:
    """A mark on a signal, by the place of its event; about: the place of the event it is about, None for none.

    probe: the words of the probe that it is against, empty for none
    """

    place: int
    at: float
    signal: str
    plus: bool
    about: int | None
    text: str
    probe: str = ""


@dataclass(frozen=True)
class Rating:
    """A level of a signal and what it rests on: places of events and tags, or words on what was absent."""

    level: str
    evidence: tuple[int, ...]
    text: str
    absence: str = ""


@dataclass(frozen=True)
class RoomState:
    """A room as of a place in its log.

    settings: None for a session that is no room; given: all answers; armed: curveballs that are ready
    own: the numbers of a task of one's own
    steps: panels and bounds that were shown, locks of the board, messages, ticks of probes, changes of the task
    pushed: the panel that the interviewer showed last; leads: whether both see it now
    ratings: by role and signal; submitted: roles whose scorecard is complete
    """

    settings: RoomOpened | None = None
    own: OwnTask | None = None
    given: tuple[RoomAnswer, ...] = ()
    steps: tuple[LoggedEvent, ...] = ()
    armed: tuple[str, ...] = ()
    pushed: str | None = None
    leads: bool = False
    bounds: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    notes: str = ""
    scratchpad: str = ""
    locked: bool = False
    ratings: Mapping[tuple[str, str], Rating] = field(default_factory=dict)
    submitted: frozenset[str] = frozenset()

    def after(self, recorded: LoggedEvent) -> RoomState | None:
        """Return the state after an event; None for one that changes nothing here."""
        fold = _FOLDS.get(type(recorded.event))
        changes = fold(self, recorded, recorded.event) if fold else None
        if changes is not None and isinstance(recorded.event, _STEPS):
            changes["steps"] = *self.steps, recorded
        return None if changes is None else replace(self, **changes)

    @property
    def answers(self) -> dict[int, RoomAnswer]:
        """The latest answer to each question, by the place of the question."""
        return {answer.question: answer for answer in self.given}

    @property
    def probes(self) -> set[str]:
        """The probes that are ticked as asked, by their words."""
        ticks = {step.event.ask: step.event.asked for step in self.steps if isinstance(step.event, ProbeTicked)}
        return {ask for ask, is_asked in ticks.items() if is_asked}

    def ratings_of(self, role: str) -> dict[str, Rating]:
        return {signal: rating for (by, signal), rating in self.ratings.items() if by == role}


Changes = dict[str, Any] | None

_STEPS = (PanelPushed, BoundRevealed, BoardLocked, MessageSent, ProbeTicked, TaskSet)


def _opened(room: RoomState, recorded: LoggedEvent, event: RoomOpened) -> Changes:
    return {"settings": event}


def _task_set(room: RoomState, recorded: LoggedEvent, event: TaskSet) -> Changes:
    settings = room.settings
    if settings is not None and event.text is not None:
        settings = settings.model_copy(update={"task": event.text})
    return {"settings": settings, "own": event.own or room.own}


def _is_a_step(room: RoomState, recorded: LoggedEvent, event: Any) -> Changes:
    return {}


def _answered(room: RoomState, recorded: LoggedEvent, event: QuestionAnswered) -> Changes:
    return {"given": (*room.given, RoomAnswer(recorded.place, event.question, recorded.at, event.text))}


def _armed(room: RoomState, recorded: LoggedEvent, event: CurveballArmed) -> Changes:
    others = tuple(name for name in room.armed if name != event.curveball)
    return {"armed": (*others, event.curveball) if event.ready else others}


def _pushed(room: RoomState, recorded: LoggedEvent, event: PanelPushed) -> Changes:
    return {"pushed": event.panel, "leads": event.lead}


def _lead_ended(room: RoomState, recorded: LoggedEvent, event: LeadEnded) -> Changes:
    return {"leads": False}


def _bound(room: RoomState, recorded: LoggedEvent, event: BoundRevealed) -> Changes:
    return {"bounds": tuple(dict.fromkeys((*room.bounds, event.metric)))}


def _tagged(room: RoomState, recorded: LoggedEvent, event: TagSet) -> Changes:
    tag = Tag(recorded.place, recorded.at, event.signal, event.plus, event.about, event.text, event.probe)
    return {"tags": (*room.tags, tag)}


def _untagged(room: RoomState, recorded: LoggedEvent, event: TagRemoved) -> Changes:
    left = tuple(tag for tag in room.tags if tag.place != event.tag)
    return None if len(left) == len(room.tags) else {"tags": left}


def _noted(room: RoomState, recorded: LoggedEvent, event: NotesSaved) -> Changes:
    return {"notes": event.text}


def _scribbled(room: RoomState, recorded: LoggedEvent, event: ScratchpadSaved) -> Changes:
    return {"scratchpad": event.text}


def _locked(room: RoomState, recorded: LoggedEvent, event: BoardLocked) -> Changes:
    return {"locked": event.locked}


def _rated(room: RoomState, recorded: LoggedEvent, event: SignalRated) -> Changes:
    if recorded.role in room.submitted:
        return None
    rating = Rating(event.level, event.evidence, event.text, event.absence)
    return {"ratings": {**room.ratings, (recorded.role, event.signal): rating}}


def _submitted(room: RoomState, recorded: LoggedEvent, event: ScorecardSubmitted) -> Changes:
    return {"submitted": room.submitted | {recorded.role}}


_FOLDS: dict[type, Callable[[RoomState, LoggedEvent, Any], Changes]] = {
    RoomOpened: _opened,
    TaskSet: _task_set,
    MessageSent: _is_a_step,
    ProbeTicked: _is_a_step,
    QuestionAnswered: _answered,
    CurveballArmed: _armed,
    PanelPushed: _pushed,
    LeadEnded: _lead_ended,
    BoundRevealed: _bound,
    TagSet: _tagged,
    TagRemoved: _untagged,
    NotesSaved: _noted,
    ScratchpadSaved: _scribbled,
    BoardLocked: _locked,
    SignalRated: _rated,
    ScorecardSubmitted: _submitted,
}
