"""Columns that hold equal values in SQLite and in PostgreSQL, and the tables that they belong to."""

from __future__ import annotations

import json
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from sqlalchemy import BigInteger, Boolean, Column, Dialect, Float, MetaData, Text
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


_TYPES: dict[Any, Any] = {str: Words, int: BigInteger, float: Float, bool: Boolean}


def columns_of(record: type, **options: dict[str, Any]) -> list[Column[Any]]:
    """Return a column for each field of a dataclass; what is no text, number or truth value is kept as JSON text.

    options: further arguments of a column, by its name
    """
    hints = get_type_hints(record)
    return [_column(each.name, hints[each.name], options.get(each.name, {})) for each in fields(record)]


def _column(name: str, hint: Any, options: dict[str, Any]) -> Column[Any]:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return Column(name, _TYPES.get(kinds[0], JsonText), nullable=NoneType in kinds, **options)
