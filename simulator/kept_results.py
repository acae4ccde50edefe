"""Results of runs on disk, a compressed file each, whole or not at all; those that were read longest ago are deleted first.

A file begins with a hash of its content. Unpickling a stranger's file would run the stranger's code, so a folder is used only
while it belongs to this user, and nobody else may write there.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from weakref import ref

import pyarrow as pa

from simulator.evidence.evidence_files import in_one_step
from simulator.files import UnreadableError, make_private_folder, read_within, stamp_of
from simulator.limits import KEPT_RUN, KEPT_RUNS
from simulator.paths import RUNS

#: A file begins with the hash of what follows, and with the length of the result in bytes.
_HASH, _LENGTH = 32, 8


def _closed() -> None:
    return None


@dataclass(frozen=True)
class PackedRun:
    """The result of runs, compressed; length: of the content before that (bytes)."""

    content: bytes = field(repr=False)
    length: int

    @classmethod
    def of(cls, result: object) -> PackedRun:
        plain = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        return cls(pa.compress(plain, "zstd", asbytes=True), len(plain))

    @property
    def nbytes(self) -> int:
        return len(self.content)

    def unpack(self) -> Any:
        """Return the result itself, a new one each time."""
        plain = pa.decompress(self.content, self.length, "zstd", asbytes=True)
        return pickle.loads(plain)  # noqa: S301 only what `of` made comes here

    def open(self) -> Any:
        """Return the result: that of before, as long as a caller holds it."""
        opened: Callable[[], Any] = vars(self).get("opened", _closed)
        result = opened() or self.unpack()
        vars(self)["opened"] = ref(result)
        return result

    def __reduce__(self) -> tuple[type[PackedRun], tuple[bytes, int]]:
        return PackedRun, (self.content, self.length)


class KeptRuns:
    """Results in a folder; without a folder that is this user's alone, nothing is kept and nothing is read.

    damaged: files whose content is not what was written; refusing: folders that did not take a result of this process
    """

    refusing: ClassVar[set[Path]] = set()

    def __init__(self, folder: Path = RUNS) -> None:
        self.folder = folder
        self.damaged: list[Path] = []
        with suppress(OSError):
            make_private_folder(folder)
        self._is_private = _is_private(folder)

    def get(self, name: str) -> PackedRun | None:
        """Return a result; None where there is none, or a damaged one."""
        file = self._file(name)
        if not self._is_private or not file.is_file():
            return None
        try:
            content = read_within(file, KEPT_RUN)
        except UnreadableError:
            content = b""
        if content[:_HASH] != _hash(content[_HASH:]):
            self.damaged.append(file)
            return None
        with suppress(OSError):
            os.utime(file)  # those read longest ago are deleted first
        return PackedRun(content[_HASH + _LENGTH :], int.from_bytes(content[_HASH : _HASH + _LENGTH], "big"))

    def put(self, name: str, run: PackedRun) -> None:
        """Write a result in one step; where the disk takes none, nothing is kept."""
        content = run.length.to_bytes(_LENGTH, "big") + run.content
        if _HASH + len(content) > KEPT_RUN.most:
            return
        try:
            if not self._is_private:
                raise PermissionError
            with in_one_step(self._file(name)) as part:
                part.write_bytes(_hash(content) + content)
        except OSError:
            self.refusing.add(self.folder)

    def forget_beyond(self, most: int = KEPT_RUNS.most) -> None:
        """Delete the results that were read longest ago, as long as all of them together take more than `most` bytes."""
        stamps = {file: stamp for file in self.folder.glob("*/*") if (stamp := stamp_of(file)) is not None}
        beyond = sum(size for _, size in stamps.values()) - most
        for file, (_, size) in sorted(stamps.items(), key=lambda stamped: stamped[1][0]):
            if beyond <= 0:
                return
            with suppress(OSError):
                file.unlink()
            beyond -= size

    def _file(self, name: str) -> Path:
        return self.folder / name[:2] / name


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _is_private(folder: Path) -> bool:
    """Return whether a folder is there and this user's, and nobody else may write there."""
    try:
        found = folder.stat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and not stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH)
