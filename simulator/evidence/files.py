"""What reading and writing evidence have in common: a fault told in one line, a file written in one step."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

Content = TypeVar("Content")


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


def read_yaml(path: Path, adapter: TypeAdapter[Content], refusal: type[Exception]) -> Content:
    """What stands in a YAML file; raises `refusal` with the path and, where there is one, the field that is at fault."""
    try:
        return adapter.validate_python(YAML(typ="safe", pure=True).load(path))
    except ValidationError as error:
        raise refusal(first_fault(path, error)) from error
    except OSError as error:
        raise refusal(f"{path}: cannot be read: {error.strerror}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise refusal(f"{path}: is not YAML: {' '.join(str(error).split())}") from error


@contextmanager
def in_one_step(path: Path) -> Iterator[Path]:
    """A place to write what belongs at `path`: a reader sees the old file or the whole new one, whatever happens.

    The folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
