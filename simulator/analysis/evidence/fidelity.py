"""What a fidelity report comes to: a mark for each bar, and a row for each point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
import pandas as pd

from simulator.analysis.statistics import Interval, Mark, clustered_share
from simulator.evidence.fidelity import AGREE, IN_PROCESS, Point, Report
from simulator.units import percent, roughly

#: A figure of `Report.summary`, what it is, its bar, and their unit. Goodput: what AlpaServe (OSDI 2023) says of its
#: simulator, mean and largest; p99: what BLIS says of its own. A replay has no noise to hide in.
_BARS: tuple[tuple[str, str, float, Literal["share", "points"]], ...] = (
    ("goodput_error_mean_points", "In time, mean error", 0.5, "points"),
    ("goodput_error_max_points", "In time, largest error", 1.6, "points"),
    ("p50_error_median", "p50, median error", 0.05, "share"),
    ("p99_error_median", "p99, median error", 0.09, "share"),
    ("all_points_replay_p50_error_max", "p50 replayed, largest error", 0.01, "share"),
    ("all_points_replay_p99_error_max", "p99 replayed, largest error", 0.02, "share"),
)


def marks(report: Report, server: str = IN_PROCESS) -> list[Mark]:
    """The figures of one server that have a bar; without a point to judge, they are left out."""
    found = report.summary(server)
    return [Mark(label, float(found[name]), bar, unit) for name, label, bar, unit in _BARS if name in found]


#: What a forecast has an interval for: the name that is shown, the figure of an `Outcome`, and what makes it a unit.
FORECAST = {
    "p50": ("p50_s", 1000, "ms"),
    "p95": ("p95_s", 1000, "ms"),
    "p99": ("p99_s", 1000, "ms"),
    "throughput": ("throughput_per_s", 1, "1/s"),
    "in time": ("goodput", 100, "%"),
}


@dataclass(frozen=True)
class Held:
    """How many of the real runs lie in the forecast interval of one figure, at one load or (None) at all of them.

    share: with a 95% interval that respects that the two runs of a point have one forecast
    width: the median width of the forecast interval, as a part of its middle; percentage points for `in time`
    """

    load: float | None
    figure: str
    runs: int
    held: int
    share: Interval
    width: float


def forecasts_held(report: Report, server: str) -> list[Held]:
    """The forecasts of one server against all of its real runs, load by load and then over all; empty without intervals.

    No point is left out: a machine whose repeats differ is what an interval is for.
    """
    points = [point for point in report.of(server) if point.low is not None]
    loads = [*sorted({point.load for point in points}), None] if points else []
    return [
        _held([point for point in points if load in (None, point.load)], load, figure) for load in loads for figure in FORECAST
    ]


def _held(points: list[Point], load: float | None, name: str) -> Held:
    figure, *_ = FORECAST[name]
    held = [point.held(figure) or 0 for point in points]
    runs = [len(point.real) for point in points]
    share = clustered_share(range(len(points)), runs, held, most=sum(runs))
    return Held(load, name, sum(runs), sum(held), share, float(np.median([_width(point, name) for point in points])))


def _width(point: Point, name: str) -> float:
    figure, *_ = FORECAST[name]
    low, high = point.bounds(figure) or (nan, nan)
    return 100 * (high - low) if name == "in time" else (high - low) / float(getattr(point.predicted, figure))


def share_told(held: Held) -> str:
    """`p99 46 of 48 (95.8%, [86, 100])`."""
    low, high = (f"{100 * bound:.0f}" for bound in (held.share.low, held.share.high))
    return f"{held.figure} {held.held} of {held.runs} ({percent(held.share.value)} [{low}, {high}])"


def held_told(report: Report, server: str) -> str:
    """How often the real runs lie in their forecast intervals, in words; empty without intervals."""
    found = forecasts_held(report, server)
    if not found:
        return ""
    overall = ", ".join(share_told(one) for one in found if one.load is None)
    return f"Real runs within their 95% forecast interval, with no run left out: {overall}."


def busy_told(report: Report) -> str:
    """What other programs took of the machine while the report was measured; empty where nobody looked."""
    share = report.others_share
    return "" if share is None else f"Other programs took {roughly(share)} of the machine meanwhile."


def told(report: Report, server: str) -> str:
    """How many points were judged, and how much two identical real runs differ."""
    found = report.summary(server)
    left_out = int(found["points"] - found["points_judged"])
    noise = " and ".join(f"{percent(found[f'all_points_noise_{name}_median'])} in {name}" for name in ("p50", "p99"))
    sentences = (
        f"{found['points']} points. Two identical real runs differ by {noise} (medians). {left_out} points are not judged: "
        f"their two real runs differ by more than {percent(AGREE)} in p50 or in p99. {busy_told(report)}"
    )
    return sentences.rstrip()


def point_rows(report: Report, server: str) -> pd.DataFrame:
    """One row per point: times in ms, shares and errors in %, goodput errors in percentage points."""
    return pd.DataFrame([dict(_row(point)) for point in report.of(server)])


def _row(point: Point) -> Iterator[tuple[str, object]]:
    yield from {"model": point.model, "precision": point.precision, "batching": point.policy, "load": point.load}.items()
    yield "rate (1/s)", point.rate_per_s
    yield "requests", point.requests
    yield "judged", point.repeats
    for figure in ("p50", "p95", "p99"):
        yield f"{figure} real (ms)", 1000 * point.real_of(f"{figure}_s")
        yield f"{figure} predicted (ms)", 1000 * getattr(point.predicted, f"{figure}_s")
        yield f"{figure} error (%)", 100 * point.error(f"{figure}_s")
        yield f"{figure} repeat differs (%)", 100 * point.noise(f"{figure}_s")
        replay = point.replay_error(f"{figure}_s")
        yield f"{figure} replay error (%)", None if replay is None else 100 * replay
    yield "in time real (%)", 100 * point.real_of("goodput")
    yield "in time predicted (%)", 100 * point.predicted.goodput
    yield "in time error (points)", point.goodput_error_points
    yield "throughput error (%)", 100 * point.error("throughput_per_s")
    yield from _interval_cells(point)


def _interval_cells(point: Point) -> Iterator[tuple[str, object]]:
    """The forecast intervals and both real runs, where there are intervals."""
    for name, (figure, scale, unit) in FORECAST.items():
        bounds = point.bounds(figure)
        if bounds is None:
            return
        yield f"{name} low ({unit})", scale * bounds[0]
        yield f"{name} high ({unit})", scale * bounds[1]
        for number, run in enumerate(point.real, 1):
            yield f"{name} run {number} ({unit})", scale * getattr(run, figure)
