"""Changing files of a folder of evidence together, its manifest included: all of it or nothing, whenever it is interrupted.

    .lock      held by whoever changes something, and for a moment by a reader who met a change half way
    .staged/   what is being written; of a writer that was killed, it is swept away
    .commit/   what is written whole and on its way to its place; of a writer that was killed, the next one brings it there

The one step that decides is the renaming of `.staged` to `.commit`. Killed before it, the old files stand; after it, the new
ones, as soon as anybody looks: a reader compares all files of a table with one manifest, and where they do not fit, the change
is brought to its end first.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from simulator.errors import InputError
from simulator.evidence.manifest import (
    NAME,
    Manifest,
    ManifestEntry,
    entries_below,
    entry_of,
    name_in,
    read_manifest,
    root_above,
)
from simulator.files import make_folders, read_within
from simulator.limits import EVIDENCE_FILE

LOCK, STAGED, COMMIT = ".lock", ".staged", ".commit"
_NEW, _GONE = "new", "gone"

#: How many seconds a change waits for another one; an import of the largest table takes a few.
PATIENCE_S = 60.0


class Change:
    """What is going to be changed below a folder. Files are written where nobody reads them until all are there.

    Without a manifest yet, what is there already is listed as it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._staged = root / STAGED
        self._listed: dict[str, ManifestEntry] | None = None
        self._gone: list[str] = []

    def write(self, path: Path, content: bytes) -> None:
        """Write a file below the folder, or write it anew."""
        name = name_in(self.root, path)
        staged = self._staged / _NEW / name
        make_folders(staged.parent)
        _write(staged, content)
        self._listing()[name] = entry_of(path, content)

    def remove(self, path: Path) -> None:
        """Remove a file below the folder."""
        name = name_in(self.root, path)
        self._gone.append(name)
        self._listing().pop(name, None)

    def accept(self, path: Path) -> None:
        """List a file, or all files below a folder, as they are now; what is listed and no longer there is struck out."""
        if path == self.root:  # whatever its manifest says, and if it cannot be read
            self._listed = {}
        listing, below = self._listing(), name_in(self.root, path)
        for name in [name for name in listing if name == below or name.startswith(f"{below}/")]:
            del listing[name]
        if path.is_dir():
            listing |= entries_below(path, self.root)
        elif path.is_file():
            listing[below] = entry_of(path, read_within(path, EVIDENCE_FILE))

    def commit(self) -> None:
        """From here on the change is made, whatever happens."""
        _write(self._staged / _NEW / NAME, Manifest(self.root, self._listing()).to_json())
        _write(self._staged / _GONE, json.dumps(self._gone).encode())
        for folder in {path.parent for path in (self._staged / _NEW).rglob("*")}:
            make_folders(self.root / folder.relative_to(self._staged / _NEW))
        _sync(self._staged)
        self._staged.rename(self.root / COMMIT)
        _sync(self.root)

    def _listing(self) -> dict[str, ManifestEntry]:
        """What the manifest is going to list."""
        if self._listed is None:
            known = (self.root / NAME).is_file()
            self._listed = dict(read_manifest(self.root).files) if known else entries_below(self.root, self.root)
        return self._listed


@contextmanager
def changing(folder: Path, refusal: type[Exception] = InputError) -> Iterator[Change]:
    """Change files below `folder` in one step, together with the manifest above it, or in it where there is none yet.

    Raises `refusal` where the folder cannot be written, the disk is full, or another change does not end; nothing is changed
    then, nor where the body raises.
    """
    try:
        make_folders(folder)
        root = root_above(folder / NAME) or folder.absolute()
        with locked(root):
            (root / STAGED / _NEW).mkdir(parents=True)
            try:
                change = Change(root)
                yield change
                change.commit()
            finally:
                shutil.rmtree(root / STAGED, ignore_errors=True)
            with suppress(OSError):  # it is made; whoever comes next finishes what is left to move
                finish(root)
    except Timeout as error:
        raise refusal(f"{folder}: is being changed by somebody else; try again in a minute") from error
    except OSError as error:
        raise refusal(f"{folder}: cannot be written: {error.strerror}; nothing was changed") from error


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold a folder's lock, with no change of anybody's half way. Raises OSError."""
    with FileLock(root / LOCK, timeout=PATIENCE_S):
        finish(root)
        yield


@contextmanager
def settled(root: Path) -> Iterator[None]:
    """As `locked` where somebody may be writing; where nobody can, as in a folder that is read-only, without a lock."""
    with ExitStack() as held:
        if (root / LOCK).exists():
            with suppress(OSError):
                held.enter_context(locked(root))
        yield


def finish(root: Path) -> None:
    """Bring what was written whole to its place, and sweep away what was not; to be called with the lock held."""
    commit = root / COMMIT
    if commit.is_dir():
        if (commit / _GONE).is_file():
            for name in json.loads((commit / _GONE).read_bytes()):
                (root / name).unlink(missing_ok=True)
        for staged in sorted(path for path in (commit / _NEW).rglob("*") if path.is_file()):
            target = root / staged.relative_to(commit / _NEW)
            make_folders(target.parent)
            staged.replace(target)
        shutil.rmtree(commit)
    shutil.rmtree(root / STAGED, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
