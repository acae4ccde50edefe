"""Options that mean the same in several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.evidence.evidence_files import in_one_step

if TYPE_CHECKING:
    from simulator.charts.look import Chart

Case = Annotated[str, typer.Argument(help="the id of a case, or the path of a YAML file")]
Picks = Annotated[list[str] | None, typer.Option("--set", metavar="CHOICE=OPTION", help="pick an option; may be repeated")]
Strikes = Annotated[
    list[str] | None,
    typer.Option(
        "--strike",
        metavar="CURVEBALL[@SECONDS]",
        help="let a curveball strike, at its own time or this one; may be repeated",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="the seed of every random stream")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]


ChartFile = Annotated[
    Path | None,
    typer.Option(
        "--chart",
        metavar="FILE",
        help="write the chart, as .html, .svg or .png (pictures need the extra `pictures` and Chrome or Chromium)",
    ),
]


def check_chart(file: Path | None) -> None:
    """Raise InputError for a file to which no chart can be written."""
    if file is not None:
        from simulator.charts.export import check_chart_file

        check_chart_file(file)


def write_chart(chart: Chart, file: Path) -> None:
    """Write a chart in one step; raises InputError where there is nothing to draw, and OSError."""
    from simulator.charts.export import chart_file

    content = chart_file(chart, file.suffix)
    with in_one_step(file) as part:
        part.write_bytes(content)
