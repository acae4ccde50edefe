"""Replicas of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, TypeAdapter, model_validator

from simulator.errors import suggest
from simulator.scenario.base import Figure, Line, Name, Strict, bounded
from simulator.scenario.often import too_often
from simulator.scenario.stages.base import AnyStage, Faults, FileName, Target, check_order
from simulator.scenario.stages.policies import Breaker, Scaling

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

#: Which requests a newer one makes obsolete: all, or the frames of its own sensor.
Newest = Literal["newest", "newest_of_sensor"]


class Failures(Strict):
    """Replicas that fail and are repaired independently; both times are exponential."""

    mtbf_h: Annotated[Figure, bounded(0.1, 1e6), Field(description="mean hours until a replica fails")]
    repair_minutes: Annotated[Figure, bounded(1e-3, 1e6), Field(description="mean minutes until it runs again")]

    @property
    def availability(self) -> float:
        """The long-run share of time that a replica is up."""
        up, down = 60 * self.mtbf_h.value, self.repair_minutes.value
        return up / (up + down)


class AssumedScores(Strict):
    """Scores that nobody measured yet: two normal distributions of equal spread, as far apart as the area says."""

    written: ClassVar[str] = "the name of a score table, or as {auc: 0.9, assumed: why}"

    auc: Annotated[float, Field(gt=0.5, lt=1, description="the area under the ROC curve")]
    assumed: Line
    positives: Annotated[int, Field(ge=30, le=10_000, description="labelled positives that intervals are to reckon with")] = 200
    negatives: Annotated[int, Field(ge=30, le=10_000, description="labelled negatives that intervals are to reckon with")] = 200


_TABLE: TypeAdapter[str] = TypeAdapter(FileName)


def _scores(data: Any) -> str | AssumedScores:
    """The name of a table, or what is assumed in place of one."""
    return AssumedScores.model_validate(data) if isinstance(data, dict | AssumedScores) else _TABLE.validate_python(data)


Scores = Annotated[FileName | AssumedScores, PlainValidator(_scores)]


class Pool(AnyStage):
    """Replicas of one measured model behind one queue, with dynamic batching."""

    server: ClassVar[str] = "replica"
    servers: ClassVar[str] = "its replicas"
    held_for: ClassVar[str] = "batching delay"
    cost_part: ClassVar[str] = "machines"
    keeps: ClassVar[bool] = True

    kind: Literal["pool"]
    model: FileName
    precision: FileName
    device: FileName
    threads: Annotated[int, Field(ge=1, le=64, description="threads that one replica is pinned to")] = 1
    also: Annotated[
        list[FileName], Field(max_length=8, description="further models that run for the same answer, one after the other")
    ] = []
    sizes: Annotated[
        dict[Annotated[float, Field(gt=0, le=1e9)], FileName],
        Field(max_length=32, description="sizes of a request to the precisions under which they were measured"),
    ] = {}
    sized_by: Annotated[Name | None, Field(description="the attribute that is this number")] = None
    times: Annotated[
        Annotated[Figure, bounded(0.01, 10_000)] | None,
        Field(description="how many times as long as measured its service takes, as on another processor; none: as measured"),
    ] = None
    passes: Annotated[int, Field(ge=1, le=16, description="runs of each model for an answer, as in test-time augmentation")] = 1
    replicas: Annotated[int, Field(ge=1, le=1024)] = 1
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 1
    batching: Annotated[str, Field(max_length=40, description="how many waiting requests are served together")] = "triton"
    preferred_batches: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=16)] = []
    max_queue_delay_ms: Annotated[float, Field(ge=0, le=600_000)] = 0
    order: Annotated[str, Field(max_length=40, description="in which order the queue is served")] = "fifo"
    max_queue: Annotated[int | None, Field(ge=0, le=10_000_000, description="requests that may wait; none: no limit")] = None
    drops: Annotated[Literal["newest", "oldest"], Field(description="which request is dropped when the queue is full")] = (
        "newest"
    )
    replaces: Annotated[
        Newest | None, Field(description="whether a newer request replaces waiting ones: any, or those of the same sensor")
    ] = None
    preempts: Annotated[Newest | None, Field(description="whether a newer request also replaces the one in service")] = None
    timeout_s: Annotated[float | None, Field(gt=0, le=1e7, description="longest wait in the queue; none: no limit")] = None
    timeout_action: Annotated[
        Literal["reject", "delay"], Field(description="`delay` serves requests that waited too long after all others")
    ] = "reject"
    client_timeout_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="how long after joining the queue a client stops waiting")
    ] = None
    cancels: Annotated[bool, Field(description="whether a request whose client has stopped waiting leaves the queue")] = True
    sheds_late: Annotated[bool, Field(description="turn away requests that can no longer meet their deadline")] = False
    hedge_after_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="hedged request: a second copy is sent if there is no answer by then")
    ] = None
    balance: Annotated[
        str | None, Field(max_length=40, description="a queue for each replica, chosen by this rule; none: one queue for all")
    ] = None
    shares: Annotated[
        Name | None, Field(description="the accelerator, in `accelerators`, that these replicas share with other pools")
    ] = None
    breaker: Breaker | None = None
    scaling: Scaling | None = None
    on_full: Annotated[Target | None, Field(description="where a refused request goes")] = None
    on_replaced: Annotated[
        Target | None, Field(description="where a request goes when a newer one replaces it; none: `on_full`")
    ] = None
    on_timeout: Target | None = None
    failures: Annotated[Failures | None, Field(description="how replicas fail; none: they never do")] = None
    on_failure: Annotated[
        Target | None, Field(description="where a request goes if its replica fails; none: back into the queue")
    ] = None
    scores: Annotated[
        Scores | None,
        Field(description="the score table for this model's answers, without the precision, or what is assumed of them"),
    ] = None
    to: Target

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        too_large = [size for size in self.preferred_batches if size > self.max_batch]
        if too_large:
            raise ValueError(f"preferred_batches holds {too_large[0]}, more than max_batch ({self.max_batch})")
        refuses = {"max_queue": self.max_queue is not None, "sheds_late": self.sheds_late, "breaker": self.breaker is not None}
        for field in (field for field, given in refuses.items() if given and self.on_full is None):
            raise ValueError(f"{field} is set but on_full does not say where a refused request goes")
        gives_up = self.client_timeout_s is not None or (self.timeout_s is not None and self.timeout_action == "reject")
        if gives_up and self.on_timeout is None:
            field = "timeout_s" if self.client_timeout_s is None else "client_timeout_s"
            raise ValueError(f"{field} is set but on_timeout does not say where a request that waited too long goes")
        if self.max_queue == 0 and self.max_queue_delay_ms > 0:
            raise ValueError("max_queue is 0: no request can wait for its batch to fill; set max_queue_delay_ms to 0")
        self._newest_alone()
        self._sized_alone()
        if self.scaling is not None and self.balance is not None:
            raise ValueError("a pool with scaling has one queue for all its replicas; leave balance out")
        return self

    def _newest_alone(self) -> None:
        """A pool that replaces requests says where they go, and is not combined with hedged requests."""
        for field in (field for field in ("replaces", "preempts") if getattr(self, field) is not None):
            if self.on_replaced is None and self.on_full is None:
                raise ValueError(f"{field} is set but on_replaced does not say where a replaced request goes")
            if self.hedge_after_s is not None:
                raise ValueError(f"{field} cannot be combined with hedge_after_s: a second copy is no newer than the first")
        others = {"max_batch": self.max_batch > 1, "shares": self.shares is not None, "scaling": self.scaling is not None}
        for field in (field for field, given in others.items() if given and self.preempts is not None):
            raise ValueError(f"preempts is for replicas of one request at a time, alone on their device; leave {field} out")

    def _sized_alone(self) -> None:
        """A pool whose times grow with the request says with what, and serves one model's answers one by one."""
        if bool(self.sizes) != (self.sized_by is not None):
            raise ValueError("sizes and sized_by need each other; give both or neither")
        if not self.sizes:
            return
        if len(self.sizes) < 2:
            raise ValueError("sizes needs two of them at least, to interpolate between")
        if self.precision not in self.sizes.values():
            raise ValueError(
                f"precision should be one of those in sizes: {', '.join(self.sizes.values())}; got {self.precision}"
            )
        others = {
            "max_batch": self.max_batch > 1,
            "batching": self.batching != "triton",
            "also": bool(self.also),
            "sheds_late": self.sheds_late,
        }
        for field in (field for field, given in others.items() if given):
            raise ValueError(f"sizes are for one model that serves one request at a time; leave {field} out")

    @property
    def precisions(self) -> list[str]:
        """Every precision whose latencies it uses."""
        return [*self.sizes.values()] or [self.precision]

    @property
    def times_measured(self) -> float:
        """How many times as long as one measured run of each model an answer takes."""
        return self.passes * (1.0 if self.times is None else self.times.value)

    @property
    def models(self) -> list[str]:
        """Every model that runs for an answer."""
        return [self.model, *self.also]

    @property
    def most_replicas(self) -> int:
        """The most replicas at a time; they are numbered from 0."""
        return self.replicas if self.scaling is None else max(self.replicas, self.scaling.max_replicas)

    @property
    def steady_servers(self) -> int | None:
        """All replicas, if no rule adds and removes them."""
        return self.replicas if self.scaling is None else None

    @property
    def gives_scores(self) -> bool:
        """Whether a table has its model's scores."""
        return self.scores is not None

    @property
    def shared_by_branches(self) -> bool:
        """Whether it writes nothing on a request, so that its visits are independent."""
        return not self.gives_scores

    @property
    def company_s(self) -> float:
        """The batching delay."""
        return self.max_queue_delay_ms / 1000

    @property
    def queue_a_server(self) -> bool:
        """Whether a rule balances the replicas."""
        return self.balance is not None

    @classmethod
    def check_names(cls, stage: dict[str, Any], data: dict[str, Any]) -> Faults:
        """An attribute that is not declared."""
        by, attributes = stage.get("sized_by"), data.get("attributes")
        known = list(attributes) if isinstance(attributes, dict) else []
        if isinstance(by, str) and by not in known:
            hint = suggest(by, known) if known else "add a section `attributes` with it"
            yield ("sized_by",), f"'{by}' is not an attribute of the requests; {hint}"

    def check(self, name: str, scenario: Scenario) -> Faults:
        """What it refers to exists."""
        if self.sized_by is not None and not scenario.attributes[self.sized_by].is_number:
            yield ("sized_by",), f"'{self.sized_by}' is no number, so no service time can grow with it"
        yield from check_order(self.order, scenario)
        if self.sheds_late and not scenario.has_deadlines:
            yield ("sheds_late",), "shedding by deadline needs a class with `deadline_s` in `classes`"
        if self.gives_scores and scenario.population is None:
            yield ("scores",), "scores need a `population` section that states the prevalence"
        yield from self._check_often(scenario)
        for field in ("replaces", "preempts"):
            if getattr(self, field) == "newest_of_sensor" and not scenario.sensors:
                yield (field,), "the newest of each sensor needs arrivals of the kind sensors; otherwise write `newest`"

    def _check_often(self, scenario: Scenario) -> Faults:
        """Nothing happens by the clock so often that a run has no end."""
        if self.scaling and (told := too_often(self.scaling.every_s, scenario, "looks at the pool")):
            yield ("scaling", "every_s"), told
        if self.failures:
            every_s = 3600 * self.failures.mtbf_h.value + 60 * self.failures.repair_minutes.value
            if told := too_often(every_s, scenario, "failures", self.most_replicas):
                yield ("failures", "mtbf_h"), told

    @property
    def is_bounded(self) -> bool:
        """Whether its queue has a limit, or requests wait in it for a limited time."""
        limits = (self.max_queue, self.timeout_s, self.client_timeout_s, self.replaces) != (None, None, None, None)
        return limits or self.preempts == "newest"

    @property
    def is_plain(self) -> bool:
        """Whether one queue is served in order of arrival, by replicas that are always there, for requests that stay.

        What else works on a shared device is not asked here.
        """
        newest = ("replaces", "preempts")
        policies = ("client_timeout_s", "hedge_after_s", "balance", "breaker", "scaling", "failures", *newest)
        usual = {"order": "fifo", "batching": "triton", "drops": "newest", "timeout_action": "reject", "sheds_late": False}
        return all(getattr(self, field) == value for field, value in (dict.fromkeys(policies) | usual).items())
