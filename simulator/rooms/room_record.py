"""The record of a room: a row for each event of the session, of the board and of the interviewer, as a role may see them."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.case.schema import Scenario
from simulator.errors import shortened
from simulator.rooms.room_events import BoardChanged, TagSet
from simulator.rooms.room_session import RoomSession
from simulator.session.session_record import RecordRow, minute_of, record, row_of
from simulator.session.session_signals import SIGNALS

LABELS = {signal.name: signal.label for signal in SIGNALS}


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
