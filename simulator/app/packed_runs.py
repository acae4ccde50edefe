"""Results of workers, compressed: a server keeps them so until a page draws from them, in a quarter of the memory."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, ParamSpec, TypeVar, overload
from weakref import ref

import pyarrow as pa

from simulator.explain.result import Result
from simulator.limits import RUNS_OPENED
from simulator.metrics.measures import Measures

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
