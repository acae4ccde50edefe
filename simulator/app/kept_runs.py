"""Results of workers, compressed: a server keeps them so until a page draws from them, in a quarter of the memory. On disk they
are there at once when a visitor picks a design again.

A file holds the result of one call: a replication, or the runs for its doubts. Its name is a hash of all that the result
depends on, the code included; it begins with a hash of its content. Unpickling a stranger's file would run the stranger's code,
so the folder is used only while it belongs to this user, and nobody else may write there.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, ParamSpec, TypeVar, overload
from weakref import ref

import pyarrow as pa

from simulator.app.links import DEFAULT_SEED
from simulator.case.load import case_origins
from simulator.engine.compiled_plan import Plan
from simulator.evidence.evidence_files import in_one_step
from simulator.explain.result import Result
from simulator.files import UnreadableError, make_private_folder, read_within, stamp_of
from simulator.limits import KEPT_RUN, KEPT_RUNS, RUNS_OPENED
from simulator.metrics.measures import Measures
from simulator.paths import PACKAGE, RUNS

P = ParamSpec("P")
T = TypeVar("T")


def _closed() -> None:
    return None


@dataclass(frozen=True)
class PackedRun:
    """The measures of one replication, compressed; length: of the content before that (bytes)."""

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

    def open(self) -> Measures:
        """Return the measures: those of before, as long as a caller holds them."""
        opened: Callable[[], Measures | None] = vars(self).get("opened", _closed)
        measures = opened() or self.unpack()
        vars(self)["opened"] = ref(measures)
        return measures

    def __reduce__(self) -> tuple[type[PackedRun], tuple[bytes, int]]:
        return PackedRun, (self.content, self.length)


@dataclass(frozen=True)
class DoubtedRun:
    """A replication and the runs for its doubts, which came after it."""

    alone: PackedRun
    doubts: PackedRun

    @property
    def nbytes(self) -> int:
        return self.alone.nbytes + self.doubts.nbytes

    @property
    def length(self) -> int:
        return self.alone.length + self.doubts.length

    def open(self) -> Measures:
        return self.doubts.unpack().added_to(self.alone.open())  # type: ignore[no-any-return]


AnyRun = PackedRun | DoubtedRun


def pack(work: Callable[P, object], *arguments: P.args, **named: P.kwargs) -> PackedRun:
    """Return what `work` makes, compressed; a worker calls it."""
    return PackedRun.of(work(*arguments, **named))


class PackedRuns(Sequence[Measures]):
    """The measures of a run's replications, in order: opened on first use, and again once other runs have taken their place.

    edge: at this edge of the projections
    """

    def __init__(self, runs: Sequence[AnyRun], edge: int | None = None) -> None:
        self._runs, self._edge = list(runs), edge
        self._opened: list[Measures] | None = None

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, place: int) -> Measures: ...
    @overload
    def __getitem__(self, place: slice) -> list[Measures]: ...
    def __getitem__(self, place: int | slice) -> Measures | list[Measures]:
        return self.opened()[place]

    def opened(self) -> list[Measures]:
        """Return all measures; the runs that were opened last stay open, in so many bytes, and one at least."""
        measures = self._opened
        if measures is None:
            measures = [run.open() for run in self._runs]
            if self._edge is not None:
                measures = [measure.band_edges[self._edge] for measure in measures]
        with _LOCK:
            self._opened = measures
            _OPENED.pop(self, None)
            _OPENED[self] = sum(run.length for run in self._runs)
            for oldest in list(_OPENED)[:-1]:
                if sum(_OPENED.values()) <= RUNS_OPENED.most:
                    break
                oldest._opened = None
                del _OPENED[oldest]
        return measures


#: The runs that are open, with their size in bytes; the one that was used last at the end.
_OPENED: dict[PackedRuns, int] = {}
_LOCK = Lock()


def at_rest(result: Result, runs: Sequence[AnyRun]) -> Result:
    """Return a result that holds its measures packed, those at the edges of its projections included."""
    edges = {
        name: replace(edge, measures=PackedRuns(runs, place)) for place, (name, edge) in enumerate(result.at_edges.items())
    }
    return replace(result, at_edges=edges)


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
