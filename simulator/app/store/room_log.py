"""The log of rooms: sessions of several people, opened by secret links, each for a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import ClassVar, NamedTuple

from simulator.app.store.room_rows import (
    RoomLink,
    digest_of,
    insert_link,
    link_of,
    links_of,
    new_code,
    new_token,
    revoke_links,
)
from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import ROOM, append_event, insert_session, new_id
from simulator.session.event_log import AnyEvent, Role, Session, read_event
from simulator.session.session_events import PhaseBegun

#: Lifetime of a link (s).
LINK_S = 7 * 24 * 3600.0

#: Roles with a link: the candidate's is a short code to be read aloud, the others' are tokens of 128 bits.
LINKED: tuple[Role, ...] = ("interviewer", "candidate", "observer", "rater")


class Access(NamedTuple):
    """A role in a room."""

    room: str
    role: Role


@dataclass(frozen=True)
class NewRoom:
    """A room that was just created, and the only copy of its secrets: by role."""

    session: Session
    keys: Mapping[Role, str]


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
        keys: dict[Role, str] = {role: new_code() if role == "candidate" else new_token() for role in LINKED}
        with self._connected() as connection:
            insert_session(connection, session, ROOM)
            for role, key in keys.items():
                insert_link(connection, RoomLink(digest_of(key), session.id, role, time(), time() + LINK_S, False))
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
            link = link_of(connection, digest_of(key))
        return Access(link.room, link.role) if link is not None and link.is_open(time()) else None

    def links(self, room: str) -> list[RoomLink]:
        """Return the links to a room, the oldest first."""
        with self._connected() as connection:
            return links_of(connection, room)

    def revoke(self, room: str, role: Role) -> int:
        """Revoke every link of a role, and return their number; pages that are open lose the room at their next step."""
        with self._connected() as connection:
            return revoke_links(connection, room, role)

    def renew(self, room: str, role: Role) -> str:
        """Revoke the links of a role, and return the secret of a new one."""
        key = new_code() if role == "candidate" else new_token()
        with self._connected() as connection:
            revoke_links(connection, room, role)
            insert_link(connection, RoomLink(digest_of(key), room, role, time(), time() + LINK_S, False))
        return key
