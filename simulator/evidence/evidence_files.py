"""What reading and writing evidence have in common: one gate for all that is read, a fault told in one line, a file written in
one step.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, wraps
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simulator.errors import InputError
from simulator.evidence.manifest import ManifestError, read_manifest, root_above
from simulator.evidence.transaction import changing, settled
from simulator.files import UnreadableError, make_folders, read_within
from simulator.limits import EVIDENCE_FILE, EVIDENCE_TEXT
from simulator.processes import is_running

Content = TypeVar("Content")
Model = TypeVar("Model", bound=BaseModel)


#: What changes when a file is written again: nanoseconds and bytes; None where there is no file.
Stamp = tuple[int, int] | None


def stamp_of(path: Path) -> Stamp:
    """What to keep beside something that was read, to tell later whether it is still what the file says."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def remembered(*names: str) -> Callable[[Callable[[Path], Content]], Callable[[Path], Content]]:
    """Read what lies at a path once, and again only when it has changed: the file or, of a folder, one of these files in it."""

    def decorate(read: Callable[[Path], Content]) -> Callable[[Path], Content]:
        @lru_cache(maxsize=512)
        def kept(path: Path, _stamps: tuple[Stamp, ...]) -> Content:
            return read(path)

        @wraps(read)
        def once(path: Path) -> Content:
            return kept(path, tuple(stamp_of(path / name) for name in names or [""]))

        return once

    return decorate


@remembered()
def content_hash(path: Path) -> str:
    """Twelve hexadecimal digits that identify what a file says, wherever it lies."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def first_fault(path: Path, error: ValidationError) -> str:
    """The file, the field, what would be right there and, where it is a single value, what is there instead."""
    first = error.errors()[0]
    where, given = ".".join(map(str, first["loc"])), first["input"]
    told = f", got {str(given)[:40] or 'nothing'}" if where and isinstance(given, str | int | float) else ""
    return ": ".join(part for part in (str(path), where, f"{first['msg']}{told}") if part)


class _ChangedError(ValueError):
    """A file does not say what the manifest above it lists."""


def read_evidence(path: Path, refusal: type[Exception], made_by: str = "") -> bytes:
    """What a file says, if it is what the manifest above it lists; where there is none, nothing is compared.

    made_by: the command that makes it, told where it is missing. Raises `refusal` with the path and what is wrong.
    """
    return read_together([path], refusal, made_by)[0]


def read_together(paths: Sequence[Path], refusal: type[Exception], made_by: str = "") -> list[bytes]:
    """As `read_evidence`, for files of one folder that belong together: all as before a change of them, or all as after it."""
    try:
        root = root_above(paths[0])
        try:
            return _compared(paths, root)
        except _ChangedError:
            if root is None:
                raise
        with settled(root):  # somebody may be changing them just now
            return _compared(paths, root)
    except (UnreadableError, ManifestError, _ChangedError) as error:
        if made_by and isinstance(error.__cause__, FileNotFoundError):
            raise refusal(f"{error.__cause__.filename}: is missing; {made_by} makes it") from error
        raise refusal(str(error)) from error


def _compared(paths: Sequence[Path], root: Path | None) -> list[bytes]:
    manifest = read_manifest(root) if root else None
    contents = [read_within(path, EVIDENCE_TEXT if path.suffix == ".yaml" else EVIDENCE_FILE) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        fault = manifest.fault(path, content) if manifest else None
        if fault:
            raise _ChangedError(f"{path}: {fault}")
    return contents


def read_yaml(path: Path, adapter: TypeAdapter[Content], refusal: type[Exception], made_by: str = "") -> Content:
    """What stands in a YAML file; raises `refusal` with the path and, where there is one, the field that is at fault."""
    return parse_yaml(path, read_evidence(path, refusal, made_by), adapter, refusal)


def parse_yaml(path: Path, content: bytes, adapter: TypeAdapter[Content], refusal: type[Exception]) -> Content:
    """As `read_yaml`, of what was read already."""
    try:
        return adapter.validate_python(YAML(typ="safe", pure=True).load(content))
    except ValidationError as error:
        raise refusal(first_fault(path, error)) from error
    except (YAMLError, ValueError) as error:  # a ValueError: text that is not UTF-8, or a date that there is not
        raise refusal(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise refusal(f"{path}: is nested too deeply; expected a few levels") from error


def read_json(path: Path, model: type[Model], refusal: type[Exception], made_by: str = "") -> Model:
    """What stands in a JSON file; raises `refusal` with the path and, where there is one, the field that is at fault."""
    try:
        return model.model_validate_json(read_evidence(path, refusal, made_by))
    except ValidationError as error:
        raise refusal(first_fault(path, error)) from error


def read_table(path: Path, columns: Sequence[str], refusal: type[Exception], made_by: str = "", **options: Any) -> pd.DataFrame:
    """The rows of a .csv or .parquet file that has these columns; raises `refusal` with the path and what is wrong.

    options: of pandas' reader of that kind of file
    """
    return parse_table(path, read_evidence(path, refusal, made_by), columns, refusal, **options)


def parse_table(path: Path, content: bytes, columns: Sequence[str], refusal: type[Exception], **options: Any) -> pd.DataFrame:
    """As `read_table`, of what was read already."""
    read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
    try:
        table: pd.DataFrame = read(BytesIO(content), **options)
    except Exception as error:  # pyarrow's and pandas's errors have no base class in common
        raise refusal(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from error
    lacking = [column for column in columns if column not in table]
    if lacking:
        raise refusal(f"{path}: lacks the column {lacking[0]}")
    return table


def each_readable(read: Callable[[Path], Content], paths: Iterable[Path]) -> tuple[list[Content], list[str]]:
    """What can be read, and a sentence for each file that cannot: a broken file disables itself alone."""
    found: list[Content] = []
    broken: list[str] = []
    for path in paths:
        try:
            found.append(read(path))
        except InputError as error:
            broken.append(str(error))
    return found, broken


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """A place to write what belongs at `path`: a reader sees the old file or the whole new one, whatever happens.

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
    left = re.compile(re.escape(f".{path.name}.") + r"(\d{1,9})-[0-9a-f]{8}\.part")
    for file in path.parent.iterdir():
        if (found := left.fullmatch(file.name)) and not is_running(int(found[1])):
            file.unlink(missing_ok=True)


class Range(NamedTuple):
    """The smallest and the largest that a figure may be. unknown: whether it may be absent."""

    low: float
    high: float
    unknown: bool = False


SHARE = Range(0, 1)
COUNT = Range(0, 1e9)
SECONDS = Range(1e-9, 3600)
CORRELATION = Range(-1, 1, unknown=True)


def check_ranges(path: Path, rows: pd.DataFrame, ranges: Mapping[str, Range], refusal: type[Exception]) -> None:
    """Raise `refusal` that tells of the first figure out of its range: by its line in a CSV, by its row from 0 otherwise."""
    for column, right in ranges.items():
        numbers = pd.to_numeric(rows[column], errors="coerce")
        faulty = ~numbers.between(right.low, right.high) & ~(right.unknown & rows[column].isna())
        if faulty.any():
            place = int(np.flatnonzero(faulty)[0])
            where = f"line {place + 2}" if path.suffix == ".csv" else f"row {place}"
            value = str(rows[column].iloc[place])[:40]
            raise refusal(f"{path}: {where}: {column}: expected a number from {right.low:g} to {right.high:g}, got {value}")
