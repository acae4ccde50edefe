"""`casesim fidelity`: compares the simulation with a real server on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from simulator.cli.exits import answer, err, needing, progress_bar, right
from simulator.cli.options import AsJson
from simulator.cli.signals import at_once, keeping, stop_line, stopped_status
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.fidelity_reports import (
    IN_PROCESS,
    OVER_HTTP,
    FidelityPoint,
    FidelityReport,
    forecasts_held,
    write_report,
)
from simulator.files import make_folders
from simulator.measure.fidelity_sentences import more_minutes, sentences
from simulator.phrases import phrase

if TYPE_CHECKING:
    from simulator.measure.fidelity_grid import Grid

_LIBRARIES = ("onnxruntime", "mlcommons-loadgen", "numpy")


_REPEATED = "then repeat, in turn, the points that could not be judged, for N minutes"


@dataclass(frozen=True)
class FidelityCommand:
    """Forecast, as intervals, what a real server on this machine will do, then run it, at many loads.

    The quieter the machine, the narrower the intervals.
    """

    quick: Annotated[bool, "two models, and shorter runs: under five minutes"] = False
    minutes: Annotated[float, typer.Option(metavar="N", min=0, max=1440, help=_REPEATED)] = 0.0
    out: Annotated[Path | None, "write the report to this JSON file, point by point"] = None
    as_json: AsJson = False

    def run(self) -> None:
        if self.out is not None:
            _check_target(self.out)
        with needing("fidelity", "this"):
            with at_once():
                from simulator.measure.fidelity_grid import FULL, QUICK

            report, stopped = _run_grid(QUICK if self.quick else FULL, self.minutes, self.out)
        record = _summary(report, IN_PROCESS) | {"over_http": _summary(report, OVER_HTTP), "report": report.model_dump()}
        answer(self.as_json, record, report_parts(report), indent=None, least=_WIDTH)
        if stopped:
            raise typer.Exit(stopped_status())


def _summary(report: FidelityReport, server: str) -> dict[str, object]:
    """Return what `--json` prints of one server; more_minutes: of measurements, by the number of points judged after them."""
    held = [asdict(share) for share in forecasts_held(report, server)]
    return {**report.summary(server), "more_minutes": more_minutes(report, server), "forecast": held}


def _check_target(path: Path) -> None:
    """Raise EvidenceError or OSError if no report could be written to `path`; checked before the runs, not after."""
    if path.exists():
        raise EvidenceError(f"{path}: already exists; name another file, or remove it first")
    make_folders(path.parent)
    if not os.access(path.parent, os.W_OK):
        raise EvidenceError(f"{path}: the folder {path.parent} is not writable; name another")


#: Wide enough for the columns of the table.
_WIDTH = 220

#: The columns beside the real figures, each heading in two lines.
_AGAINST = (
    "forecast p50\nlow to high",
    "forecast p99\nlow to high",
    "runs in it\np50, p99",
    "repeat\np50, p99",
    "predicted\np50, p95, p99",
    "predicted\nin time, points",
    "replayed\np50, p99",
)


def report_parts(report: FidelityReport) -> Iterator[Any]:
    """Yield a table with a row a point: real figures, difference of the repetition, prediction and replay; then sentences."""
    names = (Column(heading, no_wrap=True) for heading in ("server", "model", "batching"))
    figures = right("load", "per s", "p50 ms", "p99 ms", "in time", *_AGAINST, no_wrap=True)
    table = Table(*names, *figures, title=f"{report.processor}, {report.cores} cores, {report.date}", box=None)
    for point in report.points:
        table.add_row(*_point_cells(point), style=None if point.repeats else "dim")
    yield table
    yield from sentences(report)


def _point_cells(point: FidelityPoint) -> Iterator[str]:
    yield point.server
    yield f"{point.model} {point.precision}"
    yield point.policy if point.attempt == 1 else f"{point.policy}, attempt {point.attempt}"
    yield f"{point.load:g}"
    yield f"{point.rate_per_s:.1f}"
    yield f"{1000 * point.real_of('p50_s'):.2f}"
    yield f"{1000 * point.real_of('p99_s'):.2f}"
    yield f"{point.real_of('goodput'):.1%}"
    for figure in ("p50_s", "p99_s"):
        bounds = point.bounds(figure)
        yield f"{1000 * bounds[0]:.2f} to {1000 * bounds[1]:.2f}" if bounds else ""
    yield " ".join(f"{point.held(figure)} of 2" for figure in ("p50_s", "p99_s") if point.low)
    yield " ".join(f"{point.noise(figure):+.1%}" for figure in ("p50_s", "p99_s"))
    yield " ".join(f"{point.error(figure):+.1%}" for figure in ("p50_s", "p95_s", "p99_s"))
    yield f"{point.goodput_error_points:+.2f}"
    replays = [point.replay_error(figure) for figure in ("p50_s", "p99_s")]
    yield " ".join("" if error is None else f"{error:+.2%}" for error in replays)


def _run_grid(grid: Grid, minutes: float, out: Path | None) -> tuple[FidelityReport, bool]:
    """Measure the grid, then the points that could not be judged again; return the report, and whether a signal stopped it."""
    from simulator.measure.fidelity_grid import measure, ready

    points: list[FidelityPoint] = []
    columns, about = (MofNCompleteColumn(), TextColumn("left:"), TimeRemainingColumn()), grid.seconds / 60 + minutes
    try:
        bar = progress_bar(f"about {about:.0f} minutes", grid.points, *columns)
        with keeping(lambda: _kept_points(points, grid, out)), bar as update:
            for point in measure(grid, ready, minutes):
                points.append(point)
                update(advance=point.attempt == 1, description=point.name)
                if minutes and len(points) >= grid.points:
                    judged = sum(point.repeats for point in points)
                    update(completed=judged, description=f"judged; last: {point.name}, attempt {point.attempt}")
                if out is not None:
                    write_report(_report_of(points), out)
    except KeyboardInterrupt:
        if not points:
            raise
        err.print(stop_line(), markup=False)
        return _report_of(points), True
    return _report_of(points), False


def _kept_points(points: list[FidelityPoint], grid: Grid, out: Path | None) -> str:
    first = sum(point.attempt == 1 for point in points)
    file = str(out) if out and points else ""
    return phrase("fidelity.kept", points=first, all=grid.points, again=len(points) - first, file=file)


def _report_of(points: list[FidelityPoint]) -> FidelityReport:
    from importlib.metadata import version

    from simulator.measure.machine import cores, processor

    return FidelityReport(
        date=datetime.now(UTC).date().isoformat(),
        processor=processor(),
        cores=cores(),
        libraries={name: version(name) for name in _LIBRARIES},
        points=points,
    )
