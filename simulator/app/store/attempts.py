"""Attempts: which designs of a case a person has run, and how far each met the objectives.

An attempt is the identity of a run, from which the run is computed again, and the figures of its objectives to show it by.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from time import time
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Column, Connection, Integer, Table, UniqueConstraint, insert, select, update
from sqlalchemy.exc import IntegrityError

from simulator.app.store.database import METADATA, Database, columns_of
from simulator.metrics.summary import Standing
from simulator.session.event_log import CaseName, CaseVersion, Hash, Metric, Picks, Seed, Strikes, Time, in_files
from simulator.session.event_log import Words as SpokenWords

#: The form of a trail: the id of a browser whose sessions, incidents and attempts belong together.
TRAIL = re.compile(r"[A-Za-z0-9_-]{16,64}")


@in_files
@dataclass(frozen=True)
class Reached:
    """An objective in one run: its metric, the value (None without a figure), the standing and the value in words."""

    metric: Metric
    value: float | None
    standing: Standing
    words: SpokenWords


@in_files
@dataclass(frozen=True)
class Attempt:
    """A run that a person has made of a case. A file of attempts is held to the bounds of the fields.

    version, scenario_hash: of the case at the time; job: identifies the run before it has a result
    strikes: curveballs with their times in seconds; at: when, in seconds since 1970
    trail: whose attempts belong together, an opaque id; none in a file
    """

    case: CaseName
    version: CaseVersion
    scenario_hash: Hash
    job: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    picks: Picks
    strikes: Strikes
    seed: Seed
    replications: Annotated[int, Field(ge=1, le=1000)]
    run_hash: Hash
    reached: Annotated[list[Reached], Field(max_length=64)]
    starred: bool = False
    at: Time = field(default_factory=time)
    trail: Annotated[str, Field(max_length=0)] = ""


ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("id", Integer, primary_key=True),
    *columns_of(Attempt),
    UniqueConstraint("trail", "case", "job"),
)


class Attempts(Database):
    """All attempts in one database. Every method raises StoreError where it cannot be used."""

    def add(self, attempt: Attempt) -> None:
        with self._connected() as connection:
            insert_attempt(connection, attempt)

    def of(self, trail: str, case: str) -> list[Attempt]:
        with self._connected() as connection:
            return attempts_of(connection, trail, case)

    def star(self, trail: str, case: str, job: str | None) -> None:
        """Make one attempt the baseline of a case, in place of any other; None: no attempt."""
        own_rows = (ATTEMPTS.c.trail == trail, ATTEMPTS.c.case == case)
        # Writes every row: PostgreSQL would let two servers star an attempt each if they wrote the rows that change alone.
        with self._connected() as connection:
            connection.execute(update(ATTEMPTS).where(*own_rows).values(starred=ATTEMPTS.c.job == job if job else False))


def insert_attempt(connection: Connection, attempt: Attempt) -> bool:
    """Store an attempt, and return whether it is a new one."""
    try:
        with connection.begin_nested():
            connection.execute(insert(ATTEMPTS).values(asdict(attempt)))
    except IntegrityError:
        return False
    return True


def attempts_of(connection: Connection, trail: str, case: str | None = None) -> list[Attempt]:
    """Return the attempts of a trail, at one case or at all, the oldest first."""
    own = select(ATTEMPTS).where(ATTEMPTS.c.trail == trail, *([ATTEMPTS.c.case == case] if case is not None else []))
    rows = connection.execute(own.order_by(ATTEMPTS.c.at, ATTEMPTS.c.id)).mappings()
    return [_attempt(dict(row)) for row in rows]


def _attempt(row: dict[str, Any]) -> Attempt:
    del row["id"]
    return Attempt(**row | {"reached": [Reached(**objective) for objective in row["reached"]]})
