"""The contract of a case: what its parts see of a case, of a plan that is being made, and of a plan that runs.

A layer above fulfils these protocols; no part of a case imports one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.case.any_stage import AnyStage, End, Routing, ScoreRouting
    from simulator.case.choices import Choice
    from simulator.case.document import Document
    from simulator.case.fields import Source
    from simulator.case.outputs import CaseOutline, Metric
    from simulator.case.own_hardware import OwnHardware
    from simulator.case.own_metrics import OwnMetric
    from simulator.case.scenario_parts import (
        Accelerator,
        Costs,
        Lesson,
        Noun,
        Objective,
        Population,
        Question,
        RequestClass,
        RunLength,
    )
    from simulator.evidence.recordings import Recording
    from simulator.evidence.score_tables import ScoreTable


class CaseAttribute(Protocol):
    """An attribute of the requests as other parts of a case see it (`AnyAttribute`)."""

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def of_items(self) -> bool: ...

    @property
    def names_things(self) -> bool: ...

    @property
    def of_model(self) -> bool: ...

    @property
    def is_number(self) -> bool: ...

    @property
    def categories(self) -> list[str]: ...

    def model_dump(self, *, include: set[str]) -> dict[str, Any]: ...

    def cells(self, plan: CasePlan, name: str, bounds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return values that stand for all others, behind the chance of each, shapes (values,) twice."""

    def group_of(self, column: NDArray[Any]) -> NDArray[np.intp]:
        """Return the place of the group of each value, shape of `column`."""


class CaseArrivals(Protocol):
    """The arrivals as other parts of a case see them (`AnyArrivals`)."""

    @property
    def kind(self) -> str: ...

    @property
    def has_rate(self) -> bool: ...

    @property
    def waits_for_answers(self) -> bool: ...

    @property
    def content(self) -> RequestContent: ...


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
    debrief: list[Lesson]
    run: RunLength
    unit: Noun
    population: Population | None
    classes: dict[str, RequestClass]
    accelerators: dict[str, Accelerator]
    hardware: dict[str, OwnHardware]
    costs: Costs | None
    encounters: Any
    vehicle: Any
    incident: Any
    own_metrics: dict[str, OwnMetric]
    objectives: list[Objective]
    predict: list[str]
    defence: list[str]
    hero: str | None

    @property
    def document(self) -> Document: ...

    @property
    def hashed_data(self) -> dict[str, Any]: ...

    @property
    def arrivals(self) -> CaseArrivals: ...

    @property
    def attributes(self) -> Mapping[str, CaseAttribute]: ...

    @property
    def stages(self) -> dict[str, AnyStage]: ...

    @property
    def ends(self) -> Mapping[str, End]: ...

    @property
    def curveballs(self) -> Mapping[str, Any]: ...

    @property
    def choices(self) -> Mapping[str, Choice]: ...

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

    def label_of(self, target: str) -> str: ...

    def value_words(self, by: str) -> dict[str, str]: ...

    def tags(self) -> list[str]: ...

    def scorers(self) -> list[str]: ...

    def scorer_of(self, gate: ScoreRouting) -> str: ...

    def machine_stages(self) -> list[str]: ...

    def routers(self) -> dict[str, Routing]: ...

    def in_branches(self) -> set[str]: ...

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

    def beside(self, name: str) -> Path:
        """Return a file beside the scenario's own, or below it; raises RecordingError for any other."""

    def note_beside(self, file: Path) -> None:
        """Note a file beside the scenario's own that was read."""


class ExpectedArrivals(Protocol):
    """Arrivals of a run; expected: the number of requests, on average."""

    @property
    def expected(self) -> float: ...


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
    def arrivals(self) -> ExpectedArrivals: ...

    @property
    def arrivals_end_s(self) -> float: ...


class CaseRequests(Protocol):
    """Requests of a run before their attributes are drawn: arrival times (s) and labelled items, shape (n,) each."""

    arrived: NDArray[np.float64]
    item: NDArray[np.int32]

    def each(self, draw: Callable[[int], NDArray[Any]]) -> NDArray[Any]:
        """Return one draw for each request, shape (n,); draw: returns n draws, the first of which do not depend on n."""
