"""The store of incidents: sessions with a secret, whose events are actions, from which a play is computed again.

The outside knows an incident by a random id alone. Its secret is drawn here, and leaves the server after the reveal only.

The incident of a day has one seed for all visitors of the database. It is drawn at random when the first of them asks, so that
no code and no date lead to it. Servers with one key in `CASESIM_DAILY_KEY` derive it from the key instead, and share it.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from time import time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from sqlalchemy import Connection, func, select, update

from simulator.app.store.drawn_secrets import DrawnSecrets
from simulator.app.store.session_rows import (
    DAY,
    INCIDENT,
    SESSIONS,
    append_event,
    events_of,
    head_of,
    insert_session,
    new_id,
    rows_of,
)
from simulator.errors import InputError
from simulator.phrases import phrase
from simulator.session.event_log import CaseName, Session, in_files
from simulator.session.session_events import IncidentAction, SelfRated
from simulator.session.session_signals import Level

#: The environment variable with the key of servers that share the incident of the day, and its least length.
DAILY_KEY, KEY_LENGTH = "CASESIM_DAILY_KEY", 32
#: The most incidents of a day that are compared.
_MOST_SHARED = 500

#: Bits of a seed and of a salt: too many for a player to try them all against the figures and hashes on the page.
SECRET_BITS = 128


class KeyFaultError(InputError):
    """The key of the incident of the day cannot be used; the message says what it should be."""


def derived_seed(key: str, case: str, scenario_hash: str, day: date) -> int:
    """Return the seed that servers with one key share: HMAC-SHA256 of the case, its content and the day."""
    if len(key) < KEY_LENGTH:
        raise KeyFaultError(phrase("store.short_key", variable=DAILY_KEY, length=len(key), least=KEY_LENGTH))
    message = f"{case}/{scenario_hash}/{day}".encode()
    return int.from_bytes(hmac.digest(key.encode(), message, "sha256")[: SECRET_BITS // 8], "big")


def _from_hex(seed: object) -> int:
    if not isinstance(seed, str) or not re.fullmatch(r"[0-9a-f]{1,32}", seed):
        raise ValueError("expected 1 to 32 hexadecimal digits")
    return int(seed, 16)


@in_files
@dataclass(frozen=True)
class Hidden:
    """The source of a secret: a seed; cause and shape in place of drawn ones, for a class that plays a certain cause.

    salt: 32 hexadecimal digits, mixed into every hash that a player sees
    level: the difficulty; day: of the incident that all share on that day; series, place: of incidents in a row
    """

    seed: Annotated[int, BeforeValidator(_from_hex)] = field(default_factory=lambda: secrets.randbits(SECRET_BITS), repr=False)
    cause: CaseName | None = None
    shape: Literal["abrupt", "gentle", "intermittent"] | None = None
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = field(
        default_factory=lambda: f"{secrets.randbits(SECRET_BITS):032x}", repr=False
    )
    level: Literal["easy", "usual", "hard"] = "usual"
    day: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    series: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")] | None = None
    place: Annotated[int, Field(ge=1, le=5)] = 1

    def stored(self) -> dict[str, Any]:
        """Return plain data for a JSON column; the seed as hexadecimal text, since many readers of JSON lose bits of it.

        An incident that is neither of a day nor of a row, at the usual difficulty, is stored as earlier versions did.
        """
        extra = {"level": "usual", "day": None, "series": None, "place": 1}
        kept = {name: part for name, part in asdict(self).items() if name not in extra or part != extra[name]}
        return kept | {"seed": f"{self.seed:x}"}

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Hidden:
        """Return what `stored` describes. Older versions stored the seed as a number, and no salt; a new salt is drawn then."""
        seed = stored["seed"]
        return cls(**stored | {"seed": int(seed, 16) if isinstance(seed, str) else seed})


@dataclass(frozen=True)
class StoredIncident:
    """An incident: its case at the start, its secret, the actions as plain data, and whether it is revealed.

    at: its start, in seconds since 1970
    ratings: the person's latest level of each signal, after the reveal; imported: whether a file brought it
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
    imported: bool = False

    @property
    def shared_day(self) -> str | None:
        """The day on which visitors share this incident; None for one of a file, which can claim any day."""
        return None if self.imported else self.hidden.day


class Incidents(DrawnSecrets):
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
            return _stored(connection, row, hidden)

    def of(self, owner: str) -> list[StoredIncident]:
        """Return the incidents that a visitor has begun, the latest first."""
        with self._connected() as connection:
            return [_stored(connection, row, Hidden.of(row["secret"])) for row in rows_of(connection, owner, INCIDENT)]

    def beside(self, name: str) -> list[StoredIncident]:
        """Return all incidents of the visitor who has begun this one, the latest first; none for one without a visitor."""
        with self._connected() as connection:
            owner = connection.execute(select(SESSIONS.c.owner).where(SESSIONS.c.id == name)).scalar()
        return self.of(owner or "")

    def daily(self, case: str, scenario_hash: str, day: date) -> Hidden:
        """Return the source of the secret that everybody shares on a day, with a salt of its own; raises KeyFaultError."""
        key = os.environ.get(DAILY_KEY)
        seed = self._drawn_seed(case, scenario_hash, day) if not key else derived_seed(key, case, scenario_hash, day)
        return Hidden(seed, day=f"{day}")

    def _drawn_seed(self, case: str, scenario_hash: str, day: date) -> int:
        """Return the seed of a day, which the first request draws."""
        name = f"day/{day}/{scenario_hash}/{case}"
        secret, _ = self._drawn(name, DAY, Hidden().stored, case, scenario_hash)
        return Hidden.of(dict(secret)).seed

    def closed_on(self, case: str, day: str) -> list[StoredIncident]:
        """Return the closed incidents that visitors had in common on a day, the latest first; none of a file."""
        rows, since = SESSIONS.c, datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        own = rows.case == case, rows.purpose == INCIDENT, rows.begun_at >= since, rows.ended_at.is_not(None), ~rows.imported
        with self._connected() as connection:
            found = connection.execute(
                select(SESSIONS).where(*own).order_by(rows.begun_at.desc()).limit(_MOST_SHARED)
            ).mappings()
            secrets_of = [(row, Hidden.of(row["secret"])) for row in found]
            return [_stored(connection, row, hidden) for row, hidden in secrets_of if hidden.day == day]

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


def _stored(connection: Connection, row: Any, hidden: Hidden) -> StoredIncident:
    head, events = head_of(row), events_of(connection, row["id"])
    actions = [event.event.action for event in events if isinstance(event.event, IncidentAction)]
    ratings = {event.event.signal: event.event.level for event in events if isinstance(event.event, SelfRated)}
    revealed = head.ended_at is not None
    case = head.case, head.version, head.scenario_hash
    return StoredIncident(head.id, *case, hidden, actions, revealed, head.begun_at, ratings, row["imported"])
