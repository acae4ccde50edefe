"""Answers looked up in tables of evidence, kept until the tables are read anew.

A plan asks for the same rows again and again, and so do the tens of plans beside it that advice and sweeps try. A query of a
frame takes milliseconds, and a plan of a vehicle's case asks more than a hundred of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

#: The most answers that one function keeps; each also keeps the tables that it was looked up in.
MOST_ANSWERS = 512


class _Tables:
    """Tables as a key: equal only to the very same objects."""

    def __init__(self, tables: tuple[object, ...]) -> None:
        self.tables = tables

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.tables)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tables) and all(table is two for table, two in zip(self.tables, other.tables, strict=True))


def keeps_answers(
    tables: Callable[Given, tuple[object, ...]],
) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """Cache what a function looks up, as long as `tables` returns the same objects. Callers must not change an answer.

    tables: gets the arguments of the function, which must be hashable, and returns all tables that it reads. Errors are not
    kept.
    """

    def decorate(look_up: Callable[Given, Answer]) -> Callable[Given, Answer]:
        @lru_cache(maxsize=MOST_ANSWERS)
        def cached(_: _Tables, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
            return look_up(*args, **kwargs)

        @wraps(look_up)
        def kept(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
            return cached(_Tables(tables(*args, **kwargs)), *args, **kwargs)  # type: ignore[arg-type]  # hashable, as said

        return kept

    return decorate
