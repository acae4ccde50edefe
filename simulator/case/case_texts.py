"""The texts of a case that people read, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from simulator.case.document import Path

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase

#: The sections that hold texts, besides names that only a program reads.
TEXT_SECTIONS = ("title", "summary", "brief", "questions", "debrief", "phases", "defence", "reference", "anchors", "interview")


def texts_of(scenario: AnyCase) -> Iterator[tuple[Path, str]]:
    """Yield every text of the sections that people read."""
    for name in TEXT_SECTIONS:
        yield from texts_in(getattr(scenario, name), (name,))


def texts_in(part: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text within a part of a case."""
    if isinstance(part, str):
        yield path, part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from texts_in(getattr(part, name), (*path, name))
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from texts_in(value, (*path, str(key)))
    elif isinstance(part, list | tuple):
        for index, value in enumerate(part):
            yield from texts_in(value, (*path, index))


def words_alone(text: str) -> str:
    """Return a text without emphasis, line breaks, capitals and the last stop, to look for it in another one."""
    return " ".join(text.replace("*", "").split()).rstrip(".").casefold()
