"""`casesim detect-eval`: judges your own detector on labelled images; without one, prints a report of the detection tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulator.cli.exits import Bars, UsageError, err, needing, say, table_console
from simulator.cli.signals import keeping
from simulator.evidence.detection_tables import coco_c, load_detections
from simulator.metrics.detection_quality import DetectorReport, precision_rows, report


@contextmanager
def _needing_measure() -> Iterator[None]:
    """Run work that needs the extra and that writes nothing before its end."""
    with keeping("nothing was written"), needing("measure", "judging a detector"):
        yield


def detect_eval(
    onnx: Annotated[
        Path | None, typer.Option(help="the detector; without it, print the report of the detection tables")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="folder of labelled images, in YOLO's or COCO's format")] = None,
    layout: Annotated[str | None, typer.Option(help="how to read the outputs; default: guessed from their shapes")] = None,
    size: Annotated[
        int | None, typer.Option(min=32, max=4096, help="side of the input in px, if the file leaves it open")
    ] = None,
    fit: Annotated[str | None, typer.Option(help="letterbox, corner or stretch; default: usual for the layout")] = None,
    values: Annotated[str | None, typer.Option(help="0-255, 0-1 or imagenet; default: usual for the layout")] = None,
    channels: Annotated[str | None, typer.Option(help="rgb or bgr; default: usual for the layout")] = None,
    class_ids: Annotated[str, typer.Option(help="place (0 for the first class) or id (as COCO's file numbers it)")] = "place",
    conditions: Annotated[str, typer.Option(help="such as clean,fog:2,bgr; a corruption alone means all severities")] = "clean",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions and of the bootstrap")] = 1,
    resamples: Annotated[int, typer.Option(min=100, max=10000, help="bootstrap samples")] = 500,
    out: Annotated[Path | None, typer.Option(help="write the result for each labelled box to this CSV file")] = None,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")] = False,
) -> None:
    """Judge a detector on labelled images: AP with intervals, recall by height, on clean and corrupted images."""
    with _needing_measure():
        if onnx is None:
            if data or layout or size or out:
                raise UsageError(
                    "--data, --layout, --size and --out need --onnx FILE; without it the command prints the tables' report"
                )
            _tell_report(json_)
            return
        if data is None:
            raise UsageError("--onnx needs --data, a folder of labelled images in YOLO's or COCO's format")
        from simulator.measure.guarded import Allowed, guarded
        from simulator.measure.own_detector import OwnDetector, judge_own, judgement_json, write_boxes

        detector = OwnDetector(onnx, data, layout, size, fit, values, channels, class_ids, conditions, seed, resamples)
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("left:"), TimeRemainingColumn()
        with Bars(*columns, console=err) as bar:
            task = bar.add_task(onnx.stem)
            allowed = Allowed(onnx, "choose a smaller --size, or fewer --resamples")
            rows = guarded(allowed, lambda part: bar.update(task, completed=100 * part), judge_own, detector)
        if out:
            write_boxes(rows, out)
        if json_:
            typer.echo(json.dumps(judgement_json(rows), allow_nan=False))
            return
        for table in rows.tables():
            table_console().print(table)
        if rows.caution:
            say(f"{onnx.name}: {rows.caution}.")


def _tell_report(as_json: bool) -> None:
    tables = load_detections()
    checks = report(tables, coco_c())
    if as_json:
        typer.echo(json.dumps(_in_json(checks), allow_nan=False))
        return
    about, out = tables.about, table_console()
    out.print(f"[bold]{escape(about.dataset)}[/bold], measured {about.date} on {escape(about.processor)}")
    clean = Table("detector", "precision", "AP, clean images", "95% interval", "minus fp32", "95% interval", box=None)
    for row in precision_rows(tables).to_dict("records"):
        figures = [(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in ("ap", "ap_less_fp32")]
        cells = [cell for value, low, high in figures for cell in (f"{value:.3f}", f"{low:.3f} to {high:.3f}")]
        clean.add_row(row["label"], row["precision"], *cells)
    out.print(clean)
    for mark in checks.marks:
        out.print(f"{escape(mark.label)}: {mark.spoken(mark.reached)}, {mark.words}", highlight=False)
    for order in checks.orders:
        out.print(escape(order.sentence), highlight=False)
    damage = Table(
        *checks.damage.columns, title="share of clean AP that a corruption costs, mean over severities (%)", box=None
    )
    for row in checks.damage.to_dict("records"):
        damage.add_row(*(cell if isinstance(cell, str) else f"{cell:.0f}" for cell in row.values()))
    out.print(damage)


def _in_json(checks: DetectorReport) -> dict[str, object]:
    return {
        "checks": [
            {"check": mark.label, "reached": mark.reached, "bar": mark.bar, "at_least": mark.at_least, "met": bool(mark.met)}
            for mark in checks.marks
        ],
        "order_of_damage": [
            {
                "detector": order.detector,
                "other": order.other,
                "spearman": order.correlation.value,
                "low": order.correlation.low,
                "high": order.correlation.high,
                "p": order.p,
                "corruptions": order.corruptions,
            }
            for order in checks.orders
        ],
        "damage_percent": checks.damage.to_dict("records"),
    }
