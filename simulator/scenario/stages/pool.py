"""Replicas of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Figure, Name, Strict, bounded
from simulator.scenario.stages.base import AnyStage, Faults, FileName, Target, check_order
from simulator.scenario.stages.policies import Breaker, Scaling

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

#: Which requests a newer one makes old: all, or the frames of its own sensor.
Newest = Literal["newest", "newest_of_sensor"]


class Failures(Strict):
    """Replicas that break down and are repaired, each by itself; both times are exponential."""

    mtbf_h: Annotated[Figure, bounded(0.1, 1e6), Field(description="mean hours that a replica runs before it fails")]
    repair_minutes: Annotated[Figure, bounded(1e-3, 1e6), Field(description="mean minutes until it runs again")]

    @property
    def availability(self) -> float:
        """The share of the time that a replica runs in the long run."""
        up, down = 60 * self.mtbf_h.value, self.repair_minutes.value
        return up / (up + down)


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
    passes: Annotated[int, Field(ge=1, le=16, description="runs of each model for an answer, as in test-time augmentation")] = 1
    replicas: Annotated[int, Field(ge=1, le=1024)] = 1
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 1
    batching: Annotated[str, Field(max_length=40, description="how many of those who wait are served together")] = "triton"
    preferred_batches: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=16)] = []
    max_queue_delay_ms: Annotated[float, Field(ge=0, le=600_000)] = 0
    order: Annotated[str, Field(max_length=40, description="in which order the queue is served")] = "fifo"
    max_queue: Annotated[int | None, Field(ge=0, le=10_000_000, description="requests that may wait; none: no limit")] = None
    drops: Annotated[Literal["newest", "oldest"], Field(description="who goes when the queue is full")] = "newest"
    replaces: Annotated[
        Newest | None, Field(description="whether what was sent later replaces what still waits, of any or of the same sensor")
    ] = None
    preempts: Annotated[
        Newest | None, Field(description="whether what was sent later takes the place of what is served, likewise")
    ] = None
    timeout_s: Annotated[float | None, Field(gt=0, le=1e7, description="longest wait in the queue; none: no limit")] = None
    timeout_action: Annotated[
        Literal["reject", "delay"], Field(description="`delay` serves who waited too long after all others")
    ] = "reject"
    client_timeout_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="how long after it joined the queue a requester stops waiting")
    ] = None
    cancels: Annotated[bool, Field(description="whether what nobody waits for any more leaves the queue unserved")] = True
    sheds_late: Annotated[bool, Field(description="turn away what cannot be answered by its deadline any more")] = False
    hedge_after_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="a second copy is sent when there is no answer by then")
    ] = None
    balance: Annotated[
        str | None, Field(max_length=40, description="a queue for each replica, chosen like this; none: one queue for all")
    ] = None
    shares: Annotated[
        Name | None, Field(description="the accelerator, in `accelerators`, that these replicas share with other pools")
    ] = None
    breaker: Breaker | None = None
    scaling: Scaling | None = None
    on_full: Annotated[Target | None, Field(description="where a request goes that is refused")] = None
    on_replaced: Annotated[
        Target | None, Field(description="where a request goes whose place a newer one takes; none: `on_full`")
    ] = None
    on_timeout: Target | None = None
    failures: Annotated[Failures | None, Field(description="how replicas fail; none: they never do")] = None
    on_failure: Annotated[
        Target | None, Field(description="where a request goes whose replica fails; none: back into the queue")
    ] = None
    scores: Annotated[
        FileName | None, Field(description="the scores that this model's answers come from, without the precision")
    ] = None
    to: Target

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        too_large = [size for size in self.preferred_batches if size > self.max_batch]
        if too_large:
            raise ValueError(f"preferred_batches holds {too_large[0]}, more than max_batch ({self.max_batch})")
        refuses = {"max_queue": self.max_queue is not None, "sheds_late": self.sheds_late, "breaker": self.breaker is not None}
        for field in (field for field, given in refuses.items() if given and self.on_full is None):
            raise ValueError(f"{field} is set but on_full does not say where a request goes that is refused")
        gives_up = self.client_timeout_s is not None or (self.timeout_s is not None and self.timeout_action == "reject")
        if gives_up and self.on_timeout is None:
            field = "timeout_s" if self.client_timeout_s is None else "client_timeout_s"
            raise ValueError(f"{field} is set but on_timeout does not say where a request goes that waited too long")
        if self.max_queue == 0 and self.max_queue_delay_ms > 0:
            raise ValueError("max_queue is 0: no request can wait for its batch to fill; set max_queue_delay_ms to 0")
        self._newest_alone()
        if self.scaling is not None and self.balance is not None:
            raise ValueError("a pool with scaling has one queue for all its replicas; leave balance out")
        return self

    def _newest_alone(self) -> None:
        """What replaces requests says where they go, and is not mixed with what makes two of one."""
        for field in (field for field in ("replaces", "preempts") if getattr(self, field) is not None):
            if self.on_replaced is None and self.on_full is None:
                raise ValueError(f"{field} is set but on_replaced does not say where a request goes that a newer one replaces")
            if self.hedge_after_s is not None:
                raise ValueError(f"{field} does not go with hedge_after_s: a second copy is no newer than the first")
        others = {"max_batch": self.max_batch > 1, "shares": self.shares is not None, "scaling": self.scaling is not None}
        for field in (field for field, given in others.items() if given and self.preempts is not None):
            raise ValueError(f"preempts is for replicas of one request at a time, alone on their device; leave {field} out")

    @property
    def models(self) -> list[str]:
        """Every model that runs for an answer."""
        return [self.model, *self.also]

    @property
    def most_replicas(self) -> int:
        """How many replicas there can be at a time; they are numbered from 0."""
        return self.replicas if self.scaling is None else max(self.replicas, self.scaling.max_replicas)

    @property
    def steady_servers(self) -> int | None:
        """All replicas, where no rule adds and removes them."""
        return self.replicas if self.scaling is None else None

    @property
    def gives_scores(self) -> bool:
        """Where a table has its model's scores."""
        return self.scores is not None

    @property
    def shared_by_branches(self) -> bool:
        """Where it writes nothing on a request, its visits are apart."""
        return not self.gives_scores

    @property
    def company_s(self) -> float:
        """The batching delay."""
        return self.max_queue_delay_ms / 1000

    @property
    def queue_a_server(self) -> bool:
        """Where a rule balances the replicas."""
        return self.balance is not None

    def check(self, name: str, scenario: Scenario) -> Faults:
        """What it goes by is there."""
        yield from check_order(self.order, scenario)
        if self.sheds_late and not scenario.has_deadlines:
            yield ("sheds_late",), "shedding by deadline needs a class with `deadline_s` in `classes`"
        if self.gives_scores and scenario.population is None:
            yield ("scores",), "scores need a `population` section that states the prevalence"
        for field in ("replaces", "preempts"):
            if getattr(self, field) == "newest_of_sensor" and not scenario.sensors:
                yield (field,), "the newest of each sensor needs arrivals of the kind sensors; or write `newest`"

    @property
    def is_bounded(self) -> bool:
        """Whether its queue has a limit, or requests wait in it for a limited time."""
        limits = (self.max_queue, self.timeout_s, self.client_timeout_s, self.replaces) != (None, None, None, None)
        return limits or self.preempts == "newest"

    @property
    def is_plain(self) -> bool:
        """Whether one queue is served in order of arrival by replicas that are always there, for requesters who wait."""
        newest = ("replaces", "preempts")
        policies = ("client_timeout_s", "hedge_after_s", "balance", "breaker", "scaling", "shares", "failures", *newest)
        usual = {"order": "fifo", "batching": "triton", "drops": "newest", "timeout_action": "reject", "sheds_late": False}
        return all(getattr(self, field) == value for field, value in (dict.fromkeys(policies) | usual).items())
