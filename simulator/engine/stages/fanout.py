"""A request to several shards at once: its answer is there when the slowest that it waits for has answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from math import inf, nan, nextafter
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from simulator.case.any_stage import Faults, Servers, Service, Target
from simulator.case.case_contract import AnyCase
from simulator.case.fields import CostFigure, Quantity
from simulator.case.outputs import CaseOutline, Metric, share_metric
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Stage, StageCapacity, StageReport, StageRun, Waiting
from simulator.engine.run_trace import Trace
from simulator.engine.stages.replicas import Machines
from simulator.engine.stages.stage import GatheringStage
from simulator.records.streams import cache_per_plan
from simulator.records.trace import TIMED_OUT, Fleet, VisitLog, as_memoryview
from simulator.units import duration

#: Requests that stand for all others where the mean time of a lone one is needed before a run.
_MANY = 4_096


class Fanout(Machines):
    """Sends every request to all shards at once, each with a queue of its own, and waits for all or some of their answers."""

    servers: ClassVar[Servers] = Servers("server", "the servers of its shards", cost_part="machines")
    keeps: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Shards",
        "shards": 4,
        "service_ms": {"exponential_mean": {"value": 10, "assumed": "time of one shard for one request"}},
        "usd_per_hour": {"value": 0.1, "assumed": "a small machine"},
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "shards": "Shards",
        "replicas": "Servers a shard",
        "usd_per_hour.value": "USD an hour",
    }

    #: Servers do not fail by themselves.
    failures: ClassVar[None] = None

    kind: Literal["fanout"]
    shards: Annotated[int, Field(ge=1, le=256)]
    """parts that each request needs an answer from"""
    replicas: Annotated[int, Field(ge=1, le=64)] = 1
    """servers of each shard"""
    service_ms: Quantity
    """milliseconds that a shard takes for one request"""
    usd_per_hour: CostFigure
    """price of one server"""
    needs: Literal["all"] | Annotated[int, Field(ge=1, le=256)] = "all"
    """answers to wait for"""
    timeout_s: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """longest wait; none: no limit"""
    to: Target
    on_incomplete: Target | None = None
    """where a request goes if too few answers are there when time is up; none: `to`"""

    @property
    def most_replicas(self) -> int:
        return self.shards * self.replicas

    @property
    def needed(self) -> int:
        return self.shards if self.needs == "all" else self.needs

    @property
    def service(self) -> Service:
        return Service(steady_servers=self.most_replicas, again=self.shards - 1)

    def check(self, name: str, scenario: AnyCase) -> Faults:
        if self.needed > self.shards:
            yield ("needs",), f"{self.needs} answers are needed, but there are {self.shards} shards"
        if self.on_incomplete is not None and self.timeout_s is None:
            yield ("on_incomplete",), "every request gets its answers; set `timeout_s`, or delete this line"

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        without = f"{case.nouns.many} that went on without an answer"
        yield share_metric(f"incomplete_share.{name}", f"{case.label(name)}: {without}", "lower", name)

    def facts(self, plan: Plan, name: str) -> list[str]:
        each = f" × {self.replicas}" if self.replicas > 1 else ""
        waits = [] if self.timeout_s is None else [f"waits at most {duration(self.timeout_s)}"]
        needs = [] if self.needed == self.shards else [f"{self.needed} of {self.shards} answers"]
        return [f"{self.shards} shards{each}, {duration(self.service_ms.mean / 1000)} on average", *needs, *waits]

    def server_capacity(self, plan: Plan, name: str, visits: Mapping[str, float] | None = None) -> StageCapacity:
        return StageCapacity(_alone_s(plan, name) / self.shards, self.service_ms.mean / 1000)

    def hourly_usd(self, plan: Plan, name: str) -> float:
        return self.usd_per_hour.value

    def report(self, trace: Trace, name: str) -> StageReport:
        visits = trace.logs[name].visits()
        gone = visits.only(visits.wanted & ~np.isnan(visits.left_s))
        return StageReport(totals=[(f"incomplete_share.{name}", float((~gone.served).sum()), float(len(gone)))])


#: The work of one shard for a request: its end, its start (s), and the server.
ShardVisit = tuple[float, float, int]


@dataclass
class FannedRequest:
    """A request between its arrival and its last shard's start.

    until: when it goes on at the latest (s); settled: whether it has gone on
    """

    row: int
    entered: float
    until: float = inf
    visits: dict[int, ShardVisit] = field(default_factory=dict)
    settled: bool = False


class FanoutStage(GatheringStage):
    """Each shard serves all requests in the order of their arrival; the shards know nothing of each other.

    A visit that decided when its request went on is wanted in the log; those of the other shards are work beside it.

    ms: of each shard the time that each request takes there
    free: of each shard a heap: when each server is free again, and its number
    ahead: of each shard the number of the first request that it has not begun; requests are numbered as they come
    """

    def __init__(self, run: StageRun, name: str, spec: Fanout) -> None:
        super().__init__(run, name, spec)
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.ms = [as_memoryview(run.draw(f"{name}.service.{shard}", spec.service_ms)) for shard in range(spec.shards)]
        self.free = [[(0.0, self._server(shard, replica)) for replica in range(spec.replicas)] for shard in range(spec.shards)]
        self.ahead = [0] * spec.shards
        self.first = self.count = 0  # the numbers of the oldest request that is kept, and of the next one to come
        self.requests: dict[int, FannedRequest] = {}
        self.candidates: list[tuple[float, int]] = []  # a heap: when a request goes on unless a shard is faster, its number
        self.struck = not run.conditions.usual(name)

    def _server(self, shard: int, replica: int) -> int:
        shards: int = self.spec.shards
        return replica * shards + shard

    def advance(self, now: float, limit: float) -> float:
        """Take in what comes, begin all services and let go all requests before `limit`; returns the next time of either."""
        limit = max(limit, nextafter(now, inf))
        while self.inbox.head < limit:
            self._take_in(*self.inbox.pop())
        touched: set[int] = set()
        for shard in range(self.spec.shards):
            self._begin(shard, limit, touched)
        for number in sorted(touched):
            self._consider(number, limit)
        while self.candidates and self.candidates[0][0] < limit:
            self._consider(heappop(self.candidates)[1], limit)
        self._forget()
        starts = (self._next_start(shard) for shard in range(self.spec.shards))
        return min(self.inbox.head, self.candidates[0][0] if self.candidates else inf, *starts)

    def _take_in(self, row: int, time: float) -> None:
        # An answer that comes at the very deadline is in time: the deadline is passed just after its instant.
        until = nextafter(time + self.timeout, inf)
        self.requests[self.count] = FannedRequest(row, time, until)
        if until < inf:
            heappush(self.candidates, (until, self.count))
        self.count += 1

    def _next_start(self, shard: int) -> float:
        number = self.ahead[shard]
        return max(self.free[shard][0][0], self.requests[number].entered) if number < self.count else inf

    def _begin(self, shard: int, limit: float, touched: set[int]) -> None:
        """Begin the services of one shard before `limit`; touched: gets the numbers of their requests."""
        free, ms, number = self.free[shard], self.ms[shard], self.ahead[shard]
        while number < self.count:
            request = self.requests[number]
            since, server = free[0]
            start = since if since > request.entered else request.entered
            if start >= limit:
                break
            if self.struck and (up := self._up_from(server, start)) > start:
                heapreplace(free, (up, server))
                continue
            seconds = ms[request.row] / 1000
            done = self._struck_end(server, start, seconds) if self.struck else start + seconds
            heapreplace(free, (done, server))
            request.visits[shard] = done, start, server
            touched.add(number)
            number += 1
        self.ahead[shard] = number

    def _up_from(self, server: int, time: float) -> float:
        """Return when a server can begin that is free at `time`."""
        return next((end for start, end in self.run.conditions.outages(self.name, server) if start <= time < end), time)

    def _struck_end(self, server: int, start: float, seconds: float) -> float:
        """Return the end of a service that is slowed down as at its start, and begins anew after each outage."""
        slower = self.run.conditions.slowdown(self.name, server)
        done = start + seconds * slower.at(start)
        for down, up in self.run.conditions.outages(self.name, server):
            if start < down < done:
                start, done = up, up + seconds * slower.at(up)
        return done

    def _consider(self, number: int, limit: float) -> None:
        """Let a request go on if no shard can change when: those that have not begun will not before `limit`."""
        request = self.requests.get(number)
        if request is None:
            return
        if request.settled:
            self._log_beside(self.log, request)
            return
        ends, needed = sorted([done for done, _, _ in request.visits.values()]), self.spec.needed
        answered = ends[needed - 1] if len(ends) >= needed else inf
        if min(answered, request.until) < limit or (len(ends) == self.spec.shards and answered < request.until):
            self._let_go(request, answered)
        elif answered < request.until:
            heappush(self.candidates, (answered, number))

    def _let_go(self, request: FannedRequest, answered: float) -> None:
        request.settled = True
        time = max(min(answered, request.until), self.since)
        if answered < request.until:
            shard = next(shard for shard, (done, _, _) in request.visits.items() if done == answered)
            _, started, server = request.visits.pop(shard)
            self.log.add(request.row, request.entered, started, time, server)
            self.onward.accept((request.row,), time)
        else:
            self.log.add(request.row, request.entered, nan, time)
            self.go_on_without(request.row, TIMED_OUT, time)
        self._log_beside(self.log, request)

    def _log_beside(self, log: VisitLog, request: FannedRequest, keeps: bool = False) -> None:
        """Log the visits of a request that are known and not logged yet as work beside the one that counts."""
        for done, started, server in request.visits.values():
            log.add_beside(request.row, request.entered, started, done, server)
        if not keeps:
            request.visits.clear()

    def _forget(self) -> None:
        """Drop the requests that every shard has begun and that have gone on."""
        begun = min(self.ahead)
        while self.first < begun and self.requests[self.first].settled:
            del self.requests[self.first]
            self.first += 1

    def waiting(self, time: float) -> Waiting:
        """Return the requests that have not gone on, those in the inbox included."""
        rows, entered, _ = super().waiting(time)
        own = [request for request in self.requests.values() if not request.settled]
        return Waiting.patient([*rows, *(request.row for request in own)], [*entered, *(request.entered for request in own)])

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        """Log what shards have begun for requests that still wait, and the work that they have not begun."""
        for number, request in self.requests.items():
            self._log_beside(log, request, keeps=True)
            for _ in range(sum(number >= ahead for ahead in self.ahead)):
                log.add_beside(request.row, request.entered, nan, nan, -1)
        return None

    def take_over(self, before: Stage, now: float) -> None:
        """Keep what has begun. Servers that are added serve at once; shards that are added serve all who have not gone on."""
        super().take_over(before, now)
        assert isinstance(before, FanoutStage)
        self.first, self.count, self.requests, self.candidates = before.first, before.count, before.requests, before.candidates
        for shard, free in enumerate(self.free):
            since = [time for time, _ in sorted(before.free[shard], key=itemgetter(1))] if shard < len(before.free) else []
            self.free[shard] = [((*since, *[now] * len(free))[place], server) for place, (_, server) in enumerate(free)]
            heapify(self.free[shard])
            self.ahead[shard] = before.ahead[shard] if shard < len(before.ahead) else self._first_unsettled()
        for number, request in self.requests.items():
            gone = [request.visits.pop(shard) for shard in [*request.visits] if shard >= self.spec.shards]
            self._log_beside(self.log, FannedRequest(request.row, request.entered, visits=dict(enumerate(gone))))
            if not request.settled:
                heappush(self.candidates, (now, number))

    def _first_unsettled(self) -> int:
        return next((number for number, request in self.requests.items() if not request.settled), self.count)


@cache_per_plan
def _alone_s(plan: Plan, name: str) -> float:
    """Return the mean time (s) until a request alone at the shards has its answers, estimated from draws."""
    spec = cast(Fanout, plan.scenario.stages[name])
    drawn = spec.service_ms.draw(np.random.default_rng(0), (_MANY, spec.shards), np.float64)
    return float(np.sort(drawn, axis=1)[:, spec.needed - 1].mean()) / 1000
