"""Fidelity reports: what the simulation predicted of a real server, and what that server then did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median

from pydantic import BaseModel, ConfigDict, Field, field_validator

from simulator.errors import InputError, suggest
from simulator.evidence.catalogue import Positive
from simulator.evidence.files import each_readable, in_one_step, read_json
from simulator.paths import FIDELITY

#: The bars are judged on points whose two real runs differ by no more than this part in p50 and in p99.
AGREE = 0.05
#: The servers that there are: one in the simulation's own process, and one that others wrote.
IN_PROCESS, OVER_HTTP = "in process", "HTTP (mosec)"


class FidelityError(InputError):
    """A report cannot be used; the message says which and why."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Outcome(_Record):
    """What the requests of one run met: latencies in s from the scheduled arrival, answers/s, part within the objective."""

    p50_s: Positive
    p95_s: Positive
    p99_s: Positive
    throughput_per_s: Positive
    goodput: float = Field(ge=0, le=1)


class Point(_Record):
    """One server at one load: the prediction, then two identical real runs, and the first of them replayed.

    speed: what a batch takes at that moment, against the server's profile
    replayed: the engine's answer to the arrivals and the batch times of the first real run
    low, high: the 95% forecast interval of each figure, made before the runs; 95 of 100 runs should lie in it, whatever speed
        the machine has at that time
    speeds: what batches took in each stretch that was measured by then, against the median stretch; the last was just before
    others_share: part of the machine that other programs took from the look at its speed to the end of the second run
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
    predicted: Outcome
    real: tuple[Outcome, Outcome]
    replayed: Outcome | None = None
    low: Outcome | None = None
    high: Outcome | None = None
    speeds: list[float] | None = None
    others_share: float | None = Field(default=None, ge=0, le=1)

    @field_validator("server")
    @classmethod
    def _known(cls, server: str) -> str:
        if server not in (IN_PROCESS, OVER_HTTP):
            raise ValueError(suggest(server, (IN_PROCESS, OVER_HTTP)))
        return server

    @property
    def name(self) -> str:
        """The point as a person would call it."""
        return f"{self.model} {self.precision}, {self.policy}, load {self.load:g}"

    @property
    def repeats(self) -> bool:
        """Whether the two real runs agree well enough to be held against."""
        return max(abs(self.noise("p50_s")), abs(self.noise("p99_s"))) <= AGREE

    def real_of(self, figure: str) -> float:
        """The mean of the two real runs."""
        return fmean(getattr(run, figure) for run in self.real)

    def noise(self, figure: str) -> float:
        """By which part the second real run differs from the first."""
        first, second = (float(getattr(run, figure)) for run in self.real)
        return second / first - 1

    def error(self, figure: str) -> float:
        """By which part the prediction differs from the real runs."""
        return float(getattr(self.predicted, figure)) / self.real_of(figure) - 1

    def replay_error(self, figure: str) -> float | None:
        """By which part the replay differs from the run that it replays."""
        if self.replayed is None:
            return None
        return float(getattr(self.replayed, figure)) / float(getattr(self.real[0], figure)) - 1

    def bounds(self, figure: str) -> tuple[float, float] | None:
        """The forecast interval of a figure; None in a report without intervals."""
        if self.low is None or self.high is None:
            return None
        return float(getattr(self.low, figure)), float(getattr(self.high, figure))

    def held(self, figure: str) -> int | None:
        """How many of the two real runs lie in the forecast interval; None in a report without intervals."""
        bounds = self.bounds(figure)
        if bounds is None:
            return None
        low, high = bounds
        return sum(low <= float(getattr(run, figure)) <= high for run in self.real)

    @property
    def goodput_error_points(self) -> float:
        """Predicted minus real goodput, in percentage points."""
        return 100 * (self.predicted.goodput - self.real_of("goodput"))


class Report(_Record):
    """All points of one campaign, with where and when they were measured."""

    date: str
    processor: str
    cores: int
    libraries: dict[str, str]
    points: list[Point] = Field(min_length=1)

    @property
    def others_share(self) -> float | None:
        """Part of the machine that other programs took meanwhile, on average over the points; None where nobody looked."""
        seen = [point.others_share for point in self.points if point.others_share is not None]
        return fmean(seen) if seen else None

    def of(self, server: str) -> list[Point]:
        """The points of one server."""
        return [point for point in self.points if point.server == server]

    def summary(self, server: str = IN_PROCESS) -> dict[str, float | int]:
        """What the points of one server come to; without a point to judge, no figure of it. Errors are parts of 1.

        Without a prefix: over the points whose real runs agree, which the bars are on; `all_points_`: over all of them.
        """
        points = self.of(server)
        judged = [point for point in points if point.repeats]
        found: dict[str, float | int] = {"points": len(points), "points_judged": len(judged)}
        found |= _over("", judged)
        found |= _over("all_points_", points)
        return found


def _over(prefix: str, points: list[Point]) -> Iterator[tuple[str, float]]:
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


def read_report(path: Path) -> Report:
    """Read one report; raises FidelityError with the path and the first fault."""
    return read_json(path, Report, FidelityError)


def readable_reports(folder: Path = FIDELITY) -> tuple[list[Report], list[str]]:
    """Every report in the folder that can be used, by file name, and a sentence for each one that cannot."""
    return each_readable(read_report, sorted(folder.glob("*.json")))


def write_report(report: Report, path: Path) -> None:
    """Write `report` in one step: a reader sees the old file or the new one, never half of one."""
    with in_one_step(path) as part:
        part.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
