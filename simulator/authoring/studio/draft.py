"""A text that the author is writing in one tab: the editor sends it whole, and it is checked at once.

The browser has the last word on the text. The server changes it through numbered edits, each made on a text that the browser
has sent, so that the browser can move them past all that was typed meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from threading import Lock, RLock
from time import monotonic
from typing import Any, NamedTuple

from cachetools import LRUCache

from simulator import limits
from simulator.app.news import Latest, bell
from simulator.authoring.case_checker import CheckedCase, check_text, check_whole
from simulator.authoring.studio.case_folder import CaseFolder, CaseText
from simulator.authoring.studio.schema_help import completions, hint
from simulator.case.document import Document, ScenarioError, parse_document
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.limits import CASE_FILE

#: The author pauses after this time without a change (s).
STILL_S = 0.6


class ServerEdit(NamedTuple):
    """A text of the server's in place of another one; base: the text number N of the browser, nN, or the edit number N, eN."""

    number: int
    base: str
    text: str


class Draft:
    """The text of a file in one tab; each method may be called from several threads.

    known: the hash of the file's bytes that this text began from; saved: the text of these bytes
    """

    def __init__(self, folder: CaseFolder, name: str) -> None:
        self.folder, self.name = folder, name
        self.path = folder.path_of(name)
        self._lock, self._parsing, self._checking = RLock(), Lock(), Lock()
        self._parser = SectionParser()
        self._begin(folder.read(name))
        self._number, self._heard_at = 0, -STILL_S
        self._edit, self._base = ServerEdit(1, "e0", self.text), "e1"
        self._checked: CheckedCase | None = None
        self._readable: Scenario | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Draft:
        """Return this draft: Streamlit copies the arguments of callbacks, and the socket goes on with this one."""
        return self

    def _begin(self, on_disk: CaseText) -> None:
        self.text = self.saved = on_disk.text
        self.known, self.crlf = on_disk.digest, on_disk.crlf

    # ---- the state

    @property
    def unsaved(self) -> bool:
        return self.text != self.saved

    def readable(self) -> Scenario | None:
        """Return the last version without faults."""
        self.checked()
        return self._readable

    def checked(self) -> CheckedCase:
        """Return the check of the text as it is now; it is worked out once."""
        with self._lock:
            text, checked = self.text, self._checked
        if checked is None or checked.source != text:
            with self._parsing:
                checked = self._keep(check_text(text, str(self.path), self._parser.parse))
        return checked

    def wholly_checked(self) -> CheckedCase:
        """Return the check with cautions and the evidence of every option; of several threads one works it out."""
        with self._checking:
            checked = self.checked()
            return checked if checked.whole else self._keep(check_whole(checked))

    def _keep(self, checked: CheckedCase) -> CheckedCase:
        with self._lock:
            if checked.source == self.text:
                self._checked = checked
            if checked.scenario is not None:
                self._readable = checked.scenario
            elif self._readable is None and checked.error is not None:
                self._readable = checked.error.scenario
        return checked

    # ---- what pages and sockets follow

    def paused(self) -> Latest:
        """Return the state for the parts of the page that are drawn again once the author pauses."""
        with self._lock:
            if not self._is_paused():
                return Latest(self._paused)
            self._paused = f"{sha256(self.text.encode()).hexdigest()[:16]} {self.known[:16]}"
            return Latest(self._paused)

    _paused = ""

    def _is_paused(self) -> bool:
        return monotonic() - self._heard_at >= STILL_S

    def look(self) -> Latest:
        """Return the state for the editor: the last edit, the saved text, and all findings once the author pauses."""
        if self._is_paused():
            self.wholly_checked()
        with self._lock:
            edit, known, number, checked = self._edit, self.known, self._number, self._checked
            content = {"edit": edit._asdict(), "now": self.text, "number": number, "saved": self.saved}
            whole = checked if checked and checked.whole and checked.source == self.text else None
        revision = f"{edit.number} {known[:16]} {number if whole else ''}"
        return Latest(revision, lambda: content | {"faults": whole.diagnostics() if whole else None})

    def hear(self, said: Any) -> Any:
        """Take a text from the editor, and reply to its question; None for anything else."""
        if not _is_question(said):
            return None
        self.take(said["number"], said["text"])
        return {"ask": said["ask"], "number": said["number"], "id": said["id"], **_ANSWERS[said["ask"]](self, said)}

    def take(self, number: int, text: str) -> None:
        """Take the text of the browser, unless a later one has come already."""
        with self._lock:
            if number <= self._number:
                return
            if text != self.text:
                self.text, self._heard_at = text, monotonic()
            self._number, self._base = number, f"n{number}"

    # ---- changes by the server

    def change(self, make: Callable[[str], str]) -> None:
        """Give the text another content, which the editor shows at once and can take back. Raises what `make` raises."""
        with self._lock:
            changed = make(self.text)
            if changed != self.text:
                self._edit = ServerEdit(self._edit.number + 1, self._base, changed)
                self._base = f"e{self._edit.number}"
                self.text, self._heard_at = changed, monotonic() - STILL_S
        bell().ring()

    def was_saved(self, text: str, digest: str) -> None:
        """Note that the file now has this text."""
        with self._lock:
            self.saved, self.known = text, digest
        bell().ring()

    def follow_file(self) -> bool:
        """Take in the file where another program has changed it, if the author has changed nothing; return whether it did.

        Raises InputError where the file cannot be read.
        """
        on_disk = self.folder.read(self.name)
        with self._lock:
            if on_disk.digest == self.known or self.unsaved:
                return False
            self.take_file(on_disk)
        return True

    def take_file(self, on_disk: CaseText) -> None:
        """Give the text the content of the file."""
        with self._lock:
            self.crlf = on_disk.crlf
            self.change(lambda _: on_disk.text)
            self.was_saved(on_disk.text, on_disk.digest)

    def is_stale(self) -> bool:
        """Return whether the file has another content than this text began from."""
        try:
            return self.folder.read(self.name).digest != self.known
        except InputError:
            return True


def _is_question(said: Any) -> bool:
    if not isinstance(said, dict) or said.get("ask") not in list(_ANSWERS):
        return False
    text = said.get("text")
    needed = ("number", "id", *(("line", "column") if said["ask"] in _AT_CURSOR else ()))
    if not all(type(said.get(name)) is int and 0 <= said[name] < 10**9 for name in needed):
        return False
    if not isinstance(text, str) or len(text) > CASE_FILE.most:
        return False
    return said["ask"] not in _AT_CURSOR or 1 <= said["line"] <= text.count("\n") + 1


def _faults(draft: Draft, _said: Any) -> dict[str, Any]:
    checked = draft.checked()
    return {"faults": checked.diagnostics(), "whole": checked.whole}


def _offers(draft: Draft, said: Any) -> dict[str, Any]:
    start, offers = completions(said["text"], said["line"], said["column"], draft._readable)
    return {"start": start, "offers": [offer._asdict() for offer in offers]}


def _hint(draft: Draft, said: Any) -> dict[str, Any]:
    return {"hint": hint(said["text"], said["line"], said["column"], draft._readable)}


#: The questions of the editor: faults of the text, completions, a hint. Evidence and cautions follow by the feed.
_ANSWERS: dict[str, Callable[[Draft, Any], dict[str, Any]]] = {
    "faults": _faults,
    "complete": _offers,
    "hint": _hint,
}

#: The questions about the place of the cursor.
_AT_CURSOR = ("complete", "hint")


#: A line that begins a section, and one with a meaning for the document as a whole.
_BEGINS = re.compile(r"""(?=^(?:[^\s\-#'"{\[&*!|>%@`,:?][^:#\n]*|"[^"\n]*"|'[^'\n]*'):(?:\s|$))""", re.MULTILINE)
_OF_WHOLE = re.compile(r"^(?:---|\.\.\.|%|\ufeff)|[\r\x85\u2028\u2029]", re.MULTILINE)

#: The sections that are kept: those of the text of now, and some of before.
_KEPT = 256


class SectionParser:
    """Parses texts of one file that change in one section at a time; for one thread at a time.

    Each key in the first column begins a section; sections that stayed are not parsed again. A text whose sections each stand
    alone reads as all of them together; any other text, also one with a fault, is parsed as a whole, so that faults are those
    of `parse_document`.
    """

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
            section = self._section(part)
            if section is None or len(section.data) != 1 or not section.data.keys().isdisjoint(whole.data):
                return None
            if not whole.data:
                whole.places[()] = (line + section.places[()][0] - 1, section.places[()][1])
            whole.data |= section.data
            whole.bare |= section.bare
            whole.places |= {path: (line + row - 1, column) for path, (row, column) in section.places.items() if path}
            values += 2 * len(section.places)
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
