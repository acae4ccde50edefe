"""The log of sessions: append-only events under a session's id, in the order that the server gives them.

An event that `append` has given a place is in the database for good: a server that is killed loses none of them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from time import time

from sqlalchemy import Connection, delete, select, update

from simulator.app.store.attempts import ATTEMPTS
from simulator.app.store.database import Database
from simulator.app.store.session_files import StoredSession, copied, read_sessions, written_sessions
from simulator.app.store.session_rows import (
    EVENT_ROWS,
    SESSIONS,
    append_event,
    events_of,
    head_of,
    insert_events,
    insert_session,
    new_id,
)
from simulator.session.session_events import AnyEvent, LoggedEvent, Role, Session, SessionEnded

PRACTICE = "practice"


class SessionLog(Database):
    """All sessions in one database. Every method raises StoreError for a database that cannot be used."""

    def begin(
        self, owner: str, case: str, version: int, scenario_hash: str, *, seed: int = 1, minutes: int = 45, nudges: bool = True
    ) -> Session:
        """Begin a session of a case for a visitor, and return it; its id is 128 random bits."""
        session = Session(new_id(), case, version, scenario_hash, owner, seed, minutes, nudges, time())
        with self._connected() as connection:
            insert_session(connection, session, PRACTICE)
        return session

    def get(self, session: str) -> Session | None:
        """Return the head of a session; None for an unknown id, and for an incident, which has a store of its own."""
        chosen = select(SESSIONS).where(SESSIONS.c.id == session, SESSIONS.c.purpose == PRACTICE)
        with self._connected() as connection:
            row = connection.execute(chosen).mappings().first()
        return None if row is None else head_of(row)

    def sessions_of(self, owner: str) -> list[Session]:
        """Return a visitor's sessions, the latest first."""
        with self._connected() as connection:
            return _sessions_of(connection, owner)

    def append(self, session: str, role: Role, event: AnyEvent, expected_place: int | None = None) -> int:
        """Append an event, and return its place, from 0 on.

        expected_place: the place that it must get. Raises OvertakenError where another event has taken that place,
        NoSessionError for an unknown id, and EventError for an event beyond the limits.
        """
        with self._connected() as connection:
            return append_event(connection, session, role, event, expected_place)

    def end(self, session: str, role: Role = "candidate") -> int:
        """Append the end of a session, and return its place."""
        return self.append(session, role, SessionEnded())

    def events_after(self, session: str, place: int = -1) -> list[LoggedEvent]:
        """Return the events behind a place, in their order; all of them behind -1."""
        with self._connected() as connection:
            return events_of(connection, session, place)

    def delete(self, owner: str) -> int:
        """Delete a visitor's sessions and attempts for good, and return the number of sessions.

        No byte of them stays in the file of a SQLite database or in a table of PostgreSQL. The logs and backups of PostgreSQL
        are beyond reach.
        """
        own = select(SESSIONS.c.id).where(SESSIONS.c.owner == owner)
        with self._connected() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.execute(delete(EVENT_ROWS).where(EVENT_ROWS.c.session.in_(own)))
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.trail == owner))
            count = connection.execute(delete(SESSIONS).where(SESSIONS.c.owner == owner)).rowcount
        self._compact([EVENT_ROWS.name, ATTEMPTS.name, SESSIONS.name])
        return count

    def export(self, owner: str) -> str:
        """Return a visitor's sessions with their events as one JSON text, which `take_in` reads."""
        with self._connected() as connection:
            own = reversed(_sessions_of(connection, owner))
            return written_sessions([StoredSession(session, events_of(connection, session.id)) for session in own])

    def take_in(self, owner: str, content: bytes) -> int:
        """Store the sessions of an exported file for a visitor, all or none, and return the number of new events.

        Ids stay. A session that is there already gets the events that it lacks, if the file continues it. A session of another
        visitor stays that visitor's: this one gets a copy. Raises SessionFileError with a sentence for any other file.
        """
        stored = read_sessions(content, owner)
        with self._connected() as connection:
            return sum(_take_in(connection, one) for one in stored)


def _sessions_of(connection: Connection, owner: str) -> list[Session]:
    own = select(SESSIONS).where(SESSIONS.c.owner == owner, SESSIONS.c.purpose == PRACTICE)
    rows = connection.execute(own.order_by(SESSIONS.c.begun_at.desc(), SESSIONS.c.id)).mappings()
    return [head_of(row) for row in rows]


def _take_in(connection: Connection, stored: StoredSession) -> int:
    """Store a session of a file, and return the number of new events."""
    head = stored.session
    chosen = select(SESSIONS.c.owner, SESSIONS.c.purpose).where(SESSIONS.c.id == head.id)
    there = connection.execute(chosen).first()
    if there is None:
        insert_session(connection, head, PRACTICE, length=len(stored.events))
        insert_events(connection, head.id, stored.events)
        return len(stored.events)
    if tuple(there) != (head.owner, PRACTICE):
        return _take_in(connection, copied(stored, _name_of_copy(head)))
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
