"""Files with bounds: what a user names is read up to a limit of bytes; what holds secrets is for the owner alone.

What a function reads may be remembered until its file changes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, TypeVar

from simulator.errors import InputError
from simulator.keeper import remembers
from simulator.limits import MIB, Limit

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class UnreadableError(InputError):
    """A file cannot be read, or not whole; `reason` says why, without the path."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def read_within(path: Path, limit: Limit) -> bytes:
    """Return the bytes of a regular file; raises UnreadableError for anything else, and for a file longer than the limit.

    The file's claim about its size is not trusted: no more than the limit is read.
    """
    try:
        content = _first_bytes(path, limit.most + 1)
    except UnreadableError:
        raise
    except OSError as error:
        raise UnreadableError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # a character that no path can hold
        raise UnreadableError(path, f"cannot be read: {error}") from error
    if len(content) > limit.most:
        raise UnreadableError(path, f"is longer than {limit}, the most that is read")
    return content


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, as far as they are not there; raises OSError.

    One after the other: `Path.mkdir` and `os.makedirs` call themselves for each level, and a path may have a thousand.
    """
    for each in [*reversed(folder.parents), folder]:
        if not each.is_dir():
            each.mkdir(exist_ok=True)


def make_private_folder(folder: Path) -> None:
    """Make a folder that its owner alone may enter, or take the rights of others from one that exists; raises OSError."""
    make_folders(folder)
    _take_rights_of_others(folder)


#: Endings of the files that SQLite makes beside a database, with the rights that the database has by then.
_BESIDE = ("", "-journal", "-wal", "-shm")


def make_private_database(path: Path) -> None:
    """Make an empty file that its owner alone may read, or take the rights of others from one that exists.

    SQLite would make the file with the rights that the umask leaves. Where no file can be made, SQLite says so.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for ending in _BESIDE:
        _take_rights_of_others(path.with_name(path.name + ending))


def _take_rights_of_others(path: Path) -> None:
    """Leave the owner's rights alone; a path that is not there, or that another user owns, stays as it is."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)


#: Rights of the group and of all others.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def _first_bytes(path: Path, count: int) -> bytes:
    # Without waiting: opening a pipe without a writer would block.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            kind = next((word for is_kind, word in _KINDS if is_kind(mode)), "no regular file")
            raise UnreadableError(path, f"cannot be read: it is {kind}; expected a file")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return b"".join(_pieces(stream, count))
    finally:
        os.close(handle)


def _pieces(stream: IO[bytes], count: int) -> Iterator[bytes]:
    while count > 0 and (piece := stream.read(min(count, MIB))):
        count -= len(piece)
        yield piece


#: What changes when a file is written again: nanoseconds and bytes; None where there is no file.
Stamp = tuple[int, int] | None


def stamp_of(path: Path) -> Stamp:
    """Return the time and length of a file, which change when it is written again; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


#: A function of a path.
Reader = TypeVar("Reader", bound=Callable[..., Any])


def remembered(*names: str) -> Callable[[Reader], Reader]:
    """Cache what a function reads at a path until the file changes or, of a folder, one of the files `names` in it."""

    def decorate(read: Reader) -> Reader:
        usual = read.__defaults__ or ()  # of a function that may be called without a path

        def key(*paths: Path) -> Hashable:
            [path] = paths or usual
            return path, *map(stamp_of, _files_in(path, names))

        return remembers(512, key)(read)  # type: ignore[return-value]  # it takes and returns the same

    return decorate


@lru_cache(maxsize=1024)
def _files_in(path: Path, names: tuple[str, ...]) -> list[Path]:
    """Return files of a folder; without names, the path itself."""
    return [path / name for name in names] or [path]
