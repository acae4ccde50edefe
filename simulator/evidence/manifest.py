"""The manifest of a folder of evidence: what each file below it said when it was measured, published or brought along.

`evidence-manifest.json` lies at the root of the folder and lists every file below by its name from there: SHA-256, bytes and,
of a table, rows. Whatever CaseSim writes there is listed in the same step; what somebody else has changed is not used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from simulator.errors import InputError
from simulator.files import UnreadableError, read_within
from simulator.limits import EVIDENCE_FILE

#: Its own name, so that no manifest of another program above somebody's folder is taken for one.
NAME = "evidence-manifest.json"


class ManifestError(InputError):
    """A manifest cannot be used; the message says which and why."""


class ManifestEntry(BaseModel):
    """What a file said. rows: of a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    bytes: int
    rows: int | None = None


_FILES = TypeAdapter(dict[str, ManifestEntry])


@dataclass(frozen=True)
class Manifest:
    """What the files below a folder said, by their names from there."""

    root: Path
    files: Mapping[str, ManifestEntry]

    def fault(self, path: Path, content: bytes) -> str | None:
        """Why what a file says now is not to be used; None where it says what it said."""
        entry = self.files.get(name_in(self.root, path))
        if entry is None:
            return (
                f"is not listed in {self.root / NAME}, so it is not known where it comes from; it is not used. {_accept(path)}"
            )
        if entry.sha256 == _hash(content):
            return None
        return (
            f"is not what was measured: its content differs from the manifest ({_difference(path, content, entry)}); it is not "
            f"used. Restore it, or, if you changed it yourself: {_accept(path)}"
        )

    def to_json(self) -> bytes:
        """As it is written: a file a line, by name, so that a change is easily read."""
        lines = (
            f"{json.dumps(name)}: {entry.model_dump_json(exclude_none=True)}" for name, entry in sorted(self.files.items())
        )
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def name_in(root: Path, path: Path) -> str:
    """What a file is called in the manifest of a folder above it."""
    return path.absolute().relative_to(root).as_posix()


def entry_of(path: Path, content: bytes) -> ManifestEntry:
    """What a manifest says of a file with this content."""
    return ManifestEntry(sha256=_hash(content), bytes=len(content), rows=_rows(path, content))


def root_above(path: Path) -> Path | None:
    """The nearest folder that has a manifest: that of `path`, or one above; None where nothing is compared."""
    return next((folder for folder in path.absolute().parents if (folder / NAME).is_file()), None)


def read_manifest(root: Path) -> Manifest:
    """The manifest in a folder; raises ManifestError."""
    path = root / NAME
    try:
        found = path.stat()
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    return _read(root, (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=64)
def _read(root: Path, _stamp: tuple[int, int, int]) -> Manifest:
    path = root / NAME
    try:
        return Manifest(root, _FILES.validate_json(read_within(path, EVIDENCE_FILE)))
    except UnreadableError as error:
        raise ManifestError(str(error)) from error
    except ValidationError as error:
        again = f"restore it, or `casesim evidence --accept {root}` writes it anew"
        raise ManifestError(f"{path}: is no manifest: {error.errors()[0]['msg']}; {again}") from error


def evidence_files(folder: Path) -> list[Path]:
    """Every file below a folder that a manifest lists: all but hidden ones and the manifest itself."""
    found = (path for path in sorted(folder.rglob("*")) if path.name != NAME and path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def entries_below(folder: Path, root: Path) -> dict[str, ManifestEntry]:
    """What a manifest in `root` says of every file below `folder`; a file that cannot be read is left out."""
    found: dict[str, ManifestEntry] = {}
    for path in evidence_files(folder):
        try:
            found[name_in(root, path)] = entry_of(path, read_within(path, EVIDENCE_FILE))
        except UnreadableError:
            continue
    return found


@dataclass(frozen=True)
class Differences:
    """How the files below a folder differ from its manifest: a sentence for each."""

    root: Path
    files: int
    changed: list[str]
    missing: list[str]
    unlisted: list[str]

    @property
    def sentences(self) -> list[str]:
        """All of them."""
        return [*self.changed, *self.missing, *self.unlisted]

    def __bool__(self) -> bool:
        return bool(self.sentences)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return vars(self) | {"root": str(self.root)}


def differences(root: Path) -> Differences:
    """Compare every file below a folder with its manifest; raises ManifestError."""
    manifest, there = read_manifest(root), {name_in(root, path): path for path in evidence_files(root)}
    changed = []
    for name, path in there.items():
        if name in manifest.files:
            try:
                told = manifest.fault(path, read_within(path, EVIDENCE_FILE))
            except UnreadableError as error:
                told = error.reason
            if told:
                changed.append(f"{path}: {told}")
    missing = [f"{root / name}: is missing; restore it" for name in sorted(manifest.files.keys() - there.keys())]
    unlisted = [f"{path}: {manifest.fault(path, b'')}" for name, path in there.items() if name not in manifest.files]
    return Differences(root, len(there), changed, missing, unlisted)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _accept(path: Path) -> str:
    return f"`casesim evidence --accept {path}` takes it as your own"


def _difference(path: Path, content: bytes, entry: ManifestEntry) -> str:
    rows = _rows(path, content)
    if entry.rows is not None and rows is not None and rows != entry.rows:
        return f"{rows:,} rows where it says {entry.rows:,}"
    if len(content) != entry.bytes:
        return f"{len(content):,} bytes where it says {entry.bytes:,}"
    return "another SHA-256"


def _rows(path: Path, content: bytes) -> int | None:
    """The rows of a table; None for another file, and for one that is broken."""
    try:
        if path.suffix == ".csv":
            return len(pd.read_csv(BytesIO(content), usecols=[0], dtype=str, keep_default_na=False))
        if path.suffix == ".parquet":
            return len(pd.read_parquet(BytesIO(content), columns=[]))
    except Exception:  # pyarrow's and pandas's errors have no base class in common
        return None
    return None
