"""The session of a room, the state of what only a room has, its board, and its record as a role may see it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

from cachetools import LRUCache

from simulator.board.board import Board, OperationError
from simulator.board.box_fields import choices_at
from simulator.board.case_drawing import DrawnCase, compiled, drawn
from simulator.board.operations import SetField
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.errors import shortened
from simulator.keeper import remembers
from simulator.rooms.own_task import OWN_TASK, OwnTask
from simulator.rooms.room_events import BoardChanged, QuestionAnswered, RoomEvent, RoomOpened, SignalRated, TagSet
from simulator.session.event_log import AnyEvent, Logged, Role
from simulator.session.session_events import CurveballStruck, HintTaken, PhaseBegun, PickChanged
from simulator.session.session_record import RecordRow, minute_of, record, row_of
from simulator.session.session_signals import LABELS
from simulator.session.session_state import SessionState


@dataclass(frozen=True)
class RoomState:
    """A room as of a place in its log.

    settings: None for a session that is no room; given: all answers; armed: curveballs that are ready
    own: the numbers of a task of one's own
    steps: panels and bounds that were shown, locks of the board, messages, ticks of probes, changes of the task
    pushed: the panel that the interviewer showed last; leads: whether both see it now
    probes: those that are ticked as asked, by their words
    ratings: by role and signal; submitted: roles whose scorecard is complete
    """

    settings: RoomOpened | None = None
    own: OwnTask | None = None
    given: tuple[Logged[QuestionAnswered], ...] = ()
    steps: tuple[Logged[RoomEvent], ...] = ()
    armed: tuple[str, ...] = ()
    pushed: str | None = None
    leads: bool = False
    probes: frozenset[str] = frozenset()
    bounds: tuple[str, ...] = ()
    tags: tuple[Logged[TagSet], ...] = ()
    notes: str = ""
    scratchpad: str = ""
    locked: bool = False
    ratings: Mapping[tuple[str, str], SignalRated] = field(default_factory=dict)
    submitted: frozenset[str] = frozenset()

    @property
    def answers(self) -> dict[int, str]:
        """The latest answer to each question in words, by the place of the question."""
        return {answer.event.question: answer.event.text for answer in self.given}

    def ratings_of(self, role: str) -> dict[str, SignalRated]:
        return {signal: rating for (by, signal), rating in self.ratings.items() if by == role}


#: Events that only the interviewer of a room decides on; a candidate who practises alone may append them.
_LED = (PhaseBegun, HintTaken, CurveballStruck)


@dataclass(frozen=True)
class RoomSession(SessionState):
    """The session of a room as of a place in its log.

    operations: changes of the board; paused: whether the clock stands still; room: what only a room has
    started_at: when the clock first went (s since 1970), None until then
    """

    operations: tuple[Logged[BoardChanged], ...] = ()
    paused: bool = False
    started_at: float | None = None
    room: RoomState = field(default_factory=RoomState)

    @property
    def is_room(self) -> bool:
        return self.room.settings is not None

    @property
    def stands(self) -> bool:
        return self.paused or super().stands

    @property
    def counted_from(self) -> float:
        return self.session.begun_at if self.started_at is None else self.started_at

    def drawing(self, scenario: Scenario) -> str:
        return drawing_hash(scenario, self)

    def drawn_case(self, scenario: Scenario) -> Scenario:
        return drawing_of(scenario, self).scenario or scenario

    def board(self, scenario: Scenario) -> Board:
        """Return the board; an operation that makes no sense at its place in the log changes nothing."""
        return _known(scenario, self).board

    def closed(self, scenario: Scenario, role: Role, event: AnyEvent) -> str:
        """Return a sentence if the interviewer has not opened this to the candidate."""
        settings = self.room.settings
        if settings is None or role != "candidate":
            return ""
        if isinstance(event, _LED):
            return "The interviewer decides on this."
        if isinstance(event, PickChanged | BoardChanged) and self.room.locked:
            return "The interviewer has locked the board."
        if settings.choices is None or set(_choices_of(scenario, event)) <= set(settings.choices):
            return ""
        return "The interviewer has not opened this choice."


def _choices_of(scenario: Scenario, event: AnyEvent) -> list[str]:
    """Return the choices that an event changes: by name, or by a field that they write to."""
    if isinstance(event, BoardChanged) and isinstance(event.operation, SetField):
        return choices_at(scenario, event.operation.box, event.operation.field)
    return [event.choice] if isinstance(event, PickChanged) else []


@dataclass(frozen=True)
class _KnownBoard:
    """A board with the case that it draws, and the number of operations that it includes."""

    scenario: Scenario
    count: int
    board: Board

    @cached_property
    def drawing(self) -> str:
        """The hash of the board without places and notes."""
        content = [self.board.start, {name: [box.is_end, box.data] for name, box in self.board.boxes.items()}]
        if self.scenario.id == OWN_TASK:  # whose numbers may change while the interview goes on
            content.append(case_hash(self.scenario))
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


#: Boards of sessions, each with the operations so far.
_BOARDS: LRUCache[Any, _KnownBoard] = LRUCache(256)
_LOCK = Lock()


def _known(scenario: Scenario, state: RoomSession) -> _KnownBoard:
    empty = state.room.settings is not None and state.room.settings.empty_board
    key = scenario, state.session.id, empty, state.operations[0].place if state.operations else -1
    with _LOCK:
        cached = _BOARDS.get(key)
    if cached is not None and cached.count == len(state.operations):
        return cached
    if cached is None or cached.count > len(state.operations):
        count, board = 0, drawn(scenario, empty)
    else:
        count, board = cached.count, cached.board
    for operation in state.operations[count:]:
        board = _after(board, operation)
    latest = _KnownBoard(scenario, len(state.operations), board)
    with _LOCK:
        _BOARDS[key] = latest
    return latest


@lru_cache(maxsize=64)
def _as_written(scenario: Scenario) -> _KnownBoard:
    """Return the board of a case itself."""
    return _KnownBoard(scenario, 0, drawn(scenario))


def _after(board: Board, logged: Logged[BoardChanged]) -> Board:
    try:
        return board.after(logged.event.operation, logged.role)
    except OperationError:
        return board


def drawing_of(scenario: Scenario, state: RoomSession) -> DrawnCase:
    """Return the case that the board of a session draws."""
    return _compiled(_known(scenario, state))


@remembers(256, key=lambda board: (board.scenario, board.drawing))
def _compiled(board: _KnownBoard) -> DrawnCase:
    return compiled(board.board, board.scenario)


def drawing_hash(scenario: Scenario, state: RoomSession) -> str:
    """Return the hash of what the board of a session draws; empty where it draws the case itself."""
    is_own = scenario.id == OWN_TASK
    if not is_own and not state.operations and not (state.room.settings and state.room.settings.empty_board):
        return ""
    mine = _known(scenario, state).drawing
    return "" if not is_own and mine == _as_written(scenario).drawing else mine


def room_record(scenario: Scenario, state: RoomSession) -> list[RecordRow]:
    """Return the rows of a room in the order of the log; state: as a role may see it. Moves of boxes are left out."""
    words = moments(scenario, state)
    marks = (RecordRow(tag.place, minute_of(state, tag.at), "Mark", tag_words(tag.event, words)) for tag in state.room.tags)
    return sorted([*_without_marks(scenario, state), *marks], key=lambda row: row.place)


def _without_marks(scenario: Scenario, state: RoomSession) -> list[RecordRow]:
    listed = [row_of(scenario, state, logged) for logged in (*state.operations, *state.room.given, *state.room.steps)]
    further = [row for row in listed if row.what != BoardChanged.what or row.details]  # moves have no words
    return sorted([*record(scenario, state), *further], key=lambda row: row.place)


def moments(scenario: Scenario, state: RoomSession) -> dict[int, str]:
    """Return the moments of a room in words, by the places of their events: a question with its answer, no mark and no end."""
    rows = [row for row in _without_marks(scenario, state) if row.what != "End"]
    words = {row.place: _moment(row.minute, row.what, row.details) for row in rows}
    for question, text in ((answer.event.question, answer.event.text) for answer in state.room.given):
        if question in words:
            words[question] = f"{words[question]} Answer: {shortened(text)}"
    return words | {run.ended_place: words[run.place] for run in state.runs if run.ended_place is not None}


def offered_moments(scenario: Scenario, state: RoomSession) -> dict[int, str]:
    """Return the moments in words, the earliest first, each run once."""
    ends = {run.ended_place for run in state.runs}
    return {place: words for place, words in sorted(moments(scenario, state).items()) if place not in ends}


def latest_moment(scenario: Scenario, state: RoomSession) -> int | None:
    """Return the place of the latest moment; None for none. A run counts at its end."""
    return max(moments(scenario, state), default=None)


def mark_moments(scenario: Scenario, state: RoomSession) -> dict[int, str]:
    """Return the marks in words with their moments, by the places of their events."""
    words = moments(scenario, state)
    return {tag.place: _moment(minute_of(state, tag.at), "Mark", tag_words(tag.event, words)) for tag in state.room.tags}


def _moment(minute: float, what: str, details: str) -> str:
    return f"{minute:.0f} min, {what}: {shortened(details)}".removesuffix(": ")


def tag_words(tag: TagSet, words: Mapping[int, str]) -> str:
    """Return a mark in words: its sign, its signal and the interviewer's words, and its subject; words: of the moments."""
    subjects = [f"probe “{tag.probe}”" if tag.probe else "", words.get(tag.about, "") if tag.about is not None else ""]
    about = "; ".join(filter(None, subjects))
    said = f": {tag.text}" if tag.text else ""
    return f"{'+' if tag.plus else '−'} {LABELS.get(tag.signal, tag.signal)}{said}{f' (about {about})' if about else ''}"
