"""The log of a column pool: at each pause it writes down the visits that ended since the one before, and hands them on."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.engine.stages.pool_columns import AT_ONCE
from simulator.records.trace import SHED, TIMED_OUT, UNFINISHED

if TYPE_CHECKING:
    from simulator.engine.contract import Rows, Times
    from simulator.engine.stages.column_pool import ColumnPoolStage
    from simulator.engine.stages.pool_columns import PoolColumns, Ways

#: The most visits that are written one by one; more are written as a block.
FEW = 16


def write_down(pool: ColumnPoolStage, columns: PoolColumns, ways: Ways) -> None:
    """Log what has happened since the last pause, and hand on what may go on together."""
    if columns.noted:
        (_write_few if len(columns.noted) < FEW else _write_many)(pool, columns, ways)
        for column in columns.since_pause:
            del column[:]


def _write_few(pool: ColumnPoolStage, columns: PoolColumns, ways: Ways) -> None:
    """Do what `_write_many` does, one by one: where the stages of a ring take turns, there is one at a time."""
    services, decisions = zip(columns.began, columns.server, strict=True), iter(columns.sent)
    away = iter(columns.away)
    for place, (noted, left) in enumerate(zip(columns.noted, columns.left, strict=True)):
        if noted == AT_ONCE:
            pool.log.add(row := next(away), left, nan, left)
            _write_decision(pool, row, SHED, left, next(decisions), ways)
            continue
        visit = max(noted, ~noted)
        row, entered, outcome = columns.row[visit], columns.entered[visit], columns.fate[visit]
        if noted < 0:
            began, server = next(services)
            wanted = place not in columns.unwanted
            if not wanted:
                pool.log.unwanted.append(len(pool.log))
            pool.log.add(row, entered, began, left, server)
            if wanted and ways.onward == "end":
                pool.hand_over((row,), left)
            continue
        pool.log.add(row, entered, nan, left)
        way, to = (ways.full, pool.on_full) if outcome == SHED else (ways.gone, pool.on_timeout)
        if way == "end":
            to.fall_back(row, outcome, left)
        elif way == "retry":
            _write_decision(pool, row, outcome, left, next(decisions), ways)


def _write_decision(pool: ColumnPoolStage, row: int, outcome: int, time: float, sent: float, ways: Ways) -> None:
    retry = ways.retry
    assert retry is not None
    if sent == sent:
        retry.log.add(row, time, time, sent)
        if not retry.in_branch and "stage" not in ways:
            pool.run.requests.outcome[row] = UNFINISHED
    else:
        retry.log.add(row, time, nan, time)
        if ways.exhausted == "end":
            retry.on_exhausted.fall_back(row, outcome, time)


def _write_many(pool: ColumnPoolStage, columns: PoolColumns, ways: Ways) -> None:
    # The types are given: NumPy takes twice as long to find them out.
    noted, left, logged = np.array(columns.noted, np.int64), np.array(columns.left, float), len(pool.log)
    served, others = noted < 0, noted != AT_ONCE
    visits = np.where(served, ~noted, noted)[others]
    rows, since, fates = np.empty(len(noted), np.int32), left.copy(), np.full(len(noted), SHED)
    rows[others], rows[~others] = np.asarray(columns.row)[visits], np.array(columns.away, np.int32)
    since[others], fates[others] = np.asarray(columns.entered)[visits], np.asarray(columns.fate)[visits]
    began, server = np.full(len(rows), nan), np.full(len(rows), -1)
    began[served], server[served] = np.array(columns.began, float), np.array(columns.server, np.int64)
    pool.log.add_block(rows, since, began, left, server)
    pool.log.unwanted.extend(logged + place for place in columns.unwanted)
    fates[served] = UNFINISHED
    if columns.sent:
        decided = ((fates == SHED) & (ways.full == "retry")) | ((fates == TIMED_OUT) & (ways.gone == "retry"))
        _write_decisions(pool, rows[decided], fates[decided], left[decided], np.array(columns.sent, float), ways)
    for outcome, way, to in ((SHED, ways.full, pool.on_full), (TIMED_OUT, ways.gone, pool.on_timeout)):
        away = fates == outcome
        if way == "end" and away.any():
            to.fall_back_block(rows[away], outcome, left[away])
    served[columns.unwanted] = False
    if ways.onward == "end" and served.any():
        pool.hand_over_block(rows[served], left[served])


def _write_decisions(pool: ColumnPoolStage, rows: Rows, fates: NDArray[np.int_], times: Times, sent: Times, ways: Ways) -> None:
    retry = ways.retry
    assert retry is not None
    given_up = np.isnan(sent)
    retry.log.add_block(rows, times, np.where(given_up, nan, times), np.where(given_up, times, sent))
    if not retry.in_branch and "stage" not in ways:
        pool.run.requests.outcome[rows[~given_up]] = UNFINISHED
    for outcome in (SHED, TIMED_OUT) if ways.exhausted == "end" else ():
        away = given_up & (fates == outcome)
        retry.on_exhausted.fall_back_block(rows[away], outcome, times[away])
