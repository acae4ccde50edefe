"""Files of evidence: read only as their manifest lists them, and written all together or not at all.

`evidence-manifest.json` lies at the root of a folder of evidence. It lists every file below by its name from there: SHA-256,
bytes and, of a table, rows. A reader refuses a file whose content has another hash. A folder below with its own manifest is a
root of its own.

A change of several files is written to `.pending/` first. Renaming the new manifest to its place decides: before that the old
files stand, after it the new ones. `settle` ends a change that was interrupted, by the hashes alone: a pending file that the
manifest lists under its name goes to its place, every other pending file is deleted. `.lock` is held meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Self, TypeVar

import pandas as pd
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simulator.errors import InputError
from simulator.files import UnreadableError, make_folders, read_within, remembered
from simulator.limits import EVIDENCE_FILE, EVIDENCE_TEXT
from simulator.phrases import phrase
from simulator.processes import is_running

Content = TypeVar("Content")


class EvidenceError(InputError):
    """Evidence cannot be used; the message says which and why. field: the faulty field of a case, if it is known"""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class EvidenceRecord(BaseModel):
    """A record of a file: no other fields, and finite numbers alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, whose cached properties are worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in vars(copied).keys() - type(self).model_fields.keys():
            del vars(copied)[name]
        return copied


class MeasuredOrigin(EvidenceRecord):
    """Origin of evidence that a machine measured on a data set. attribution: the owners, and what is passed on."""

    date: str
    processor: str
    system: str
    libraries: dict[str, str]
    dataset: str
    attribution: str


Model = TypeVar("Model", bound=BaseModel)

#: The manifest's file name, which no other program uses.
MANIFEST = "evidence-manifest.json"
LOCK, PENDING = ".lock", ".pending"

#: Seconds that a change waits for another one; an import of the largest table takes a few.
PATIENCE_S = 60.0


class ManifestEntry(EvidenceRecord):
    """Hash and length of one file; `rows` of a table."""

    sha256: str
    bytes: int
    rows: int | None = None


_ENTRIES = TypeAdapter(dict[str, ManifestEntry])


@dataclass(frozen=True)
class Manifest:
    """The files below `root`, by their names from there."""

    root: Path
    files: Mapping[str, ManifestEntry]

    def fault(self, path: Path, content: bytes) -> str | None:
        """Return a sentence on why this content of a file must not be used; None where it is as listed."""
        entry = self.files.get(name_in(self.root, path))
        if entry is None:
            return phrase("evidence.unlisted", manifest=str(self.root / MANIFEST), file=str(path))
        if entry.sha256 == _hash(content):
            return None
        return phrase("evidence.differs", difference=_difference(path, content, entry), file=str(path))


def name_in(root: Path, path: Path) -> str:
    return path.absolute().relative_to(root).as_posix()


def root_above(path: Path) -> Path | None:
    """Return the nearest folder above a file that has a manifest; None where there is none and nothing is compared."""
    return next((folder for folder in path.absolute().parents if (folder / MANIFEST).is_file()), None)


def read_manifest(root: Path) -> Manifest:
    """Read the manifest in a folder; raises EvidenceError."""
    path = root / MANIFEST
    try:
        status = path.stat()
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error
    return _read_manifest(root, (status.st_mtime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=64)
def _read_manifest(root: Path, _stamp: tuple[int, int, int]) -> Manifest:
    path = root / MANIFEST
    try:
        return Manifest(root, _ENTRIES.validate_json(read_within(path, EVIDENCE_FILE)))
    except UnreadableError as error:
        raise EvidenceError(str(error)) from error
    except ValidationError as error:
        again = f"restore it, or write it anew with `casesim evidence --accept {root}`"
        raise EvidenceError(f"{path}: is not a manifest: {error.errors()[0]['msg']}; {again}") from error


@dataclass(frozen=True)
class Differences:
    """Sentences on the files below a folder that differ from its manifest. files: the number of files below it"""

    root: Path
    files: int
    changed: list[str]
    missing: list[str]
    unlisted: list[str]

    @property
    def sentences(self) -> list[str]:
        return [*self.changed, *self.missing, *self.unlisted]

    def __bool__(self) -> bool:
        return bool(self.sentences)

    def to_json(self) -> dict[str, Any]:
        return vars(self) | {"root": str(self.root)}


def differences(root: Path) -> Differences:
    """Compare every file below a folder with its manifest; raises EvidenceError."""
    manifest, present = read_manifest(root), {name_in(root, path): path for path in _listable(root)}
    changed = []
    for name in [name for name in present if name in manifest.files]:
        try:
            fault = manifest.fault(present[name], read_within(present[name], EVIDENCE_FILE))
        except UnreadableError as error:
            fault = error.reason
        if fault:
            changed.append(f"{present[name]}: {fault}")
    missing = [f"{root / name}: is missing; restore it" for name in sorted(manifest.files.keys() - present.keys())]
    unlisted = [f"{path}: {manifest.fault(path, b'')}" for name, path in present.items() if name not in manifest.files]
    return Differences(root, len(present), changed, missing, unlisted)


def _listable(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    roots = {path.parent for path in files if path.name == MANIFEST} - {folder}
    shown = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return [path for path in shown if path.name != MANIFEST and roots.isdisjoint(path.parents)]


def _entries_below(folder: Path, root: Path) -> dict[str, ManifestEntry]:
    entries: dict[str, ManifestEntry] = {}
    for path in _listable(folder):
        with suppress(UnreadableError):  # it is left out
            entries[name_in(root, path)] = _entry(path, read_within(path, EVIDENCE_FILE))
    return entries


def _entry(path: Path, content: bytes) -> ManifestEntry:
    return ManifestEntry(sha256=_hash(content), bytes=len(content), rows=_rows(path, content))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _difference(path: Path, content: bytes, entry: ManifestEntry) -> str:
    rows = _rows(path, content)
    if entry.rows is not None and rows is not None and rows != entry.rows:
        return f"{rows:,} rows where it says {entry.rows:,}"
    if len(content) != entry.bytes:
        return f"{len(content):,} bytes where it says {entry.bytes:,}"
    return "another SHA-256"


def _rows(path: Path, content: bytes) -> int | None:
    """Count the rows of a table; None for another file, and for a broken one."""
    try:
        if path.suffix == ".csv":
            return len(pd.read_csv(BytesIO(content), usecols=[0], dtype=str, keep_default_na=False))
        if path.suffix == ".parquet":
            return len(pd.read_parquet(BytesIO(content), columns=[]))
    except Exception:  # pyarrow's and pandas's errors have no base class in common
        return None
    return None


class Change:
    """Files of one folder that are written, removed or accepted together; without a manifest yet, present files are listed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._removed: list[str] = []
        self._changed_entries: dict[str, ManifestEntry] | None = None

    def write(self, path: Path, content: bytes) -> None:
        name = name_in(self.root, path)
        _write(self.root / PENDING / name, content)
        self._entries[name] = _entry(path, content)

    def remove(self, path: Path) -> None:
        name = name_in(self.root, path)
        self._removed.append(name)
        self._entries.pop(name, None)

    def accept(self, path: Path) -> None:
        """List a file, or all files below a folder, as they are now; entries of missing files are dropped."""
        if path == self.root:  # even if its manifest cannot be read
            self._changed_entries = {}
        entries, below = self._entries, name_in(self.root, path)
        for name in [name for name in entries if name == below or name.startswith(f"{below}/")]:
            del entries[name]
        if path.is_dir():
            entries |= _entries_below(path, self.root)
        elif path.is_file():
            entries[below] = _entry(path, read_within(path, EVIDENCE_FILE))

    def commit(self) -> None:
        """Put the new manifest in its place, which makes the change; `settle` then moves the files."""
        lines = (
            f"{json.dumps(name)}: {entry.model_dump_json(exclude_none=True)}" for name, entry in sorted(self._entries.items())
        )
        _write(self.root / PENDING / MANIFEST, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
        for name in self._removed:
            make_folders((self.root / PENDING / name).parent)
            (self.root / name).replace(self.root / PENDING / name)  # from where `settle` would bring it back
        (self.root / PENDING / MANIFEST).replace(self.root / MANIFEST)

    @property
    def _entries(self) -> dict[str, ManifestEntry]:
        if self._changed_entries is None:
            listed = (self.root / MANIFEST).is_file()
            self._changed_entries = dict(read_manifest(self.root).files) if listed else _entries_below(self.root, self.root)
        return self._changed_entries


@contextmanager
def changing(folder: Path) -> Iterator[Change]:
    """Change files below `folder` in one step, together with the manifest above it, or in it where there is none yet.

    Raises EvidenceError where the folder cannot be written, the disk is full, or another change does not end. Nothing is
    changed then, nor where the body raises.
    """
    try:
        make_folders(folder)
        root = root_above(folder / MANIFEST) or folder.absolute()
        with FileLock(root / LOCK, timeout=PATIENCE_S):
            settle(root)
            change = Change(root)
            try:
                yield change
                change.commit()
            finally:
                with suppress(OSError):  # the next reader or writer settles what is left
                    settle(root)
    except Timeout as error:
        raise EvidenceError(f"{folder}: another program is changing this folder; try again in a minute") from error
    except OSError as error:
        raise EvidenceError(f"{folder}: cannot be written: {error.strerror}; nothing was changed") from error


def settle(root: Path) -> None:
    """End a change that was interrupted, by the hashes of the manifest; call it with the lock held. Raises OSError."""
    pending = root / PENDING
    if not pending.is_dir():
        return
    listed: Mapping[str, ManifestEntry] = {}
    with suppress(EvidenceError):
        listed = read_manifest(root).files
    for path in [path for path in pending.rglob("*") if path.is_file()]:
        name = path.relative_to(pending).as_posix()
        if name in listed and listed[name].sha256 == _hash(path.read_bytes()):
            make_folders((root / name).parent)
            path.replace(root / name)
    shutil.rmtree(pending)


def _write(path: Path, content: bytes) -> None:
    make_folders(path.parent)
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


@remembered()
def content_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def first_fault(path: Path, error: ValidationError) -> str:
    """Return a sentence with the file, the field, the expected value and, for a single value, the given one."""
    first = error.errors()[0]
    where, given = ".".join(map(str, first["loc"])), first["input"]
    got = f", got {str(given)[:40] or 'nothing'}" if where and isinstance(given, str | int | float) else ""
    return ": ".join(part for part in (str(path), where, f"{first['msg']}{got}") if part)


class _ChangedError(EvidenceError):
    """The content of a file differs from the manifest above it."""


def read_evidence(path: Path, made_by: str = "") -> bytes:
    """Read a file and compare it with the manifest above it; where there is none, nothing is compared.

    made_by: the command that writes the file, named where it is missing
    Raises EvidenceError with the path and the fault.
    """
    return read_together([path], made_by)[0]


def read_together(paths: Sequence[Path], made_by: str = "") -> list[bytes]:
    """Read files of one folder together, as `read_evidence` does: all as before a change, or all as after it."""
    try:
        root = root_above(paths[0])
        try:
            return _read_as_listed(paths, root)
        except _ChangedError:
            if root is None or not (root / LOCK).exists():
                raise
        with suppress(OSError), FileLock(root / LOCK, timeout=PATIENCE_S):  # a folder that is read-only takes no lock
            settle(root)
        return _read_as_listed(paths, root)
    except UnreadableError as error:
        if made_by and isinstance(error.__cause__, FileNotFoundError):
            raise EvidenceError(f"{error.__cause__.filename}: is missing; `{made_by}` writes it") from error
        raise EvidenceError(str(error)) from error


def _read_as_listed(paths: Sequence[Path], root: Path | None) -> list[bytes]:
    manifest = read_manifest(root) if root else None
    contents = [read_within(path, EVIDENCE_TEXT if path.suffix == ".yaml" else EVIDENCE_FILE) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        fault = manifest.fault(path, content) if manifest else None
        if fault:
            raise _ChangedError(f"{path}: {fault}")
    return contents


def read_yaml(path: Path, adapter: TypeAdapter[Content], made_by: str = "") -> Content:
    """Read a YAML file; raises EvidenceError with the path and, where there is one, the faulty field."""
    return parse_yaml(path, read_evidence(path, made_by), adapter)


def parse_yaml(path: Path, content: bytes, adapter: TypeAdapter[Content]) -> Content:
    try:
        return adapter.validate_python(YAML(typ="safe", pure=True).load(content))
    except ValidationError as error:
        raise EvidenceError(first_fault(path, error)) from error
    except (YAMLError, ValueError) as error:  # a ValueError: text that is not UTF-8, or a date that there is not
        raise EvidenceError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise EvidenceError(f"{path}: is nested too deeply; expected a few levels") from error


def read_json(path: Path, model: type[Model], made_by: str = "") -> Model:
    """Read a JSON file; raises EvidenceError with the path and, where there is one, the faulty field."""
    try:
        return model.model_validate_json(read_evidence(path, made_by))
    except ValidationError as error:
        raise EvidenceError(first_fault(path, error)) from error


def each_readable(read: Callable[[Path], Content], paths: Iterable[Path]) -> tuple[list[Content], list[str]]:
    """Read each file; return the contents, and a sentence for each file that cannot be read."""
    contents: list[Content] = []
    broken: list[str] = []
    for path in paths:
        try:
            contents.append(read(path))
        except InputError as error:
            broken.append(str(error))
    return contents, broken


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """Yield a place to write the content of `path`: a reader sees the old file or the whole new one.

    The folder is made if need be. Below a folder with a manifest, the new file is listed there in the same step. What a
    process has left behind that was killed while it wrote there is swept away.
    """
    make_folders(path.parent)
    _sweep(path)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        if root_above(path):
            with changing(path.parent) as change:
                change.write(path, part.read_bytes())
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    pattern = re.compile(re.escape(f".{path.name}.") + r"(\d{1,9})-[0-9a-f]{8}\.part")
    for file in path.parent.iterdir():
        if (match := pattern.fullmatch(file.name)) and not is_running(int(match[1])):
            file.unlink(missing_ok=True)


_FOLDER: ContextVar[Path | None] = ContextVar("staged evidence", default=None)


@contextmanager
def staging(folder: Path) -> Iterator[None]:
    """Let readers of score tables and profiles look into `folder` first, below `scores` and `profiles`."""
    before = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(before)


def staged(kind: str) -> list[Path]:
    """Return the staged folder of a kind of evidence, in a list, or none."""
    folder = _FOLDER.get()
    return [folder / kind] if folder else []
