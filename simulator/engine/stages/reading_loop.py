"""The loop of people who read each case once: a case is its number in the order of reading, all else about it a column."""

from __future__ import annotations

from heapq import heappop, heappush
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
    """Do all that is due before `limit` (later than `now`), and return the time of what is due next.

    At each instant people come free, the shift changes, cases come, and each who is free takes a case.
    """
    cases = ReadingCases(stage, limit)
    queue, coming, times, needs, due, at = cases.queue, cases.coming, cases.times, cases.needs, cases.due, 0
    note, note_begun, note_left, note_by = cases.number.append, cases.begun.append, cases.left.append, cases.by.append
    busy, free, on_duty, ends, fatigue = stage.busy, stage.free, stage.on_duty, stage.shift_ends, stage.fatigue
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
            if due[case] < now:
                cases.give_up(case, now)
            else:
                reviewer = heappop(free)
                done = now + (60 * (needs[case] * (1 + fatigue * (now - on_duty[reviewer]))) if fatigue else needs[case])
                heappush(busy, (done, reviewer))
                note(case)
                note_begun(now)
                note_left(done)
                note_by(reviewer)
        upcoming = times[at] if free else busy[0][0] if busy else inf
        upcoming = upcoming if upcoming < ends else ends
        now = upcoming if queue or times[at] < inf else inf
    cases.settle(stage, at)
    return now
