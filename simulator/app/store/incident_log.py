"""The store of incidents: sessions with a secret, whose events are actions, from which a play is computed again.

The outside knows an incident by a random id alone. Its secret is drawn here, and leaves the server after the reveal only.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from time import time
from typing import Any

from sqlalchemy import func, select, update

from simulator.app.store.database import Database
from simulator.app.store.session_rows import (
    INCIDENT,
    SESSIONS,
    append_event,
    events_of,
    head_of,
    insert_session,
    new_id,
    rows_of,
)
from simulator.session.session_events import IncidentAction, LoggedEvent, SelfRated, Session
from simulator.session.session_signals import Level

#: Bits of a seed and of a salt: too many for a player to try them all against the figures and hashes on the page.
SECRET_BITS = 128


@dataclass(frozen=True)
class Hidden:
    """The source of a secret: a seed; cause and shape in place of drawn ones, for a class that plays a certain cause.

    salt: 32 hexadecimal digits, mixed into every hash that a player sees
    """

    seed: int = field(default_factory=lambda: secrets.randbits(SECRET_BITS), repr=False)
    cause: str | None = None
    shape: str | None = None
    salt: str = field(default_factory=lambda: f"{secrets.randbits(SECRET_BITS):032x}", repr=False)

    def stored(self) -> dict[str, Any]:
        """Return plain data for a JSON column; the seed as hexadecimal text, since many readers of JSON lose bits of it."""
        return asdict(self) | {"seed": f"{self.seed:x}"}

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Hidden:
        """Return what `stored` describes. Older versions stored the seed as a number, and no salt; a new salt is drawn then."""
        seed = stored["seed"]
        return cls(**stored | {"seed": int(seed, 16) if isinstance(seed, str) else seed})


@dataclass(frozen=True)
class StoredIncident:
    """An incident: its case at the start, its secret, the actions as plain data, and whether it is revealed.

    at: its start, in seconds since 1970
    ratings: the person's latest level of each signal, after the reveal
    """

    id: str
    case: str
    version: int
    scenario_hash: str
    hidden: Hidden
    actions: list[dict[str, Any]]
    revealed: bool
    at: float
    ratings: dict[str, Level] = field(default_factory=dict)


class Incidents(Database):
    """All incidents in one database, on the log of sessions. Every method raises StoreError where it cannot be used."""

    def begin(self, case: str, version: int, scenario_hash: str, hidden: Hidden | None = None, owner: str = "") -> str:
        """Begin an incident of a case for a visitor, and return its random id; owner: the trail, "" without one."""
        head = Session(new_id(), case, version, scenario_hash, owner, seed=0, minutes=0, nudges=False, begun_at=time())
        with self._connected() as connection:
            insert_session(connection, head, INCIDENT, secret=(hidden or Hidden()).stored())
        return head.id

    def get(self, name: str) -> StoredIncident | None:
        """Return the incident of an id; None for an unknown id, and for a session of practice."""
        rows = SESSIONS.c
        with self._connected() as connection:
            chosen = select(SESSIONS).where(rows.id == name, rows.purpose == INCIDENT)
            row = connection.execute(chosen).mappings().first()
            if row is None:
                return None
            hidden = Hidden.of(row["secret"])
            if "salt" not in row["secret"]:
                connection.execute(update(SESSIONS).where(rows.id == name).values(secret=hidden.stored()))
            return _stored(head_of(row), hidden, events_of(connection, name))

    def of(self, owner: str) -> list[StoredIncident]:
        """Return the incidents that a visitor has begun, the latest first."""
        with self._connected() as connection:
            return [
                _stored(head_of(row), Hidden.of(row["secret"]), events_of(connection, row["id"]))
                for row in rows_of(connection, owner, INCIDENT)
            ]

    def add(self, name: str, place: int, action: dict[str, Any]) -> None:
        """Append the action at a place, from 0 on; raises OvertakenError if another browser has taken one there."""
        with self._connected() as connection:
            append_event(connection, name, "candidate", IncidentAction(action=action), place)

    def rate(self, name: str, signal: str, level: Level) -> None:
        """Append the person's own level of a signal. Only for a revealed incident, since places before are those of actions."""
        with self._connected() as connection:
            append_event(connection, name, "candidate", SelfRated(signal=signal, level=level))

    def reveal(self, name: str) -> None:
        """End the incident for good; its log takes no place for that."""
        with self._connected() as connection:
            ended = func.coalesce(SESSIONS.c.ended_at, time())
            connection.execute(update(SESSIONS).where(SESSIONS.c.id == name).values(ended_at=ended))


def _stored(head: Session, hidden: Hidden, events: list[LoggedEvent]) -> StoredIncident:
    actions = [one.event.action for one in events if isinstance(one.event, IncidentAction)]
    ratings = {one.event.signal: one.event.level for one in events if isinstance(one.event, SelfRated)}
    revealed = head.ended_at is not None
    case = head.case, head.version, head.scenario_hash
    return StoredIncident(head.id, *case, hidden, actions, revealed, head.begun_at, ratings)
