"""Runs on disk: what a worker has made for a design is there at once when a visitor picks the design again.

A file holds the result of one call: a replication, or the runs for its doubts. Its name is a hash of all that the result
depends on, the code included; it begins with a hash of its content. Unpickling a stranger's file would run the stranger's code,
so the folder is used only while it belongs to this user, and nobody else may write there.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec

from simulator.app.links import DEFAULT_SEED
from simulator.app.packed_runs import PackedRun, pack
from simulator.case.load import case_origins
from simulator.engine.compiled_plan import Plan
from simulator.evidence.evidence_files import in_one_step
from simulator.files import UnreadableError, make_private_folder, read_within, stamp_of
from simulator.limits import KEPT_RUN, KEPT_RUNS
from simulator.paths import PACKAGE, RUNS

P = ParamSpec("P")

#: A file begins with the hash of what follows, and with the length of the result in bytes.
_HASH, _LENGTH = 32, 8

#: Libraries that change the last digits of a result.
_LIBRARIES = ("numpy", "scipy", "pandas", "simpy")


def is_kept(plan: Plan, seed: int) -> bool:
    """Return whether runs of a design are kept on disk: those of shipped cases under the seed that a page opens with."""
    return seed == DEFAULT_SEED and plan.scenario.id in prepared_cases()


def prepared_cases() -> list[str]:
    return [case for case, (origin, _) in case_origins().items() if origin == "shipped"]


@cache
def code_hash() -> str:
    """Return a hash of the code that makes a result: that of the package, and the versions of its libraries."""
    found = hashlib.sha256("".join(map(version, _LIBRARIES)).encode())
    for file in sorted(PACKAGE.rglob("*.py")):
        found.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def name_of(*parts: object) -> str:
    """Return the name of what depends on these parts and on the code."""
    return hashlib.sha256("\n".join(map(repr, [code_hash(), *parts])).encode()).hexdigest()


def kept(name: str, work: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> PackedRun:
    """Return what is kept under a name; where there is nothing, have `work` make it, and keep it."""
    store = KeptRuns()
    run = store.get(name)
    if run is None:
        run = pack(work, *arguments, **named)
        store.put(name, run)
    return run


class KeptRuns:
    """Results in a folder, a file each; without a folder that is this user's alone, nothing is kept and nothing is read."""

    def __init__(self, folder: Path = RUNS) -> None:
        self._folder = folder
        with suppress(OSError):
            make_private_folder(folder)
        self._is_private = _is_private(folder)

    def get(self, name: str) -> PackedRun | None:
        """Return a result; None where there is none, or a damaged one."""
        file = self._file(name)
        try:
            content = read_within(file, KEPT_RUN) if self._is_private else b""
        except UnreadableError:
            return None
        if content[:_HASH] != _hash(content[_HASH:]):
            return None
        with suppress(OSError):
            os.utime(file)  # those read longest ago are deleted first
        return PackedRun(content[_HASH + _LENGTH :], int.from_bytes(content[_HASH : _HASH + _LENGTH], "big"))

    def put(self, name: str, run: PackedRun) -> None:
        """Write a result in one step; where the disk takes none, nothing is kept."""
        content = run.length.to_bytes(_LENGTH, "big") + run.content
        if not self._is_private or _HASH + len(content) > KEPT_RUN.most:
            return
        with suppress(OSError), in_one_step(self._file(name)) as part:
            part.write_bytes(_hash(content) + content)

    def forget_beyond(self, most: int = KEPT_RUNS.most) -> None:
        """Delete the results that were read longest ago, as long as all of them together take more than `most` bytes."""
        stamps = {file: stamp for file in self._folder.glob("*/*") if (stamp := stamp_of(file)) is not None}
        beyond = sum(size for _, size in stamps.values()) - most
        for file, (_, size) in sorted(stamps.items(), key=lambda stamped: stamped[1][0]):
            if beyond <= 0:
                return
            with suppress(OSError):
                file.unlink()
            beyond -= size

    def _file(self, name: str) -> Path:
        return self._folder / name[:2] / name


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
