"""`python -m campaigns.drives`: what detectors find on recorded drives, what lateness takes, what is found twice or false."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from campaigns.terminal import run
from simulator.cli.exits import Bars, err, table_console
from simulator.cli.signals import keeping
from simulator.paths import DRIVES


def drives(
    folder: Annotated[
        Path,
        typer.Argument(help="drives in the layout of KITTI's tracking benchmark: labels/, calib/, camera/, lidar_pointrcnn/"),
    ],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = DRIVES,
) -> None:
    """Compute from recorded drives what detectors find, miss and answer too late; write sums and curves, no box, no track.

    Allow half an hour for all of KITTI's training drives: most of it goes into the curves of every resample.
    """
    from campaigns.drives.write import STEPS, make_tables, write_tables

    with keeping("nothing was written"), _progress() as bar:
        task = bar.add_task("reading", total=STEPS)
        work, tables = make_tables(folder, lambda part: bar.update(task, description=part, advance=1))
    write_tables(out, tables, work.drives)
    for table in (lateness_table(tables["lateness"]), tracking_table(tables["tracking"])):
        table_console().print(table)
    err.print(f"written to {out}", markup=False)


def _progress() -> Bars:
    return Bars(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err)


def lateness_table(lateness: pd.DataFrame) -> Table:
    """Return the share of cars that each camera's answers find, by how late they are."""
    rows = lateness[lateness["by"].eq("all") & lateness["iou"].eq(lateness["iou"].min())]
    late = sorted(rows["late_s"].unique())
    table = Table(
        "seen by", "boxes", *(f"{seconds:g} s late" for seconds in late), title="cars found", title_justify="left", box=None
    )
    for (name, predicted), mine in rows.groupby(["seen_by", "predicted"], sort=False):
        found = mine.set_index("late_s").loc[late, ["found", "found_low", "found_high"]].itertuples(index=False)
        cells = [f"{share:.3f} ({low:.3f} to {high:.3f})" for share, low, high in found]
        table.add_row(f"{name}, moved on" if predicted else str(name), f"{mine['boxes'].iloc[0]:,}", *cells)
    return table


def tracking_table(tracking: pd.DataFrame) -> Table:
    """Return the trackers' scores of the cameras beside the published ones."""
    table = Table(
        "seen by", "HOTA", "published", "DetA", "AssA", "MOTA", title="tracks of cars, %", title_justify="left", box=None
    )
    for row in tracking.to_dict("records"):
        figures = (row[name] for name in ("hota", "published_hota", "deta", "assa", "mota"))
        table.add_row(row["seen_by"], *(f"{figure:.3f}" for figure in figures))
    return table


#: The campaign has one part.
COMMANDS = {"drives": drives}

if __name__ == "__main__":
    run("drives", COMMANDS)
