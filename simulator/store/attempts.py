"""Attempts: which designs of a case a person has run, and how far each met the objectives.

An attempt is the identity of a run, from which the run is computed again, and the figures of its objectives to show it by.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from time import time
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from simulator.analysis.run.scorecard import Standing
from simulator.errors import InputError
from simulator.paths import DATABASE
from simulator.scenario.choices import Pick

#: The environment variable that names another database by its URL.
VARIABLE = "CASESIM_DATABASE"


class StoreError(InputError):
    """The database cannot be read or written; the message says which, why, and what would help."""


@dataclass(frozen=True)
class Reached:
    """An objective in one run: its metric, the value (None without a figure), the standing and the value in words."""

    metric: str
    value: float | None
    standing: Standing
    words: str


@dataclass(frozen=True)
class Attempt:
    """A run that a person has made of a case.

    trail: whose attempts belong together, an opaque id; job: identifies the run before it has a result
    version, scenario_hash: of the case at the time; strikes: curveballs with their times in seconds
    at: when, in seconds since 1970
    """

    trail: str
    case: str
    version: int
    scenario_hash: str
    job: str
    picks: dict[str, Pick]
    strikes: dict[str, float]
    seed: int
    replications: int
    run_hash: str
    reached: list[Reached]
    starred: bool = False
    at: float = field(default_factory=time)


_METADATA = MetaData()
_TABLE = Table(
    "attempts",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("trail", String(64), nullable=False),
    Column("case", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("scenario_hash", String(12), nullable=False),
    Column("job", String(12), nullable=False),
    Column("picks", JSON, nullable=False),
    Column("strikes", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("replications", Integer, nullable=False),
    Column("run_hash", String(12), nullable=False),
    Column("reached", JSON, nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("trail", "case", "job"),
)


class Attempts:
    """All attempts in one database, which is made on first use. Every method raises StoreError where it cannot be used."""

    def __init__(self, url: str | None = None) -> None:
        """url: of the database, as SQLAlchemy writes it; else CASESIM_DATABASE, else a file among the person's own data."""
        self.url = url or os.environ.get(VARIABLE) or f"sqlite:///{DATABASE}"

    def add(self, attempt: Attempt) -> None:
        """Keep an attempt; the same run of the same person is kept once, with the place it has."""
        with self._connected() as connection, suppress(IntegrityError), connection.begin_nested():
            connection.execute(insert(_TABLE).values(asdict(attempt)))

    def of(self, trail: str, case: str) -> list[Attempt]:
        """The attempts of a person at a case, the oldest first."""
        mine = select(_TABLE).where(_TABLE.c.trail == trail, _TABLE.c.case == case).order_by(_TABLE.c.at, _TABLE.c.id)
        with self._connected() as connection:
            return [_attempt(dict(row)) for row in connection.execute(mine).mappings()]

    def star(self, trail: str, case: str, job: str | None) -> None:
        """Make one attempt the baseline of a case, in place of any other; None: no attempt."""
        mine = (_TABLE.c.trail == trail, _TABLE.c.case == case)
        with self._connected() as connection:
            connection.execute(update(_TABLE).where(*mine).values(starred=_TABLE.c.job == job if job else False))

    @cached_property
    def _engine(self) -> Engine:
        if self.url == f"sqlite:///{DATABASE}":
            DATABASE.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(self.url)
        _METADATA.create_all(engine)
        return engine

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A transaction, ended well or not at all."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, ImportError) as error:
            raise StoreError(f"{_told(self.url)}: {_reason(error)}. {_HELP}") from error


_HELP = f"Set {VARIABLE} to the URL of a database that can be written, such as sqlite:////home/me/casesim.db."


def _attempt(row: dict[str, Any]) -> Attempt:
    del row["id"]
    return Attempt(**row | {"reached": [Reached(**one) for one in row["reached"]]})


def _told(url: str) -> str:
    """The database without the password in its URL."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return f"{VARIABLE}, which is no URL of a database"


def _reason(error: Exception) -> str:
    """What the database says, without SQL."""
    found = getattr(error, "orig", None) or error
    return " ".join(str(found).split())[:200].rstrip(".")
