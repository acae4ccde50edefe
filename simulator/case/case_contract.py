"""The contract of a case: what its parts see of a case, of a plan that is being made, and of a plan that runs.

A layer above fulfils these protocols; no part of a case imports one. The bases of all kinds of arrivals and attributes follow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from simulator.arrays import Column, Floats
from simulator.case.document import Path
from simulator.case.fields import Figure, Line, Strict, bounded
from simulator.case.references import Ref
from simulator.phrases import phrase

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from simulator.case.any_stage import AnyStage, End, Routing, ScoreRouting
    from simulator.case.choices import Choice
    from simulator.case.document import Document
    from simulator.case.fields import Source
    from simulator.case.outputs import CaseOutline, Metric
    from simulator.case.scenario_parts import (
        Costs,
        Noun,
        Objective,
        OwnMetric,
        Population,
        Question,
        RequestClass,
        RunLength,
    )
    from simulator.evidence.row_files import Recording
    from simulator.evidence.score_tables import ScoreTable
    from simulator.records.streams import Streams


class Recorded(Protocol):
    """Requests that a file beside the scenario's own records, a row each."""

    @property
    def file(self) -> str: ...

    def gather(self, gather: CaseGatherer) -> None:
        """Read the file for a plan; raises RecordingError if it cannot be used."""


class RequestContent(NamedTuple):
    """Content of the requests besides their times: frames of sensors, or rows of a file.

    frames_per_s: frames a second of each sensor; empty if requests are no frames
    recorded: the file; None if there is none
    """

    frames_per_s: Mapping[str, float] = {}
    recorded: Recorded | None = None

    @property
    def file(self) -> str:
        return self.recorded.file if self.recorded is not None else ""


class CaseNetwork(Protocol):
    """The routes from stage to stage as other parts of a case see them (`Network`)."""

    def reached(self, start: str, stop: str | None = None) -> frozenset[str]:
        """Return every stage and end on the routes from `start` on, itself included, up to but without `stop`."""

    def ring_of(self, name: str) -> set[str]:
        """Return the stages on the ways from a stage back to it, itself included."""

    def inputs_of(self, join: str) -> int:
        """Return the number of branches that meet at a join."""

    def times_shared(self, name: str) -> int:
        """Return the number of branches of one fork that share a stage."""


class AnyCase(Protocol):
    """A case as its parts see it (`Scenario`)."""

    id: str
    minutes: int
    questions: list[Question]
    run: RunLength
    unit: Noun
    population: Population | None
    classes: dict[str, RequestClass]
    costs: Costs | None
    encounters: Any
    vehicle: Any
    incident: Any
    own_metrics: dict[str, OwnMetric]
    arrivals: AnyArrivals
    attributes: dict[str, AnyAttribute]
    stages: dict[str, AnyStage]
    ends: dict[str, End]
    curveballs: dict[str, Any]
    choices: dict[str, Choice]
    objectives: list[Objective]
    predict: list[str]
    defence: list[str]
    hero: str | None

    @property
    def document(self) -> Document: ...

    @property
    def hashed_data(self) -> dict[str, Any]: ...

    @property
    def sections(self) -> Mapping[str, Any]: ...

    @property
    def network(self) -> CaseNetwork: ...

    @property
    def outline(self) -> CaseOutline: ...

    @property
    def metrics(self) -> Mapping[str, Metric]: ...

    @property
    def has_deadlines(self) -> bool: ...

    @property
    def sensors(self) -> list[str]: ...

    @property
    def ages(self) -> dict[str, list[str]]: ...

    def model_copy(self, *, update: dict[str, Any]) -> Self: ...

    def scorers(self) -> list[str]: ...

    def scorer_of(self, gate: ScoreRouting) -> str: ...

    def machine_stages(self) -> list[str]: ...

    def routers(self) -> dict[str, Routing]: ...

    def shown(self) -> list[str]: ...


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
    def scenario(self) -> AnyCase: ...

    def fault(self, path: tuple[str | int, ...], message: str) -> None:
        """Note a fault of the evidence of a stage; path: its place within `stages`."""

    def missing(self, path: tuple[str | int, ...], message: str) -> None:
        """Note that evidence which a place of the case refers to is missing, or cannot be used."""

    def beside(self, name: str) -> FilePath:
        """Return a file beside the scenario's own, or below it; raises RecordingError for any other."""

    def note_beside(self, file: FilePath) -> None:
        """Note a file beside the scenario's own that was read."""


class CasePlan(Protocol):
    """A plan as the attributes of its requests see it; answers: what follows from the plan alone."""

    @property
    def answers(self) -> dict[Hashable, Any]: ...

    @property
    def scenario(self) -> AnyCase: ...

    @property
    def tables(self) -> Mapping[str, ScoreTable]: ...

    @property
    def recorded(self) -> Mapping[str, NDArray[Any]]: ...

    @property
    def arrivals(self) -> Any: ...

    @property
    def arrivals_end_s(self) -> float: ...


class CaseRequests(Protocol):
    """Requests of a run before their attributes are drawn: arrival times (s) and labelled items, shape (n,) each."""

    arrived: NDArray[np.float64]
    item: NDArray[np.int32]

    def each(self, draw: Callable[[int], NDArray[Any]]) -> NDArray[Any]:
        """Return one draw for each request, shape (n,); draw: returns n draws, the first of which do not depend on n."""


# ---- what all kinds of arrivals, and of attributes, share


RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


#: Every kind of arrivals that a scenario may name, by that name; the package `simulator.engine.arrivals` fills it.
ARRIVAL_KINDS: dict[str, type[AnyArrivals]] = {}


class MlperfRules(NamedTuple):
    """Rules by which MLPerf judges a run.

    per_query: requests that are sent together, and answered when all of them are
    percentile: the percentile of the latency that is quoted, as a share; None if none is
    bound_s: the bound on that percentile; None if there is none
    """

    per_query: int = 1
    percentile: float | None = None
    bound_s: float | None = None


class AnyArrivals(Strict):
    """Base of all kinds of arrivals.

    A kind declares the following for the rest of the program. Each default is that of a pile of work present at the start.
    """

    #: Whether requests arrive at a rate that does not depend on earlier ones: a surge multiplies it, and it may exceed
    #: capacity.
    has_rate: ClassVar[bool] = False
    #: Whether clients wait for their answers before they send again, so that arrival times depend on the design.
    waits_for_answers: ClassVar[bool] = False
    #: Whether the rate is the same at all times of the day, so that a run may reach a steady state.
    reaches_steady_state: ClassVar[bool] = True
    #: Advice to an author of too many requests, besides fewer `run.days`.
    to_lessen: ClassVar[str] = "lower the rate"

    kind: str

    @property
    def most_at_once(self) -> int | None:
        """The most requests at a time, if clients wait for their answers; None for no limit."""
        return None

    @property
    def mlperf(self) -> MlperfRules | None:
        return None

    @property
    def content(self) -> RequestContent:
        return RequestContent()

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from ()


class Spike(Strict):
    """A surge: requests arrive `times` as fast as otherwise; overlapping spikes multiply."""

    at_s: Annotated[float, Field(ge=0, le=1e8)]
    """seconds from the start of the run"""
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    """how long it lasts"""
    times: Annotated[float, Field(ge=0, le=1000)]
    """how many times as fast; 0: none arrive"""


class Open(AnyArrivals):
    """Requests that arrive independently of earlier ones."""

    has_rate: ClassVar[bool] = True

    spikes: Annotated[list[Spike], Field(max_length=64)] = []
    """surges"""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        end = 86_400 * scenario.run.days
        for index, spike in enumerate(self.spikes):
            if spike.at_s >= end:
                yield ("spikes", index, "at_s"), phrase("arrivals.late_spike", at=f"{spike.at_s:,g}", end=f"{end:,g}")


class AnyAttribute(Strict):
    """Fields and behaviour that all kinds of attributes share.

    A kind that divides requests into groups has a field `shares` or `values` with one value per group, or `edges` of a number.
    """

    #: Whether the labelled item that stands for a request decides it; theory then follows it item by item.
    of_items: ClassVar[bool] = False
    #: Whether equal values mean the same thing, so that a cache can hold it, and `cells` gives each value with its chance.
    names_things: ClassVar[bool] = False

    kind: str
    label: Line
    """its name on the page"""
    metrics: Annotated[list[Annotated[str, Ref("group_metric")]], Field(max_length=64)] = []
    """reported for each group of requests as well"""

    @property
    def categories(self) -> list[str]:
        return [*getattr(self, "shares", {}), *getattr(self, "values", {})]

    @property
    def is_number(self) -> bool:
        return not self.categories

    @property
    def of_model(self) -> bool:
        """Whether it is an answer of a model, so that another model gives another."""
        return False

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from ()

    def gather(self, gather: CaseGatherer, name: str) -> None:
        """Look up the evidence that it refers to, and note what is missing as faults; score tables are known by now."""

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        """Return the values of all requests, shape (n,); their arrival times and labelled items are known by now."""
        raise NotImplementedError

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """Return values that stand for all others, behind the chance of each, shapes (values,) twice.

        bounds: the values at which stages divide numbers, ascending, shape (k,)
        """
        raise NotImplementedError

    def named(self, column: Column) -> Any:
        values = self.categories
        return pd.Categorical.from_codes(column, dtype=pd.CategoricalDtype(values)) if values else column

    def group_of(self, column: Column) -> NDArray[np.intp]:
        return column.astype(np.intp)
