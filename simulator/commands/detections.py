"""`casesim detect-eval`: judges your own detector on labelled images; without one, prints a report of the detection tables.

`casesim detect-tables` makes those tables, `casesim detect-features` the features of the same images, `casesim detect-scenes`
both of crops and mixtures of them, and `casesim detect-scales` the tables of the networks whose latency is measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from simulator.cli.exits import StoppedError, UsageError, err, needing, table_console
from simulator.evidence.detection_tables import coco_c, load_detections
from simulator.evidence.profiles import profiles
from simulator.evidence.scene_tables import load_features
from simulator.paths import DETECTIONS, FEATURES, PROFILES, SCENES
from simulator.sources.detector_rows import DetectorReport, precision_rows, report


@contextmanager
def _keeping(kept: str, extra: str = "measure") -> Iterator[None]:
    """Run what needs the extra; raises StoppedError that says what an interrupt leaves."""
    try:
        with needing(extra, "judging a detector"):
            yield
    except KeyboardInterrupt:
        raise StoppedError(kept) from None


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("left:"), TimeRemainingColumn()
    return Progress(*columns, console=err)


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
    with _keeping("nothing was written"):
        if onnx is None:
            if data or layout or size or out:
                raise UsageError(
                    "--data, --layout, --size and --out need --onnx FILE; without it the command prints the tables' report"
                )
            _tell_report(json_)
            return
        if data is None:
            raise UsageError("--onnx needs --data, a folder of labelled images in YOLO's or COCO's format")
        from simulator.making.detection.own import OwnDetector, judge_own, told, write_boxes
        from simulator.making.guarded import Allowed, guarded

        asked = OwnDetector(onnx, data, layout, size, fit, values, channels, class_ids, conditions, seed, resamples)
        with _progress() as bar:
            task = bar.add_task(onnx.stem)
            allowed = Allowed(onnx, "choose a smaller --size, or fewer --resamples")
            rows = guarded(allowed, lambda part: bar.update(task, completed=100 * part), judge_own, asked)
        if out:
            write_boxes(rows, out)
        if json_:
            typer.echo(json.dumps(told(rows), allow_nan=False))
            return
        for table in rows.tables():
            table_console().print(table)


def _tell_report(as_json: bool) -> None:
    tables = load_detections()
    found = report(tables, coco_c())
    if as_json:
        typer.echo(json.dumps(_in_json(found), allow_nan=False))
        return
    about, out = tables.about, table_console()
    out.print(f"[bold]{escape(about.dataset)}[/bold], measured {about.date} on {escape(about.processor)}")
    clean = Table("detector", "precision", "AP, clean images", "95% interval", "minus fp32", "95% interval", box=None)
    for row in precision_rows(tables).to_dict("records"):
        figures = [(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in ("ap", "ap_less_fp32")]
        cells = [cell for value, low, high in figures for cell in (f"{value:.3f}", f"{low:.3f} to {high:.3f}")]
        clean.add_row(row["label"], row["precision"], *cells)
    out.print(clean)
    for mark in found.marks:
        out.print(f"{escape(mark.label)}: {mark.spoken(mark.reached)}, {mark.words}", highlight=False)
    for order in found.orders:
        out.print(escape(order.sentence), highlight=False)
    damage = Table(*found.damage.columns, title="share of clean AP that a corruption costs, mean over severities (%)", box=None)
    for row in found.damage.to_dict("records"):
        damage.add_row(*(cell if isinstance(cell, str) else f"{cell:.0f}" for cell in row.values()))
    out.print(damage)


def _in_json(found: DetectorReport) -> dict[str, object]:
    return {
        "checks": [
            {"check": mark.label, "reached": mark.reached, "bar": mark.bar, "at_least": mark.at_least, "met": bool(mark.met)}
            for mark in found.marks
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
            for order in found.orders
        ],
        "damage_percent": found.damage.to_dict("records"),
    }


def detect_tables(
    data: Annotated[Path, typer.Option(help="folder of labelled COCO images, in YOLO's or COCO's format")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = DETECTIONS,
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes, each with its own networks on one thread")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions, halves and bootstrap")] = 1,
    extend: Annotated[bool, typer.Option("--extend", help="keep the rows of --out; add what they lack, at fp32 alone")] = False,
) -> None:
    """Measure three trained detectors at four precisions under every condition; resumes where it was stopped."""
    with _keeping("what is finished is kept; the same command resumes from there"):
        from simulator.making.detection.conditions import SETTINGS, lacking
        from simulator.making.detection.evaluate import NETWORKS, Job, make_networks, measure_all
        from simulator.making.detection.tables import make_tables

        job = Job(data, trained, user_cache_path("casesim"), seed, fp32_only=extend)
        held = load_detections(out) if extend else None
        settings = lacking(held) if held else SETTINGS
        with _progress() as bar:
            quantizing = bar.add_task("quantizing", total=len(NETWORKS))
            make_networks(job, lambda: bar.advance(quantizing))
            measuring = bar.add_task("measuring", total=len(settings))
            measure_all(job, settings, workers, lambda part: bar.advance(measuring, part))
            judging = bar.add_task("judging", total=len(settings))
            make_tables(job, out, lambda: bar.advance(judging), settings, held)
        err.print(f"written to {out}", markup=False)


def detect_features(
    data: Annotated[Path, typer.Option(help="folder of the labelled images of the detection tables")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    tables: Annotated[Path, typer.Option(help="folder of the detection tables; effects.csv is written to it")] = DETECTIONS,
    out: Annotated[Path, typer.Option(help="folder to write the features to")] = FEATURES,
) -> None:
    """Measure features of the detection tables' images, and what each condition changes; resumes where it was stopped."""
    with _keeping("what is finished is kept; the same command resumes from there"):
        from simulator.making.detection.evaluate import Job
        from simulator.making.detection.features import FeatureBench, make_features, settings_of, write_effects

        held = load_detections(tables)
        bench = FeatureBench(Job(data, trained, user_cache_path("casesim"), held.about.seed))
        bench.check_same(held)
        with _progress() as bar:
            settings = settings_of(held)
            measuring = bar.add_task("measuring", total=len(settings))
            for setting in settings:
                bench.measure(setting)
                bar.advance(measuring)
        make_features(bench, held, tables / "boxes.parquet", out)
        write_effects(held, out, tables)
        err.print(f"written to {out} and {tables}", markup=False)


def detect_scenes(
    data: Annotated[Path, typer.Option(help="folder of the labelled images of the detection tables")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    tables: Annotated[Path, typer.Option(help="folder of the detection tables")] = DETECTIONS,
    features: Annotated[Path, typer.Option(help="folder of the features of the same images")] = FEATURES,
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = SCENES,
    conditions: Annotated[str, typer.Option(help="such as fog,occlusion; default: all")] = "",
) -> None:
    """Measure crops and mixtures of the detection tables' images, and two conditions more; resumes where it was stopped."""
    with _keeping("what is finished is kept; the same command resumes from there"):
        from simulator.making.detection.scene_job import SceneJob, scene_settings
        from simulator.making.detection.scene_tables import scene_bench

        held = load_detections(tables)
        named = [name.strip() for name in conditions.split(",") if name.strip()]
        job = SceneJob(data, trained, user_cache_path("casesim"), held.about.seed)
        bench = scene_bench(job, scene_settings(held, named), held, load_features(features))
        with _progress() as bar:
            measuring = bar.add_task("measuring", total=len(bench.work))
            bench.measure(lambda: bar.advance(measuring))
            bar.add_task("judging", total=None)
            bench.write(tables / "boxes.parquet", out)
        err.print(f"written to {out}", markup=False)


def detect_scales(
    data: Annotated[Path, typer.Option(help="folder of labelled COCO images, in YOLO's or COCO's format")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    photos: Annotated[Path, typer.Option(help="folder of the photos that calibrated the networks when they were timed")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = DETECTIONS,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions and bootstrap")] = 1,
) -> None:
    """Measure what the timed detectors find of vehicles and people by height; resumes where it was stopped."""
    with _keeping("what is finished is kept; the same command resumes from there", "zoo"):
        from simulator.making.detection.scale_tables import make_scales, write_scales
        from simulator.making.detection.scales import LOOKS, ScaleJob, make_networks, measure_looks
        from simulator.making.detection.timed import TimedFiles, all_timed

        job = ScaleJob(data, TimedFiles(trained, photos, user_cache_path("casesim")), seed)
        with _progress() as bar:
            making = bar.add_task("making networks", total=len(all_timed()))
            make_networks(job, lambda: bar.advance(making))
            measuring = bar.add_task("measuring", total=len(LOOKS))
            measure_looks(job, LOOKS, lambda part: bar.advance(measuring, part))
            judging = bar.add_task("judging", total=len(all_timed()))
            write_scales(make_scales(job, profiles(PROFILES), lambda: bar.advance(judging)), out)
        err.print(f"written to {out}", markup=False)
