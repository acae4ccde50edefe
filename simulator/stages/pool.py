"""Replicas of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.case.checks import too_often
from simulator.case.choices import Options
from simulator.case.fields import Figure, Name, bounded
from simulator.case.kinds import AnyStage, Faults, FileName, Servers, Service, Target, check_order
from simulator.errors import suggest
from simulator.evidence.catalogue import hardware
from simulator.evidence.profiles import profile_names
from simulator.records.timetables import Steps, added, complement, inverse, product, within
from simulator.records.trace import InTurn, Trace, VisitLog, as_memoryview
from simulator.stages.batching import BATCH_FIELDS, BATCHING
from simulator.stages.pool_evidence import PoolEvidence, Scores
from simulator.stages.pool_policies import Breaker, Failures, Scaling
from simulator.stages.queues import BALANCERS, ORDERS
from simulator.stages.stage import OfferedTime, PaidTime, ServerSteps, ServiceStage, StageCapacity, plan_of

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer, Plan
    from simulator.engine.run import Run
    from simulator.stages.device_batches import Scores as BatchScores
    from simulator.stages.stage import Outbox, Receiver, Rows, Stage, Times

#: Which requests a newer one makes obsolete: all, or the frames of its own sensor.
Newest = Literal["newest", "newest_of_sensor"]


class Pool(AnyStage):
    """Replicas of one measured model behind one queue, with dynamic batching."""

    servers: ClassVar[Servers] = Servers("replica", "its replicas", cost_part="machines")
    keeps: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Model",
        "model": "efficientnet_lite0",
        "precision": "fp32",
        "device": "epyc-zen4-2c",
        "replicas": 1,
        "max_batch": 1,
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "model": "Model",
        "precision": "Precision",
        "device": "Hardware",
        "replicas": "Replicas",
        "max_batch": "Largest batch",
    }

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
        Field(max_length=32, description="sizes of a request to the precisions of their measurements"),
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
    order: Annotated[str, Field(max_length=40, description="the order of the queue")] = "fifo"
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
        """Return a pool that replaces requests says where they go, and is not combined with hedged requests."""
        for field in (field for field in ("replaces", "preempts") if getattr(self, field) is not None):
            if self.on_replaced is None and self.on_full is None:
                raise ValueError(f"{field} is set but on_replaced does not say where a replaced request goes")
            if self.hedge_after_s is not None:
                raise ValueError(f"{field} cannot be combined with hedge_after_s: a second copy is no newer than the first")
        others = {"max_batch": self.max_batch > 1, "shares": self.shares is not None, "scaling": self.scaling is not None}
        for field in (field for field, given in others.items() if given and self.preempts is not None):
            raise ValueError(f"preempts is for replicas of one request at a time, alone on their device; leave {field} out")

    def _sized_alone(self) -> None:
        """Return a pool whose times grow with the request says with what, and serves one model's answers one by one."""
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

    @classmethod
    def box_options(cls, field: str, data: Mapping[str, Any]) -> list[str]:
        place = {"device": 0, "model": 1, "precision": 2}.get(field)
        if place is None:
            return []
        # A precision is one of the model's own: those of the others would only be refused.
        measured = [names for names in profile_names() if field != "precision" or names[1] == data.get("model")]
        return sorted({names[place] for names in measured})

    @property
    def precisions(self) -> list[str]:
        return [*self.sizes.values()] or [self.precision]

    @property
    def times_measured(self) -> float:
        return self.passes * (1.0 if self.times is None else self.times.value)

    @property
    def models(self) -> list[str]:
        return [self.model, *self.also]

    @property
    def most_replicas(self) -> int:
        return self.replicas if self.scaling is None else max(self.replicas, self.scaling.max_replicas)

    @property
    def service(self) -> Service:
        limits = (self.max_queue, self.timeout_s, self.client_timeout_s, self.replaces) != (None, None, None, None)
        drops = self.cancels or self.drops == "oldest" or (self.timeout_s, self.replaces, self.preempts) != (None, None, None)
        return Service(
            held_for="batching delay",
            steady_servers=self.replicas if self.scaling is None else None,
            is_bounded=limits or self.preempts == "newest",
            batching_delay_s=self.max_queue_delay_ms / 1000,
            queue_each=self.balance is not None,
            serves_in_vain=self.client_timeout_s is not None and not drops,
            gives_scores=self.scores is not None,
        )

    @property
    def shared_by_branches(self) -> bool:
        return self.scores is None

    @classmethod
    def check_names(cls, stage: dict[str, Any], data: dict[str, Any]) -> Faults:
        by, attributes = stage.get("sized_by"), data.get("attributes")
        known = list(attributes) if isinstance(attributes, dict) else []
        if isinstance(by, str) and by not in known:
            hint = suggest(by, known) if known else "add a section `attributes` with it"
            yield ("sized_by",), f"'{by}' is not an attribute of the requests; {hint}"

    def check(self, name: str, scenario: Scenario) -> Faults:
        """Yield what it refers to exists."""
        if self.sized_by is not None and not scenario.attributes[self.sized_by].is_number:
            yield ("sized_by",), f"'{self.sized_by}' is no number, so no service time can grow with it"
        yield from check_order(self.order, scenario)
        if self.sheds_late and not scenario.has_deadlines:
            yield ("sheds_late",), "shedding by deadline needs a class with `deadline_s` in `classes`"
        if self.scores is not None and scenario.population is None:
            yield ("scores",), "scores need a `population` section that states the prevalence"
        yield from self._check_often(scenario)
        for field in ("replaces", "preempts"):
            if getattr(self, field) == "newest_of_sensor" and not scenario.sensors:
                yield (field,), "the newest of each sensor needs arrivals of the kind sensors; otherwise write `newest`"

    def _check_often(self, scenario: Scenario) -> Faults:
        if self.scaling and (fault := too_often(self.scaling.every_s, scenario, "looks at the pool")):
            yield ("scaling", "every_s"), fault
        if self.failures:
            every_s = 3600 * self.failures.mtbf_h.value + 60 * self.failures.repair_minutes.value
            if fault := too_often(every_s, scenario, "failures", self.most_replicas):
                yield ("failures", "mtbf_h"), fault

    @property
    def is_plain(self) -> bool:
        """Return whether one queue is served in order of arrival, by replicas that are always there, for requests that stay.

        What else works on a shared device is not asked here.
        """
        newest = ("replaces", "preempts")
        policies = ("client_timeout_s", "hedge_after_s", "balance", "breaker", "scaling", "failures", *newest)
        usual = {"order": "fifo", "batching": "triton", "drops": "newest", "timeout_action": "reject", "sheds_late": False}
        return all(getattr(self, field) == value for field, value in (dict.fromkeys(policies) | usual).items())


class PoolKind(ServiceStage):
    """Evidence, replicas, load and cost of a pool."""

    says_all: ClassVar[bool] = True

    @classmethod
    def gather(cls, gather: Gatherer, name: str, spec: Pool) -> None:
        """Look up the machine, the latencies and the scores, and the names of policies."""
        PoolEvidence(gather).look_up(name, spec)
        if spec.order not in ORDERS:
            gather.fault((name, "order"), f"'{spec.order}' is not an order; {suggest(spec.order, ORDERS)}")
        _check_batching(gather, name, spec)
        if spec.balance is not None and spec.balance not in BALANCERS:
            gather.fault((name, "balance"), f"'{spec.balance}' is not known; {suggest(spec.balance, BALANCERS)}")

    @classmethod
    def facts(cls, plan: Plan, name: str) -> list[str]:
        """Return the model as it was picked, and what it runs on."""
        spec = _spec(plan, name)
        words = BATCHING[spec.batching].words
        batch = f", batches up to {spec.max_batch}{words and f', {words}'}" if spec.max_batch > 1 else ""
        model, precision = f"stages.{name}.model", f"stages.{name}.precision"
        picked = (_picked(plan, model, precision) if _picked(plan, model) else []) or [spec.model, spec.precision]
        rented = hardware().get(spec.device)
        size = f"{spec.threads} vCPU" if rented is None or rented.vcpus else rented.label
        lines = [", ".join(picked), f"{spec.replicas} × {size}{batch}"]
        if spec.sized_by is not None:
            lines.append(f"longer by {plan.scenario.attributes[spec.sized_by].label}")
        if spec.times is not None and spec.times.value != 1:
            lines.append(f"{spec.times.value:g} times as long as measured")
        return [*lines, "latency projected"] if name in plan.bands else lines

    @classmethod
    def servers(cls, run: Plan | Trace, name: str, server: int | None = None) -> ServerSteps:
        """Return every replica that there may be; of a trace, the replicas that were there and up, or had failed."""
        if isinstance(run, Trace) and not _usual(run, name):
            replicas = [*_replicas(run, name, server)]
            able = added(product(there, up) for there, up, _ in replicas)
            return ServerSteps(able, added(product(there, complement(up)) for there, up, _ in replicas))
        return ServerSteps(Steps(values=(1.0 if server is not None else float(_spec(plan_of(run), name).most_replicas),)))

    @classmethod
    def offered(cls, run: Plan | Trace, name: str) -> OfferedTime:
        """Return the seconds of its replicas; a replica that is slowed down gets less done in a second."""
        usual = super().offered(run, name)
        if not isinstance(run, Trace) or _usual(run, name):
            return usual
        paces = (product(product(there, up), inverse(slower)) for there, up, slower in _replicas(run, name))
        return usual._replace(work_s=added(paces).total(run.plan.arrivals_end_s))

    @classmethod
    def capacity(cls, plan: Plan, name: str, visits: Mapping[str, float] | None = None) -> StageCapacity:
        failures = _spec(plan, name).failures
        busy_s = _seconds_each(plan, name) * (1.0 if visits is None else _stretch(plan, name, visits))
        return StageCapacity(plan.latencies[name].mean_s(1), busy_s, failures.availability if failures else 1.0)

    @classmethod
    def usd_per_hour(cls, plan: Plan, name: str) -> float:
        return plan.machines[name].usd_per_replica_hour(_spec(plan, name).threads)

    @classmethod
    def paid(cls, trace: Trace, name: str) -> PaidTime:
        paid = super().paid(trace, name)
        return paid._replace(until_end_s=trace.fleets[name].paid_s) if name in trace.fleets else paid


def _check_batching(gather: Gatherer, name: str, spec: Pool) -> None:
    """Return the rule exists, and the pool gives it what it goes by and nothing else."""
    rule = BATCHING.get(spec.batching)
    if rule is None:
        gather.fault((name, "batching"), f"'{spec.batching}' is not a batching rule; {suggest(spec.batching, BATCHING)}")
        return
    for field in (field for field in BATCH_FIELDS if getattr(spec, field) and field not in rule.reads):
        gather.fault((name, field), f"batching by '{spec.batching}' does not go by it; delete this line")
    if rule.by_deadline and not gather.scenario.has_deadlines:
        gather.fault((name, "batching"), f"batching by '{spec.batching}' needs a class with `deadline_s` in `classes`")


def _spec(plan: Plan, name: str) -> Pool:
    return cast(Pool, plan.scenario.stages[name])


def _picked(plan: Plan, *paths: str) -> list[str]:
    options = {name: choice for name, choice in plan.scenario.choices.items() if isinstance(choice, Options)}
    picked = [choice.options[plan.design[name]] for name, choice in options.items()]
    return list(dict.fromkeys(option.label for path in paths for option in picked if path in option.set))


def _usual(run: Trace, name: str) -> bool:
    return name not in run.fleets and run.conditions.usual(name)


def _replicas(run: Trace, name: str, only: int | None = None) -> Iterator[tuple[Steps, Steps, Steps]]:
    for replica in range(_spec(run.plan, name).most_replicas) if only is None else [only]:
        there = within(run.fleets[name].spans.get(replica, [])) if name in run.fleets else Steps()
        yield there, complement(within(run.conditions.outages(name, replica))), run.conditions.slowdown(name, replica)


def _seconds_each(plan: Plan, name: str) -> float:
    """Seconds that a replica alone on its device works for one visit, in batches formed of a queue that is never empty."""
    spec, table = _spec(plan, name), plan.latencies[name]
    at_once = plan.scenario.arrivals.most_at_once
    room = spec.max_batch + 1 if spec.max_queue is None else max(spec.max_queue, 1)
    if at_once is not None:  # no batch is larger than what clients have sent: at the best of those, for a bound
        return min(table.mean_s(size) / size for size in range(1, min(spec.max_batch, at_once) + 1))
    size = BATCHING[spec.batching].of(spec, table).sustained(room)
    return table.mean_s(size) / size


def _stretch(plan: Plan, name: str, visits: Mapping[str, float]) -> float:
    """Return the number of times as long as alone a batch takes when all replicas of the pool are at work.

    Batches of another pool at work beside it are, on average, as many as its part of the work asks for (by Little's law, in a
    mean-field approximation), and its replicas at most; on one core, or where batches take turns, the loads add up.
    """
    spec, stages = _spec(plan, name), plan.scenario.stages
    if spec.shares is None:
        return 1.0
    most = {key: _spec(plan, key).most_replicas for key, other in stages.items() if getattr(other, "shares", "") == spec.shares}
    work = {key: visits[key] * _seconds_each(plan, key) for key in most}
    own = work.pop(name) / spec.most_replicas
    at_work = {key: min(asked / own if own else np.inf, most[key]) for key, asked in work.items() if asked}
    at_work[name] = most[name]
    threads = sum(count * _spec(plan, key).threads for key, count in at_work.items())
    return plan.scenario.accelerators[spec.shares].stretch(sum(at_work.values()), threads)


class AnyPool(PoolKind):
    """Replicas of one measured model.

    seconds: service times by idle gap, batch size and quantile; gaps: where the next idle gap begins (s)
    quantile: the service time that each request draws, as a place in the table
    timeout: how long a request may wait in the queue (s)
    out: where a request goes that was served
    """

    spec: Pool
    out: Receiver | Outbox

    def __init__(self, run: Run, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.log = VisitLog(spec.most_replicas, spec.max_batch)
        self.sized = run.plan.sized.get(name)
        self._drawn: list[Times] = []  # where times grow with the request, its times by idle gap, stream after stream
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.latency = run.plan.latencies[name]
        self.seconds: list[list[Any]] = self.latency.seconds.tolist()
        self.gaps = self.latency.gaps_s
        self.quantile = self.quantiles("service")
        self.scores = run.requests.scores_by.get(name)

    def quantiles(self, stream: str) -> Any:
        """Return each request's service time as a place in the table; one a visit where branches of a fork meet here."""
        often = self.run.plan.scenario.network.times_shared(self.name)
        streams = [f"{self.name}.{stream}", *(f"{self.name}.{stream}.{further}" for further in range(1, often))]
        cells = [self._places(self.run.uniform(each)) for each in streams]
        return as_memoryview(cells[0]) if often == 1 else InTurn(cells)

    def _places(self, drawn: NDArray[np.float32]) -> NDArray[np.int32]:
        if self.sized is None:
            return self.latency.cell_of(drawn)
        values = self.run.requests.attributes[self.sized.by]
        self._drawn.append(self.sized.seconds(values, self.sized.table.cell_of(drawn)))
        self.seconds = [[None, as_memoryview(of_gap)] for of_gap in np.concatenate(self._drawn, axis=1)]
        return np.arange(len(drawn), dtype=np.int32) + len(drawn) * np.int32(len(self._drawn) - 1)

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.scores = self.run.requests.scores_by.get(self.name)  # of as many photos as there are to look at by now
        self.out = self.run.receiver(self.spec.to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)
        self.on_failure = self.run.receiver(self.spec.on_failure)

    @property
    def free_replicas(self) -> dict[int, float]:
        """Since when each replica that is not at work has been free, or from when on it will be (s)."""
        raise NotImplementedError

    def take_over(self, before: Stage, now: float) -> None:
        """Note visits where those before are noted, and go on in the turn of each request's draws."""
        super().take_over(before, now)
        if isinstance(before, AnyPool) and isinstance(self.quantile, InTurn) and isinstance(before.quantile, InTurn):
            self.quantile.turn = before.quantile.turn
        self.log = before.log.widened(self.spec.most_replicas, self.spec.max_batch)

    def hand_over(self, rows: Sequence[int], time: float, scores: BatchScores | None = None) -> None:
        """Return the model has looked at the requests: their scores are known, and they go on.

        scores: what it says, where it is not the model that serves now
        """
        known = self.scores if scores is None else scores
        if known is not None:
            self.run.score(self.name, np.array(rows), time, known)
        self.out.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        if self.scores is not None:
            self.run.score(self.name, rows, times, self.scores)
        self.out.accept_block(rows, times)

    def is_settled_late(self) -> bool:
        return self.timeout < inf and self.spec.timeout_action == "reject" and self.is_end(self.on_timeout)
