"""Parsing of a text that changes in one section at a time: sections that stayed are not parsed again.

Each key in the first column begins a section. A text whose sections each stand alone reads as all of them together; any other
text, also one with a fault, is parsed as a whole, so that faults are those of `parse_document`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cachetools import LRUCache

from simulator import limits
from simulator.case.document import Document, ScenarioError, parse_document

#: A line that begins a section, and one with a meaning for the document as a whole.
_BEGINS = re.compile(r"""(?=^(?:[^\s\-#'"{\[&*!|>%@`,:?][^:#\n]*|"[^"\n]*"|'[^'\n]*'):(?:\s|$))""", re.MULTILINE)
_OF_WHOLE = re.compile(r"^(?:---|\.\.\.|%|\ufeff)|[\r\x85\u2028\u2029]", re.MULTILINE)

#: The sections that are kept: those of the text of now, and some of before.
_KEPT = 256


class SectionParser:
    """Parses texts of one file; for one thread at a time."""

    def __init__(self) -> None:
        self._known: LRUCache[str, Document] = LRUCache(_KEPT)

    def parse(self, text: str, name: str) -> Document:
        """Return the document of a text; raises ScenarioError with its faults, as `parse_document` does."""
        return self._joined(text, name) or parse_document(text, name)

    def _joined(self, text: str, name: str) -> Document | None:
        """Return the document if each section stands alone; None for any other text."""
        if _OF_WHOLE.search(text):
            return None
        whole, values = Document(name, {}, source=text), 1
        whole.places[()] = (1, 1)
        for line, part in _sections(text):
            one = self._section(part)
            if one is None or len(one.data) != 1 or not one.data.keys().isdisjoint(whole.data):
                return None
            if not whole.data:
                whole.places[()] = (line + one.places[()][0] - 1, one.places[()][1])
            whole.data |= one.data
            whole.bare |= one.bare
            whole.places |= {path: (line + row - 1, column) for path, (row, column) in one.places.items() if path}
            values += 2 * len(one.places)
        return whole if whole.data and values <= limits.CASE_VALUES.most else None

    def _section(self, part: str) -> Document | None:
        known = self._known.get(part)
        if known is None:
            try:
                known = self._known[part] = parse_document(part, "section")
            except ScenarioError:
                return None
        return known


def _sections(text: str) -> Iterator[tuple[int, str]]:
    """Yield each section with its first line, from 1; comments before the first key belong to it."""
    begins = [found.start() for found in _BEGINS.finditer(text)]
    line = 1
    for start, end in pairwise([0, *begins[1:], len(text)]):
        yield line, text[start:end]
        line += text.count("\n", start, end)
