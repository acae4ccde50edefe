"""The loop of people who read each case once: a case is its number in the order of reading, all else about it a column."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.records.timetables import HOUR_S
from simulator.records.trace import TIMED_OUT

if TYPE_CHECKING:
    from simulator.arrays import Rows, Times
    from simulator.engine.stages.people import PeopleStage

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
