"""The session of a room, the state of what only a room has, and its board: the drawing of the case with its operations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from simulator.board.board import Board, OperationError
from simulator.board.box_fields import choices_at
from simulator.board.case_drawing import DrawnCase, compiled, drawn
from simulator.board.operations import SetField
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.keeper import remembers
from simulator.rooms.own_task import OWN_TASK, OwnTask
from simulator.rooms.room_events import BoardChanged, RoomEvent
from simulator.session.event_log import AnyEvent, Changes, Logged, Role
from simulator.session.session_events import CurveballStruck, HintTaken, PhaseBegun, PickChanged
from simulator.session.session_state import SessionState

if TYPE_CHECKING:
    from simulator.rooms.room_events import QuestionAnswered, RoomEvent, RoomOpened, SignalRated, TagSet


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

    def in_room(self, logged: Logged[Any]) -> Changes:
        return logged.event.change(self, logged) if isinstance(logged.event, RoomEvent) else None

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
