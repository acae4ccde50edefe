"""Mistakes of authors, read from mistakes.txt, and the messages that answer them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
WHOLE = (HERE / "whole_case.yaml").read_text(encoding="utf-8")


class Mistake(NamedTuple):
    """A faulty copy of the whole case. line: of the expected message; words: of it; change: the change in words."""

    change: str
    text: str
    line: int
    words: str


def _mistake(written: str) -> Mistake:
    change, words, where = (*written.split(" || "), "", "")[:3]
    old, _, new = (part.replace("\\n", "\n").replace("\\t", "\t") for part in change.partition(" => "))
    anchor, separator, rest = old.partition(" ~~ ")
    old, begin = (rest, WHOLE.index(f"\n  {anchor}:")) if separator else (old, 0)
    at = WHOLE.index(old, begin)
    text = WHOLE[:at] + new + WHOLE[at + len(old) :]
    place = text.index(where.replace("\\n", "\n")) if where else at + len(new) - len(new.lstrip("\n"))
    return Mistake(change, text, text.count("\n", 0, place) + 1, words.strip())


def mistakes() -> list[Mistake]:
    """Return all of them, in the order of the file."""
    lines = (HERE / "mistakes.txt").read_text(encoding="utf-8").split("\n")
    return [_mistake(line) for line in lines if line.strip() and not line.startswith("#")]
