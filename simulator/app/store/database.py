"""The database of the app: a file among the user's own data by default; its tables are made on first use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from simulator.app.store.address import CONNECT_S, VARIABLE, is_postgres, limited, parsed
from simulator.app.store.faults import store_error
from simulator.app.store.layout import bring_up_to_date
from simulator.files import make_private_database, make_private_folder
from simulator.paths import DATABASE


class Database:
    """Some tables in one database. Every method raises StoreError where it cannot be used."""

    def __init__(self, url: str | None = None) -> None:
        self.url = url or os.environ.get(VARIABLE) or f"sqlite:///{DATABASE}"

    @cached_property
    def _engine(self) -> Engine:
        if self.url == f"sqlite:///{DATABASE}":
            make_private_folder(DATABASE.parent)
        engine = _engine_at(self.url)
        try:
            if file := _sqlite_file(engine.url):
                make_private_database(file)
            bring_up_to_date(engine)
        except BaseException:
            engine.dispose()
            raise
        return engine

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, ImportError, OverflowError) as error:
            self._close()
            raise store_error(self.url, error) from error

    def _compact(self, tables: Iterable[str]) -> None:
        """Write tables anew without the bytes of deleted rows; SQLite writes the whole file."""
        sqlite = self._engine.dialect.name == "sqlite"
        statements = ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] if sqlite else [f"VACUUM FULL {name}" for name in tables]
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        except (SQLAlchemyError, OSError) as error:
            self._close()
            raise store_error(self.url, error) from error

    def _close(self) -> None:
        """Let the next use look at the layout again: the fault may be that another database has taken the place of this one."""
        engine = self.__dict__.pop("_engine", None)
        if engine is not None:
            engine.dispose()


def _engine_at(text: str) -> Engine:
    url = parsed(text)
    if is_postgres(url):
        return create_engine(limited(url), pool_pre_ping=True, pool_timeout=CONNECT_S)
    return create_engine(url)


def _sqlite_file(url: URL) -> Path | None:
    name = url.database or ""
    return Path(name) if url.get_backend_name() == "sqlite" and name and not name.startswith((":memory:", "file:")) else None
