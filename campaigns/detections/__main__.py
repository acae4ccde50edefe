"""`python -m campaigns.detections`: the tables of trained detectors, and what belongs to the same images.

`tables` makes the detection tables, `features` the features of the same images, `scenes` both of crops and mixtures of them,
`scales` the tables of the networks whose latency is measured, `inputs` those of smaller pictures, `weather` the false answers
under conditions, `processors` the accuracy at 8 bits on the processor that it runs on, and `refits` what labels buy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path

from campaigns.terminal import progress, run
from simulator.cli.exits import err
from simulator.cli.signals import keeping
from simulator.evidence.detection_tables import load_detections
from simulator.evidence.profiles import profiles
from simulator.evidence.scene_tables import load_features
from simulator.paths import DETECTIONS, FEATURES, PROFILES, SCENES


@contextmanager
def _keeping() -> Iterator[None]:
    """Say that finished parts are kept, where a signal stops the command."""
    with keeping("what is finished is kept; the same command resumes from there"):
        yield


def tables(
    data: Annotated[Path, typer.Option(help="folder of labelled COCO images, in YOLO's or COCO's format")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = DETECTIONS,
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes, each with its own networks on one thread")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions, halves and bootstrap")] = 1,
    extend: Annotated[bool, typer.Option("--extend", help="keep the rows of --out; add what they lack, at fp32 alone")] = False,
) -> None:
    """Measure three trained detectors at four precisions under every condition; resumes where it was stopped."""
    with _keeping():
        from campaigns.detections.conditions import lacking
        from campaigns.detections.evaluate import NETWORKS, Job, make_networks, measure_all
        from campaigns.detections.tables import make_tables
        from simulator.measure.detector_conditions import SETTINGS

        job = Job(data, trained, user_cache_path("casesim"), seed, fp32_only=extend)
        held = load_detections(out) if extend else None
        settings = lacking(held) if held else SETTINGS
        with progress() as bar:
            quantizing = bar.add_task("quantizing", total=len(NETWORKS))
            make_networks(job, lambda: bar.advance(quantizing))
            measuring = bar.add_task("measuring", total=len(settings))
            measure_all(job, settings, workers, lambda part: bar.advance(measuring, part))
            judging = bar.add_task("judging", total=len(settings))
            make_tables(job, out, lambda: bar.advance(judging), settings, held)
        err.print(f"written to {out}", markup=False)


def features(
    data: Annotated[Path, typer.Option(help="folder of the labelled images of the detection tables")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    tables: Annotated[Path, typer.Option(help="folder of the detection tables; effects.csv is written to it")] = DETECTIONS,
    out: Annotated[Path, typer.Option(help="folder to write the features to")] = FEATURES,
) -> None:
    """Measure features of the detection tables' images, and what each condition changes; resumes where it was stopped."""
    with _keeping():
        from campaigns.detections.evaluate import Job
        from campaigns.detections.features import FeatureBench, make_features, settings_of, write_effects

        held = load_detections(tables)
        bench = FeatureBench(Job(data, trained, user_cache_path("casesim"), held.about.seed))
        bench.check_same(held)
        with progress() as bar:
            settings = settings_of(held)
            measuring = bar.add_task("measuring", total=len(settings))
            for setting in settings:
                bench.measure(setting)
                bar.advance(measuring)
        make_features(bench, held, tables / "boxes.parquet", out)
        write_effects(held, out, tables)
        err.print(f"written to {out} and {tables}", markup=False)


def scenes(
    data: Annotated[Path, typer.Option(help="folder of the labelled images of the detection tables")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    tables: Annotated[Path, typer.Option(help="folder of the detection tables")] = DETECTIONS,
    features: Annotated[Path, typer.Option(help="folder of the features of the same images")] = FEATURES,
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = SCENES,
    conditions: Annotated[str, typer.Option(help="such as fog,occlusion; default: all")] = "",
) -> None:
    """Measure crops and mixtures of the detection tables' images, and two conditions more; resumes where it was stopped."""
    with _keeping():
        from campaigns.detections.scene_job import SceneJob, scene_settings
        from campaigns.detections.scene_tables import scene_bench

        held = load_detections(tables)
        named = [name.strip() for name in conditions.split(",") if name.strip()]
        job = SceneJob(data, trained, user_cache_path("casesim"), held.about.seed)
        bench = scene_bench(job, scene_settings(held, named), held, load_features(features))
        with progress() as bar:
            measuring = bar.add_task("measuring", total=len(bench.work))
            bench.measure(lambda: bar.advance(measuring))
            bar.add_task("judging", total=None)
            bench.write(tables / "boxes.parquet", out)
        err.print(f"written to {out}", markup=False)


def scales(
    data: Annotated[Path, typer.Option(help="folder of labelled COCO images, in YOLO's or COCO's format")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    photos: Annotated[Path, typer.Option(help="folder of the photos that calibrated the networks when they were timed")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = DETECTIONS,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions and bootstrap")] = 1,
) -> None:
    """Measure what the timed detectors find of vehicles and people by height; resumes where it was stopped."""
    with _keeping():
        from campaigns.detections.scale_tables import make_scales, write_scales
        from campaigns.detections.scales import LOOKS, ScaleJob, make_networks, measure_looks
        from campaigns.detections.timed import TimedFiles, all_timed
        from campaigns.detections.weather import table, write_weather

        job = ScaleJob(data, TimedFiles(trained, photos, user_cache_path("casesim")), seed)
        with progress() as bar:
            making = bar.add_task("making networks", total=len(all_timed()))
            make_networks(job, lambda: bar.advance(making))
            measuring = bar.add_task("measuring", total=len(LOOKS))
            measure_looks(job, LOOKS, lambda part: bar.advance(measuring, part))
            judging = bar.add_task("judging", total=len(all_timed()))
            write_scales(make_scales(job, profiles(PROFILES), lambda: bar.advance(judging)), out)
            write_weather(table(job), out)
        err.print(f"written to {out}", markup=False)


def inputs(
    data: Annotated[Path, typer.Option(help="folder of labelled COCO images, in YOLO's or COCO's format")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    out: Annotated[Path, typer.Option(help="folder to write the tables to")] = DETECTIONS,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of the bootstrap")] = 1,
) -> None:
    """Measure recall and time of the detectors with smaller pictures, at fp32 on one core."""
    with _keeping():
        from campaigns.detections.input_sizes import PARTS, tables, write_inputs
        from campaigns.detections.networks import DETECTORS
        from simulator.measure.labelled_images import read_dataset

        dataset = read_dataset(data)
        with progress() as bar:
            measuring = bar.add_task("measuring", total=len(dataset) * len(DETECTORS) * (1 + len(PARTS)))
            write_inputs(tables(dataset, trained, seed, lambda: bar.advance(measuring)), out)
        err.print(f"written to {out}", markup=False)


def weather(
    data: Annotated[Path, typer.Option(help="folder of labelled COCO images, in YOLO's or COCO's format")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    photos: Annotated[Path, typer.Option(help="folder of the photos that calibrated the networks when they were timed")],
    out: Annotated[Path, typer.Option(help="folder to write the table to")] = DETECTIONS,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of corruptions and bootstrap")] = 1,
) -> None:
    """Count false answers under the road's conditions alone, at three severities; resumes where it was stopped."""
    with _keeping():
        from campaigns.detections.scales import FULL, LOOKS, SPOILT_PRECISIONS, ScaleJob, measure_looks
        from campaigns.detections.timed import TimedFiles
        from campaigns.detections.weather import table, write_weather

        files = TimedFiles(trained, photos, user_cache_path("casesim"))
        job = ScaleJob(data, files, seed, precisions=SPOILT_PRECISIONS)
        looks = [FULL, *(look for look in LOOKS if not look.shrunk)]
        with progress() as bar:
            measuring = bar.add_task("measuring", total=len(looks))
            measure_looks(job, looks, lambda part: bar.advance(measuring, part))
            write_weather(table(job), out)
        err.print(f"written to {out}", markup=False)


def processors(
    data: Annotated[Path, typer.Option(help="folder of the labelled images of the detection tables")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    out: Annotated[Path, typer.Option(help="folder to write the table to")] = DETECTIONS,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="seed of the halves")] = 1,
) -> None:
    """Judge the detectors at 8 bits on this processor, by recipe of the weights; its rows of the table are replaced."""
    with _keeping():
        from campaigns.detections.eight_bits import WAYS, judged_here, write_rows
        from campaigns.detections.evaluate import Job
        from campaigns.detections.networks import DETECTORS

        job = Job(data, trained, user_cache_path("casesim"), seed)
        with progress() as bar:
            judging = bar.add_task("judging", total=len(DETECTORS) * len(WAYS))
            rows = judged_here(job, lambda: bar.advance(judging))
        write_rows(rows, out)
        err.print(f"written to {out}", markup=False)


def refits(
    data: Annotated[Path, typer.Option(help="folder of the labelled images of the detection tables")],
    trained: Annotated[Path, typer.Option(help="folder of the trained ONNX files")],
    out: Annotated[Path, typer.Option(help="folder to write the table to")] = DETECTIONS,
) -> None:
    """Fit the last layer of the served detector to labelled frames of a condition, by fold; resumes where it was stopped."""
    with _keeping():
        from campaigns.detections.refits import SETTINGS, RefitBench, make_refits
        from campaigns.detections.scene_job import ITSELF, SceneJob

        bench = RefitBench(SceneJob(data, trained, user_cache_path("casesim"), load_detections().about.seed, kinds=ITSELF))
        with progress() as bar:
            fitting = bar.add_task("fitting", total=len(SETTINGS))
            make_refits(bench, out, SETTINGS, lambda: bar.advance(fitting))
        err.print(f"written to {out}", markup=False)


#: Each part of the campaign by its name.
COMMANDS: dict[str, Callable[..., None]] = {
    "tables": tables,
    "features": features,
    "scenes": scenes,
    "scales": scales,
    "inputs": inputs,
    "weather": weather,
    "processors": processors,
    "refits": refits,
}

if __name__ == "__main__":
    run("detections", COMMANDS)
