"""The record of a room: a row for each event of the session, of the board and of the interviewer, as a role may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.board import operations as ops
from simulator.case.schema import Scenario
from simulator.session.room_events import BoardChanged
from simulator.session.session_record import RecordRow, minute_of, record
from simulator.session.session_signals import SIGNALS
from simulator.session.session_state import SessionState

#: The words of an operation, with the name of its box.
_WORDS: Mapping[type, str] = {
    ops.AddBox: "“{box}” is added",
    ops.RestoreBox: "“{box}” comes back",
    ops.RemoveBox: "“{box}” is removed",
    ops.RenameBox: "“{box}” is renamed to “{label}”",
    ops.SetField: "“{box}”: {field} is {value}",
    ops.ConnectWay: "“{box}” leads to “{target}” ({port})",
    ops.DisconnectWay: "“{box}” leads nowhere ({port})",
    ops.EnterAt: "Requests enter at “{box}”",
    ops.WriteNote: "A note: {text}",
    ops.EraseNote: "A note goes",
}

LABELS = {signal.name: signal.label for signal in SIGNALS}


def room_record(scenario: Scenario, state: SessionState) -> list[RecordRow]:
    """Return the rows of a room in the order of the log; state: as a role may see it. Moves of boxes are left out."""
    further = (RecordRow(place, minute_of(state, at), what, words) for place, at, what, words in _rows(scenario, state))
    return sorted([*record(scenario, state), *further], key=lambda row: row.place)


def _rows(scenario: Scenario, state: SessionState) -> Iterator[tuple[int, float, str, str]]:
    for one in state.operations:
        assert isinstance(one.event, BoardChanged)
        if words := operation_words(scenario, one.event.operation):
            yield one.place, one.at, "Board", words
    for place, answer in state.room.answers.items():
        yield place, answer.at, "Answer", answer.text
    for tag in state.room.tags:
        yield tag.place, tag.at, "Mark", tag_words(tag)


def operation_words(scenario: Scenario, operation: Any) -> str:
    """Return an operation in words; empty for a move."""
    words = _WORDS.get(type(operation), "")
    labels = {name: scenario.label_of(name) for name in (*scenario.stages, *scenario.ends)}
    fields = {name: labels.get(value, value) if name in ("box", "target") else value for name, value in vars(operation).items()}
    return words.format(**fields)


def tag_words(tag: Any) -> str:
    """Return a mark in words: its sign, its signal and the interviewer's words."""
    return f"{'+' if tag.plus else '−'} {LABELS.get(tag.signal, tag.signal)}{f': {tag.text}' if tag.text else ''}"
