"""Incidents that are played: the secret of each, and the actions taken so far, from which everything is worked out again.

An incident is known to the outside by a random id alone. Its secret is drawn here and leaves the server after the reveal only.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, field
from time import time
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from simulator.app.store.database import Database
from simulator.errors import InputError

#: Secrets are drawn from as many seeds as a run takes.
_SEEDS = 2**31


class OvertakenError(InputError):
    """Somebody else has taken an action of the same incident meanwhile."""


@dataclass(frozen=True)
class Hidden:
    """Source of the secret; cause and shape are given where a class plays a certain one, else the seed determines them."""

    seed: int = field(default_factory=lambda: secrets.randbelow(_SEEDS))
    cause: str | None = None
    shape: str | None = None


@dataclass(frozen=True)
class StoredIncident:
    """An incident: the case that it is of, as it was then, its secret, the actions as plain data, and whether it is revealed.

    at: when it began, in seconds since 1970
    """

    id: str
    case: str
    version: int
    scenario_hash: str
    hidden: Hidden
    actions: list[dict[str, Any]]
    revealed: bool
    at: float


_METADATA = MetaData()
_INCIDENTS = Table(
    "incidents",
    _METADATA,
    Column("id", String(32), primary_key=True),
    Column("case", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("scenario_hash", String(12), nullable=False),
    Column("secret", JSON, nullable=False),
    Column("revealed", Boolean, nullable=False),
    Column("at", Float, nullable=False),
)
#: A row an action, which is never changed: two browsers cannot both take the third one.
_ACTIONS = Table(
    "incident_actions",
    _METADATA,
    Column("incident", String(32), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("action", JSON, nullable=False),
)


class Incidents(Database):
    """All incidents in one database. Every method raises StoreError where it cannot be used."""

    tables = _METADATA

    def begin(self, case: str, version: int, scenario_hash: str, hidden: Hidden | None = None) -> str:
        """Begin an incident of a case; return its id, which does not depend on the secret."""
        name, drawn = secrets.token_urlsafe(16), hidden or Hidden()
        row = {"id": name, "case": case, "version": version, "scenario_hash": scenario_hash, "secret": asdict(drawn)}
        with self._connected() as connection:
            connection.execute(insert(_INCIDENTS).values(row | {"revealed": False, "at": time()}))
        return name

    def get(self, name: str) -> StoredIncident | None:
        """Return the incident of that id; None where there is none."""
        actions = select(_ACTIONS.c.action).where(_ACTIONS.c.incident == name).order_by(_ACTIONS.c.place)
        with self._connected() as connection:
            row = connection.execute(select(_INCIDENTS).where(_INCIDENTS.c.id == name)).mappings().first()
            if row is None:
                return None
            columns = dict(row)
            hidden = Hidden(**columns.pop("secret"))
            return StoredIncident(**columns, hidden=hidden, actions=list(connection.execute(actions).scalars()))

    def add(self, name: str, place: int, action: dict[str, Any]) -> None:
        """Store the action at a place, from 0 on; raises OvertakenError where another action has this place."""
        with self._connected() as connection:
            try:
                connection.execute(insert(_ACTIONS).values(incident=name, place=place, action=action))
            except IntegrityError:
                raise OvertakenError("Somebody else has acted meanwhile; this is how it stands now.") from None

    def reveal(self, name: str) -> None:
        """Mark the secret as revealed."""
        with self._connected() as connection:
            connection.execute(update(_INCIDENTS).where(_INCIDENTS.c.id == name).values(revealed=True))
