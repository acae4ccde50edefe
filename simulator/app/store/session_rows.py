"""The tables of the log, and its rows: heads of sessions, and events that are appended and never changed.

A session's row counts its events. To append, a transaction raises that count first: it locks the row, so of two processes that
append at once the second waits and takes the next place.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from time import time
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, false, func, insert, select, update

from simulator.app.store.database import METADATA, JsonText, Words, columns_of
from simulator.errors import InputError
from simulator.limits import OWN_EVENTS, SESSION_EVENTS, SESSION_PAYLOAD
from simulator.phrases import phrase
from simulator.session.event_log import AnyEvent, EventError, LoggedEvent, Role, Session, StoredEvent, as_stored, stored_event
from simulator.session.session_events import SessionEnded

#: The purposes of a session; DAY: no session, but the secret that the incidents of a day share; TRAIL_KEY: the key of trails.
PRACTICE, INCIDENT, ROOM, DAY, TRAIL_KEY = "practice", "incident", "room", "day", "trail key"

#: A row a session. purpose: one of the above; secret: of an incident alone, never sent to a browser; imported: from a file,
#: whose author can write anything into it.
SESSIONS = Table(
    "case_sessions",
    METADATA,
    *columns_of(Session, id={"primary_key": True}, owner={"index": True}),
    Column("purpose", Words, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("secret", JsonText),
    Column("imported", Boolean, nullable=False, server_default=false()),
)
#: A row an event, never changed.
EVENT_ROWS = Table(
    "session_events",
    METADATA,
    Column("session", Words, primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    *columns_of(StoredEvent),
)


@dataclass(frozen=True)
class RoomLink:
    """A link to a room; digest: of its secret, which is stored nowhere; times in seconds since 1970; revoked: 0 or 1."""

    digest: str
    room: str
    role: Role
    made_at: float
    expires_at: float
    revoked: int = 0

    def is_open(self, now: float) -> bool:
        return not self.revoked and now < self.expires_at


ROOM_LINKS = Table("room_links", METADATA, *columns_of(RoomLink, digest={"primary_key": True}, room={"index": True}))

#: Places at the end of a log that only ratings and the end take, and those that only the end and a complete scorecard take.
_FOR_RATINGS, _FOR_THE_END = 100, 10


class OvertakenError(InputError):
    """Another browser has appended to the session meanwhile."""


class NoSessionError(InputError):
    """There is no session with this id."""


def new_id() -> str:
    """Return 22 random characters: 128 bits."""
    return secrets.token_urlsafe(16)


def insert_session(
    connection: Connection, session: Session, purpose: str, secret: Any = None, length: int = 0, imported: bool = False
) -> None:
    row = {**vars(session), "purpose": purpose, "length": length, "imported": imported}
    connection.execute(insert(SESSIONS).values(row | ({} if secret is None else {"secret": secret})))


def rows_of(connection: Connection, owner: str, purpose: str) -> list[Any]:
    """Return the rows of a visitor's sessions or incidents, the latest first; none for an empty owner."""
    own = select(SESSIONS).where(SESSIONS.c.owner == owner, SESSIONS.c.owner != "", SESSIONS.c.purpose == purpose)
    return list(connection.execute(own.order_by(SESSIONS.c.begun_at.desc(), SESSIONS.c.id)).mappings())


def head_of(row: Any) -> Session:
    return Session(**{name: row[name] for name in Session.__dataclass_fields__})


def append_event(connection: Connection, session: str, role: Role, event: AnyEvent, expected: int | None = None) -> int:
    """Append an event and return its place; a SessionEnded ends the session.

    expected: the place that the event must get. Raises OvertakenError if it is taken, NoSessionError for an unknown id, and
    EventError for an event beyond the limits.
    """
    payload = event.payload()
    if len(json.dumps(payload)) > SESSION_PAYLOAD.most:
        raise EventError(f"An event may take {SESSION_PAYLOAD} at most; shorten it.")
    at, row = time(), SESSIONS.c
    most, others = _open_places(role, event)
    chosen = [row.id == session, row.length < most, *([row.length == expected] if expected is not None else [])]
    counted: dict[str, Any] = {"length": row.length + 1}
    if isinstance(event, SessionEnded):
        counted["ended_at"] = func.coalesce(row.ended_at, at)
    length = connection.execute(update(SESSIONS).where(*chosen).values(counted).returning(row.length)).scalar()
    if length is None:
        raise _refusal(connection, session, most, others)
    insert_events(connection, session, [LoggedEvent(length - 1, at, role, event)])
    return int(length) - 1


def _open_places(role: Role, event: AnyEvent) -> tuple[int, str]:
    """Return the length up to which a log takes an event, and the words for those who have the places behind it."""
    if event.place == "end":
        return SESSION_EVENTS.most, ""
    if event.place == "ratings":
        return SESSION_EVENTS.most - _FOR_THE_END, "the end and complete scorecards"
    if role == "candidate":
        return OWN_EVENTS.most, "the interviewer, the ratings and the end"
    return SESSION_EVENTS.most - _FOR_RATINGS, "the ratings and the end"


def insert_events(connection: Connection, session: str, events: list[LoggedEvent]) -> None:
    if events:
        rows = [{"session": session, "place": event.place, **as_stored(event)} for event in events]
        connection.execute(insert(EVENT_ROWS), rows)


def _refusal(connection: Connection, session: str, most: int, others: str) -> InputError:
    row = connection.execute(select(SESSIONS.c.length, SESSIONS.c.purpose).where(SESSIONS.c.id == session)).first()
    if row is None:
        return NoSessionError(phrase("store.no_session"))
    if row.length >= most and not others:
        return EventError(f"This session has {SESSION_EVENTS}, the most that a log holds.")
    if row.length >= most:
        further = "" if row.purpose == ROOM else " End it and begin a new one."
        return EventError(f"This session has {row.length:,} events. The places that are left are kept for {others}.{further}")
    return OvertakenError("Another browser has acted meanwhile; the page shows the present state.")


def events_of(connection: Connection, session: str, after: int = -1) -> list[LoggedEvent]:
    """Return the events behind a place, in their order."""
    columns = EVENT_ROWS.c
    rows = select(EVENT_ROWS).where(columns.session == session, columns.place > after).order_by(columns.place)
    return [
        LoggedEvent(row["place"], row["at"], row["role"], stored_event(row["kind"], row["version"], row["payload"]))
        for row in connection.execute(rows).mappings()
    ]
