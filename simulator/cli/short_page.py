"""A page of few lines for a terminal: of many passages, those that fit, the most important first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

#: The most lines of a page, as on the smallest usual terminal.
LINES = 24

#: Spaces before the second line of a passage and each later one.
_INDENT = 2


class Part(NamedTuple):
    """A sentence with its markup, or a table. rank: 0 always stays; where the page is too long, the highest rank goes first."""

    rank: int
    content: str | Table


@dataclass(frozen=True)
class Passage:
    """Parts that follow each other in one paragraph; `head` is printed before them if any of them is."""

    parts: Sequence[Part]
    head: str = ""


def print_page(out: Console, passages: Sequence[Passage], most: int = LINES) -> None:
    """Print the passages, without the parts of high rank that would make more than `most` lines on this console."""
    for line in _fitted(out, passages, most):
        out.print(line, soft_wrap=isinstance(line, Text))


def _fitted(out: Console, passages: Sequence[Passage], most: int) -> list[RenderableType]:
    order = sorted((part.rank, at, place) for at, passage in enumerate(passages) for place, part in enumerate(passage.parts))
    shown: set[tuple[int, int]] = set()
    for rank, at, place in order:
        shown.add((at, place))
        if rank and _height(out, _lines(out, passages, shown)) > most:
            shown.discard((at, place))
    return list(_lines(out, passages, shown))


def _lines(out: Console, passages: Sequence[Passage], shown: set[tuple[int, int]]) -> Iterator[RenderableType]:
    for at, passage in enumerate(passages):
        contents = [part.content for place, part in enumerate(passage.parts) if (at, place) in shown]
        sentences = [content for content in contents if isinstance(content, str)]
        yield from (content for content in contents if isinstance(content, Table))
        if sentences:
            yield from _wrapped(out, " ".join([*([passage.head] if passage.head else []), *sentences]))


def _wrapped(out: Console, markup: str) -> Iterator[Text]:
    """Break a paragraph at spaces alone; its later lines are indented."""
    text = Text.from_markup(markup)
    first = text.wrap(out, out.width)[0]
    first.rstrip()
    yield first
    at = len(first) + len(text.plain[len(first) :]) - len(text.plain[len(first) :].lstrip())
    for line in text[at:].wrap(out, max(out.width - _INDENT, 1)) if at < len(text) else ():
        line.rstrip()
        yield Text(" " * _INDENT) + line


def _height(out: Console, lines: Iterator[RenderableType]) -> int:
    return sum(len(out.render_lines(line, pad=False)) if isinstance(line, Table) else 1 for line in lines)
