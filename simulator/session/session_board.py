"""The board of a session: the drawing of the case, changed by the operations in the log."""

from __future__ import annotations

import hashlib
import json
from threading import Lock
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from simulator.board.board import Board
from simulator.board.case_drawing import DrawnCase, compiled, drawn
from simulator.board.operations import OperationError
from simulator.case.schema import Scenario
from simulator.session.room_events import BoardChanged

if TYPE_CHECKING:
    from simulator.session.session_state import SessionState, Timed

#: Boards of sessions in memory, each with the number of operations that it includes, and drawings that were compiled.
#: With each the case, so that no other object takes its id.
_BOARDS: LRUCache[Any, tuple[Scenario, int, Board]] = LRUCache(256)
_DRAWINGS: LRUCache[Any, tuple[Scenario, DrawnCase]] = LRUCache(256)
_LOCK = Lock()


def board_of(scenario: Scenario, state: SessionState) -> Board:
    """Return the board of a session; an operation that makes no sense at its place in the log changes nothing."""
    empty = state.room.settings is not None and state.room.settings.empty_board
    key = id(scenario), state.session.id, empty, state.operations[0].place if state.operations else -1
    with _LOCK:
        known = _BOARDS.get(key)
    if known is None or known[1] > len(state.operations):
        count, board = 0, drawn(scenario, empty)
    else:
        _, count, board = known
    for one in state.operations[count:]:
        board = _after(board, one)
    with _LOCK:
        _BOARDS[key] = scenario, len(state.operations), board
    return board


def _after(board: Board, one: Timed) -> Board:
    assert isinstance(one.event, BoardChanged)
    try:
        return board.after(one.event.operation, one.role)
    except OperationError:
        return board


def drawing_of(scenario: Scenario, state: SessionState) -> DrawnCase:
    """Return the case that the board of a session draws."""
    board = board_of(scenario, state)
    key = id(scenario), _hash(board)
    with _LOCK:
        known = _DRAWINGS.get(key)
    if known is not None:
        return known[1]
    found = compiled(board, scenario)
    with _LOCK:
        _DRAWINGS[key] = scenario, found
    return found


def drawing_hash(scenario: Scenario, state: SessionState) -> str:
    """Return the hash of what the board of a session draws; empty where it draws the case itself."""
    if not state.operations and not (state.room.settings and state.room.settings.empty_board):
        return ""
    mine, of_case = _hash(board_of(scenario, state)), _hash(drawn(scenario))
    return "" if mine == of_case else mine


def _hash(board: Board) -> str:
    """Return the hash of a board without places and notes."""
    content = [board.start, {name: [box.is_end, box.data] for name, box in board.boxes.items()}]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]
