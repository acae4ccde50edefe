"""Columns that hold equal values in SQLite and in PostgreSQL, and the tables that they belong to."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

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
