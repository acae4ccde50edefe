"""The fields that all kinds of stages share, the registry of kinds, and the ends of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal, Protocol, final

from pydantic import BaseModel, Field

from simulator.case.case_contract import AnyCase
from simulator.case.document import Path
from simulator.case.fields import CostFigure, Line, ShareFigure, Strict
from simulator.case.outputs import CaseOutline, Metric
from simulator.case.references import Ref

Target = Annotated[str, Ref("way"), Field(description="the name of a stage or of an end", max_length=60)]


#: Every kind of stage that a scenario may name, by that name; the package `simulator.engine.stages` fills it.
STAGE_KINDS: dict[str, type[AnyStage]] = {}


def stage_kinds() -> Mapping[str, type[AnyStage]]:
    import_module("simulator.engine.stages")
    return STAGE_KINDS


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


class ScoreRouting(Protocol):
    """Routing that may name the pool whose scores it uses."""

    @property
    def of(self) -> str | None: ...


class AnyStage(Strict):
    """Base of all kinds of stages.

    A field called `to`, or `..._to`, names the stage or end where requests go as planned; one called `on_...` names a
    fallback. Such a field holds a name, or a list of names, and it may stand in the models of a list, as in a gate's routes.
    A field `tag` in the models of a list is a tag that the stage gives to requests.

    A kind declares the following. Each default is that of a step that takes no time and knows nothing about requests; a kind
    overrides what differs, except what is final.
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
    """its name on the page"""
    note: Line | None = None
    """a remark on the page"""

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
    def idle_ways(self) -> set[Path]:
        """The paths of targets that no request can take with these settings: `on_full` of a queue without a limit."""
        return set()

    @property
    def shared_by_branches(self) -> bool:
        return False

    def check(self, name: str, scenario: AnyCase) -> Faults:
        yield from ()

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        yield from ()

    @final
    def targets(self) -> dict[Path, str]:
        return dict(self._targets)

    @cached_property
    def _targets(self) -> dict[Path, str]:
        return dict(targets_in(self))  # asked for hundreds of times a plan

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
        return list(self._tags)

    @cached_property
    def _tags(self) -> dict[str, None]:
        return tags_in(self)

    @property
    @final
    def marks(self) -> bool:
        return self.service.gives_scores or bool(self.tags())

    @property
    @final
    def waits(self) -> bool:
        return bool(self.servers or self.service.held_for)


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


def check_order(order: str, scenario: AnyCase) -> Faults:
    if order == "priority" and not scenario.classes:
        yield ("order",), "an order by priority needs a `classes` section that states the priorities"
    if order == "deadline" and not scenario.has_deadlines:
        yield ("order",), "an order by deadline needs a class with `deadline_s` in `classes`"


class End(Strict):
    """An end of a request's path, with its meaning for the person behind the request."""

    label: Line
    """its name on the page"""
    note: Line | None = None
    """a remark on the page"""
    escalated: bool
    """whether a request that ends here counts as escalated"""
    detected: ShareFigure
    """share of positives here that are found in time"""
    usd: CostFigure
    """the cost of a request that ends here"""
    age: bool = False
    """whether to report the age of the newest information here, such as frames"""
