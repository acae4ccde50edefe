"""Results of workers, compressed: a server keeps them so until a page draws from them, in a quarter of the memory. On disk they
are there at once when a visitor picks a design again.

A file holds the result of one call: a replication, or the runs for its doubts. Its name is a hash of all that the result
depends on, the code included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from threading import RLock
from typing import Any, ParamSpec, TypeVar, overload

from cachetools import LRUCache, cached

from simulator.app.links import DEFAULT_SEED
from simulator.case.load import case_origins
from simulator.engine.compiled_plan import Plan
from simulator.explain.result import Result
from simulator.kept_results import KeptRuns, PackedRun
from simulator.limits import RUNS_OPENED
from simulator.metrics.measures import Measures
from simulator.paths import PACKAGE

P = ParamSpec("P")
T = TypeVar("T")


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


#: The runs that are open, by their size.
OPENED: LRUCache[Any, tuple[list[Measures], int]] = LRUCache(RUNS_OPENED.most, lambda opened: opened[1])


class PackedRuns(Sequence[Measures]):
    """The measures of a run's replications, in order: opened on first use, and again once other runs have taken their place.

    edge: at this edge of the projections
    """

    def __init__(self, runs: Sequence[AnyRun], edge: int | None = None) -> None:
        self._runs, self._edge = list(runs), edge

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
        return _opened(self)[0]


@cached(OPENED, lock=RLock())
def _opened(runs: PackedRuns) -> tuple[list[Measures], int]:
    """Return the measures of runs, and their size in bytes, at most that of all open ones: so one of them always has room."""
    measures = [run.open() for run in runs._runs]
    if runs._edge is not None:
        measures = [measure.band_edges[runs._edge] for measure in measures]
    return measures, min(sum(run.length for run in runs._runs), int(OPENED.maxsize))


def at_rest(result: Result, runs: Sequence[AnyRun]) -> Result:
    """Return a result that holds its measures packed, those at the edges of its projections included."""
    edges = {
        name: replace(edge, measures=PackedRuns(runs, place)) for place, (name, edge) in enumerate(result.at_edges.items())
    }
    return replace(result, at_edges=edges)


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
