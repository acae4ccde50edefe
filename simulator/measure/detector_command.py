"""`casesim detect-eval`: judges your own detector on labelled images; without one, prints a report of the detection tables."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from rich.markup import escape
from rich.progress import TextColumn, TimeRemainingColumn
from rich.text import Text

from simulator.cli.exits import Line, UsageError, answer, needing, progress_bar, table_of
from simulator.cli.signals import keeping
from simulator.evidence.detection_tables import DetectionTables, coco_c, load_detections
from simulator.measure.progress import OwnDetector
from simulator.metrics.detection_quality import DetectorReport, precision_rows, report
from simulator.phrases import phrase


@contextmanager
def _needing_measure() -> Iterator[None]:
    """Run work that needs the extra and that writes nothing before its end."""
    with keeping("nothing was written"), needing("measure", "judging a detector"):
        yield


def detect_eval(own: OwnDetector) -> None:
    """Judge a detector on labelled images: AP with intervals, recall by height, on clean and corrupted images."""
    with _needing_measure():
        if own.onnx is None:
            if own.data or own.layout or own.size or own.out:
                raise UsageError(phrase("detectors.no_file"))
            tables = load_detections()
            checks = report(tables, coco_c())
            answer(own.as_json, _in_json(checks), _report_parts(tables, checks), indent=None)
            return
        if own.data is None:
            raise UsageError("--onnx needs --data, a folder of labelled images in YOLO's or COCO's format")
        from simulator.measure.guarded import Allowed, guarded
        from simulator.measure.own_detector import judge_own, judgement_json, write_boxes

        allowed = Allowed(own.onnx, "choose a smaller --size, or fewer --resamples")
        with progress_bar(own.onnx.stem, 1, TextColumn("left:"), TimeRemainingColumn()) as update:
            rows = guarded(allowed, lambda part: update(completed=part), judge_own, own)
        if own.out:
            write_boxes(rows, own.out)
        caution = [Line(f"{own.onnx.name}: {rows.caution}.")] if rows.caution else []
        answer(own.as_json, judgement_json(rows), chain(rows.tables(), caution), indent=None)


def _report_parts(tables: DetectionTables, checks: DetectorReport) -> Iterator[Any]:
    about = tables.about
    yield f"[bold]{escape(about.dataset)}[/bold], measured {about.date} on {escape(about.processor)}"
    rows = map(_precision_cells, precision_rows(tables).to_dict("records"))
    yield table_of(rows, "detector", "precision", "AP, clean images", "95% interval", "minus fp32", "95% interval")
    for mark in checks.marks:
        yield Text(f"{mark.label}: {mark.spoken(mark.reached)}, {mark.words}")
    for order in checks.orders:
        yield Text(order.sentence)
    damage = ((cell if isinstance(cell, str) else f"{cell:.0f}" for cell in row) for row in checks.damage.to_numpy())
    title = "share of clean AP that a corruption costs, mean over severities (%)"
    yield table_of(damage, *checks.damage.columns, title=title)


def _precision_cells(row: dict[Hashable, Any]) -> list[str]:
    figures = [(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in ("ap", "ap_less_fp32")]
    cells = [cell for value, low, high in figures for cell in (f"{value:.3f}", f"{low:.3f} to {high:.3f}")]
    return [row["label"], row["precision"], *cells]


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
