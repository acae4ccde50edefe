"""Models distinguished by their field `kind`, in a registry open to more of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Optional,
    Protocol,
    TypeVar,
    Union,
    final,
    get_args,
)

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from simulator.case.document import Path
from simulator.case.fields import CostFigure, Figure, Line, ShareFigure, Strict, bounded
from simulator.case.model_memo import ModelMemo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.case.outputs import CaseOutline, Metric
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer, Plan
    from simulator.explain.lever_scores import ObjectiveCause
    from simulator.metrics.summary import Summary, Verdict
    from simulator.metrics.totals import Total
    from simulator.records.trace import Trace


def kind_of(model: type[BaseModel]) -> str:
    word: str = get_args(model.model_fields["kind"].annotation)[0]
    return word


Kind = TypeVar("Kind", bound=BaseModel)


def registry(*models: type[Kind]) -> dict[str, type[Kind]]:
    return {kind_of(model): model for model in models}


@dataclass(frozen=True)
class OneOf:
    """In an annotation: one of the models of a registry, as it is when the model that holds the field is built or rebuilt.

    provider: the package whose import fills the registry; empty where the registry stands beside its models
    """

    kinds: Mapping[str, type[BaseModel]]
    provider: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
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
    del kinds[kind_of(model)]
    _rebuild()


def _rebuild() -> None:
    from simulator.case.schema import Scenario

    Scenario.model_rebuild(force=True)


RateFigure = Annotated[Figure, bounded(1e-6, 1e6)]


#: Every kind of arrivals that a scenario may name, by that name; the package `simulator.arrivals` fills it.
ARRIVAL_KINDS: dict[str, type[AnyArrivals]] = {}


class Recorded(Protocol):
    """Requests that a file beside the scenario's own records, a row each."""

    @property
    def file(self) -> str: ...

    def gather(self, gather: Gatherer) -> None:
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

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        yield from ()


class Spike(Strict):
    """A surge: requests arrive `times` as fast as otherwise; overlapping spikes multiply.

    seconds: how long it lasts
    """

    at_s: Annotated[float, Field(ge=0, le=1e8, description="seconds from the start of the run")]
    seconds: Annotated[float, Field(gt=0, le=1e8)]
    times: Annotated[float, Field(ge=0, le=1000, description="how many times as fast; 0: none arrive")]


class Open(AnyArrivals):
    """Requests that arrive independently of earlier ones.

    spikes: surges
    """

    has_rate: ClassVar[bool] = True

    spikes: Annotated[list[Spike], Field(max_length=64)] = []

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
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
        return {}

    def objective_causes(self) -> Mapping[str, Callable[[Summary, Verdict], ObjectiveCause | None]]:
        return {}


def section_model(name: str) -> type[Section]:
    module, model = PLACES[name]
    return getattr(import_module(module), model)  # type: ignore[no-any-return]


Target = Annotated[str, Field(description="the name of a stage or of an end", max_length=60)]

#: Part of the name of an evidence file; it cannot lead out of its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]

#: Every kind of stage that a scenario may name, by that name; the package `simulator.stages` fills it.
STAGE_KINDS: dict[str, type[AnyStage]] = {}


def stage_kinds() -> Mapping[str, type[AnyStage]]:
    import_module("simulator.stages")
    return STAGE_KINDS


#: What a gate may use besides an attribute of the requests.
SCORE, QUALITY, OOD, RANDOM, SENSOR, FRAME = "score", "quality", "ood", "random", "sensor", "frame"
#: All of these.
OWN = (SCORE, QUALITY, OOD, RANDOM, SENSOR, FRAME)
#: Those that go by a check of the photo: that it shows enough, and that it shows what the model was made for.
BY_CHECK = (QUALITY, OOD)

#: A fault of a stage: its place within the stage, and what is wrong there.
Faults = Iterator[tuple[Path, str]]


@dataclass(frozen=True)
class Servers:
    """Names of a kind's servers. A stage with servers has a queue, a load, a utilization, and waits.

    one: a server, such as "replica"; empty for a kind without servers
    together: all its servers, in sentences about their capacity
    cost_part: the part of the cost that includes theirs; empty if they cost nothing
    keeps_hours: whether they come and go with the hours of the day, so that work waits for them and only its total counts
    """

    one: str = ""
    together: str = "its servers"
    cost_part: str = ""
    keeps_hours: bool = False

    def __bool__(self) -> bool:
        return bool(self.one)


@dataclass(frozen=True)
class Service:
    """Queue and service of a stage with these fields.

    held_for: the reason for a wait other than requests ahead; empty if there is none
    steady_servers: servers that are there throughout, failures aside; None if their number changes, or without servers
    is_bounded: whether a limit on the queue keeps an overload short, or requests wait in it for a limited time
    batching_delay_s: the longest wait of a request for its batch to fill although a server is free
    queue_each: whether each server has a queue of its own
    serves_in_vain: whether a request whose client has given up stays in the queue until it is served
    gives_scores: whether each request gets a score here, which gates and queues may use
    builds_up_over: what takes its own time whatever the rate, so that a run cannot stand for a longer one; empty for nothing
    again, again_tag: services of a request beyond its first, on average, and the tag that it needs for them; None for any
    """

    held_for: str = ""
    steady_servers: int | None = None
    is_bounded: bool = False
    batching_delay_s: float = 0.0
    queue_each: bool = False
    serves_in_vain: bool = False
    gives_scores: bool = False
    builds_up_over: str = ""
    again: float = 0.0
    again_tag: str | None = None


@dataclass(frozen=True)
class Repeats:
    """Repeats of one request by a stage. The stage counts, and the last repeat takes another way.

    photos: photos that one requester may send because of it
    resends: whether it resends requests that were turned away, so that only fallbacks may lead here
    tries: the most times one request may be sent because of it, at a rate of fresh requests a second
    """

    photos: int = 1
    resends: bool = False
    tries: Callable[[float], float] = lambda rate: 1.0

    @property
    def counts(self) -> bool:
        return self.resends or self.photos > 1


class Routing(Protocol):
    """Choice between several routes, by something about the request or by chance.

    by_score: routes go by scores, with thresholds that labelled items may set
    by_check: by a check of the photos that a request shows, of their quality or of what they show
    by_source: by the sensor of a frame or by its number
    asks: the attribute of the requests that decides; None if none does
    gives_answers: whether a request that arrives here has its answer then
    """

    @property
    def by_score(self) -> bool: ...

    @property
    def by_check(self) -> bool: ...

    @property
    def by_source(self) -> bool: ...

    @property
    def asks(self) -> str | None: ...

    @property
    def gives_answers(self) -> bool: ...

    def open_routes(self) -> Iterator[tuple[str, str]]:
        """Return the label and the target of each route that some request may take."""

    def routes_of_items(self, plan: Plan) -> NDArray[np.int64] | None:
        """Return the route of each labelled item, positives first, shape (items,); None where the item does not decide."""

    def routes_of_photos(self, plan: Plan, faults: frozenset[str]) -> list[float] | None:
        """Return the share of each route, of photos with these faults of BY_CHECK; None where faults do not decide."""

    def routes_by_chance(self, plan: Plan, positive: bool = False) -> list[float] | None:
        """Return the share of each route by chance, of positives or of negatives; None where something else decides."""

    def routes_of_frames(self, plan: Plan, sensors: NDArray[Any], frames: NDArray[Any]) -> NDArray[np.int64]:
        """Return the route of each frame, by sensor and number, shape (frames,); for routes that go `by_source`."""

    def routes_of_values(self, plan: Plan, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the route of each value of the attribute that the routes go by, shape (values,)."""

    def bounds(self, plan: Plan) -> list[float]:
        """Return the values between the routes, if that attribute is a number."""


#: The targets of each stage: they are asked for hundreds of times a plan.
_TARGETS: ModelMemo[AnyStage, dict[Path, str]] = ModelMemo(lambda stage: dict(targets_in(stage)))


class AnyStage(Strict):
    """Base of all kinds of stages.

    A field called `to`, or `..._to`, names the stage or end where requests go as planned; one called `on_...` names a
    fallback. Such a field holds a name, or a list of names, and it may stand in the models of a list, as in a gate's routes.
    A field `tag` in the models of a list is a tag that the stage gives to requests.

    A kind declares the following. Each default is that of a step that takes no time and knows nothing about requests; a kind
    overrides what differs, except what is final.

    label: its name on the page
    note: a remark on the page
    """

    #: Its servers, if it has any.
    servers: ClassVar[Servers] = Servers()
    #: Whether a request is served, kept waiting or counted here before it goes on as planned or its time is up. A ring of
    #: stages needs one that does, or requests would circulate for ever.
    keeps: ClassVar[bool] = False
    #: "fork": it sends each request to all its targets at once. They meet again at a stage that is a "join".
    branching: ClassVar[Literal["", "fork", "join"]] = ""
    #: Whether it may stand between a fork and its join.
    in_branches: ClassVar[bool] = True
    #: The data of a new one on a board, without its kind and without ways out; empty where a board offers none.
    fresh: ClassVar[Mapping[str, Any]] = {}
    #: Fields that a board shows at the box, with their labels: places in the stage, joined by dots, `*` for any index.
    at_the_box: ClassVar[Mapping[str, str]] = {}

    kind: str
    label: Line
    note: Line | None = None

    @classmethod
    def box_options(cls, field: str, data: Mapping[str, Any]) -> list[str]:
        """Return the values that a board offers for a field at a box with this data; none for a number or a text."""
        return []

    @property
    def service(self) -> Service:
        return Service()

    @property
    def repeats(self) -> Repeats:
        return Repeats()

    @property
    def routing(self) -> Routing | None:
        """Its choice between routes; None for a stage that chooses by nothing that a plan knows."""
        return None

    @property
    def sends_alike(self) -> bool:
        return len(set(self.planned_targets().values())) == 1

    @property
    def shared_by_branches(self) -> bool:
        return False

    @classmethod
    def check_names(cls, stage: dict[str, Any], data: dict[str, Any]) -> Faults:
        yield from ()

    def check(self, name: str, scenario: Scenario) -> Faults:
        yield from ()

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        yield from ()

    @final
    def targets(self) -> dict[Path, str]:
        return dict(_TARGETS.of(self))

    @final
    def planned_targets(self) -> dict[Path, str]:
        return {path: target for path, target in self.targets().items() if not is_fallback(path)}

    @final
    def fallbacks(self) -> dict[Path, str]:
        return {path: target for path, target in self.targets().items() if is_fallback(path)}

    @final
    def arrows(self) -> Iterator[tuple[str, str]]:
        if self.routing is not None:
            return self.routing.open_routes()
        return (("", target) for target in self.planned_targets().values())

    @final
    def unserved(self) -> set[str]:
        served = {*self.planned_targets(), ("on_timeout",)} if self.keeps else set()
        return {target for path, target in self.targets().items() if path not in served}

    @final
    def tags(self) -> list[str]:
        return list(tags_in(self))

    @property
    @final
    def marks(self) -> bool:
        return self.service.gives_scores or bool(self.tags())

    @property
    @final
    def waits(self) -> bool:
        return bool(self.servers or self.service.held_for)

    @property
    @final
    def exhibits(self) -> tuple[str, ...]:
        """The exhibits, by name, that this stage makes possible."""
        by_score = self.routing is not None and self.routing.by_score
        offers = {
            "overload": self.repeats.resends,
            "batches": bool(self.servers) and not self.servers.keeps_hours,
            "shifts": self.servers.keeps_hours,
            "threshold": by_score,
            "transfer": by_score,
        }
        return tuple(name for name, offered in offers.items() if offered)


@lru_cache(maxsize=1024)
def is_target(field: Any) -> bool:
    return isinstance(field, str) and (field == "to" or field.endswith("_to") or field.startswith("on_"))


def is_fallback(path: Path) -> bool:
    return any(isinstance(part, str) and part.startswith("on_") for part in path)


def targets_in(stage: Any) -> Iterator[tuple[Path, str]]:
    """Yield every place in a stage that names a target, with the name; a model, or the plain data of one."""
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
    entries = [entry for _, value in _fields(stage) if isinstance(value, list) for entry in value]
    tags = [value for entry in entries for field, value in _fields(entry) if field == "tag" and isinstance(value, str)]
    return dict.fromkeys(tag for tag in tags if tag)


def _fields(model: Any) -> list[tuple[Any, Any]]:
    if isinstance(model, BaseModel):
        values = vars(model)
        return [(name, values[name]) for name in type(model).model_fields]
    return list(model.items()) if isinstance(model, dict) else []


def check_order(order: str, scenario: Scenario) -> Faults:
    if order == "priority" and not scenario.classes:
        yield ("order",), "an order by priority needs a `classes` section that states the priorities"
    if order == "deadline" and not scenario.has_deadlines:
        yield ("order",), "an order by deadline needs a class with `deadline_s` in `classes`"


class End(Strict):
    """An end of a request's path, with its meaning for the person behind the request.

    label: its name on the page
    note: a remark on the page
    usd: the cost of a request that ends here
    """

    label: Line
    note: Line | None = None
    escalated: Annotated[bool, Field(description="whether a request that ends here counts as escalated")]
    detected: Annotated[ShareFigure, Field(description="share of positives here that are found in time")]
    usd: CostFigure
    age: Annotated[
        bool,
        Field(description="whether to report the age of the newest information here, such as frames"),
    ] = False
