"""The place of the cursor in a YAML text, by indentation alone: a text that is being written is seldom YAML."""

from __future__ import annotations

import re
from typing import NamedTuple

from simulator.case.document import Path

#: A key at the begin of a line, behind dashes.
_KEY = re.compile(
    r"""^(?P<margin>[ ]*(?:-[ ]+)*)"""
    r"""(?P<key>"[^"]*"|'[^']*'|[^\s\-#'"{\[&*!|>%@`,:][^:#{}\[\]]*?)"""
    r""":(?=\s|$)(?P<rest>.*)$"""
)

#: A key or a separator inside of braces.
_IN_FLOW = re.compile(r"""[{\[\]},]|"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s{}\[\],:'"][^{}\[\],:]*:?""")


class YamlPlace(NamedTuple):
    """The mapping around the cursor, or the value of a key.

    path: of the mapping or list, or of the value; of_value: the cursor stands behind the colon of the last key
    written: the word up to the cursor; start: the column of its first character, from 0
    """

    path: Path
    of_value: bool
    written: str
    start: int


def place_at(text: str, line: int, column: int) -> YamlPlace:
    """Return the place of a cursor; the line counts from 1, the column from 0."""
    lines = text.split("\n")
    before = lines[line - 1][:column]
    blocks = _Blocks()
    for one in lines[: line - 1]:
        blocks.read(one)
    margin = blocks.enter(before)
    path, rest, start = blocks.path, before[margin:], margin
    found = _KEY.match(before)
    if found:
        path, rest, start = (*path, _name(found["key"])), found["rest"], found.start("rest")
    inside = _flow_path(rest)
    if inside is not None:
        return YamlPlace((*path, *inside[0]), inside[1], inside[2], column - len(inside[2]))
    word = rest.lstrip()
    return YamlPlace(path, bool(found), word, start + len(rest) - len(word))


def _name(key: str) -> str:
    return key.strip().strip("\"'")


class _Blocks:
    """The blocks around a line: each with its depth and its key or index. A dash lies deeper than a key in its column."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str | int]] = []

    @property
    def path(self) -> Path:
        return tuple(part for _, part in self._stack)

    def read(self, line: str) -> None:
        """Take in a line above the cursor."""
        if not line.strip() or line.lstrip().startswith("#"):
            return
        margin = self.enter(line)
        if found := _KEY.match(line):
            self._stack.append((2 * margin, _name(found["key"])))

    def enter(self, line: str) -> int:
        """Leave the blocks that end before a line, enter those of its dashes; return the column behind them."""
        column = 0
        for dash in _dashes(line):
            depth, index = 2 * dash + 1, 0
            while self._stack and self._stack[-1][0] >= depth:
                at, part = self._stack.pop()
                index = int(part) + 1 if at == depth else 0
            self._stack.append((depth, index))
            column = dash + 1
        column += len(line[column:]) - len(line[column:].lstrip(" "))
        while self._stack and self._stack[-1][0] >= 2 * column:
            self._stack.pop()
        return column


def _dashes(line: str) -> list[int]:
    """Return the columns of the dashes that begin a line."""
    margin = re.match(r"[ ]*(?:-(?:[ ]+|$))*", line)
    return [place for place, sign in enumerate(margin[0] if margin else "") if sign == "-"]


class _Flow:
    """An open brace or bracket: the key or index that is being written, and whether its value follows."""

    def __init__(self, sign: str) -> None:
        self.is_list = sign == "["
        self.entry: str | int | None = 0 if self.is_list else None

    def next(self) -> None:
        self.entry = self.entry + 1 if isinstance(self.entry, int) else None

    def read(self, token: str) -> None:
        if self.entry is None and token.endswith(":"):
            self.entry = _name(token[:-1])


def _flow_path(rest: str) -> tuple[Path, bool, str] | None:
    """Return the path inside of open braces, whether the cursor is at a value, and its word; None outside of braces."""
    stack: list[_Flow] = []
    for found in _IN_FLOW.finditer(rest):
        part = found[0]
        if part in "{[":
            stack.append(_Flow(part))
        elif part in "}]":
            stack = stack[:-1]
        elif stack:
            stack[-1].next() if part == "," else stack[-1].read(part)
    if not stack:
        return None
    path = tuple(flow.entry for flow in stack if flow.entry is not None)
    tail = re.search(r"[^\s{}\[\],:]*$", rest)
    return path, stack[-1].entry is not None, tail[0] if tail else ""
