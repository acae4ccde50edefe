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
from simulator.session.session_events import Session


def take_in_attempt(connection: Connection, attempt: Attempt) -> int:
    """Store an attempt of a file, and return 1 for a new one; of the attempts at a case, the pinned one stays pinned."""
    if attempt.starred:
        pinned = any(one.starred for one in attempts_of(connection, attempt.trail, attempt.case))
        attempt = replace(attempt, starred=not pinned)
    return int(insert_attempt(connection, attempt))


def take_in_session(connection: Connection, stored: StoredSession) -> int:
    """Store a session, an incident or a room of a file, and return the number of new events."""
    head = stored.session
    secret = stored.secret.stored() if stored.secret else None
    purpose = INCIDENT if stored.secret else ROOM if stored.is_room else PRACTICE
    chosen = select(SESSIONS.c.owner, SESSIONS.c.purpose).where(SESSIONS.c.id == head.id)
    there = connection.execute(chosen).first()
    if there is None:
        insert_session(connection, head, purpose, secret, len(stored.events))
        insert_events(connection, head.id, stored.events)
        return len(stored.events)
    if tuple(there) != (head.owner, purpose):
        return take_in_session(connection, copied(stored, _name_of_copy(head)))
    return _continue(connection, stored)


def _name_of_copy(head: Session) -> str:
    """Return an id for a visitor's copy: equal each time, so that a file that is read twice adds nothing."""
    return urlsafe_b64encode(sha256(f"{head.id} {head.owner}".encode()).digest()[:16]).decode().rstrip("=")


def _continue(connection: Connection, stored: StoredSession) -> int:
    """Append the events that the file has beyond those stored, if it begins with these; else the log stays as it is."""
    name = stored.session.id
    counted = update(SESSIONS).where(SESSIONS.c.id == name).values(length=SESSIONS.c.length).returning(SESSIONS.c.length)
    length = connection.execute(counted).scalar_one()  # writes, so that no other process appends meanwhile
    further = stored.events[length:]
    if not further or events_of(connection, name) != stored.events[:length]:
        return 0
    changed = {"length": len(stored.events), "ended_at": stored.session.ended_at}
    connection.execute(update(SESSIONS).where(SESSIONS.c.id == name).values(changed))
    insert_events(connection, name, further)
    return len(further)
