"""The record of a room: a row for each event of the session, of the board and of the interviewer, as a role may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.board import operations as ops
from simulator.case.exhibits import EXHIBITS
from simulator.case.schema import Scenario
from simulator.errors import shortened
from simulator.rooms.room_events import BoardChanged, BoundRevealed, MessageSent, PanelPushed, ProbeTicked, TaskSet
from simulator.rooms.room_session import RoomSession
from simulator.rooms.room_state import Tag
from simulator.session.session_record import RecordRow, minute_of, question_words, record
from simulator.session.session_signals import SIGNALS

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


def room_record(scenario: Scenario, state: RoomSession) -> list[RecordRow]:
    """Return the rows of a room in the order of the log; state: as a role may see it. Moves of boxes are left out."""
    words = moments(scenario, state)
    marks = (RecordRow(tag.place, minute_of(state, tag.at), "Mark", tag_words(tag, words)) for tag in state.room.tags)
    return sorted([*_without_marks(scenario, state), *marks], key=lambda row: row.place)


def _without_marks(scenario: Scenario, state: RoomSession) -> list[RecordRow]:
    further = (RecordRow(place, minute_of(state, at), what, words) for place, at, what, words in _rows(scenario, state))
    return sorted([*record(scenario, state), *further], key=lambda row: row.place)


def moments(scenario: Scenario, state: RoomSession) -> dict[int, str]:
    """Return the moments of a room in words, by the places of their events: a question with its answer, no mark and no end."""
    rows = [row for row in _without_marks(scenario, state) if row.what != "End"]
    words = {row.place: _moment(row.minute, row.what, row.details) for row in rows}
    for answer in state.room.given:
        if answer.question in words:
            words[answer.question] = f"{words[answer.question]} Answer: {shortened(answer.text)}"
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
    return {tag.place: _moment(minute_of(state, tag.at), "Mark", tag_words(tag, words)) for tag in state.room.tags}


def _moment(minute: float, what: str, details: str) -> str:
    return f"{minute:.0f} min, {what}: {shortened(details)}".removesuffix(": ")


def _rows(scenario: Scenario, state: RoomSession) -> Iterator[tuple[int, float, str, str]]:
    for operation in state.operations:
        assert isinstance(operation.event, BoardChanged)
        if words := operation_words(scenario, operation.event.operation):
            yield operation.place, operation.at, "Board", words
    asked = {question.place: question_words(scenario, question) for question in state.questions}
    for answer in state.room.given:
        yield answer.place, answer.at, "Answer", f"“{asked.get(answer.question, '')}” {answer.text}"
    for step in state.room.steps:
        yield step.place, step.at, *_step_words(scenario, step.event)


def _step_words(scenario: Scenario, event: Any) -> tuple[str, str]:
    if isinstance(event, PanelPushed):
        return "Panel shown", EXHIBITS[event.panel].label if event.panel in EXHIBITS else event.panel
    if isinstance(event, BoundRevealed):
        return "Bound shown", scenario.metrics[event.metric].label if event.metric in scenario.metrics else event.metric
    if isinstance(event, MessageSent):
        return "Message", event.text
    if isinstance(event, ProbeTicked):
        return "Probe", event.ask if event.asked else f"{event.ask} (not asked)"
    if isinstance(event, TaskSet):
        return "Task", task_words(event)
    return "Board", "locked" if event.locked else "open again"


def operation_words(scenario: Scenario, operation: Any) -> str:
    """Return an operation in words; empty for a move."""
    words = _WORDS.get(type(operation), "")
    labels = {name: scenario.label_of(name) for name in (*scenario.stages, *scenario.ends)}
    fields = {name: labels.get(value, value) if name in ("box", "target") else value for name, value in vars(operation).items()}
    return words.format(**fields)


def task_words(event: TaskSet) -> str:
    """Return a change of task or time in words."""
    time = f"{event.minutes} minutes in all" if event.minutes is not None else ""
    own = f"{event.own.name}: {event.own.rate_per_s:,.4g} requests a second" if event.own is not None else ""
    text = "the brief of the case" if event.text == "" else event.text
    return "; ".join(filter(None, [text, own, time]))


def tag_words(tag: Tag, words: Mapping[int, str]) -> str:
    """Return a mark in words: its sign, its signal and the interviewer's words, and its subject; words: of the moments."""
    subjects = [f"probe “{tag.probe}”" if tag.probe else "", words.get(tag.about, "") if tag.about is not None else ""]
    about = "; ".join(filter(None, subjects))
    said = f": {tag.text}" if tag.text else ""
    return f"{'+' if tag.plus else '−'} {LABELS.get(tag.signal, tag.signal)}{said}{f' (about {about})' if about else ''}"
