"""The database of the app: a file among the user's own data by default; its tables are made on first use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from simulator.errors import InputError
from simulator.files import make_private_database, make_private_folder
from simulator.paths import DATABASE

#: The environment variable that names another database by its URL.
VARIABLE = "CASESIM_DATABASE"

_HELP = f"Set {VARIABLE} to the URL of a database that can be written, such as sqlite:////home/me/casesim.db."


class StoreError(InputError):
    """The database cannot be read or written; the message says which, why, and what would help."""


class Database:
    """Some tables in one database. Every method raises StoreError where it cannot be used."""

    tables: MetaData

    def __init__(self, url: str | None = None) -> None:
        self.url = url or os.environ.get(VARIABLE) or f"sqlite:///{DATABASE}"

    @cached_property
    def _engine(self) -> Engine:
        if self.url == f"sqlite:///{DATABASE}":
            make_private_folder(DATABASE.parent)
        engine = create_engine(self.url)
        if file := _sqlite_file(engine.url):
            make_private_database(file)
        self.tables.create_all(engine)
        return engine

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, ImportError) as error:
            raise StoreError(f"{_without_password(self.url)}: {_reason(error)}. {_HELP}") from error


def _sqlite_file(url: URL) -> Path | None:
    name = url.database or ""
    return Path(name) if url.get_backend_name() == "sqlite" and name and not name.startswith((":memory:", "file:")) else None


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return f"{VARIABLE}, which is no URL of a database"


def _reason(error: Exception) -> str:
    found = getattr(error, "orig", None) or error
    return " ".join(str(found).split())[:200].rstrip(".")
