"""All that a visitor has here as one JSON text, to keep, to move and to read again: all of a file, or nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from simulator.app.store.attempts import Attempt
from simulator.app.store.incident_log import Hidden
from simulator.errors import InputError, shortened
from simulator.limits import SESSION_DEPTH, SESSION_EVENTS, SESSION_FILE, SESSION_PAYLOAD
from simulator.phrases import phrase
from simulator.session.event_log import EventError, LoggedEvent, Session, StoredEvent, Time, as_stored, in_files, read_event

FORMAT = "casesim-sessions"

#: Version 1 holds sessions alone, version 2 no rooms.
VERSION = 3


class SessionFileError(InputError):
    """A file holds no sessions that can be stored; nothing of it is stored."""


@dataclass(frozen=True)
class StoredSession:
    """A session with all its events; secret: of an incident alone; is_room: whether several people shared it."""

    session: Session
    events: list[LoggedEvent]
    secret: Hidden | None = None
    is_room: bool = False


@dataclass(frozen=True)
class VisitorFile:
    """A visitor's sessions, ended incidents, attempts and rooms."""

    sessions: list[StoredSession]
    incidents: list[StoredSession]
    attempts: list[Attempt]
    rooms: list[StoredSession]


@in_files
@dataclass(frozen=True, kw_only=True)
class _SessionInFile(Session):
    """A session with its events; a file names no owner."""

    owner: Annotated[str, Field(max_length=0)] = ""
    events: Annotated[list[StoredEvent], Field(max_length=SESSION_EVENTS.most)]


def _whole(secret: object) -> object:
    if isinstance(secret, dict) and not {"seed", "cause", "shape", "salt"} <= secret.keys():
        raise ValueError("a secret has a seed, a cause, a shape and a salt")
    return secret


@in_files
@dataclass(frozen=True, kw_only=True)
class _IncidentInFile(_SessionInFile):
    """An incident, which has ended; the seed is that of its secret, and no time is planned."""

    seed: Literal[0] = 0
    minutes: Literal[0] = 0
    nudges: Literal[False] = False
    ended_at: Time
    secret: Annotated[Hidden, BeforeValidator(_whole)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal["casesim-sessions"]
    format_version: Literal[1, 2, 3]
    sessions: Annotated[list[_SessionInFile], Field(max_length=100_000)]
    incidents: Annotated[list[_IncidentInFile], Field(max_length=100_000)] = []
    attempts: Annotated[list[Attempt], Field(max_length=100_000)] = []
    rooms: Annotated[list[_SessionInFile], Field(max_length=100_000)] = []


def written_sessions(
    sessions: list[StoredSession],
    incidents: list[StoredSession] | None = None,
    attempts: list[Attempt] | None = None,
    rooms: list[StoredSession] | None = None,
) -> str:
    """Return what a visitor has as JSON text, without the owner: a trail is a key to a visitor's data."""
    data = {
        "format": FORMAT,
        "format_version": VERSION,
        "sessions": [_session_in_file(session) for session in sessions],
        "incidents": [_incident_in_file(incident) for incident in incidents or []],
        "attempts": [_attempt_in_file(attempt) for attempt in attempts or []],
        "rooms": [_session_in_file(room) for room in rooms or []],
    }
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False)


def _session_in_file(stored: StoredSession) -> dict[str, Any]:
    head = {name: value for name, value in vars(stored.session).items() if name != "owner"}
    return head | {"events": [as_stored(event) for event in stored.events]}


def _incident_in_file(stored: StoredSession) -> dict[str, Any]:
    assert stored.secret is not None
    written = {name: part for name, part in _session_in_file(stored).items() if name not in ("seed", "minutes", "nudges")}
    return written | {"secret": stored.secret.stored()}


def _attempt_in_file(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as plain data; JSON has no number for a value that is not finite."""
    reached = [asdict(reached) | {"value": _finite(reached.value)} for reached in attempt.reached]
    return {name: value for name, value in vars(attempt).items() if name != "trail"} | {"reached": reached}


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def read_visitor_file(content: bytes, owner: str) -> VisitorFile:
    """Return all of a file, as a visitor's own; raises SessionFileError with a sentence."""
    try:
        file = _File.model_validate(_parsed(content))
    except ValidationError as error:
        raise SessionFileError(_sentence(error)) from error
    except RecursionError as error:
        raise SessionFileError(_TOO_DEEP) from error
    ids = [session.id for session in [*file.sessions, *file.incidents, *file.rooms]]
    if len(set(ids)) < len(ids):
        raise SessionFileError("Two sessions of the file have one id. Export the sessions again.")
    return VisitorFile(
        [_stored(session, owner) for session in file.sessions],
        [replace(_stored(incident, owner), secret=incident.secret) for incident in file.incidents],
        [replace(attempt, trail=owner) for attempt in file.attempts],
        [replace(_stored(room, owner), is_room=True) for room in file.rooms],
    )


_TOO_DEEP = f"The file is nested more than {SESSION_DEPTH} deep, so it is no export of sessions."


def _parsed(content: bytes) -> Any:
    if len(content) > SESSION_FILE.most:
        raise SessionFileError(f"The file is longer than {SESSION_FILE}, the most that is read.")
    try:
        data = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SessionFileError("The file is no JSON text. Choose a file that CaseSim has exported.") from error
    if _depth(data) > SESSION_DEPTH.most:
        raise SessionFileError(_TOO_DEEP)
    return data


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _depth(data: Any) -> int:
    """Return the number of levels, without recursion; it stops at the limit."""
    level, depth = [data], 0
    while level and depth <= SESSION_DEPTH.most:
        nested = [part for part in level if isinstance(part, dict | list)]
        level = [inner for part in nested for inner in (part.values() if isinstance(part, dict) else part)]
        depth += bool(nested)
    return depth


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the file"
    return shortened(phrase("store.no_sessions", place=place, fault=first["msg"]), 400)


def _stored(written: _SessionInFile, owner: str) -> StoredSession:
    head = Session(**{each.name: getattr(written, each.name) for each in fields(Session)} | {"owner": owner})
    return StoredSession(head, [_recorded(written, place) for place in range(len(written.events))])


def _recorded(written: _SessionInFile, place: int) -> LoggedEvent:
    row = written.events[place]
    if len(json.dumps(row.payload)) > SESSION_PAYLOAD.most:
        raise SessionFileError(f"Session {written.id}, event {place}: an event takes {SESSION_PAYLOAD} at most.")
    try:
        event = read_event(row.payload | {"kind": row.kind, "version": row.version})
    except EventError as error:
        raise SessionFileError(f"Session {written.id}, event {place}: {error}.") from error
    return LoggedEvent(place, row.at, row.role, event)


def copied(stored: StoredSession, name: str) -> StoredSession:
    return replace(stored, session=replace(stored.session, id=name))
