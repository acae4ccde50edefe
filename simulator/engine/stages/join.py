"""Combines several inputs of one request."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from math import inf, nan, nextafter
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from simulator.arrays import Column, Rows, Times
from simulator.case.any_stage import Faults, Service, Target
from simulator.case.case_contract import AnyCase
from simulator.case.outputs import CaseOutline, Metric, share_metric
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, Stage, StageModel, StageReport, StageRun, Waiting
from simulator.engine.run_trace import Trace
from simulator.engine.stages.stage import GatheringStage
from simulator.records.trace import TIMED_OUT, as_memoryview
from simulator.units import duration


class Join(StageModel):
    """Waits for all or some branches of a fork, and goes on once; later inputs are dropped.

    A branch that turns a request away may name the join as its fallback: then the join knows that this input is missing.
    """

    branching: ClassVar[Literal["", "fork", "join"]] = "join"
    keeps: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {"label": "Wait for all"}
    at_the_box: ClassVar[Mapping[str, str]] = {"timeout_s": "Longest wait (s)"}

    kind: Literal["join"]
    needs: Literal["all"] | Annotated[int, Field(ge=1, le=16)] = "all"
    """inputs to wait for"""
    timeout_s: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """longest wait from the first input on; none: no limit"""
    to: Target
    on_incomplete: Target | None = None
    """where a request goes if an input is missing and no more can arrive, or time is up; none: `to`"""

    @property
    def service(self) -> Service:
        return Service(held_for="waiting for other inputs")

    def needed(self, inputs: int) -> int:
        return inputs if self.needs == "all" else self.needs

    def check(self, name: str, scenario: AnyCase) -> Faults:
        inputs = scenario.network.inputs_of(name)
        if inputs and self.needed(inputs) > inputs:
            yield ("needs",), f"{self.needs} inputs are needed, but {inputs} branches meet here"

    @classmethod
    def metrics(cls, name: str, case: CaseOutline) -> Iterator[Metric]:
        label, without = case.label(name), f"{case.nouns.many} that went on without an input"
        yield share_metric(f"incomplete_share.{name}", f"{label}: {without}", "lower", name)
        yield share_metric(f"late_share.{name}", f"{label}: inputs that came too late", "lower", name)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Return the number of inputs, and for how long."""
        inputs = plan.scenario.network.inputs_of(name)
        waits = [] if self.timeout_s is None else [f"waits at most {duration(self.timeout_s)}"]
        return [f"{self.needed(inputs)} of {inputs} inputs", *waits]

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        return [Onward(self.to, 1 / plan.scenario.network.inputs_of(name))]

    def report(self, trace: Trace, name: str) -> StageReport:
        return StageReport(totals=self._totals(trace, name))

    def _totals(self, trace: Trace, name: str) -> Iterator[tuple[str, float, float]]:
        visits = trace.logs[name].frame(name).dropna(subset="left_s")
        used = visits[visits["started_s"].notna()]
        sets = used.assign(came=used["server"] >= 0).groupby("request").agg(came=("came", "sum"), left=("left_s", "first"))
        lacking = 0
        for start, end, plan in trace.parts():
            needed = cast(Join, plan.scenario.stages[name]).needed(plan.scenario.network.inputs_of(name))
            mine = (sets["left"] >= start) & (sets["left"] < end)
            lacking += int((sets["came"][mine] < needed).sum())
        yield f"incomplete_share.{name}", float(lacking), float(len(sets))
        yield f"late_share.{name}", float(len(visits) - len(used)), float(len(visits))


class JoinStage(GatheringStage):
    """Every input is a visit. Inputs that go on together are a batch; one that arrives too late is never served.

    Inputs come from branches that run ahead of each other; the inbox puts them in the order of time. The complement of a
    row stands for an input that is missing, because its branch turned it away.
    """

    goes_on_with = ("log", "incomplete", "deadlines", "gone", "failures", "_numbers")

    def __init__(self, run: StageRun, name: str, spec: Join) -> None:
        super().__init__(run, name, spec)
        self.inputs = run.plan.scenario.network.inputs_of(name)
        self.needs = spec.needed(self.inputs)
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.incomplete: dict[int, tuple[list[float], list[float]]] = {}  # when inputs came: the real ones, the missing ones
        self.deadlines: list[tuple[float, int, int]] = []  # a heap: when, in which order, whose
        self._numbers = count()
        self.eased = False  # whether fewer inputs may do than before
        self.gone = as_memoryview(np.zeros(run.requests.n, np.int8))
        self.failures = np.zeros(run.requests.n, np.int8)

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        self.failures[row] = max(self.failures[row], outcome)  # whichever branch is heard of first
        self.accept((~row,), time)

    def fall_back_block(self, rows: Rows, outcome: int | Column, times: Times) -> None:
        self.failures[rows] = np.maximum(self.failures[rows], outcome)
        self.accept_block(~rows, times)

    def step(self, now: float) -> float:
        """Take in the inputs that have arrived, then release requests whose time is up."""
        if self.eased:
            self._let_go_of_complete(now)
        while self.inbox.head <= now:
            self._take(*self.inbox.pop())
        while self.deadlines and self.deadlines[0][0] <= now:
            *_, row = heappop(self.deadlines)
            if row in self.incomplete:
                self._let_go(row, now)
                self.go_on_without(row, TIMED_OUT, now)
        return min(self.inbox.head, self.deadlines[0][0]) if self.deadlines else self.inbox.head

    def _let_go_of_complete(self, now: float) -> None:
        self.eased = False
        for row in [row for row, (came, _) in self.incomplete.items() if len(came) >= self.needs]:
            self._let_go(row, now)
            self.onward.accept((row,), now)

    def _take(self, signed: int, time: float) -> None:
        row = max(signed, ~signed)
        if self.gone[row]:
            self.log.add(row, time, nan, time)
            return
        if row not in self.incomplete:
            self.incomplete[row] = [], []
            if self.timeout < inf:
                # An input that comes at the very deadline is in time: the deadline is passed just after its instant.
                heappush(self.deadlines, (nextafter(time + self.timeout, inf), next(self._numbers), row))
        came, missing = self.incomplete[row]
        (came if signed >= 0 else missing).append(time)
        if len(came) >= self.needs:
            self._let_go(row, time)
            self.onward.accept((row,), time)
        elif len(came) + len(missing) == self.inputs:
            self._let_go(row, time)
            self.go_on_without(row, int(self.failures[row]), time)

    def _let_go(self, row: int, now: float) -> None:
        came, missing = self.incomplete.pop(row)
        self.gone[row] = True
        if came:
            self.log.add_batch([row] * len(came), came, now, now, 0)
        for time in missing:
            self.log.add(row, time, now, now)

    def take_over(self, before: Stage, now: float) -> None:
        """Keep what has come of each request; a request whose first input is there keeps the deadline that it has."""
        super().take_over(before, now)
        assert isinstance(before, JoinStage)
        self.eased = self.needs < before.needs

    def waiting(self, time: float) -> Waiting:
        """Every input that has come and waits for the rest."""
        signed, entered, _ = super().waiting(time)
        inputs = [(row, came) for row, both in self.incomplete.items() for came in itertools.chain(*both)]
        rows = [*np.maximum(signed, ~signed).tolist(), *(row for row, _ in inputs)]
        return Waiting.patient(rows, [*entered.tolist(), *(came for _, came in inputs)])
