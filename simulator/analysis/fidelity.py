"""What a fidelity report comes to: a mark for each bar, and a row for each point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from simulator.analysis.marks import Mark
from simulator.evidence.fidelity import AGREE, IN_PROCESS, Point, Report
from simulator.units import percent

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
    """The figures of one server that a bar is on; without a point to judge, its figures are left out."""
    found = report.summary(server)
    return [Mark(label, float(found[name]), bar, unit) for name, label, bar, unit in _BARS if name in found]


def told(report: Report, server: str) -> str:
    """How many points were judged, and how much two identical real runs differ."""
    found = report.summary(server)
    left_out = int(found["points"] - found["points_judged"])
    noise = " and ".join(f"{percent(found[f'all_points_noise_{name}_median'])} in {name}" for name in ("p50", "p99"))
    return (
        f"{found['points']} points. Two identical real runs differ by {noise} (medians). {left_out} points are not judged: "
        f"their two real runs differ by more than {percent(AGREE)} in p50 or in p99."
    )


def point_rows(report: Report, server: str) -> pd.DataFrame:
    """A row a point: times in ms, shares and errors in %, goodput errors in percentage points."""
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
