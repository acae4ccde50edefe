"""Models distinguished by their field `kind`, in a registry open to more of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Optional, TypeVar, Union, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from simulator.case.document import Path
from simulator.case.fields import CostFigure, Figure, Line, ShareFigure, Strict, bounded

if TYPE_CHECKING:
    from simulator.case.outputs import Metric
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer
    from simulator.explain.lever_scores import ObjectiveCause
    from simulator.metrics.measures import Total
    from simulator.metrics.summary import Summary, Verdict
    from simulator.records.trace import Trace


def kind_of(model: type[BaseModel]) -> str:
    """The word that a file writes as the `kind` of a model."""
    word: str = get_args(model.model_fields["kind"].annotation)[0]
    return word


Kind = TypeVar("Kind", bound=BaseModel)


def registry(*models: type[Kind]) -> dict[str, type[Kind]]:
    """These models by kind."""
    return {kind_of(model): model for model in models}


@dataclass(frozen=True)
class OneOf:
    """In an annotation: one of the models of a registry, as it is when the model that holds the field is built or rebuilt.

    provider: the package whose import fills the registry; empty where the registry stands beside its models
    """

    kinds: Mapping[str, type[BaseModel]]
    provider: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of their union, discriminated by `kind`."""
        if self.provider:
            import_module(self.provider)
        return handler.generate_schema(Annotated[Union[tuple(self.kinds.values())], Field(discriminator="kind")])  # noqa: UP007


def add_kind(kinds: dict[str, type[Kind]], model: type[Kind]) -> None:
    """Add a kind that scenarios may name to its registry; raises ValueError if another model has the name."""
    if kinds.get(kind_of(model), model) is not model:
        raise ValueError(f"there already is a kind '{kind_of(model)}'")
    kinds[kind_of(model)] = model
    _rebuild()


def remove_kind(kinds: dict[str, type[Kind]], model: type[Kind]) -> None:
    """Forget a kind that was added."""
    del kinds[kind_of(model)]
    _rebuild()


def _rebuild() -> None:
    """Build the schema of a case anew, with the kinds that there are now."""
    from simulator.case.schema import Scenario

    Scenario.model_rebuild(force=True)


RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


#: Every kind of arrivals that a scenario may name, by that name; the package `simulator.arrivals` fills it.
ARRIVAL_KINDS: dict[str, type[AnyArrivals]] = {}


class AnyArrivals(Strict):
    """How requests arrive.

    A kind declares the following for the rest of the program. Each default is that of a pile of work present at the start.
    """

    #: Whether requests arrive at a rate that does not depend on earlier ones: a surge multiplies it, and it may exceed
    #: capacity.
    has_rate: ClassVar[bool] = False
    #: Whether clients wait for their answers before they send again, so that arrival times depend on the design.
    waits_for_answers: ClassVar[bool] = False
    #: Whether the rate is the same at all times of the day, so that a run may reach a steady state.
    reaches_steady_state: ClassVar[bool] = True
    #: Whether a run is judged as MLPerf judges it.
    is_mlperf: ClassVar[bool] = False
    #: What an author may do about too many requests, besides fewer `run.days`.
    to_lessen: ClassVar[str] = "lower the rate"

    kind: str

    @property
    def per_query(self) -> int:
        """Requests that are sent together, and answered when all of them are."""
        return 1

    @property
    def most_at_once(self) -> int | None:
        """How many requests there can be at a time, if clients wait for their answers; None for no limit."""
        return None

    @property
    def latency_quoted(self) -> tuple[float, float | None] | None:
        """The percentile at which MLPerf quotes the latency, and its bound in seconds; None if it quotes none."""
        return None

    @property
    def replayed_file(self) -> str | None:
        """The file beside the scenario's own of which each request is a row; None where there is none."""
        return None

    @property
    def frames_per_s(self) -> Mapping[str, float]:
        """The sensors whose frames are the requests, with frames a second of each; empty if they are not frames."""
        return {}

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Its faults that no single field shows: (place within it, what is wrong)."""
        yield from ()


class Spike(Strict):
    """A surge: requests arrive `times` as fast as otherwise; overlapping spikes multiply."""

    at_s: Annotated[float, Field(ge=0, le=1e8, description="seconds from the start of the run")]
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    times: Annotated[float, Field(ge=0, le=1000, description="how many times as fast; 0: none arrive")]


class Open(AnyArrivals):
    """Requests that arrive independently of earlier ones."""

    has_rate: ClassVar[bool] = True

    spikes: Annotated[list[Spike], Field(max_length=64)] = []

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """A spike that no request would meet is a mistake in its time."""
        end = 86_400 * scenario.run.days
        for index, spike in enumerate(self.spikes):
            if spike.at_s >= end:
                message = f"begins at {spike.at_s:,g} s, after the last request; it should begin before {end:,g} s (run.days)"
                yield ("spikes", index, "at_s"), message


#: The place of each section's model, by the section's name in a case.
PLACES = {
    "encounters": ("simulator.vehicle.encounter_section", "Encounters"),
    "vehicle": ("simulator.vehicle.encounter_section", "Vehicle"),
    "incident": ("simulator.incident.section", "Incident"),
}


class Provided:
    """In an annotation: the model of a section, or None where a case lacks it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the section's model, or of None."""
        return handler.generate_schema(Optional[section_model(self.name)])  # noqa: UP045


class Section(Strict):
    """A section that a feature brings. Each default is that of a section without metrics and without evidence."""

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Yield faults that no single field shows: a place within the section, and a sentence."""
        raise NotImplementedError

    @classmethod
    def metrics_of(cls, data: Any) -> Iterator[Metric]:
        """Yield the metrics that the section adds to a run.

        data: the section, or the plain data of one that may have faults
        """
        yield from ()

    def gather(self, gather: Gatherer) -> None:
        """Look up the evidence that the section refers to, and note what is missing as faults."""

    def totals(self, trace: Trace) -> dict[str, Total]:
        """Return the section's metrics of one replication, by name."""
        return {}

    def objective_causes(self) -> Mapping[str, Callable[[Summary, Verdict], ObjectiveCause | None]]:
        """Return the functions that explain objectives on the section's metrics, by the first part of the metric's name."""
        return {}


def section_model(name: str) -> type[Section]:
    """Return the model of a section; its module is imported when a case is first read."""
    module, model = PLACES[name]
    return getattr(import_module(module), model)  # type: ignore[no-any-return]


Target = Annotated[str, Field(description="the name of a stage or of an end", max_length=60)]

#: Part of the name of an evidence file; it cannot lead out of its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]

#: Every kind of stage that a scenario may name, by that name; the package `simulator.stages` fills it.
STAGE_KINDS: dict[str, type[AnyStage]] = {}


def stage_kinds() -> Mapping[str, type[AnyStage]]:
    """Return STAGE_KINDS once it is filled."""
    import_module("simulator.stages")
    return STAGE_KINDS


#: What a gate may use besides an attribute of the requests.
SCORE, QUALITY, RANDOM, SENSOR, FRAME = "score", "quality", "random", "sensor", "frame"
#: All of these.
OWN = (SCORE, QUALITY, RANDOM, SENSOR, FRAME)

#: A fault of a stage: its place within the stage, and what is wrong there.
Faults = Iterator[tuple[Path, str]]


class AnyStage(Strict):
    """What all kinds of stages have in common.

    A field called `to`, or `..._to`, names the stage or end where requests go as planned; one called `on_...` names a
    fallback. Such a field holds a name, or a list of names, and it may stand in the models of a list, as in a gate's routes.
    A field `tag` in the models of a list is a tag that the stage gives to requests.

    A kind declares the following. Each default is that of a step that takes no time and knows nothing about requests; a kind
    overrides what differs.
    """

    #: The name of one of its servers, such as "replica"; empty if it has none. A stage with servers has a queue, a load, a
    #: utilization, and waits.
    server: ClassVar[str] = ""
    #: The name of all its servers together, in sentences about their capacity.
    servers: ClassVar[str] = "its servers"
    #: Whether its servers come and go with the hours of the day, so that work waits for them and only its total counts.
    keeps_hours: ClassVar[bool] = False
    #: What a request waits for here other than requests ahead of it; empty if nothing.
    held_for: ClassVar[str] = ""
    #: The part of the cost that includes its cost; empty if it costs nothing.
    cost_part: ClassVar[str] = ""
    #: Whether a request is served, kept waiting or counted here before it goes on as planned or its time is up. A ring of
    #: stages needs one that does, or requests would go round for ever.
    keeps: ClassVar[bool] = False
    #: Whether it resends requests that were turned away: only fallbacks may lead here.
    sends_again: ClassVar[bool] = False
    #: Whether it counts how often a request comes, and lets it go another way after so many times.
    counts: ClassVar[bool] = False
    #: Whether it sends each request to all its targets at once, which meet again at a stage that `joins` them.
    splits: ClassVar[bool] = False
    joins: ClassVar[bool] = False
    #: Whether it may stand between such a fork and its join.
    in_branches: ClassVar[bool] = True

    kind: str
    label: Line
    note: Line | None = None

    def targets(self) -> dict[Path, str]:
        """Every place in this stage that names a target, with the name."""
        return dict(targets_in(self))

    def planned_targets(self) -> dict[Path, str]:
        """The targets of requests that are not turned away."""
        return {path: target for path, target in self.targets().items() if not is_fallback(path)}

    def fallbacks(self) -> dict[Path, str]:
        """The targets of requests that are turned away."""
        return {path: target for path, target in self.targets().items() if is_fallback(path)}

    def arrows(self) -> Iterator[tuple[str, str]]:
        """The planned routes that a request may take: the label of each, and the target."""
        return (("", target) for target in self.planned_targets().values())

    @property
    def sends_alike(self) -> bool:
        """Whether a request that comes again goes on as it went before: there is one way, or it was drawn before the run."""
        return len(set(self.planned_targets().values())) == 1

    def unserved(self) -> set[str]:
        """Where a request may go that was neither served, kept waiting nor counted here."""
        served = {*self.planned_targets(), ("on_timeout",)} if self.keeps else set()
        return {target for path, target in self.targets().items() if path not in served}

    def tags(self) -> list[str]:
        """The tags that it gives to requests, in the order of the file."""
        return list(tags_in(self))

    @property
    def gives_scores(self) -> bool:
        """Whether it gives each request a score, which gates and queues may use."""
        return False

    @property
    def marks(self) -> bool:
        """Whether it writes on a request what others read."""
        return self.gives_scores or bool(self.tags())

    @property
    def shared_by_branches(self) -> bool:
        """Whether several branches of a fork may pass through it: one visit of a request does not affect another."""
        return False

    @property
    def by_quality(self) -> bool:
        """Whether it goes by what a quality check makes of the photos that a request shows."""
        return False

    @property
    def by_score(self) -> bool:
        """Whether its routes go by scores, with thresholds that labelled items may set; it has the fields of a gate then."""
        return False

    @property
    def by_source(self) -> bool:
        """Whether its routes go by the sensor of a frame or by its number; it has the fields of a gate then."""
        return False

    @property
    def asks(self) -> str | None:
        """The attribute of the requests that its routes go by; None where they go by none. It has the fields of a gate then."""
        return None

    @property
    def gives_answers(self) -> bool:
        """Whether a request that arrives here has its answer then."""
        return False

    @property
    def waits(self) -> bool:
        """Whether the time that a request spends here depends on other requests, or on its own other inputs."""
        return bool(self.server or self.held_for)

    @property
    def is_bounded(self) -> bool:
        """Whether its queue has a limit that keeps an overload short, or requests wait in it for a limited time."""
        return False

    @property
    def batching_delay_s(self) -> float:
        """The batching delay: how long a request may wait for its batch to fill although a server is free."""
        return 0.0

    @property
    def queue_a_server(self) -> bool:
        """Whether each server has a queue of its own."""
        return False

    @property
    def steady_servers(self) -> int | None:
        """How many servers it has throughout, failures aside; None if that changes, or if it needs none."""
        return None

    @property
    def photos(self) -> int:
        """The total number of photos one requester may send because of it."""
        return 1

    def tries(self, rate: float) -> float:
        """The most times one request may be sent because of it, at `rate` fresh ones a second."""
        return 1.0

    def served_again(self) -> tuple[float, str | None]:
        """The share of its requests that it serves twice, and the tag they must have; None for any."""
        return 0.0, None

    @property
    def exhibits(self) -> tuple[str, ...]:
        """The exhibits, by name, that this stage makes possible."""
        offers = {
            "overload": self.sends_again,
            "batches": bool(self.server) and not self.keeps_hours,
            "shifts": self.keeps_hours,
            "threshold": self.by_score,
            "transfer": self.by_score,
        }
        return tuple(name for name, offered in offers.items() if offered)

    @classmethod
    def check_names(cls, stage: dict[str, Any], data: dict[str, Any]) -> Faults:
        """Names of its own that refer to nothing: the stage and the whole file as plain data, whatever else is wrong there."""
        yield from ()

    def check(self, name: str, scenario: Scenario) -> Faults:
        """Its faults that no single field shows. Its own names refer to something, and every field is right by itself."""
        yield from ()

    @classmethod
    def metrics(cls, name: str, label: str, tags: list[str]) -> Iterator[Metric]:
        """Yield the metrics that this kind counts itself, beside those of its servers; tags: all that gates give."""
        yield from ()


@lru_cache(maxsize=1024)
def is_target(field: Any) -> bool:
    """Whether a field of a stage names targets."""
    return isinstance(field, str) and (field == "to" or field.endswith("_to") or field.startswith("on_"))


def is_fallback(path: Path) -> bool:
    """Whether a place that names a target is for requests turned away."""
    return any(isinstance(part, str) and part.startswith("on_") for part in path)


def targets_in(stage: Any) -> Iterator[tuple[Path, str]]:
    """Every place in a stage that names a target, with the name; a model, or the plain data of one."""
    for field, value in _fields(stage):
        if isinstance(value, str):
            if is_target(field):
                yield (field,), value
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                if not isinstance(entry, str):
                    yield from (((field, index, *path), target) for path, target in targets_in(entry))
                elif is_target(field):
                    yield (field, index), entry


def tags_in(stage: Any) -> dict[str, None]:
    """The tags that a stage gives to requests, in order; a model, or the plain data of one."""
    entries = [entry for _, value in _fields(stage) if isinstance(value, list) for entry in value]
    tags = [value for entry in entries for field, value in _fields(entry) if field == "tag" and isinstance(value, str)]
    return dict.fromkeys(tag for tag in tags if tag)


def _fields(model: Any) -> list[tuple[Any, Any]]:
    if isinstance(model, BaseModel):
        return [(name, getattr(model, name)) for name in type(model).model_fields]
    return list(model.items()) if isinstance(model, dict) else []


def check_order(order: str, scenario: Scenario) -> Faults:
    """What an order of a queue requires of the classes of requests."""
    if order == "priority" and not scenario.classes:
        yield ("order",), "an order by priority needs a `classes` section that states the priorities"
    if order == "deadline" and not scenario.has_deadlines:
        yield ("order",), "an order by deadline needs a class with `deadline_s` in `classes`"


class End(Strict):
    """Where a request's path ends, and what that means for the person behind it."""

    label: Line
    note: Line | None = None
    escalated: Annotated[bool, Field(description="whether the request was passed on to people")]
    detected: Annotated[ShareFigure, Field(description="share of positives here that are found in time")]
    usd: CostFigure
    age: Annotated[
        bool,
        Field(description="whether to report the age of the newest information here, such as frames"),
    ] = False
