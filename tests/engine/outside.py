"""Two kinds of stages that CaseSim does not come with, as an outsider would add them: a cache, and workers of a fixed pace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heapreplace
from math import inf
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.arrays import Rows, Times
from simulator.case.any_stage import Faults, Servers, Service, Target
from simulator.case.fields import CostFigure, Figure, ShareFigure, bounded
from simulator.case.outputs import CaseOutline, Metric, share_metric
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, Stage, StageCapacity, StageModel, StageReport
from simulator.engine.run_trace import Trace
from simulator.engine.stages import register
from simulator.engine.stages.stage import ServiceStage
from simulator.units import percent


class Memo(StageModel):
    """Answers a share of the requests from memory at once."""

    kind: Literal["memo"]
    hits: ShareFigure
    hit_to: Target
    to: Target

    def check(self, name: str, scenario: Scenario) -> Faults:
        """Something is left for the rest to do."""
        if self.hits.value == 1:
            yield ("hits",), "a cache that knows every answer leaves nothing to the stages behind it; keep it below 1"

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        """How much it spares the others."""
        yield share_metric(f"hit_share.{name}", f"{case.label(name)}: answers from memory", "higher", name)

    def facts(self, plan: Plan, name: str) -> list[str]:
        return [f"{percent(self.hits.value)} from memory"]

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        return [Onward(self.hit_to, self.hits.value), Onward(self.to, 1 - self.hits.value)]

    def report(self, trace: Trace, name: str) -> StageReport:
        rows = np.array(trace.logs[name].request)
        ends = [*trace.plan.scenario.ends]
        hits = trace.columns.end[rows] == ends.index(self.hit_to)
        return StageReport(totals=[(f"hit_share.{name}", float(hits.sum()), float(len(rows)))])


class MemoStage(Stage):
    """Luck decides, drawn before the run."""

    def __init__(self, run: Any, name: str, spec: Memo) -> None:
        super().__init__(run, name, spec)
        self.hit = run.uniform(f"{name}.hit") < np.float32(spec.hits.value)

    def connect(self) -> None:
        self.hit_to, self.to = self.run.receiver(self.spec.hit_to), self.run.receiver(self.spec.to)

    def accept(self, rows: Sequence[int], time: float) -> None:
        for row in rows:
            self.log.add(row, time, time, time)
            (self.hit_to if self.hit[row] else self.to).accept((row,), time)


class Preprocess(StageModel):
    """Workers that each take a fixed time over one request."""

    servers: ClassVar[Servers] = Servers("worker", "its workers", cost_part="machines")
    keeps: ClassVar[bool] = True

    kind: Literal["preprocess"]
    workers: Annotated[int, Field(ge=1, le=1000)] = 1
    takes_ms: Annotated[Figure, bounded(0, 60_000)]
    usd_per_hour: CostFigure
    to: Target

    @property
    def service(self) -> Service:
        return Service(steady_servers=self.workers)

    def server_capacity(self, plan: Plan, name: str, visits: Mapping[str, float] | None = None) -> StageCapacity:
        return StageCapacity(self.takes_ms.value / 1000)

    def hourly_usd(self, plan: Plan, name: str) -> float:
        return float(self.usd_per_hour.value)


class PreprocessStage(ServiceStage):
    """First come, first served."""

    def __init__(self, run: Any, name: str, spec: Preprocess) -> None:
        super().__init__(run, name, spec)
        self.seconds = spec.takes_ms.value / 1000
        self.free = [(-inf, worker) for worker in range(spec.workers)]

    def connect(self) -> None:
        super().connect()
        self.to = self.run.receiver(self.spec.to)

    def due(self, time: float) -> float:
        return max(time, self.free[0][0])

    def step(self, now: float) -> float:
        while max(self.inbox.head, self.free[0][0]) <= now:
            row, entered = self.inbox.pop()
            done, worker = now + self.seconds, self.free[0][1]
            heapreplace(self.free, (done, worker))
            self.log.add(row, entered, now, done, worker)
            self.served((row,), done)
        return max(self.inbox.head, self.free[0][0])

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        self.to.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        self.to.accept_block(rows, times)


KINDS: list[tuple[type[StageModel], type[Stage]]] = [(Memo, MemoStage), (Preprocess, PreprocessStage)]

for model, running in KINDS:
    register(model, running)
