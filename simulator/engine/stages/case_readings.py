"""What reviewers say of cases: at the rates of the time and of the group, once or twice."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from simulator.case.attributes import in_groups
from simulator.records.trace import as_memoryview

if TYPE_CHECKING:
    from simulator.engine.compiled_plan import Plan
    from simulator.engine.contract import StageRun
    from simulator.engine.stages.people import People, PeopleStage, SecondReader


def called_positive(plan: Plan, spec: People, positive: bool) -> Iterator[tuple[float, float]]:
    """Yield shares of the cases of a class, each with the share of them that one reading calls positive."""
    usual, left = spec.sensitivity if positive else spec.specificity, 1.0
    for one in spec.readings:
        own = (one.sensitivity if positive else one.specificity) or usual
        share = left * one.share(plan, positive)
        left -= share
        yield share, own.value if positive else 1 - own.value
    yield left, usual.value if positive else 1 - usual.value


class Readings:
    """Answers of reviewers to each request, at the rates of the time of reading."""

    def __init__(self, run: StageRun, stage: str, stream: str) -> None:
        self.luck, self.truth = run.uniform(stream), run.requests.positive
        self.rates = run.conditions.readings(stage)
        spec = cast("People", run.plan.scenario.stages[stage])
        self.own = _own_rates(run, spec) if spec.readings else None
        self.steady = all(rate.steady for rate in self.rates)
        self._luck, self._truth = as_memoryview(self.luck), as_memoryview(self.truth)

    def usual(self) -> NDArray[np.bool_]:
        """Return whether each would be called positive at the usual rates, shape (n,)."""
        sensitivity, specificity = (rate.usual for rate in self.rates) if self.own is None else self.own
        return np.where(self.truth, self.luck < sensitivity, self.luck >= specificity)

    def positive(self, row: int, time: float) -> bool:
        truth: bool = self._truth[row]
        which = 0 if truth else 1
        rate = self.rates[which].at(time)
        if self.own is not None and rate == self.rates[which].usual:
            rate = self.own[which][row]
        # The draw has single precision. The rate is rounded to it, as `usual` compares whole columns.
        return bool(self._luck[row] < np.float32(rate)) == truth


def _own_rates(run: StageRun, spec: People) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sensitivity and the specificity for each request, shape (n,) each."""
    requests, scenario = run.requests, run.plan.scenario
    rates = [np.full(requests.n, usual.value, np.float32) for usual in (spec.sensitivity, spec.specificity)]
    left, classes = np.ones(requests.n, bool), [*scenario.classes]
    for one in spec.readings:
        found = left & in_groups(scenario.attributes, requests.attributes, one.groups, requests.n)
        if one.classes:
            found &= np.isin(requests.kind, [classes.index(name) for name in one.classes])
        for rate, own in zip(rates, (one.sensitivity, one.specificity), strict=True):
            if own is not None:
                rate[found] = own.value
        left &= ~found
    return rates[0], rates[1]


class SecondReadings:
    """The policy of a second reader: which cases are read twice, by whom, and what comes of it."""

    def __init__(self, stage: PeopleStage, spec: SecondReader, first: Readings) -> None:
        run, name = stage.run, stage.name
        self.stage = stage
        self.either = spec.rule == "either"
        self.wanted = as_memoryview(run.uniform(f"{name}.second.share") < spec.share)
        self.minutes = as_memoryview(run.draw(f"{name}.second.minutes", stage.spec.minutes))
        self.first, self.again = first, Readings(run, name, f"{name}.second.reading")
        self.tag = run.tags.index(spec.tag) + 1 if spec.tag else None
        self.tags = run.requests.tags
        self.read: dict[int, tuple[int, float]] = {}  # a case between its readings: who has read it, how long it waited
        self.held: list[tuple[float, float, int]] = []  # cases that no free reviewer may read

    def hand_out(self, case: tuple[float, float, int], now: float) -> None:
        """Give a case to the first free reviewer who may read it; hold it where there is none."""
        _, entered, row = case
        stage = self.stage
        again = row in self.read
        reviewer = self._reviewer(row) if again else heappop(stage.free)
        if reviewer is None:
            self.held.append(case)
            return
        if again:
            del self.read[row]
            said = (stage.recognises[row], self.again.positive(row, now))
            stage.recognises[row] = any(said) if self.either else all(said)
            stage.served((row,), stage.read(row, entered, now, reviewer, self.minutes[row]))
            return
        stage.recognises[row] = self.first.positive(row, now)
        done = stage.read(row, entered, now, reviewer, stage.minutes[row])
        if self.wanted[row] and self.tag in (None, self.tags.at(row, now)):
            self.read[row] = reviewer, now - entered
            stage.inbox.add((row,), done)
        else:
            stage.served((row,), done)

    def _reviewer(self, row: int) -> int | None:
        """Return the first free reviewer who has not read the case; who has, only while alone on duty."""
        free, reader = self.stage.free, self.read[row][0]
        first = heappop(free)
        if first != reader or len(self.stage.on_duty) == 1:
            return first
        other = heappop(free) if free else None
        heappush(free, first)
        return other

    def put_back(self) -> None:
        for case in self.held:
            heappush(self.stage.queue, case)
        self.held.clear()
