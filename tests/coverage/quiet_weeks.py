"""Quiet pairs of files: how often the monitors claim a difference, and how far their interval of the shift holds none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.intervals import Interval
from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.monitor_tables import MonitoredTable
from tests.coverage.registry import Claim, study
from tests.monitors.worlds import ar1, cameras_by_chance, rare_word, shuffled_cameras, slow, two_slow_parts

#: Seconds from row to row, where the files have a column of times: two weeks.
STEP_S = 600

#: The interval of the shift rests on few blocks, which are long where rows were seen to resemble each other (docs/monitors.md).
HELD = 0.9

World = Callable[[np.random.Generator], NDArray[np.float64] | NDArray[np.str_]]


def pair(world: World, number: int, timed: bool = False) -> Iterator[Claim]:
    """Claim a change where the verdict is that the files differ; both are drawn by one process."""
    rng = np.random.default_rng([number, 71])
    frames = [pd.DataFrame({"value": world(rng)}) for _ in range(2)]
    if timed:
        frames = [frame.assign(seen=STEP_S * np.arange(len(frame))) for frame in frames]
    asked = ReportRequest(columns=("value",), time="seen" if timed else None)
    report = compare(*(MonitoredTable("a week", frame) for frame in frames), asked)
    claimed = float(bool(report.differing))
    yield Claim("change of a quiet file", 0.0, Interval(claimed, claimed, claimed))
    effect = report.findings[0].answer.effect.interval
    if world is not rare_word:
        yield Claim("shift of the mean", 0.0, effect if np.isfinite(effect.low) else None)


@study("quiet files of an AR(1) series of .9, 1,008 rows", promised=HELD)
def of_one_series(number: int) -> Iterator[Claim]:
    return pair(partial(ar1, rows=1008, phi=0.9), number)


@study("quiet files of a slow part under noise, 2,016 rows", promised=HELD)
def of_a_slow_part(number: int) -> Iterator[Claim]:
    return pair(slow, number)


@study("quiet files of a slow part under noise, with times", promised=HELD)
def of_a_timed_slow_part(number: int) -> Iterator[Claim]:
    return pair(slow, number, timed=True)


@study("quiet files of six cameras in no order, without a column that names them", promised=HELD)
def of_shuffled_cameras(number: int) -> Iterator[Claim]:
    return pair(shuffled_cameras, number)


@study("quiet files of six cameras on levels in no order, without a column that names them", promised=HELD)
def of_levels(number: int) -> Iterator[Claim]:
    return pair(partial(shuffled_cameras, levels=2.0), number)


@study("quiet files of eight cameras by chance, on levels, with a long memory", promised=HELD)
def of_cameras_by_chance(number: int) -> Iterator[Claim]:
    return pair(cameras_by_chance, number)


@study("quiet files of a quick and a slow part under noise, 3,000 rows", promised=HELD)
def of_two_slow_parts(number: int) -> Iterator[Claim]:
    return pair(two_slow_parts, number)


@study("quiet files of levels with a rare word at .9", promised=HELD)
def of_a_rare_word(number: int) -> Iterator[Claim]:
    return pair(rare_word, number)
