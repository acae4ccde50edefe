"""How people read: what they say of a case, once or twice, and the loop that reads many cases that are all plain.

The rates are those of the time and of the group. In the loop a case is its number in the order of reading, all else about it a
column.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf, nan
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from simulator.case.attributes import in_groups
from simulator.records.timetables import HOUR_S
from simulator.records.trace import TIMED_OUT, as_memoryview

if TYPE_CHECKING:
    from simulator.arrays import Rows, Times
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


#: A reading at least this long (s) ends later than it begins, to the precision of a run's times.
SHORTEST_S = 1e-5

#: From so many arrivals on, and from so many for each case that waits already, columns spare more time than they take.
FEW, PER_WAITING = 32, 0.25


def read_cases(stage: PeopleStage, now: float, limit: float) -> float:
    """Do all that is due before `limit` (later than `now`), and return the time of what is due next.

    At each instant people come free, the shift changes, cases come, and each who is free takes a case. What happened is noted
    in columns, since the garbage collector would look at a tuple for each case again and again: the case, when reading began
    (s; NaN: never), when it left (s), and the reviewer (-1: none).
    """
    waiting, (rows, entered, upcoming) = len(stage.queue), stage.inbox.gather(limit)
    keys, times, at = stage.order.keys(rows, entered), [*entered.tolist(), upcoming, inf], 0
    if waiting:
        key, since, row = zip(*stage.queue, strict=True)
        rows, entered = np.concatenate([np.array(row, np.int32), rows]), np.concatenate([since, entered])
        keys = np.concatenate([key, keys])
    order = np.lexsort((rows, entered, keys))
    numbers = np.argsort(order).tolist()
    queue, coming, rows, entered = numbers[:waiting], numbers[waiting:], rows[order], entered[order]
    due = None if stage.patience is None else entered + HOUR_S * np.asarray(stage.patience)[rows].astype(float)
    leaves = [inf] * len(rows) if due is None else due.tolist()
    minutes, fatigue = np.asarray(stage.minutes)[rows].astype(float), stage.fatigue
    needs = (minutes if fatigue else 60 * minutes).tolist()
    notice = None if stage.on_timeout is None or stage.is_end(stage.on_timeout) else stage.on_timeout.fall_back
    cases, begun, left, by = list[int](), list[float](), list[float](), list[int]()
    note, note_begun, note_left, note_by = cases.append, begun.append, left.append, by.append
    busy, free, on_duty, ends = stage.busy, stage.free, stage.on_duty, stage.shift_ends
    while now < limit:
        while busy and busy[0][0] <= now:
            reviewer = heappop(busy)[1]
            if reviewer in on_duty:
                heappush(free, reviewer)
        if now >= ends:
            stage.change_shift(now)
            free, on_duty, ends = stage.free, stage.on_duty, stage.shift_ends
        while times[at] <= now:
            heappush(queue, coming[at])
            at += 1
        while queue and free:
            case = heappop(queue)
            note(case)
            if leaves[case] < now:
                note_begun(nan)
                note_left(now)
                note_by(-1)
                if notice is not None:
                    notice(int(rows[case]), TIMED_OUT, now)
            else:
                reviewer = heappop(free)
                done = now + (60 * (needs[case] * (1 + fatigue * (now - on_duty[reviewer]))) if fatigue else needs[case])
                heappush(busy, (done, reviewer))
                note_begun(now)
                note_left(done)
                note_by(reviewer)
        upcoming = times[at] if free else busy[0][0] if busy else inf
        upcoming = upcoming if upcoming < ends else ends
        now = upcoming if queue or times[at] < inf else inf
    stage.queue = list(zip(keys[order][queue].tolist(), entered[queue].tolist(), rows[queue].tolist(), strict=True))
    stage.inbox.at += at
    _log(stage, due, rows, entered, [np.array(column) for column in (cases, begun, left, by)])
    return now


def _log(stage: PeopleStage, due: Times | None, rows: Rows, entered: Times, happened: list[Any]) -> None:
    """Log cases as they left, and hand those to an end together that nobody has read in time.

    due, rows, entered: of every case; happened: cases by number, and the columns that were noted of each
    """
    cases, begun, left, by = happened
    if not len(cases):
        return
    rows, gone = rows[cases], by < 0
    if due is not None and gone.any() and stage.is_end(stage.on_timeout):
        left[gone] = np.maximum(due[cases[gone]], stage.since)
        stage.on_timeout.fall_back_block(rows[gone], TIMED_OUT, left[gone])
    stage.log.add_block(rows, entered[cases], begun, left, by)
