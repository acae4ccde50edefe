"""The fields that all stages of machines share: servers that work alike, their queue and its policies; and batching rules.

A batching rule decides how many waiting requests a free replica serves together. It is called whenever a replica is free and
its queue has changed, and again at the time the rule gave.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from operator import mul
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.case.any_stage import Faults, Servers, Service, Target, check_order
from simulator.case.case_contract import AnyCase
from simulator.case.checks import too_often
from simulator.case.document import Path
from simulator.case.fields import AnyQuantity, Figure, Name, bounded
from simulator.case.references import NAME_KINDS, KnownCase, NameKind, Ref
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import OfferedTime, PaidTime, ServerSteps, StageCapacity, StageModel
from simulator.engine.run_trace import Trace
from simulator.engine.stages.pool_policies import Breaker, Failures
from simulator.errors import suggest
from simulator.evidence.latency_tables import LatencyTable
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import Steps, added, combined, within

#: Which requests a newer one makes obsolete: all, or the frames of its own sensor.
Newest = Literal["newest", "newest_of_sensor"]


#: The name of an attribute that decides about the service of a request.
AttributeName = Annotated[Name, Ref("attribute", absent="add a section `attributes` with it")]


class Machines(StageModel):
    """Servers that may fail, be slowed down, or come and go by a rule."""

    @property
    @abstractmethod
    def most_replicas(self) -> int:
        """The most servers that there may be at a time."""

    def server_steps(self, run: Plan | Trace, name: str, server: int | None = None) -> ServerSteps:
        """Return every replica that there may be; of a trace, the replicas that were there and up, or had failed."""
        if isinstance(run, Trace) and not _usual(run, name):
            replicas = [*_replicas(run, name, server)]
            able = added(combined(lambda there, out: there * (1 - out), *replica[:2]) for replica in replicas)
            return ServerSteps(able, added(combined(mul, *replica[:2]) for replica in replicas))
        return ServerSteps(Steps(values=(1.0 if server is not None else float(self.most_replicas),)))

    def offered(self, run: Plan | Trace, name: str) -> OfferedTime:
        """Return the seconds of its replicas; a replica that is slowed down gets less done in a second."""
        usual = super().offered(run, name)
        if not isinstance(run, Trace) or _usual(run, name):
            return usual
        paces = (combined(lambda there, out, slower: there * (1 - out) / slower, *each) for each in _replicas(run, name))
        return usual._replace(work_s=added(paces).total(run.plan.arrivals_end_s))

    def paid(self, trace: Trace, name: str) -> PaidTime:
        paid = super().paid(trace, name)
        return paid._replace(until_end_s=trace.fleets[name].paid_s) if name in trace.fleets else paid


class Replicas(Machines):
    """Machines that work alike behind one queue, or behind one queue each."""

    servers: ClassVar[Servers] = Servers("replica", "its replicas", cost_part="machines")
    keeps: ClassVar[bool] = True

    replicas: Annotated[int, Field(ge=1, le=1024)] = 1
    """how many there are; each serves one batch at a time"""
    factors: Annotated[dict[Annotated[str, Ref("factor")], Annotated[Figure, bounded(0.001, 1_000)]], Field(max_length=64)] = {}
    """how many times as long as others some requests take, by class or value; others: 1"""
    factors_by: AttributeName | None = None
    """the attribute that has these values; none: the classes"""
    order: Annotated[str, Ref("order"), Field(max_length=40)] = "fifo"
    """the order of the queue"""
    max_queue: Annotated[int | None, Field(ge=0, le=10_000_000)] = None
    """requests that may wait; none: no limit"""
    drops: Literal["newest", "oldest"] = "newest"
    """which request is dropped when the queue is full"""
    replaces: Newest | None = None
    """whether a newer request replaces waiting ones: any, or those of the same sensor"""
    preempts: Newest | None = None
    """whether a newer request also replaces the one in service"""
    timeout_s: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """longest wait in the queue; none: no limit"""
    timeout_action: Literal["reject", "delay"] = "reject"
    """`delay` serves requests that waited too long after all others"""
    client_timeout_s: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """how long after joining the queue a client stops waiting"""
    cancels: bool = True
    """whether a request whose client has stopped waiting leaves the queue"""
    sheds_late: bool = False
    """turn away requests that can no longer meet their deadline"""
    hedge_after_s: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """hedged request: a second copy is sent if there is no answer by then"""
    balance: Annotated[str, Ref("balance"), Field(max_length=40)] | None = None
    """a queue for each replica, chosen by this rule; none: one queue for all"""
    breaker: Breaker | None = None
    """refuses requests for a while after too many failures"""
    on_full: Target | None = None
    """where a refused request goes"""
    on_replaced: Target | None = None
    """where a request goes when a newer one replaces it; none: `on_full`"""
    on_timeout: Target | None = None
    """where a request goes that waited too long"""
    failures: Failures | None = None
    """how replicas fail; none: they never do"""
    on_failure: Target | None = None
    """where a request goes if its replica fails; none: back into the queue"""
    to: Target

    @model_validator(mode="after")
    def _says_where_requests_go(self) -> Self:
        for field in self._refusing if self.on_full is None else ():
            raise ValueError(f"{field} is set but on_full does not say where a refused request goes")
        if self._gives_up and self.on_timeout is None:
            field = "timeout_s" if self.client_timeout_s is None else "client_timeout_s"
            raise ValueError(f"{field} is set but on_timeout does not say where a request that waited too long goes")
        for field in (field for field in ("replaces", "preempts") if getattr(self, field) is not None):
            if self.on_replaced is None and self.on_full is None:
                raise ValueError(f"{field} is set but on_replaced does not say where a replaced request goes")
            if self.hedge_after_s is not None:
                raise ValueError(f"{field} cannot be combined with hedge_after_s: a second copy is no newer than the first")
        return self

    @property
    def _refusing(self) -> list[str]:
        """The fields by which it refuses requests."""
        given = {"max_queue": self.max_queue is not None, "sheds_late": self.sheds_late, "breaker": self.breaker is not None}
        return [field for field in given if given[field]]

    @property
    def _gives_up(self) -> bool:
        return self.client_timeout_s is not None or (self.timeout_s is not None and self.timeout_action == "reject")

    @property
    def idle_ways(self) -> set[Path]:
        replaces = self.on_replaced is None and (self.replaces, self.preempts) != (None, None)
        used = {"on_full": bool(self._refusing) or replaces, "on_timeout": self._gives_up}
        return {(field,) for field in used if not used[field]}

    @model_validator(mode="after")
    def _factors_alone(self) -> Self:
        if self.factors_by is not None and not self.factors:
            raise ValueError("factors_by is set but factors does not say how long which requests take")
        if self.factors and self.sheds_late:
            raise ValueError("sheds_late expects all requests to take alike; leave sheds_late or factors out")
        return self

    @property
    def drawn_ms(self) -> AnyQuantity | None:
        """Its service times (ms), where the author states them; None where they are those of a model."""
        return None

    @property
    def most_replicas(self) -> int:
        return self.replicas

    @property
    def service(self) -> Service:
        limits = (self.max_queue, self.timeout_s, self.client_timeout_s, self.replaces) != (None, None, None, None)
        drops = self.cancels or self.drops == "oldest" or (self.timeout_s, self.replaces, self.preempts) != (None, None, None)
        return Service(
            steady_servers=self.replicas,
            is_bounded=limits or self.preempts == "newest",
            queue_each=self.balance is not None,
            serves_in_vain=self.client_timeout_s is not None and not drops,
        )

    @property
    def shared_by_branches(self) -> bool:
        return not self.service.gives_scores

    def factor_values(self, scenario: AnyCase) -> list[str]:
        """Return the classes, or the values of the attribute, that `factors` may name."""
        return [*scenario.classes] if self.factors_by is None else scenario.attributes[self.factors_by].categories

    def _check_factors(self, scenario: AnyCase) -> Faults:
        values = self.factor_values(scenario)
        if self.factors_by is not None and not values:
            yield ("factors_by",), f"'{self.factors_by}' is a number; factors need an attribute that is a category"

    def check(self, name: str, scenario: AnyCase) -> Faults:
        """Yield a fault for each policy that lacks something in the case."""
        yield from self._check_factors(scenario)
        yield from check_order(self.order, scenario)
        if self.sheds_late and not scenario.has_deadlines:
            yield ("sheds_late",), "shedding by deadline needs a class with `deadline_s` in `classes`"
        if self.failures:
            every_s = 3600 * self.failures.mtbf_h.value + 60 * self.failures.repair_minutes.value
            if fault := too_often(every_s, scenario, "failures", self.most_replicas):
                yield ("failures", "mtbf_h"), fault
        for field in ("replaces", "preempts"):
            if getattr(self, field) == "newest_of_sensor" and not scenario.sensors:
                yield (field,), "the newest of each sensor needs arrivals of the kind sensors; otherwise write `newest`"

    def server_capacity(self, plan: Plan, name: str, visits: Mapping[str, float] | None = None) -> StageCapacity:
        failures, factor = self.failures, mean_factor(plan, name)
        busy_s = factor * _seconds_each(plan, name) * (1.0 if visits is None else _stretch(plan, name, visits))
        table = plan.latencies[name]
        spread = max(table.spread, 1.0) if self.factors else table.spread
        return StageCapacity(factor * table.mean_s(1), busy_s, failures.availability if failures else 1.0, spread)

    def factor_facts(self, plan: Plan) -> list[str]:
        """Return the line on requests that take longer or shorter than others; none without any."""
        by = "class" if self.factors_by is None else plan.scenario.attributes[self.factors_by].label
        return [f"time depends on {by}"] if self.factors else []

    @property
    def is_plain(self) -> bool:
        """Return whether one queue is served in order of arrival, by replicas that are always there, for requests that stay.

        What else works on a shared device is not asked here.
        """
        newest = ("replaces", "preempts")
        policies = ("client_timeout_s", "hedge_after_s", "balance", "breaker", "scaling", "failures", *newest)
        usual: dict[str, Any] = {"order": "fifo", "drops": "newest", "timeout_action": "reject", "sheds_late": False}
        usual |= {"batching": "triton"}
        return all(getattr(self, field) == value for field, value in (dict.fromkeys(policies) | usual).items())


def _spec(plan: Plan, name: str) -> Any:
    """Return a `Pool`, or an `OwnServer`, which has constants in the place of the fields that it lacks."""
    return plan.scenario.stages[name]


def _usual(run: Trace, name: str) -> bool:
    return name not in run.fleets and run.conditions.usual(name)


def _replicas(run: Trace, name: str, only: int | None = None) -> Iterator[tuple[Steps, Steps, Steps]]:
    """Yield for each replica whether it is there and whether it is out (1 or 0), and how many times as long it takes."""
    for replica in range(_spec(run.plan, name).most_replicas) if only is None else [only]:
        there = within(run.fleets[name].spans.get(replica, [])) if name in run.fleets else Steps()
        yield there, within(run.conditions.outages(name, replica)), run.conditions.slowdown(name, replica)


def _seconds_each(plan: Plan, name: str) -> float:
    """Seconds that a replica alone on its device works for one visit, in batches formed of a queue that is never empty."""
    spec, table = _spec(plan, name), plan.latencies[name]
    at_once = plan.scenario.arrivals.most_at_once
    room = spec.max_batch + 1 if spec.max_queue is None else max(spec.max_queue, 1)
    if at_once is not None:  # no batch is larger than what clients have sent: at the best of those, for a bound
        return min(table.mean_s(size) / size for size in range(1, min(spec.max_batch, at_once) + 1))
    size = BATCHING[spec.batching].of(spec, table).sustained(room)
    return table.mean_s(size) / size


@cache_per_plan
def mean_factor(plan: Plan, name: str) -> float:
    """Return the mean over all requests of the factor on their service time."""
    spec = _spec(plan, name)
    if not spec.factors:
        return 1.0
    if spec.factors_by is None:
        chances = np.array([kind.share.value for kind in plan.scenario.classes.values()])
        values = np.arange(len(chances))
    else:
        chances, values = plan.scenario.attributes[spec.factors_by].cells(plan, spec.factors_by, np.empty(0))
    return float(chances @ factor_table(plan, spec)[values] / chances.sum())


def factor_table(plan: Plan, spec: Replicas) -> NDArray[np.float64]:
    """Return the factor of each class or value, in the order of the file, and 1 for a request without any."""
    given = [spec.factors[value].value if value in spec.factors else 1.0 for value in spec.factor_values(plan.scenario)]
    return np.array([*given, 1.0])


def _stretch(plan: Plan, name: str, visits: Mapping[str, float]) -> float:
    """Return the number of times as long as alone a batch takes when all replicas of the pool are at work.

    Batches of another pool at work beside it are, on average, as many as its part of the work asks for (by Little's law, in a
    mean-field approximation), and its replicas at most; on one core, or where batches take turns, the loads add up.
    """
    spec, stages = _spec(plan, name), plan.scenario.stages
    if spec.shares is None:
        return 1.0
    most = {key: _spec(plan, key).most_replicas for key, other in stages.items() if getattr(other, "shares", "") == spec.shares}
    work = {key: visits[key] * mean_factor(plan, key) * _seconds_each(plan, key) for key in most}
    own = work.pop(name) / spec.most_replicas
    at_work = {key: min(asked / own if own else np.inf, most[key]) for key, asked in work.items() if asked}
    at_work[name] = most[name]
    threads = sum(count * _spec(plan, key).threads for key, count in at_work.items())
    return plan.scenario.accelerators[spec.shares].stretch(sum(at_work.values()), threads)


def _factor_names(case: KnownCase, path: Path) -> list[str]:
    stage: Any = case.scenario.stages[str(path[1])]
    names: list[str] = stage.factor_values(case.scenario)
    return names


def _refused_factor(case: KnownCase, path: Path, value: Any) -> str:
    stage: Any = case.scenario.stages[str(path[1])]
    values = _factor_names(case, path)
    if value in values or (stage.factors_by is not None and not values):
        return ""
    hint = suggest(value, values) if values else "add a section `classes`, or name an attribute with `factors_by`"
    what = "a class" if stage.factors_by is None else f"a value of '{stage.factors_by}'"
    return f"'{value}' is not {what}; {hint}"


NAME_KINDS["factor"] = NameKind("class or value", _factor_names, by_place=True, refuse=_refused_factor)


class WaitingRequests(Protocol):
    """The requests waiting in one queue, in the order of service; there is at least one."""

    def __len__(self) -> int:
        """Return the number of requests wait."""

    def entered(self, first: int) -> list[float]:
        """Since when (s) each of the `first` next ones waits."""

    def deadlines(self, first: int) -> list[float]:
        """Return the deadline (s) of each of the `first` next ones; inf for one without a deadline."""


class BatchedPool(Protocol):
    """The fields of a pool about its batches."""

    max_batch: int
    max_queue_delay_ms: float
    preferred_batches: list[int]


class BatchRule(ABC):
    """Decision of a free replica about the requests that wait."""

    #: What the diagram says about a pool with this rule, after its batch size.
    words: ClassVar[str] = ""
    #: The fields of a pool, besides `max_batch`, that the rule uses; a pool with another of BATCH_FIELDS is refused.
    reads: ClassVar[frozenset[str]] = frozenset()
    #: Whether it uses deadlines, and so needs a class that has one.
    by_deadline: ClassVar[bool] = False

    max_batch: int

    @classmethod
    @abstractmethod
    def of(cls, pool: BatchedPool, latency: LatencyTable) -> Self:
        """Return the rule with a pool's fields; the table gives the service times of its batches."""

    @abstractmethod
    def size(self, queue: WaitingRequests, now: float) -> int:
        """Return the number of requests to serve now, from the front, `max_batch` at most; 0 means wait."""

    def next_time(self, queue: WaitingRequests, now: float) -> float:
        """When (s) to ask again about a waiting queue if no request arrives; inf for never."""
        return inf

    def sustained(self, room: int) -> int:
        return min(room, self.max_batch)


#: Rules by the name that a pool gives as `batching`.
BATCHING: dict[str, type[BatchRule]] = {}

NAME_KINDS["batching"] = NameKind("rule", lambda *_: dict.fromkeys(BATCHING, ""), "'{}' is not a batching rule", early=True)

#: The fields of a pool about its batches, apart from their largest size.
BATCH_FIELDS = ("preferred_batches", "max_queue_delay_ms")

Rule = TypeVar("Rule", bound=type[BatchRule])


def batching(name: str) -> Callable[[Rule], Rule]:
    """Register a class as the rule of that name; raises ValueError if the name is taken."""

    def register(rule: Rule) -> Rule:
        if name in BATCHING:
            raise ValueError(f"there already is a batching rule '{name}'")
        BATCHING[name] = rule
        return rule

    return register


@batching("triton")
@dataclass(frozen=True)
class TritonRule(BatchRule):
    """Triton's dynamic batching.

    Source: triton-inference-server/core, `src/dynamic_batch_scheduler.cc`. `preferred` empty stands for `[max_batch]`.
    """

    reads = frozenset(BATCH_FIELDS)

    max_batch: int = 1
    delay_s: float = 0.0
    preferred: tuple[int, ...] = ()

    @classmethod
    def of(cls, pool: BatchedPool, latency: LatencyTable | None = None) -> Self:
        return cls(pool.max_batch, pool.max_queue_delay_ms / 1000, tuple(pool.preferred_batches))

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(sorted(self.preferred)) or (self.max_batch,)

    def size(self, queue: WaitingRequests, now: float) -> int:
        return self.take(len(queue), self.next_time(queue, now) <= now)

    def next_time(self, queue: WaitingRequests, now: float) -> float:
        return min(queue.entered(self.max_batch)) + self.delay_s

    def sustained(self, room: int) -> int:
        return self.take(room, overdue=True)

    def take(self, waiting: int, overdue: bool) -> int:
        """Return the number of of the `waiting` requests to send now, from the front; 0 means wait.

        overdue: whether the oldest of them has waited for `delay_s` or longer.
        """
        pending = min(waiting, self.max_batch)
        exceeded = self.delay_s > 0 and overdue
        marked = max((size for size in self.sizes if size <= pending), default=0)
        if marked and not exceeded:
            return marked
        stopped = waiting > self.max_batch
        if stopped or pending >= self.sizes[-1] or exceeded or self.delay_s == 0:
            return pending
        return 0

    def tables(self) -> tuple[list[list[int]], list[int]]:
        """Return what `take` gives by whether it is overdue and how many wait, and for how many those wait; 0 for none."""
        lengths = range(self.max_batch + 2)
        taken = [[self.take(waiting, overdue) for waiting in lengths] for overdue in (False, True)]
        return taken, [next((size for size in self.sizes if size > waiting), 0) for waiting in lengths]


#: The quantile of a batch's service time that is expected of it.
SAFE_SHARE = 0.95


@batching("deadline")
class DeadlineRule(BatchRule):
    """The largest batch that still meets the earliest deadline.

    The earliest deadline counts that a batch of one could still meet, among the next `max_batch` requests. A request that would
    be late even alone does not count, and if all are late the batch is as large as possible. A batch is expected to take the
    95th percentile of batches of its size, busy or after an idle gap, whichever is longer.

    The largest size that meets the deadline goes at once, with one exception: while all waiting requests and one more would
    meet it, they wait for another until the oldest has waited for `max_queue_delay_ms`.
    """

    words = "none later than a deadline"
    reads = frozenset({"max_queue_delay_ms"})
    by_deadline = True

    def __init__(self, seconds: list[float], delay_s: float = 0.0) -> None:
        """seconds: the expected time of a batch of each size from 1 on."""
        self.seconds = seconds
        self.max_batch = len(seconds)
        self.delay_s = delay_s

    @classmethod
    def of(cls, pool: BatchedPool, latency: LatencyTable) -> Self:
        sizes = range(1, pool.max_batch + 1)
        return cls([latency.quantile_s(SAFE_SHARE, size) for size in sizes], pool.max_queue_delay_ms / 1000)

    def size(self, queue: WaitingRequests, now: float) -> int:
        """Return the largest size that meets the earliest deadline; 0 while one more may still join."""
        most, deadline = min(len(queue), self.max_batch), self._earliest(queue, now)
        largest = max(size for size in range(1, most + 1) if size == 1 or now <= self._last_start(size, deadline))
        waits = largest == most < self.max_batch and now < self.next_time(queue, now)
        return 0 if waits else largest

    def next_time(self, queue: WaitingRequests, now: float) -> float:
        overdue = min(queue.entered(self.max_batch)) + self.delay_s
        return min(overdue, self._last_start(min(len(queue) + 1, self.max_batch), self._earliest(queue, now)))

    def _earliest(self, queue: WaitingRequests, now: float) -> float:
        deadlines = queue.deadlines(self.max_batch)
        return min((deadline for deadline in deadlines if now <= self._last_start(1, deadline)), default=inf)

    def _last_start(self, size: int, deadline: float) -> float:
        return deadline - self.seconds[size - 1]
