"""A cache: requests for things that it holds go one way, the others another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from simulator.arrays import Rows, Times
from simulator.case.any_stage import Faults, Service, Target
from simulator.case.case_contract import AnyCase
from simulator.case.fields import Name
from simulator.case.outputs import CaseOutline, Metric, share_metric
from simulator.case.references import Ref
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, Stage, StageModel, StageReport, StageRun
from simulator.engine.run_trace import Trace
from simulator.engine.stages.stage import OrderedStage
from simulator.records.streams import cache_per_plan
from simulator.units import duration

#: Look-ups that stand for a run where the share of hits is needed before it, and runs at most.
_MANY, _RUNS = 50_000, 8

#: Outdated entries of a heap that are let lie.
_SPARE = 1_000


class Cache(StageModel):
    """Sends a request one way if the cache holds the thing that it asks for, else another; a missed thing is then held."""

    at_the_box: ClassVar[Mapping[str, str]] = {"capacity": "Things that it holds"}

    kind: Literal["cache"]
    by: Annotated[Name, Ref("attribute", absent="add a section `attributes` with one of the kind popularity")]
    """the attribute of the requests that names the thing they ask for"""
    capacity: Annotated[int, Field(ge=0, le=10_000_000)]
    """things that it holds; 0: none, so that all miss"""
    evicts: Literal["lru", "fifo", "lfu"] = "lru"
    """the thing that makes room: used least recently, fetched first, or used least often"""
    starts: Literal["empty", "popular"] = "empty"
    """its content at the start: nothing, or the most popular things"""
    fresh_s: Annotated[float | None, Field(gt=0, le=1e8)] = None
    """how long a thing may be used after it was fetched; none: for ever"""
    hit_to: Target
    miss_to: Target

    def check(self, name: str, scenario: AnyCase) -> Faults:
        attribute = scenario.attributes[self.by]
        if not attribute.names_things:
            what = f"'{self.by}' is an attribute of the kind {attribute.kind}, whose values name no things"
            yield ("by",), f"{what}; a cache needs one of the kind popularity, recorded or category"

    @property
    def service(self) -> Service:
        return Service(builds_up_over="it fills with every request")

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        yield share_metric(f"hit_ratio.{name}", f"{case.label(name)}: {case.nouns.many} that it answers", "higher", name)

    def facts(self, plan: Plan, name: str) -> list[str]:
        fresh = [] if self.fresh_s is None else [f"fresh for {duration(self.fresh_s)}"]
        return [f"{self.capacity:,} × {plan.scenario.attributes[self.by].label}, {self.evicts.upper()}", *fresh]

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        hits = expected_hits(plan, name)
        return [Onward(self.hit_to, hits), Onward(self.miss_to, 1 - hits)]

    def report(self, trace: Trace, name: str) -> StageReport:
        server = np.array(trace.logs[name].server)
        return StageReport(totals=[(f"hit_ratio.{name}", float((server == 0).sum()), float(len(server)))])


class Shelf:
    """The things in a cache, in the order of their use; subclasses choose the thing that makes room.

    held: each thing with the time (s) when it was fetched
    """

    def __init__(self, capacity: int, fresh_s: float) -> None:
        self.capacity, self.fresh_s = capacity, fresh_s
        self.held: OrderedDict[float, float] = OrderedDict()

    def look_up(self, thing: float, time: float) -> bool:
        """Return whether a fresh copy is held; if not, one is fetched now."""
        fetched = self.held.get(thing)
        if fetched is not None and time - fetched <= self.fresh_s:
            self.use(thing)
            return True
        if fetched is not None:
            del self.held[thing]
        self.add(thing, time)
        return False

    def add(self, thing: float, time: float) -> None:
        if self.capacity:
            self.shrink_to(self.capacity - 1)
            self.held[thing] = time
            self.use(thing)

    def shrink_to(self, size: int) -> None:
        while len(self.held) > size:
            self.evict()

    def use(self, thing: float) -> None:
        raise NotImplementedError

    def evict(self) -> None:
        self.held.popitem(last=False)


class LeastRecent(Shelf):
    """The thing whose last use is longest ago makes room."""

    def use(self, thing: float) -> None:
        self.held.move_to_end(thing)


class FirstIn(Shelf):
    """The thing that was fetched first makes room."""

    def use(self, thing: float) -> None:
        """Leave the order as it is."""


class LeastOften(Shelf):
    """The thing with the fewest uses since it was fetched makes room; of equal ones, that whose last use is longest ago.

    uses: of each thing that is held, its uses and the number of the last one; heap: these pairs, outdated ones included
    """

    def __init__(self, capacity: int, fresh_s: float) -> None:
        super().__init__(capacity, fresh_s)
        self.uses: dict[float, tuple[int, int]] = {}
        self.heap: list[tuple[tuple[int, int], float]] = []
        self.numbers = count()

    def add(self, thing: float, time: float) -> None:
        self.uses.pop(thing, None)  # an outdated copy of it is replaced
        super().add(thing, time)

    def use(self, thing: float) -> None:
        times, _ = self.uses.get(thing, (0, 0))
        self.uses[thing] = times + 1, next(self.numbers)
        heappush(self.heap, (self.uses[thing], thing))
        if len(self.heap) > 2 * len(self.uses) + _SPARE:
            self.heap = sorted((used, thing) for thing, used in self.uses.items())

    def evict(self) -> None:
        used, thing = heappop(self.heap)
        if self.uses.get(thing) == used:
            del self.uses[thing], self.held[thing]


#: The content of a cache, by its rule of eviction.
SHELVES: dict[str, type[Shelf]] = {"lru": LeastRecent, "fifo": FirstIn, "lfu": LeastOften}


def _shelf(spec: Cache, popular: Iterable[float] = ()) -> Shelf:
    """Return the content at the start; popular: the most popular things, the first one first."""
    shelf = SHELVES[spec.evicts](spec.capacity, inf if spec.fresh_s is None else spec.fresh_s)
    for thing in reversed([*popular]):
        shelf.add(thing, 0.0)
    return shelf


class CacheStage(OrderedStage):
    """Looks requests up in the order of time, since each decides what the next ones find. A look-up takes no time.

    Every look-up is a visit; those that hit have server 0.
    """

    def __init__(self, run: StageRun, name: str, spec: Cache) -> None:
        super().__init__(run, name, spec)
        self.shelf = _shelf(spec, _popular(run.plan, name))
        self.things = run.requests.attributes[spec.by]

    def connect(self) -> None:
        super().connect()
        self.to = [self.run.way_out(self.name, target) for target in (self.spec.miss_to, self.spec.hit_to)]

    def pass_on(self, rows: Rows, times: Times) -> None:
        shelf = self.shelf
        hits = np.array([*map(shelf.look_up, self.things[rows].tolist(), times.tolist())], bool)
        self.log.add_block(rows, times, times, times, np.where(hits, 0, -1))
        for receiver, mine in zip(self.to, (~hits, hits), strict=True):
            if mine.any():
                receiver.accept_block(rows[mine], times[mine])

    def take_over(self, before: Stage, now: float) -> None:
        """Keep what was held, as far as there is room; another rule of eviction begins without knowledge of past uses."""
        super().take_over(before, now)
        assert isinstance(before, CacheStage)
        old = before.shelf
        if before.spec.by != self.spec.by:
            old.held.clear()
        if type(old) is type(self.shelf):
            old.capacity, old.fresh_s = self.shelf.capacity, self.shelf.fresh_s
            self.shelf = old
        else:
            self.shelf = _shelf(self.spec)
            for thing, fetched in [*old.held.items()][-self.spec.capacity :] if self.spec.capacity else ():
                self.shelf.add(thing, fetched)
        self.shelf.shrink_to(self.shelf.capacity)


def _popular(plan: Plan, name: str) -> list[float]:
    spec = cast(Cache, plan.scenario.stages[name])
    if spec.starts == "empty":
        return []
    chances, values = plan.scenario.attributes[spec.by].cells(plan, spec.by, np.empty(0))
    most = np.argsort(-chances, kind="stable")[: spec.capacity]
    return [float(value) for value in values[most]]


@cache_per_plan
def expected_hits(plan: Plan, name: str) -> float:
    """Return the share of hits, estimated from look-ups of drawn things at even intervals: those of several runs, up to _MANY.

    The interval is that between all requests of the case, which only `fresh_s` goes by.
    """
    spec = cast(Cache, plan.scenario.stages[name])
    chances, values = plan.scenario.attributes[spec.by].cells(plan, spec.by, np.empty(0))
    ends, expected = np.cumsum(chances), max(plan.arrivals.expected, 1.0)
    looked_up = min(round(expected), _MANY)
    times = (np.arange(looked_up) * (plan.arrivals_end_s / expected)).tolist()
    popular, rng, shares = _popular(plan, name), np.random.default_rng(0), []
    for _ in range(min(_MANY // looked_up, _RUNS)):
        drawn = rng.random(looked_up) * ends[-1]
        things = values[np.searchsorted(ends[:-1], drawn, side="right")].astype(float).tolist()
        shares.append(sum(map(_shelf(spec, popular).look_up, things, times)) / looked_up)
    return float(np.mean(shares))
