"""Sessions, incidents and attempts of a file become rows; rows that are there already stay as they are."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Connection, select, update

from simulator.app.store.attempts import Attempt, attempts_of, insert_attempt
from simulator.app.store.session_files import StoredSession, copied
from simulator.app.store.session_rows import (
    INCIDENT,
    PRACTICE,
    ROOM,
    SESSIONS,
    events_of,
    insert_events,
    insert_session,
)
from simulator.session.event_log import LoggedEvent, Session


def take_in_attempt(connection: Connection, attempt: Attempt) -> int:
    """Store an attempt of a file, and return 1 for a new one; of the attempts at a case, the pinned one stays pinned."""
    if attempt.starred:
        pinned = any(one.starred for one in attempts_of(connection, attempt.trail, attempt.case))
        attempt = replace(attempt, starred=not pinned)
    return int(insert_attempt(connection, attempt))


def take_in_session(connection: Connection, stored: StoredSession) -> int:
    """Store a session, an incident or a room of a file, and return the number of new events.

    A log that began here changes by no file. Where a file goes on from one that is open here, a copy comes in beside it.
    """
    head = stored.session
    secret = stored.secret.stored() if stored.secret else None
    purpose = INCIDENT if stored.secret else ROOM if stored.is_room else PRACTICE
    chosen = select(SESSIONS.c.owner, SESSIONS.c.purpose, SESSIONS.c.imported, SESSIONS.c.ended_at).where(
        SESSIONS.c.id == head.id
    )
    there = connection.execute(chosen).first()
    if there is None:
        insert_session(connection, head, purpose, secret, len(stored.events), imported=True)
        insert_events(connection, head.id, stored.events)
        return len(stored.events)
    is_own = (there.owner, there.purpose) == (head.owner, purpose)
    if is_own and there.imported:
        return _continue(connection, stored)
    if is_own and (there.ended_at is not None or not _further(connection, stored)):
        return 0
    return take_in_session(connection, copied(stored, _name_of_copy(head)))


def _name_of_copy(head: Session) -> str:
    """Return an id for a visitor's copy: equal each time, so that a file that is read twice adds nothing."""
    return urlsafe_b64encode(sha256(f"{head.id} {head.owner}".encode()).digest()[:16]).decode().rstrip("=")


def _continue(connection: Connection, stored: StoredSession) -> int:
    """Append the events that the file has beyond those stored, if it begins with these; else the log stays as it is."""
    name = stored.session.id
    # Writes, so that no other process appends meanwhile.
    connection.execute(update(SESSIONS).where(SESSIONS.c.id == name).values(length=SESSIONS.c.length))
    if further := _further(connection, stored):
        changed = {"length": len(stored.events), "ended_at": stored.session.ended_at}
        connection.execute(update(SESSIONS).where(SESSIONS.c.id == name).values(changed))
        insert_events(connection, name, further)
    return len(further)


def _further(connection: Connection, stored: StoredSession) -> list[LoggedEvent]:
    """Return the events of a file behind those that are here; none where the file does not begin with these."""
    here = events_of(connection, stored.session.id)
    return stored.events[len(here) :] if here == stored.events[: len(here)] else []
