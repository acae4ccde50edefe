"""The store of incidents: the secret of each and the actions so far, from which a play is computed again.

The outside knows an incident by a random id alone. Its secret is drawn here, and leaves the server after the reveal only.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from time import time
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from simulator.app.store.columns import METADATA, JsonText, Words
from simulator.app.store.database import Database
from simulator.errors import InputError

#: Bits of a seed and of a salt: too many for a player to try them all against the figures and hashes on the page.
SECRET_BITS = 128


class OvertakenError(InputError):
    """Another browser has taken an action of the incident meanwhile."""


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
    """

    id: str
    case: str
    version: int
    scenario_hash: str
    hidden: Hidden
    actions: list[dict[str, Any]]
    revealed: bool
    at: float


_INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("case", Words, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("scenario_hash", Words, nullable=False),
    Column("secret", JsonText, nullable=False),
    Column("revealed", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
#: A row an action, never changed: two browsers cannot both take the third action.
_ACTIONS = Table(
    "incident_actions",
    METADATA,
    Column("incident", Words, primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("action", JsonText, nullable=False),
)


class Incidents(Database):
    """All incidents in one database. Every method raises StoreError for a database that cannot be used."""

    def begin(self, case: str, version: int, scenario_hash: str, hidden: Hidden | None = None) -> str:
        """Begin an incident of a case, and return its random id."""
        name, drawn = secrets.token_urlsafe(16), hidden or Hidden()
        row = {"id": name, "case": case, "version": version, "scenario_hash": scenario_hash, "secret": drawn.stored()}
        with self._connected() as connection:
            connection.execute(insert(_INCIDENTS).values(row | {"revealed": False, "at": time()}))
        return name

    def get(self, name: str) -> StoredIncident | None:
        """Return the incident of an id; None for an unknown id."""
        actions = select(_ACTIONS.c.action).where(_ACTIONS.c.incident == name).order_by(_ACTIONS.c.place)
        with self._connected() as connection:
            row = connection.execute(select(_INCIDENTS).where(_INCIDENTS.c.id == name)).mappings().first()
            if row is None:
                return None
            stored = dict(row)
            written = stored.pop("secret")
            hidden = Hidden.of(written)
            if "salt" not in written:
                connection.execute(update(_INCIDENTS).where(_INCIDENTS.c.id == name).values(secret=hidden.stored()))
            return StoredIncident(**stored, hidden=hidden, actions=list(connection.execute(actions).scalars()))

    def add(self, name: str, place: int, action: dict[str, Any]) -> None:
        """Store the action at a place, from 0 on; raises OvertakenError if another browser has taken one there."""
        with self._connected() as connection:
            try:
                connection.execute(insert(_ACTIONS).values(incident=name, place=place, action=action))
            except IntegrityError:
                raise OvertakenError("Another browser has acted meanwhile; the page shows the present state.") from None

    def reveal(self, name: str) -> None:
        with self._connected() as connection:
            connection.execute(update(_INCIDENTS).where(_INCIDENTS.c.id == name).values(revealed=True))
