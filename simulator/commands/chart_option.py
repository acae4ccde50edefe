"""The option `--chart`, which writes what a command has found as a chart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.evidence.files import in_one_step

if TYPE_CHECKING:
    from simulator.ui.charts import Chart

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
        from simulator.ui.charts.export import check_chart_file

        check_chart_file(file)


def write_chart(chart: Chart, file: Path) -> None:
    """Write a chart in one step; raises InputError where there is nothing to draw, and OSError."""
    from simulator.ui.charts.export import chart_file

    content = chart_file(chart, file.suffix)
    with in_one_step(file) as part:
        part.write_bytes(content)
