"""The author's folder: a case file is written only over the bytes that the author saw, and its earlier texts are kept."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from filelock import FileLock, Timeout

from simulator import paths
from simulator.case.load import ENDINGS, OWN_CASES, files_at
from simulator.errors import InputError, shortened
from simulator.evidence.evidence_files import in_one_step
from simulator.files import UnreadableError, make_private_folder, read_within
from simulator.limits import CASE_FILE, VERSIONS_KEPT

#: Seconds that a save waits for the save of another program.
PATIENCE_S = 5.0

_SAVING = Lock()


class CaseText(NamedTuple):
    """The text of a file with line feeds alone, the hash of its bytes, and whether its lines end as on Windows."""

    text: str
    digest: str
    crlf: bool = False


class ChangedFileError(InputError):
    """Another program, or another tab, has changed the file since the author opened it; `now` is its text."""

    def __init__(self, path: Path, now: CaseText | None) -> None:
        super().__init__(f"{path.name} {'is gone' if now is None else 'has changed'} since you opened it")
        self.now = now


class CaseFolder:
    """The case files of a folder, or one file alone; nothing outside of it is read or written."""

    def __init__(self, named: Path) -> None:
        self.named = named.resolve()
        self.root = self.named if self.named.is_dir() else self.named.parent

    def files(self) -> dict[str, Path]:
        """Return the files that may be edited, by name: no links, for they may lead out of the folder."""
        return {file.name: file for file in files_at(self.named) if file.is_file() and not file.is_symlink()}

    def path_of(self, name: str) -> Path:
        """Return the path of a file of the folder; raises InputError for any other name."""
        path = self.root / name
        plain = name == Path(name).name and name.isprintable() and not name.startswith(".") and path.suffix in ENDINGS
        if not plain or len(name) > 200:
            raise InputError(f"'{shortened(name)}' names no case here; expected the name of a file that ends in .yaml")
        if path.is_symlink() or path.parent.resolve() != self.root:
            raise InputError(f"{name} is a link; Studio edits files inside of {self.root} only")
        if self.named != self.root and path != self.named:
            raise InputError(f"{name}: the server was started with {self.named.name} alone")
        return path

    def read(self, name: str) -> CaseText:
        """Return a file's text; raises InputError where it cannot be read, and for text that is not UTF-8."""
        return _decoded(self.path_of(name), read_within(self.path_of(name), CASE_FILE))

    def save(self, name: str, text: str, known: str, crlf: bool = False, before: Callable[[CaseText], object] = id) -> str:
        """Write a file in one step, and return the hash of its bytes.

        known: the hash of the bytes that the author saw last; empty: there is no file of this name yet
        before: is called with the text that the file has now
        Raises ChangedFileError where the file has other bytes by now, and InputError where it cannot be written.
        """
        path = self.path_of(name)
        content = (text.replace("\n", "\r\n") if crlf else text).encode()
        if len(content) > CASE_FILE.most:
            raise InputError(f"{name}: the text has {len(content):,} bytes; a case's file takes at most {CASE_FILE}")
        try:
            with _SAVING, _lock():
                now = self._now(path)
                if (now.digest if now else "") != known:
                    raise ChangedFileError(path, now)
                if now:
                    before(now)
                mode = path.stat().st_mode & 0o777 if now else None
                with in_one_step(path) as part:
                    part.write_bytes(content)
                    if mode is not None:
                        part.chmod(mode)
        except Timeout as error:
            raise InputError(f"{name}: another program is saving a case; try again") from error
        except OSError as error:
            raise InputError(f"{name}: cannot be written: {error.strerror}; nothing was changed") from error
        return sha256(content).hexdigest()

    def _now(self, path: Path) -> CaseText | None:
        return _decoded(path, read_within(path, CASE_FILE)) if os.path.lexists(path) else None


def _decoded(path: Path, content: bytes) -> CaseText:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name}: is not UTF-8 text; save it as UTF-8 in another editor first") from error
    crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
    return CaseText(text.replace("\r\n", "\n"), sha256(content).hexdigest(), crlf)


def _lock() -> FileLock:
    make_private_folder(paths.CASE_VERSIONS)
    return FileLock(paths.CASE_VERSIONS / ".lock", timeout=PATIENCE_S)


def own_folder() -> CaseFolder | None:
    """Return the folder or file that the server was started with; None for a server without one."""
    named = os.environ.get(OWN_CASES)
    return CaseFolder(Path(named)) if named else None


_NAME = re.compile(r"(\d{16})-([0-9a-f]{16})\.yaml")


class CaseVersion(NamedTuple):
    """A text that the file once had; at: when it was saved, or replaced (s since 1970)."""

    at: float
    digest: str
    place: Path


class CaseVersions:
    """The versions of one file, in the data folder of the server's user."""

    def __init__(self, file: Path) -> None:
        self.folder = paths.CASE_VERSIONS / sha256(str(file).encode()).hexdigest()[:32]

    def add(self, text: str, at: float) -> None:
        """Keep a text, unless it is the newest one already; the oldest beyond the limit go. Raises InputError."""
        known = self.listed()
        digest = sha256(text.encode()).hexdigest()[:16]
        if known and known[0].digest == digest:
            return
        later = max(round(at * 1e6), round(known[0].at * 1e6) + 1) if known else round(at * 1e6)
        try:
            make_private_folder(self.folder)
            with in_one_step(self.folder / f"{later:016d}-{digest}.yaml") as part:
                part.write_bytes(text.encode())
            for old in self.listed()[VERSIONS_KEPT.most :]:
                old.place.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: the version cannot be kept: {error.strerror}; nothing was changed") from error

    def listed(self) -> list[CaseVersion]:
        """Return the versions, the newest first."""
        try:
            names = sorted((place for place in self.folder.iterdir()), reverse=True)
        except OSError:
            return []
        matched = [(place, _NAME.fullmatch(place.name)) for place in names]
        return [CaseVersion(int(match[1]) / 1e6, match[2], place) for place, match in matched if match]


def text_of(version: CaseVersion) -> str:
    """Return the text of a version; raises InputError for a damaged one."""
    content = read_within(version.place, CASE_FILE)
    if sha256(content).hexdigest()[:16] != version.digest:
        raise UnreadableError(version.place, "is damaged, and is not used")
    return content.decode()
