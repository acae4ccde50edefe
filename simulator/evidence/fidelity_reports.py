"""Fidelity reports: predictions of a real server by the simulation, and the server's own figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from pathlib import Path
from statistics import fmean, median
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from simulator.errors import InputError, suggest
from simulator.evidence.catalogue import Positive
from simulator.evidence.evidence_files import EvidenceRecord, each_readable, in_one_step, read_json
from simulator.intervals import Interval, Mark, clustered_share
from simulator.paths import FIDELITY
from simulator.units import percent, roughly

#: The bars are judged on points whose two real runs differ by no more than this part in p50 and in p99.
AGREE = 0.05
#: The fewest judged points whose median says something: the range of six holds the true median in 97% of the cases.
FEWEST_JUDGED = 6
#: The servers that there are: one in the simulation's own process, and one that others wrote.
IN_PROCESS, OVER_HTTP = "in process", "HTTP (mosec)"


class FidelityError(InputError):
    """A report cannot be used; the message says which and why."""


class FidelityOutcome(EvidenceRecord):
    """Figures of the requests of one run: latencies in s from the scheduled arrival, answers/s, part within the objective."""

    p50_s: Positive
    p95_s: Positive
    p99_s: Positive
    throughput_per_s: Positive
    goodput: float = Field(ge=0, le=1)


class FidelityPoint(EvidenceRecord):
    """One server at one load: the prediction, then two identical real runs, and the first of them replayed.

    speed: the time of a batch at that moment, against the server's profile
    replayed: the engine's result for the arrivals and the batch times of the first real run
    low, high: the 95% forecast interval of each figure, made before the runs; 95 of 100 runs should lie in it, whatever speed
        the machine has at that time
    speeds: times of batches in each stretch until then, against the median stretch; the last was just before
    others_share: part of the machine that other programs took from the look at its speed to the end of the second run
    attempt: 1, or more where the point was measured again, as the runs before differed; seconds: time that it took
    """

    server: str
    model: str
    precision: str
    policy: str
    load: Positive
    rate_per_s: Positive
    requests: int = Field(ge=1)
    objective_s: Positive
    speed: Positive
    predicted: FidelityOutcome
    real: tuple[FidelityOutcome, FidelityOutcome]
    replayed: FidelityOutcome | None = None
    low: FidelityOutcome | None = None
    high: FidelityOutcome | None = None
    speeds: list[float] | None = None
    others_share: float | None = Field(default=None, ge=0, le=1)
    attempt: int = Field(default=1, ge=1)
    seconds: float | None = Field(default=None, ge=0)

    @field_validator("server")
    @classmethod
    def _known(cls, server: str) -> str:
        if server not in (IN_PROCESS, OVER_HTTP):
            raise ValueError(suggest(server, (IN_PROCESS, OVER_HTTP)))
        return server

    @property
    def name(self) -> str:
        return f"{self.model} {self.precision}, {self.policy}, load {self.load:g}"

    @property
    def repeats(self) -> bool:
        return max(abs(self.noise("p50_s")), abs(self.noise("p99_s"))) <= AGREE

    def real_of(self, figure: str) -> float:
        return fmean(getattr(run, figure) for run in self.real)

    def noise(self, figure: str) -> float:
        first, second = (float(getattr(run, figure)) for run in self.real)
        return second / first - 1

    def error(self, figure: str) -> float:
        return float(getattr(self.predicted, figure)) / self.real_of(figure) - 1

    def replay_error(self, figure: str) -> float | None:
        if self.replayed is None:
            return None
        return float(getattr(self.replayed, figure)) / float(getattr(self.real[0], figure)) - 1

    def bounds(self, figure: str) -> tuple[float, float] | None:
        """Return the forecast interval of a figure; None in a report without intervals."""
        if self.low is None or self.high is None:
            return None
        return float(getattr(self.low, figure)), float(getattr(self.high, figure))

    def held(self, figure: str) -> int | None:
        """Count the real runs that lie in the forecast interval, 0 to 2; None in a report without intervals."""
        bounds = self.bounds(figure)
        if bounds is None:
            return None
        low, high = bounds
        return sum(low <= float(getattr(run, figure)) <= high for run in self.real)

    @property
    def goodput_error_points(self) -> float:
        return 100 * (self.predicted.goodput - self.real_of("goodput"))


class FidelityReport(EvidenceRecord):
    """All points of one campaign, with the machine and the date."""

    date: str
    processor: str
    cores: int
    libraries: dict[str, str]
    points: list[FidelityPoint] = Field(min_length=1)

    @property
    def others_share(self) -> float | None:
        """Mean part of the machine that other programs took; None where it was not measured."""
        seen = [point.others_share for point in self.points if point.others_share is not None]
        return fmean(seen) if seen else None

    def of(self, server: str) -> list[FidelityPoint]:
        return [point for point in self.points if point.server == server]

    def summary(self, server: str = IN_PROCESS) -> dict[str, float | int]:
        """Summarize the points of one server; errors are parts of 1. Figures without enough points to judge are left out.

        Without a prefix: over the points whose real runs agree, which the bars are on, if there are FEWEST_JUDGED of them;
        `all_points_`: over all measurements, those of points that were measured again too.
        """
        points = self.of(server)
        judged = [point for point in points if point.repeats]
        figures: dict[str, float | int] = {
            "points": sum(point.attempt == 1 for point in points),
            "points_judged": len(judged),
        }
        figures |= {"measurements": len(points)} if len(points) > figures["points"] else {}
        figures |= _over("", judged) if len(judged) >= FEWEST_JUDGED else {}
        figures |= _over("all_points_", points)
        return figures


def _over(prefix: str, points: list[FidelityPoint]) -> Iterator[tuple[str, float]]:
    if not points:
        return
    for figure in ("p50", "p99"):
        yield f"{prefix}noise_{figure}_median", median([abs(point.noise(f"{figure}_s")) for point in points])
        replays = [error for point in points if (error := point.replay_error(f"{figure}_s")) is not None]
        if replays:
            yield f"{prefix}replay_{figure}_error_max", max(map(abs, replays))
    goodput = [abs(point.goodput_error_points) for point in points]
    yield f"{prefix}goodput_error_mean_points", fmean(goodput)
    yield f"{prefix}goodput_error_max_points", max(goodput)
    for name in ("p50_s", "p95_s", "p99_s", "throughput_per_s"):
        short = name.split("_")[0]
        yield f"{prefix}{short}_error_median", median([abs(point.error(name)) for point in points])


def read_report(path: Path) -> FidelityReport:
    return read_json(path, FidelityReport, FidelityError)


def readable_reports(folder: Path = FIDELITY) -> tuple[list[FidelityReport], list[str]]:
    return each_readable(read_report, sorted(folder.glob("*.json")))


def write_report(report: FidelityReport, path: Path) -> None:
    with in_one_step(path) as part:
        part.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")


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


def marks(report: FidelityReport, server: str = IN_PROCESS) -> list[Mark]:
    figures = report.summary(server)
    return [Mark(label, float(figures[name]), bar, unit) for name, label, bar, unit in _BARS if name in figures]


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
    """Count of real runs in the forecast interval of one figure, at one load or (None) at all of them.

    share: with a 95% interval that respects that the two runs of a point have one forecast
    width: the median width of the forecast interval, as a part of its middle; percentage points for `in time`
    """

    load: float | None
    figure: str
    runs: int
    held: int
    share: Interval
    width: float


def forecasts_held(report: FidelityReport, server: str) -> list[Held]:
    """Compare the forecasts of one server with its real runs, load by load and then over all; empty without intervals.

    No point is left out: a machine whose repeats differ is what an interval is for.
    """
    points = [point for point in report.of(server) if point.low is not None]
    loads = [*sorted({point.load for point in points}), None] if points else []
    return [
        _held([point for point in points if load in (None, point.load)], load, figure) for load in loads for figure in FORECAST
    ]


def _held(points: list[FidelityPoint], load: float | None, name: str) -> Held:
    figure, *_ = FORECAST[name]
    held = [point.held(figure) or 0 for point in points]
    runs = [len(point.real) for point in points]
    share = clustered_share(range(len(points)), runs, held, most=sum(runs))
    return Held(load, name, sum(runs), sum(held), share, float(np.median([_width(point, name) for point in points])))


def _width(point: FidelityPoint, name: str) -> float:
    figure, *_ = FORECAST[name]
    low, high = point.bounds(figure) or (nan, nan)
    return 100 * (high - low) if name == "in time" else (high - low) / float(getattr(point.predicted, figure))


def share_sentence(held: Held) -> str:
    low, high = (f"{100 * bound:.0f}" for bound in (held.share.low, held.share.high))
    return f"{held.figure} {held.held} of {held.runs} ({percent(held.share.value)} [{low}, {high}])"


def held_sentence(report: FidelityReport, server: str) -> str:
    """Return a sentence on the share of real runs in their forecast intervals; empty without intervals."""
    overall = ", ".join(share_sentence(held) for held in forecasts_held(report, server) if held.load is None)
    if not overall:
        return ""
    return f"Real runs within their 95% forecast interval, with no run left out: {overall}."


def busy_sentence(report: FidelityReport) -> str:
    share = report.others_share
    return "" if share is None else f"Other programs took {roughly(share)} of the machine meanwhile."


def spread_sentence(report: FidelityReport, server: str) -> str:
    """Return sentences on the points, on the difference of two identical real runs, and on the points that are not judged."""
    figures = report.summary(server)
    noise = " and ".join(f"{percent(figures[f'all_points_noise_{name}_median'])} in {name}" for name in ("p50", "p99"))
    again = f", measured {figures['measurements']} times in all" if "measurements" in figures else ""
    sentences = (
        f"{figures['points']} points{again}. Two identical real runs differ by {noise} (medians).",
        *_unjudged(report, server),
        busy_sentence(report),
    )
    return " ".join(filter(None, sentences))


def _unjudged(report: FidelityReport, server: str) -> Iterator[str]:
    """Yield the number of points that are not judged, the reasons, and the time that judging them would take."""
    figures, points = report.summary(server), report.of(server)
    judged, others = int(figures["points_judged"]), int(figures["points"] - figures["points_judged"])
    apart = {name: sum(abs(point.noise(f"{name}_s")) > AGREE for point in points) for name in ("p50", "p99")}
    where = ", ".join(f"{name} in {count}" for name, count in apart.items() if count)
    these = "1 point is not judged: its" if others == 1 else f"{others} points are not judged: their"
    yield f"{these} two real runs differ by more than {percent(AGREE)}{where and f' ({where})'}."
    if others and len(points) > 1:
        changes = [abs(after.speed / before.speed - 1) for before, after in pairwise(points)]
        yield f"The machine's speed changes by {percent(median(changes))} from one measurement to the next (median)."
    if judged < FEWEST_JUDGED:
        yield f"Judged: {judged}, too few for a median. On a quieter machine {FEWEST_JUDGED} may agree."
    if others:
        yield _time_sentence(report, server)


def _time_sentence(report: FidelityReport, server: str) -> str:
    timed = any(point.seconds is not None for point in report.of(server))
    missing = more_minutes(report, server)
    if not missing:
        return "No measurement that can tell was judged, so the time until more are judged is unknown." if timed else ""
    when = " and ".join(f"{count} after about {_minutes(minutes)}" for count, minutes in missing.items())
    return f"At this run's rate, `--minutes` would judge {when} more."


def _minutes(minutes: float) -> str:
    return "a minute" if minutes < 1.5 else f"{minutes:.0f} minutes"


def more_minutes(report: FidelityReport, server: str) -> dict[int, float]:
    """Return the minutes of further measurements until FEWEST_JUDGED points, and until all, are judged, by number of points.

    By this run's seconds a measurement and its rate of judged ones: that of the points measured again, if there are any, as
    what is left resembles them. Empty where none of those was judged, or no time is known.
    """
    points, figures = report.of(server), report.summary(server)
    alike = [point for point in points if point.attempt > 1] or points
    seconds = [point.seconds for point in points if point.seconds is not None]
    judged = sum(point.repeats for point in alike)
    if not judged or not seconds:
        return {}
    minutes = fmean(seconds) * len(alike) / judged / 60
    now, every = int(figures["points_judged"]), int(figures["points"])
    return {count: (count - now) * minutes for count in sorted({min(FEWEST_JUDGED, every), every}) if count > now}


def point_rows(report: FidelityReport, server: str) -> pd.DataFrame:
    return pd.DataFrame([dict(_row(point)) for point in report.of(server)])


def _row(point: FidelityPoint) -> Iterator[tuple[str, object]]:
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


def _interval_cells(point: FidelityPoint) -> Iterator[tuple[str, object]]:
    for name, (figure, scale, unit) in FORECAST.items():
        bounds = point.bounds(figure)
        if bounds is None:
            return
        yield f"{name} low ({unit})", scale * bounds[0]
        yield f"{name} high ({unit})", scale * bounds[1]
        for number, run in enumerate(point.real, 1):
            yield f"{name} run {number} ({unit})", scale * getattr(run, figure)
