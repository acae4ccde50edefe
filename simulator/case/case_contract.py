"""The contract of a case: what its parts see of a case, of a plan that is being made, and of a plan that runs.

A layer above fulfils these protocols; no part of a case imports one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.case.fields import Source
    from simulator.case.schema import Scenario
    from simulator.evidence.recordings import Recording
    from simulator.evidence.score_tables import ScoreTable


class CaseGatherer(Protocol):
    """The evidence of a plan that is being made: a part of the case notes its own, with a `Source` for each.

    tables, recorded: by pool, and by attribute, as a plan has them
    """

    sources: list[Source]
    warnings: list[str]
    tables: dict[str, ScoreTable]
    recording: Recording | None
    recorded: dict[str, NDArray[Any]]

    @property
    def scenario(self) -> Scenario: ...

    def fault(self, path: tuple[str | int, ...], message: str) -> None:
        """Note a fault of the evidence of a stage; path: its place within `stages`."""

    def missing(self, path: tuple[str | int, ...], message: str) -> None:
        """Note that evidence which a place of the case refers to is missing, or cannot be used."""

    def beside(self, name: str) -> Path:
        """Return a file beside the scenario's own, or below it; raises RecordingError for any other."""

    def note_beside(self, file: Path) -> None:
        """Note a file beside the scenario's own that was read."""


class ExpectedArrivals(Protocol):
    """Arrivals of a run; expected: the number of requests, on average."""

    @property
    def expected(self) -> float: ...


class CasePlan(Protocol):
    """A plan as the attributes of its requests see it."""

    @property
    def scenario(self) -> Scenario: ...

    @property
    def tables(self) -> Mapping[str, ScoreTable]: ...

    @property
    def recorded(self) -> Mapping[str, NDArray[Any]]: ...

    @property
    def arrivals(self) -> ExpectedArrivals: ...

    @property
    def arrivals_end_s(self) -> float: ...


class CaseRequests(Protocol):
    """Requests of a run before their attributes are drawn: arrival times (s) and labelled items, shape (n,) each."""

    arrived: NDArray[np.float64]
    item: NDArray[np.int32]

    def each(self, draw: Callable[[int], NDArray[Any]]) -> NDArray[Any]:
        """Return one draw for each request, shape (n,); draw: returns n draws, the first of which do not depend on n."""
