"""The log of rooms: sessions of several people, opened by secret links, each for a role."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import ClassVar, NamedTuple

from sqlalchemy import Connection, insert, select, update

from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import ROOM, ROOM_LINKS, RoomLink, append_event, insert_session, new_id
from simulator.session.event_log import AnyEvent, Role, Session, read_event
from simulator.session.session_events import PhaseBegun

#: Lifetime of a link (s).
LINK_S = 7 * 24 * 3600.0

#: Roles with a link: the candidate's is a short code to be read aloud, the others' are tokens of 128 bits.
LINKED: tuple[Role, ...] = ("interviewer", "candidate", "observer", "rater")


#: The characters of a code that is read aloud: Crockford's base 32, without letters that look like digits.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

#: Letters of a code in all, and in a group: 60 bits.
_CODE, _GROUP = 12, 4

#: Letters that are read as digits.
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


class Access(NamedTuple):
    """A role in a room."""

    room: str
    role: Role


@dataclass(frozen=True)
class NewRoom:
    """A room that was just created, and the only copy of its secrets: by role."""

    session: Session
    keys: Mapping[Role, str]


def new_code() -> str:
    """Return a random code of 60 bits in groups, to be read aloud."""
    letters = [secrets.choice(_LETTERS) for _ in range(_CODE)]
    return "-".join("".join(letters[at : at + _GROUP]) for at in range(0, _CODE, _GROUP))


def letters_of(key: str) -> str:
    """Return a token as it is, and the letters of a code however it is typed."""
    typed = key.strip()
    letters = typed.upper().translate(_READ_AS).replace("-", "").replace(" ", "")
    return letters if len(letters) == _CODE and set(letters) <= set(_LETTERS) else typed


def digest_of(key: str) -> str:
    """Return the digest of a token, or of a code however it is typed."""
    return sha256(letters_of(key).encode()).hexdigest()


class RoomLog(SessionLog):
    """All rooms in one database. Every method raises StoreError for a database that cannot be used."""

    purpose: ClassVar[str] = ROOM

    def create(
        self,
        owner: str,
        case: str,
        version: int,
        scenario_hash: str,
        settings: AnyEvent,
        phase: str,
        *,
        task: AnyEvent | None = None,
        seed: int,
        minutes: int,
    ) -> NewRoom:
        """Create a room with its first phase, its clock at rest, and a link for each role.

        owner: the trail of its interviewer, who starts the clock once the candidate is there
        task: a task of the interviewer's own, None for that of the case
        """
        session = Session(new_id(), case, version, scenario_hash, owner, seed, minutes, True, time())
        with self._connected() as connection:
            insert_session(connection, session, ROOM)
            keys = {role: _new_key(connection, session.id, role) for role in LINKED}
            for opening in filter(None, [settings, task]):
                append_event(connection, session.id, "system", opening)
            append_event(connection, session.id, "system", PhaseBegun(phase=phase))
            append_event(connection, session.id, "system", read_event({"kind": "clock_paused"}))
        return NewRoom(session, keys)

    def access(self, key: str) -> Access | None:
        """Return the room and the role that a secret opens; None for an unknown, expired or revoked one.

        The digest of the secret is looked up, so that the time of an answer says nothing about the secret.
        """
        with self._connected() as connection:
            row = connection.execute(select(ROOM_LINKS).where(ROOM_LINKS.c.digest == digest_of(key))).mappings().first()
        return Access(row["room"], row["role"]) if row is not None and RoomLink(**row).is_open(time()) else None

    def links(self, room: str) -> list[RoomLink]:
        """Return the links to a room, the oldest first."""
        rows = select(ROOM_LINKS).where(ROOM_LINKS.c.room == room).order_by(ROOM_LINKS.c.made_at, ROOM_LINKS.c.role)
        with self._connected() as connection:
            return [RoomLink(**row) for row in connection.execute(rows).mappings()]

    def revoke(self, room: str, role: Role) -> int:
        """Revoke every link of a role, and return their number; pages that are open lose the room at their next step."""
        with self._connected() as connection:
            return _revoked(connection, room, role)

    def renew(self, room: str, role: Role) -> str:
        """Revoke the links of a role, and return the secret of a new one."""
        with self._connected() as connection:
            _revoked(connection, room, role)
            return _new_key(connection, room, role)


def _new_key(connection: Connection, room: str, role: Role) -> str:
    """Store a link to a room, and return its secret."""
    key = new_code() if role == "candidate" else secrets.token_urlsafe(16)
    connection.execute(insert(ROOM_LINKS).values(vars(RoomLink(digest_of(key), room, role, time(), time() + LINK_S))))
    return key


def _revoked(connection: Connection, room: str, role: Role) -> int:
    """Revoke every link of a role to a room, and return their number."""
    chosen = ROOM_LINKS.c.room == room, ROOM_LINKS.c.role == role, ROOM_LINKS.c.revoked == 0
    return connection.execute(update(ROOM_LINKS).where(*chosen).values(revoked=1)).rowcount
