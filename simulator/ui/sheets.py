"""Tables as CSV for a person, who may open them in a spreadsheet: text there stays text."""

from __future__ import annotations

import re

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

#: With these a spreadsheet begins a formula; what strangers wrote would run when the file is opened.
_FORMULA = re.compile(r"[=+\-@\t\r]")


def for_people(table: pd.DataFrame) -> str:
    """The table as CSV; text that would begin a formula has an apostrophe before it, and numbers stay as they are.

    A text that reads as a number, such as `-0.5`, stays too.
    """
    kept = table.rename(columns=_as_text)
    for place, (_, column) in enumerate(table.items()):
        if not (is_numeric_dtype(column) or is_bool_dtype(column)):
            kept.isetitem(place, column.astype(object).map(_as_text).array)
    return kept.to_csv(index=False, lineterminator="\r\n")  # as RFC 4180 asks: a lone \r is then quoted


def _as_text(value: object) -> object:
    if not isinstance(value, str) or not _FORMULA.match(value) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text) is not None
