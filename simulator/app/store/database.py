"""The database of the app: a file among the user's own data by default. Its tables are made on first use, and its columns hold
equal values in SQLite and in PostgreSQL.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sqlalchemy import URL, BigInteger, Boolean, Column, Connection, Dialect, Engine, Float, MetaData, Text, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from simulator.app.store.address import CONNECT_S, VARIABLE, is_postgres, limited, parsed
from simulator.app.store.faults import store_error
from simulator.app.store.layout import bring_up_to_date
from simulator.files import make_private_database, make_private_folder
from simulator.paths import DATABASE

#: All tables of the app. The migrations make them; this description is for queries.
METADATA = MetaData()


class Words(TypeDecorator[str]):
    """Text of any length. PostgreSQL refuses the character NUL and both refuse half a surrogate pair: a sign replaces them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()


class JsonText(TypeDecorator[Any]):
    """Plain data as JSON text, with NaN and Infinity as Python writes them: a JSON column of PostgreSQL refuses both.

    Characters outside ASCII, NUL among them, are escaped, and numbers have any size.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


_TYPES: dict[Any, Any] = {str: Words, int: BigInteger, float: Float, bool: Boolean}


def columns_of(record: type, **options: dict[str, Any]) -> list[Column[Any]]:
    """Return a column for each field of a dataclass; what is no text, number or truth value is kept as JSON text.

    options: further arguments of a column, by its name
    """
    hints = get_type_hints(record)
    return [_column(each.name, hints[each.name], options.get(each.name, {})) for each in fields(record)]


def _column(name: str, hint: Any, options: dict[str, Any]) -> Column[Any]:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = str if get_origin(kinds[0]) is Literal else kinds[0]  # every Literal of a record is a word
    return Column(name, _TYPES.get(kind, JsonText), nullable=NoneType in kinds, **options)


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
