"""The log of sessions: append-only events under a session's id, in the order that the server gives them.

An event that `append` has given a place is in the database for good: a server that is killed loses none of them.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from time import time
from typing import ClassVar

from sqlalchemy import Connection, delete, func, select, update

from simulator.app.store.attempts import ATTEMPTS, Attempt, attempts_of, insert_attempt
from simulator.app.store.database import Database
from simulator.app.store.incident_log import Hidden
from simulator.app.store.session_files import StoredSession, copied, read_visitor_file, written_sessions
from simulator.app.store.session_rows import (
    EVENT_ROWS,
    INCIDENT,
    PRACTICE,
    ROOM,
    ROOM_LINKS,
    SESSIONS,
    append_event,
    events_of,
    head_of,
    insert_events,
    insert_session,
    new_id,
    rows_of,
)
from simulator.session.event_log import AnyEvent, LoggedEvent, Role, Session
from simulator.session.session_events import SessionEnded


class SessionLog(Database):
    """All sessions of a purpose in one database. Every method raises StoreError for a database that cannot be used."""

    purpose: ClassVar[str] = PRACTICE

    def begin(
        self, owner: str, case: str, version: int, scenario_hash: str, *, seed: int = 1, minutes: int = 45, nudges: bool = True
    ) -> Session:
        """Begin a session of a case for a visitor, and return it; its id is 128 random bits."""
        session = Session(new_id(), case, version, scenario_hash, owner, seed, minutes, nudges, time())
        with self._connected() as connection:
            insert_session(connection, session, self.purpose)
        return session

    def get(self, session: str) -> Session | None:
        """Return the head of a session; None for an unknown id, and for one of another purpose."""
        chosen = select(SESSIONS).where(SESSIONS.c.id == session, SESSIONS.c.purpose == self.purpose)
        with self._connected() as connection:
            row = connection.execute(chosen).mappings().first()
        return None if row is None else head_of(row)

    def sessions_of(self, owner: str) -> list[Session]:
        """Return a visitor's sessions, the latest first."""
        with self._connected() as connection:
            return [head_of(row) for row in rows_of(connection, owner, self.purpose)]

    def logs_of(self, owner: str) -> list[StoredSession]:
        """Return a visitor's sessions with their events, the latest first."""
        with self._connected() as connection:
            return _logs_of(connection, owner)

    def visitors(self) -> list[str]:
        """Return the trails that have a session, an incident or an attempt here, the latest first."""
        both = select(SESSIONS.c.owner, SESSIONS.c.begun_at).where(SESSIONS.c.owner != "")
        all_rows = both.union_all(select(ATTEMPTS.c.trail, ATTEMPTS.c.at)).subquery()
        owner, at = all_rows.c
        with self._connected() as connection:
            return list(connection.execute(select(owner).group_by(owner).order_by(func.max(at).desc(), owner)).scalars())

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
        """Delete a visitor's sessions, incidents and attempts for good, and return the number of sessions and incidents.

        No byte of them stays in the file of a SQLite database or in a table of PostgreSQL. The logs and backups of PostgreSQL
        are beyond reach.
        """
        own = select(SESSIONS.c.id).where(SESSIONS.c.owner == owner)
        with self._connected() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.execute(delete(EVENT_ROWS).where(EVENT_ROWS.c.session.in_(own)))
            connection.execute(delete(ROOM_LINKS).where(ROOM_LINKS.c.room.in_(own)))
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.trail == owner))
            count = connection.execute(delete(SESSIONS).where(SESSIONS.c.owner == owner)).rowcount
        self._compact([EVENT_ROWS.name, ROOM_LINKS.name, ATTEMPTS.name, SESSIONS.name])
        return count

    def export(self, owner: str) -> str:
        """Return a visitor's sessions, ended incidents, attempts and rooms as one JSON text, which `take_in` reads.

        An incident that goes on stays here: with its secret, the file would give the cause away.
        """
        with self._connected() as connection:
            sessions, attempts = _logs_of(connection, owner), attempts_of(connection, owner)
            incidents = [log for log in _logs_of(connection, owner, INCIDENT) if log.session.ended_at is not None]
            rooms = [replace(log, is_room=True) for log in _logs_of(connection, owner, ROOM)]
        return written_sessions(sessions[::-1], incidents[::-1], attempts, rooms[::-1])

    def take_in(self, owner: str, content: bytes) -> int:
        """Store an exported file for a visitor, all or nothing, and return the number of new events and attempts.

        Ids stay. A session that is there already gets the events that it lacks, if the file continues it. A session of another
        visitor stays that visitor's: this one gets a copy. Raises SessionFileError with a sentence for any other file.
        """
        file = read_visitor_file(content, owner)
        with self._connected() as connection:
            events = sum(take_in_session(connection, session) for session in [*file.sessions, *file.incidents, *file.rooms])
            return events + sum(take_in_attempt(connection, attempt) for attempt in file.attempts)


def _logs_of(connection: Connection, owner: str, purpose: str = PRACTICE) -> list[StoredSession]:
    return [
        StoredSession(head_of(row), events_of(connection, row["id"]), Hidden.of(row["secret"]) if row["secret"] else None)
        for row in rows_of(connection, owner, purpose)
    ]


def take_in_attempt(connection: Connection, attempt: Attempt) -> int:
    """Store an attempt of a file, and return 1 for a new one; of the attempts at a case, the pinned one stays pinned."""
    if attempt.starred:
        pinned = any(stored.starred for stored in attempts_of(connection, attempt.trail, attempt.case))
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
