"""The loop of people who read each case once: a case is its number in the order of reading, all else about it a column."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np

from simulator.records.timetables import HOUR_S
from simulator.records.trace import TIMED_OUT

if TYPE_CHECKING:
    from simulator.engine.stages.people import PeopleStage

#: A reading at least this long (s) ends later than it begins, to the precision of a run's times.
SHORTEST_S = 1e-5

#: From so many arrivals on, and from so many for each case that waits already, columns spare more time than they take.
FEW, PER_WAITING = 32, 0.25


class ReadingCases:
    """Cases that wait or come before a time, numbered in the order of the queue.

    rows, entered, keys: of each case, shapes (n,); needs: what each takes (s; minutes, where people tire)
    due: when each gives up (s)
    queue: the numbers of those that wait, a heap in the order of the stage's
    coming, times: the numbers of those that come, and when each comes (s); behind these the next arrival, and inf
    number, begun, left, by: what happened: the case, when reading began (s; NaN: never), when it left (s), and the reviewer
    (-1: none). They are columns, since the garbage collector would look at a tuple for each again and again.
    """

    def __init__(self, stage: PeopleStage, before: float) -> None:
        rows, times, upcoming = stage.inbox.gather(before)
        keys = stage.order.keys(rows, times)
        waiting = len(stage.queue)
        if waiting:
            key, entered, row = zip(*stage.queue, strict=True)
            keys, times = np.concatenate([key, keys]), np.concatenate([entered, times])
            rows = np.concatenate([np.array(row, np.int32), rows])
        ascending = not waiting and bool((times[1:] > times[:-1]).all())
        order = np.argsort(keys, kind="stable") if ascending else np.lexsort((rows, times, keys))
        number = np.empty(len(order), np.intp)
        number[order] = np.arange(len(order))
        self.coming: list[int] = number[waiting:].tolist()
        self.times: list[float] = [*times[waiting:].tolist(), upcoming, inf]
        self.queue: list[int] = number[:waiting].tolist()
        self.rows, self.entered, self.keys = rows[order], times[order], keys[order]
        minutes = np.asarray(stage.minutes)[self.rows].astype(float)
        self.needs: list[float] = (minutes if stage.fatigue else 60 * minutes).tolist()
        self.due: list[float] = self._due(stage)
        self.number: list[int] = []
        self.begun: list[float] = []
        self.left: list[float] = []
        self.by: list[int] = []
        self.notices = None if stage.on_timeout is None or stage.is_end(stage.on_timeout) else stage.on_timeout

    def _due(self, stage: PeopleStage) -> list[float]:
        if stage.patience is None:
            return [inf] * len(self.rows)
        due: list[float] = (self.entered + HOUR_S * np.asarray(stage.patience)[self.rows].astype(float)).tolist()
        return due

    def give_up(self, case: int, now: float) -> None:
        """Note that a case was not read in time; a stage that it goes to is told at once, an end later."""
        self.number.append(case)
        self.begun.append(nan)
        self.left.append(now)
        self.by.append(-1)
        if self.notices is not None:
            self.notices.fall_back(int(self.rows[case]), TIMED_OUT, now)

    def settle(self, stage: PeopleStage, taken: int) -> None:
        """Give back to the stage the cases that wait, of those that came `taken`, and log what happened."""
        columns = [column[self.queue].tolist() for column in (self.keys, self.entered, self.rows)]
        stage.queue = list(zip(*columns, strict=True))
        stage.inbox.at += taken
        if not self.number:
            return
        number, by, left = np.array(self.number), np.array(self.by, np.int32), np.array(self.left)
        rows, entered = self.rows[number], self.entered[number]
        gone = by < 0
        if gone.any() and self.notices is None:
            left[gone] = np.maximum(np.array(self.due)[number[gone]], stage.since)
            stage.on_timeout.fall_back_block(rows[gone], TIMED_OUT, left[gone])
        stage.log.add_block(rows, entered, np.array(self.begun), left, by)


def read_cases(stage: PeopleStage, now: float, limit: float) -> float:
    """Do all that is due before `limit` (later than `now`), and return the time of what is due next."""
    return _ReadingLoop(stage, now, limit).run()


class _ReadingLoop:
    """The turn of a stage. At each instant people come free, cases come, and each who is free takes a case.

    Two stretches do the same in fewer steps: while all are at work and cases wait, the first to be done takes the next case;
    while nobody waits and somebody is free, a case that comes alone is taken at once. at: the place of the next that comes
    """

    def __init__(self, stage: PeopleStage, now: float, limit: float) -> None:
        self.stage, self.cases, self.now, self.limit, self.at = stage, ReadingCases(stage, limit), now, limit, 0
        self.begin = self._begin()

    def run(self) -> float:
        stage, queue, busy = self.stage, self.cases.queue, self.stage.busy
        while True:
            if busy and busy[0][0] <= self.now:
                self._come_free(self.now)
            if self.now >= stage.shift_ends:
                stage.change_shift(self.now)
                self.begin = self._begin()
            self._join(self.now)
            if queue and stage.free:
                self._hand_out()
            until = min(stage.shift_ends, self.limit)
            if queue and busy and len(busy) == len(stage.on_duty):
                self._while_all_read(until)
            elif stage.free:
                self._while_cases_come_alone(until)
            self.now = self._next_time()
            if self.now >= self.limit:
                self.cases.settle(stage, self.at)
                return self.now

    def _come_free(self, now: float) -> None:
        busy, free, on_duty = self.stage.busy, self.stage.free, self.stage.on_duty
        while busy and busy[0][0] <= now:
            reviewer = heappop(busy)[1]
            if reviewer in on_duty:
                heappush(free, reviewer)

    def _join(self, now: float) -> None:
        cases = self.cases
        while cases.times[self.at] <= now:
            heappush(cases.queue, cases.coming[self.at])
            self.at += 1

    def _begin(self) -> Callable[[int, int, float], float]:
        """Return the function that notes the reading of a case by a reviewer from a time on (s), and returns its end (s)."""
        needs, fatigue, on_duty = self.cases.needs, self.stage.fatigue, self.stage.on_duty
        cases = self.cases
        note, note_begun, note_left, note_by = cases.number.append, cases.begun.append, cases.left.append, cases.by.append

        def begin(case: int, reviewer: int, now: float) -> float:
            spent = 60 * (needs[case] * (1 + fatigue * (now - on_duty[reviewer]))) if fatigue else needs[case]
            done: float = now + spent
            note(case)
            note_begun(now)
            note_left(done)
            note_by(reviewer)
            return done

        return begin

    def _next_case(self, now: float) -> int | None:
        """Take the next case that has not given up; None where there is none."""
        cases = self.cases
        while cases.queue:
            case = heappop(cases.queue)
            if cases.due[case] >= now:
                return case
            cases.give_up(case, now)
        return None

    def _hand_out(self) -> None:
        now, busy, free, begin = self.now, self.stage.busy, self.stage.free, self.begin
        while free and (case := self._next_case(now)) is not None:
            reviewer = heappop(free)
            heappush(busy, (begin(case, reviewer, now), reviewer))

    def _while_all_read(self, until: float) -> None:
        busy, cases, begin = self.stage.busy, self.cases, self.begin
        queue, times, due = cases.queue, cases.times, cases.due
        while queue and (soonest := busy[0])[0] < until:
            now, reviewer = soonest
            if times[self.at] <= now:
                self._join(now)
            first = heappop(queue)
            case: int | None = first
            if due[first] < now:
                cases.give_up(first, now)
                case = self._next_case(now)
            if case is not None:
                heapreplace(busy, (begin(case, reviewer, now), reviewer))

    def _while_cases_come_alone(self, until: float) -> None:
        cases, busy, free, begin, at = self.cases, self.stage.busy, self.stage.free, self.begin, self.at
        coming, times = cases.coming, cases.times
        while free and times[at] < until and times[at + 1] > times[at]:
            now, case = times[at], coming[at]
            at += 1
            if busy and busy[0][0] <= now:
                self._come_free(now)
            reviewer = heappop(free)
            heappush(busy, (begin(case, reviewer, now), reviewer))
        self.at = at

    def _next_time(self) -> float:
        busy, ends, head = self.stage.busy, self.stage.shift_ends, self.cases.times[self.at]
        if self.cases.queue:
            return min(busy[0][0], ends) if busy else ends
        if head == inf:
            return inf
        if self.stage.free:
            return min(head, ends)
        return min(busy[0][0], ends) if busy else ends
