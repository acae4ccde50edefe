"""Fidelity reports: predictions of a real server by the simulation, and the server's own figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import fmean, median
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from simulator.errors import suggest
from simulator.evidence.catalogue import Positive
from simulator.evidence.evidence_files import EvidenceRecord, each_readable, in_one_step, read_json
from simulator.intervals import Interval, Mark, clustered_share
from simulator.paths import FIDELITY

#: The bars are judged on points whose two real runs differ by no more than this part in p50 and in p99.
AGREE = 0.05
#: The fewest judged points whose median says something: the range of six holds the true median in 97% of the cases.
FEWEST_JUDGED = 6
#: The servers that there are: one in the simulation's own process, and one that others wrote.
IN_PROCESS, OVER_HTTP = "in process", "HTTP (mosec)"


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
    return read_json(path, FidelityReport)


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
