"""What every stage has, and what a kind of stage declares about itself for the rest of the program."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from simulator.case.faults import Path
from simulator.case.fields import CostFigure, Line, ShareFigure, Strict
from simulator.case.metric_records import Metric

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

Target = Annotated[str, Field(description="the name of a stage or of an end", max_length=60)]

#: Part of the name of an evidence file; it cannot lead out of its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]

#: Every kind of stage that a scenario may name, by that name; the package `simulator.stages` fills it.
STAGE_KINDS: dict[str, type[AnyStage]] = {}

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
        kept = {*self.planned_targets(), ("on_timeout",)} if self.keeps else set()
        return {target for path, target in self.targets().items() if path not in kept}

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
    def company_s(self) -> float:
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
