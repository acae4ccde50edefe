"""Fidelity reports: what the simulation predicted of a real server, and what that server then did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, median

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.paths import FIDELITY

#: The bars are judged on points whose two real runs differ by no more than this part in p50 and in p99.
AGREE = 0.05


class FidelityError(ValueError):
    """A report cannot be used; the message says which and why."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Outcome(_Record):
    """What the requests of one run met: latencies in s from the scheduled arrival, answers/s, part within the objective."""

    p50_s: float
    p95_s: float
    p99_s: float
    throughput_per_s: float
    goodput: float = Field(ge=0, le=1)


class Point(_Record):
    """One server at one load: the prediction, then two identical real runs, and the first of them replayed.

    speed: what a batch takes at that moment, against the server's profile
    replayed: the engine's answer to the arrivals and the batch times of the first real run
    """

    server: str
    model: str
    precision: str
    policy: str
    load: float
    rate_per_s: float
    requests: int
    objective_s: float
    speed: float
    predicted: Outcome
    real: tuple[Outcome, Outcome]
    replayed: Outcome | None = None

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
    points: list[Point]

    @property
    def judged(self) -> list[Point]:
        """The points whose real runs agree."""
        return [point for point in self.points if point.repeats]

    def summary(self) -> dict[str, float | int]:
        """The figures that the bars are on; those without a point to judge are left out. Errors are parts of 1."""
        found: dict[str, float | int] = {"points": len(self.points), "points_judged": len(self.judged)}
        found |= _over("", self.judged)
        found |= _over("all_points_", self.points)
        replays = [point for point in self.points if point.replayed is not None]
        for figure in ("p50", "p99"):
            found[f"noise_{figure}_median"] = median([abs(point.noise(f"{figure}_s")) for point in self.points])
            if replays:
                found[f"replay_{figure}_error_max"] = max(abs(point.replay_error(f"{figure}_s") or 0.0) for point in replays)
        return found


def _over(prefix: str, points: list[Point]) -> Iterator[tuple[str, float]]:
    if not points:
        return
    goodput = [abs(point.goodput_error_points) for point in points]
    yield f"{prefix}goodput_error_mean_points", fmean(goodput)
    yield f"{prefix}goodput_error_max_points", max(goodput)
    figures: list[tuple[str, Callable[[Point], float]]] = [
        ("p50", lambda point: point.error("p50_s")),
        ("p95", lambda point: point.error("p95_s")),
        ("p99", lambda point: point.error("p99_s")),
        ("throughput", lambda point: point.error("throughput_per_s")),
    ]
    for name, error in figures:
        yield f"{prefix}{name}_error_median", median([abs(error(point)) for point in points])


def read_report(path: Path) -> Report:
    """Read one report; raises FidelityError with the path and the first fault."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise FidelityError(f"{path}: there is no such report") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise FidelityError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def reports(folder: Path = FIDELITY) -> list[Report]:
    """Every report in the folder, by file name."""
    return [read_report(path) for path in sorted(folder.glob("*.json"))]


def write_report(report: Report, path: Path) -> None:
    """Write `report` in one step: a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".json.part")
    part.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    part.replace(path)
