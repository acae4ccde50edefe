"""Sends a request again that was turned away."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf, nan
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.arrays import Column, Rows, Times
from simulator.case.any_stage import Repeats, Target
from simulator.case.document import Path
from simulator.case.fields import Figure, Strict, bounded
from simulator.case.outputs import CaseOutline, Metric, share_metric
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, StageModel, StageReport, StageRun
from simulator.engine.run_trace import Trace
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.engine.stages.stage import ServiceStage
from simulator.records.trace import UNFINISHED, as_memoryview
from simulator.units import counted, duration, percent


class Budget(Strict):
    """A retry budget: how many retries a client allows itself over all its requests."""

    share: Annotated[float, Field(ge=0, le=10)]
    """retries for each fresh request of the window"""
    window_s: Annotated[float, Field(gt=0, le=3600)] = 10
    """how far back requests and retries count"""
    min_per_s: Annotated[float, Field(ge=0, le=1e6)] = 0
    """further retries a second allowed"""


class Retry(StageModel):
    """A client that was turned away waits a while and sends the same request again, or gives up.

    The n-th retry waits `backoff_ms` times `factor` to the power of n - 1, `max_backoff_ms` at most. With jitter it waits a
    random time instead: `full` between nothing and that, `equal` between half of that and that.
    """

    keeps: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {
        "label": "Retry",
        "backoff_ms": {"value": 100, "assumed": "a usual first wait"},
        "max_tries": 3,
        "jitter": "none",
    }
    at_the_box: ClassVar[Mapping[str, str]] = {
        "max_tries": "Tries in all",
        "backoff_ms.value": "First wait (ms)",
        "jitter": "Jitter of the wait",
    }

    kind: Literal["retry"]
    backoff_ms: Annotated[Figure, bounded(0, 3_600_000)]
    """the wait before the first retry, in milliseconds"""
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    """each further wait is this many times as long"""
    max_backoff_ms: Annotated[float | None, Field(ge=0, le=3_600_000)] = None
    """the longest wait; none: no limit"""
    jitter: Literal["none", "full", "equal"] = "none"
    """how a wait is drawn: none, full, equal or decorrelated"""
    max_tries: Annotated[int, Field(ge=1, le=20)] = 3
    """total number of times a request is sent; 1: no retries"""
    budget: Budget | None = None
    """the retries that all clients may send together"""
    to: Target
    on_exhausted: Target
    """where a request goes that is not retried"""

    @classmethod
    def box_options(cls, field: str, data: Mapping[str, Any]) -> list[str]:
        return list(JITTERS) if field == "jitter" else []

    @property
    def repeats(self) -> Repeats:
        return Repeats(resends=True, tries=self._tries)

    @property
    def idle_ways(self) -> set[Path]:
        return {("to",)} if self.max_tries == 1 else set()

    def _tries(self, rate: float) -> float:
        if self.budget is None:
            return self.max_tries
        extra = self.budget.min_per_s / rate if rate else inf if self.budget.min_per_s else 0.0
        return min(self.max_tries, 1 + self.budget.share + extra)

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        label, nouns = case.label(name), case.nouns
        each = f"{label}: retries per {nouns.one}"
        yield Metric(f"retries_per_request.{name}", each, "a request", "lower", "ratio", stage=name)
        yield share_metric(f"exhausted_share.{name}", f"{label}: {nouns.many} whose last try failed", "lower", name)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Return how often, after how long, and within which budget."""
        if self.max_tries == 1:
            return ["never again"]
        grows = f" × {self.factor:g}" if self.factor > 1 else ""
        jitter = f", {self.jitter} jitter" if self.jitter != "none" else ""
        budget = [] if self.budget is None else [f"budget: {percent(self.budget.share)} of the requests"]
        return [
            f"up to {counted(self.max_tries, 'try', 'tries')}",
            f"after {duration(self.backoff_ms.value / 1000)}{grows}{jitter}",
            *budget,
        ]

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        return []

    def report(self, trace: Trace, name: str) -> StageReport:
        return StageReport(totals=self._totals(trace, name))

    def _totals(self, trace: Trace, name: str) -> Iterator[tuple[str, float, float]]:
        started, all_ = np.array(trace.logs[name].started), float(trace.columns.n)
        gave_up = np.isnan(started) & ~np.isnan(np.array(trace.logs[name].left))
        yield f"retries_per_request.{name}", float(np.count_nonzero(~np.isnan(started))), all_
        yield f"exhausted_share.{name}", float(np.count_nonzero(gave_up)), all_


#: From the longest wait that a retry may take, and a uniform draw, to the wait. Names and rules after Marc Brooker,
#: "Exponential backoff and jitter", AWS Architecture Blog, 2015.
JITTERS = {
    "none": lambda longest, luck: np.full_like(luck, longest),
    "full": lambda longest, luck: longest * luck,
    "equal": lambda longest, luck: longest * (1 + luck) / 2,
}


class RetryStage(ServiceStage):
    """Decides in order of time, since all requests share the budget. The last try decides a request's outcome.

    A visit lasts from the failure to the next try; a request that gives up was not served here.
    """

    goes_on_with = ("log", "tries", "failures", "spent")

    def __init__(self, run: StageRun, name: str, spec: Retry) -> None:
        super().__init__(run, name, spec)
        self.backoffs = [as_memoryview(self._backoff(retry)) for retry in range(spec.max_tries - 1)]
        self.tries = bytearray(b"\1" * run.requests.n)
        self.failures = np.zeros(run.requests.n, np.int8)
        self.spent: deque[float] = deque()  # when the retries of the budget's window were allowed

    def _backoff(self, retry: int) -> NDArray[np.float64]:
        """Seconds that each request would wait before its retry number `retry`, from 0; shape (n,)."""
        most = inf if self.spec.max_backoff_ms is None else self.spec.max_backoff_ms
        longest = min(self.spec.backoff_ms.value * self.spec.factor**retry, most) / 1000
        luck = self.run.uniform(f"{self.name}.{retry}.jitter").astype(float)
        return np.asarray(JITTERS[self.spec.jitter](longest, luck))

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.to = self.run.receiver(self.spec.to)
        self.on_exhausted = self.run.receiver(self.spec.on_exhausted)
        budget, source = self.spec.budget, self.run.source
        self.budget = budget and RetryBudget(budget, self.run.requests.arrived, lambda: source.issued, self.spent)
        self.leaders = self._leaders()
        # Within a branch of a fork only the join decides a request's outcome.
        self.in_branch = self.name in self.run.in_branches

    def _leaders(self) -> list[ServiceStage]:
        """Return the managed pools that send requests here, each in order of time, if no other stage waits in this ring.

        Return no pool where two ways lead out of the ring to a stage where requests wait again: if two requests come there
        at one instant, the turns decide which one is the first.
        """
        if not self.loops or self.run.closed or self.inbox.head < inf:
            return []
        senders = [self.run.stages[name] for name in sorted(self.run.senders(self.name))]
        leaders = [each for each in senders if isinstance(each, ManagedPoolStage) and each.spec.to != self.name]
        alone = all(rival in leaders or isinstance(rival, RetryStage) for rival in self.rivals)
        return [*leaders] if leaders == senders and alone and not self._meet_behind() else []

    def _meet_behind(self) -> bool:
        """Return whether requests that leave this ring in two ways may wait at the same stage."""
        run, stages = self.run, self.run.plan.scenario.stages
        ring = {name for name in run.ahead_of(self.name) if run.leads(name, self.name)}
        ways = [to for name in ring for to in run.ways(stages[name]) if to in stages and to not in ring]
        behind = Counter(name for to in ways for name in {to, *run.ahead_of(to)} if stages[name].waits)
        return any(count > 1 for count in behind.values())

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        self.failures[row] = outcome
        self.accept((row,), time)

    def fall_back_block(self, rows: Rows, outcome: int | Column, times: Times) -> None:
        self.failures[rows] = outcome
        self.accept_block(rows, times)

    def step(self, now: float) -> float:
        while self.inbox.head <= now:
            self._decide(*self.inbox.pop())
        return self.inbox.head

    def _decide(self, row: int, time: float) -> None:
        tries = self.tries[row]
        if tries < self.spec.max_tries and (self.budget is None or self.budget.spend(time)):
            sent = time + self.backoffs[tries - 1][row]
            self.tries[row] = tries + 1
            if not self.in_branch:
                self.run.requests.outcome[row] = UNFINISHED
            self.log.add(row, time, time, sent)
            self.served((row,), sent)
        else:
            self.log.add(row, time, nan, time)
            self.on_exhausted.fall_back(row, int(self.failures[row]), time)

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        self.to.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        self.to.accept_block(rows, times)


class RetryBudget:
    """Retries in the last window are at most a share of the fresh requests in it, and a few on top.

    That is the rule of Finagle's RetryBudget (https://finagle.github.io/blog/2016/02/08/retry-budgets): a request deposits a
    token, a retry withdraws 1 / share of them, and both are forgotten after the window. Here the window is exact, there it
    moves in tenths.
    """

    def __init__(
        self, spec: Budget, arrived: NDArray[np.float64], issued: Callable[[], int], spent: deque[float] | None = None
    ) -> None:
        """arrived: when each fresh request comes, in order, for as many of them as `issued` says at the time.

        spent: when the retries were allowed that still count.
        """
        self.spec = spec
        self.arrived: Any = as_memoryview(arrived)
        self.issued = issued
        self.spent: deque[float] = deque() if spent is None else spent

    def spend(self, time: float) -> bool:
        """Return whether a retry is allowed at `time`, and count it if so; times never fall from call to call."""
        since = time - self.spec.window_s
        while self.spent and self.spent[0] <= since:
            self.spent.popleft()
        known = self.issued()
        fresh = bisect_right(self.arrived, time, 0, known) - bisect_right(self.arrived, since, 0, known)
        allowed = len(self.spent) + 1 <= self.spec.share * fresh + self.spec.min_per_s * self.spec.window_s + 1e-9
        if allowed:
            self.spent.append(time)
        return allowed
