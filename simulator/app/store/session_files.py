"""Sessions as one JSON text, to keep, to move to another browser or server, and to read again: all of a file, or nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import InputError, shortened
from simulator.limits import SESSION_DEPTH, SESSION_EVENTS, SESSION_FILE, SESSION_PAYLOAD
from simulator.session.session_events import EventError, LoggedEvent, Role, Seed, Session, UnknownEvent, read_event

FORMAT = "casesim-sessions"
VERSION = 1

#: A time in seconds since 1970, up to the year 5138.
_Time = Annotated[float, Field(ge=0, le=1e11)]
_Line = Annotated[str, Field(min_length=1, max_length=100)]


class SessionFileError(InputError):
    """A file holds no sessions that can be stored; nothing of it is stored."""


@dataclass(frozen=True)
class StoredSession:
    """A session with all its events."""

    session: Session
    events: list[LoggedEvent]


class _FileModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _EventInFile(_FileModel):
    at: _Time
    role: Role
    kind: Annotated[str, Field(max_length=60)]
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    payload: dict[str, Any]


class _SessionInFile(_FileModel):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
    case: _Line
    version: Annotated[int, Field(ge=1, le=10**15)]
    scenario_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    seed: Seed
    minutes: Annotated[int, Field(ge=1, le=1440)]
    nudges: bool
    begun_at: _Time
    ended_at: _Time | None = None
    events: Annotated[list[_EventInFile], Field(max_length=SESSION_EVENTS.most)]


class _File(_FileModel):
    format: Literal["casesim-sessions"]
    format_version: Literal[1]
    sessions: Annotated[list[_SessionInFile], Field(max_length=100_000)]


def written_sessions(sessions: list[StoredSession]) -> str:
    """Return sessions as JSON text, without their owner: a trail is a key to a visitor's data."""
    data = [_session_in_file(one) for one in sessions]
    return json.dumps({"format": FORMAT, "format_version": VERSION, "sessions": data}, indent=1, sort_keys=True)


def _session_in_file(stored: StoredSession) -> dict[str, Any]:
    head = {name: value for name, value in vars(stored.session).items() if name != "owner"}
    return head | {"events": [_event_in_file(one) for one in stored.events]}


def _event_in_file(recorded: LoggedEvent) -> dict[str, Any]:
    event = recorded.event
    payload = event.payload if isinstance(event, UnknownEvent) else event.payload()
    return {"at": recorded.at, "role": recorded.role, "kind": event.kind, "version": event.version, "payload": payload}


def read_sessions(content: bytes, owner: str) -> list[StoredSession]:
    """Return the sessions of a file, as those of a visitor; raises SessionFileError with a sentence."""
    try:
        file = _File.model_validate(_parsed(content))
    except ValidationError as error:
        raise SessionFileError(_sentence(error)) from error
    except RecursionError as error:
        raise SessionFileError(_TOO_DEEP) from error
    ids = [one.id for one in file.sessions]
    if len(set(ids)) < len(ids):
        raise SessionFileError("Two sessions of the file have one id. Export the sessions again.")
    return [_stored(one, owner) for one in file.sessions]


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
    return shortened(f"The file holds no sessions that this CaseSim can read: {place}: {first['msg']}.", 400)


def _stored(written: _SessionInFile, owner: str) -> StoredSession:
    head = Session(**written.model_dump(exclude={"events"}), owner=owner)
    return StoredSession(head, [_recorded(written, place) for place in range(len(written.events))])


def _recorded(written: _SessionInFile, place: int) -> LoggedEvent:
    one = written.events[place]
    if len(json.dumps(one.payload)) > SESSION_PAYLOAD.most:
        raise SessionFileError(f"Session {written.id}, event {place}: an event takes {SESSION_PAYLOAD} at most.")
    try:
        event = read_event(one.payload | {"kind": one.kind, "version": one.version})
    except EventError as error:
        raise SessionFileError(f"Session {written.id}, event {place}: {error}.") from error
    return LoggedEvent(place, one.at, one.role, event)


def copied(stored: StoredSession, name: str) -> StoredSession:
    return replace(stored, session=replace(stored.session, id=name))
