"""From what was seen and answered to the tables that `simulator.evidence.detection_tables` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ruamel.yaml import YAML

from campaigns.detections import signals
from campaigns.detections.conditions import STALES
from campaigns.detections.evaluate import Job, Part, seen
from campaigns.detections.origin import RESAMPLES, about_job, extended, extended_about
from simulator.arrays import Ints
from simulator.evidence.detection_tables import FP32, IMAGE_STATISTICS, About, DetectionTables
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.detector_conditions import SETTINGS, Setting
from simulator.measure.labelled_images import Dataset
from simulator.measure.own_detector import coco_ap
from simulator.metrics.detection_quality import (
    OVERLAPS,
    ScoredBoxes,
    average_precision,
    best_scores,
    bootstrapped,
    resamples,
    taken,
)

_DIGITS = 4
#: What takes less room without a dictionary of its values: it comes in the same order in every setting, or hardly repeats.
_PLAIN = ("box", *IMAGE_STATISTICS, "input_mean", "input_std", "input_first_less_last")


@dataclass(frozen=True)
class Judged:
    """AP and AP50 of one network under one setting, and the same in each resample (resamples, 2)."""

    value: tuple[float, float]
    drawn: NDArray[np.float64]


def make_tables(
    job: Job,
    out: Path,
    tick: Callable[[], None],
    settings: list[Setting] | None = None,
    held: DetectionTables | None = None,
) -> None:
    """Judge the parts of the settings (all, if none are said) and write all tables to the folder `out`; one tick per setting.

    held: tables whose rows are kept; only what they lack is added. Raises CannotMeasureError where they tell of other boxes,
    or where the same network has another AP there.
    """
    data = job.dataset
    rows = []
    judged: dict[tuple[str, str, Setting], Judged] = {}
    chosen = [*(SETTINGS if settings is None else settings), *STALES]
    for setting in chosen:
        rows.append(setting_rows(job, setting))
        judged |= {(*network, setting): one for network, one in zip(job.networks_of(setting), judge(job, setting), strict=True)}
        tick()
    frames = together(rows) | {"boxes": box_rows(data), "summary": pd.DataFrame(summary_rows(judged))}
    about = about_job(job, chosen)
    if held:
        frames, about = extended(held, frames), extended_about(held.about, about)
    for name, table in DetectionTables.tables().items():
        write_table(frames[name][table.names], out / table.file)
    write_about(about, out)


def setting_rows(job: Job, setting: Setting) -> dict[str, pd.DataFrame]:
    """Return the rows of `outcomes`, `images` and `answers` of a setting that was measured."""
    data, part = job.dataset, seen(job, setting)
    outcomes, answers = [], []
    for detector, precision in job.networks_of(setting):
        found, network = part.found(detector, precision), {"detector": detector, "precision": precision}
        [takes] = taken(data.labels, found, OVERLAPS[:1])
        outcomes.append(_setting_columns(setting, _outcomes(data, found, takes)).assign(**network))
        signs = _answers(len(data), found, takes).merge(part.inputs_of(detector), on="image")
        answers.append(_setting_columns(setting, signs).assign(**network))
    return {
        "outcomes": pd.concat(outcomes, ignore_index=True),
        "images": _named(_setting_columns(setting, part.images), data),
        "answers": _named(pd.concat(answers, ignore_index=True), data),
    }


def together(rows: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Tables of the same names, one after the other."""
    return {name: pd.concat([one[name] for one in rows], ignore_index=True) for name in rows[0]}


def _setting_columns(setting: Setting, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(condition=setting.condition, severity=setting.severity)


def judge(job: Job, setting: Setting) -> list[Judged]:
    """Each network that sees a setting, in their order; kept beside its part, so that it is judged once."""
    path = job.part(setting).with_suffix(f".judged-{RESAMPLES}.npz")
    if not path.is_file():
        found = list(map(partial(_judge, job, seen(job, setting)), job.networks_of(setting)))
        with in_one_step(path) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, value=[one.value for one in found], drawn=np.stack([one.drawn for one in found]))
    with np.load(path) as held:
        pairs = zip(held["value"].tolist(), held["drawn"], strict=True)
        return [Judged((ap, ap50), drawn) for (ap, ap50), drawn in pairs]


def _judge(job: Job, part: Part, network: tuple[str, str]) -> Judged:
    labels, found, images = job.dataset.labels, part.found(*network), len(job.dataset)
    drawn = average_precision(labels, found, images, resamples(images, RESAMPLES, job.seed))
    return Judged(coco_ap(labels, found, images), np.stack([drawn.mean(axis=1), drawn[:, 0]], axis=1))


def _outcomes(data: Dataset, found: ScoredBoxes, takes: Ints) -> pd.DataFrame:
    scores = best_scores(data.labels, found, takes)
    return pd.DataFrame({"box": np.arange(len(scores)), "score": np.round(scores, 3)})


def _answers(images: int, found: ScoredBoxes, takes: Ints) -> pd.DataFrame:
    of_images = [found.image == image for image in range(images)]
    rows = [signals.of_scores(found.score[mine], takes[mine] < 0) for mine in of_images]
    return pd.DataFrame(rows).assign(image=np.arange(images))


def box_rows(data: Dataset) -> pd.DataFrame:
    """Return the rows of `boxes`: all labelled boxes, numbered from 0."""
    box = data.labels.box
    width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    columns = {
        "box": np.arange(len(box)),
        "image": data.labels.image,
        "category": np.array(data.names)[data.labels.category],
        "left_px": box[:, 0].round(2),
        "top_px": box[:, 1].round(2),
        "width_px": width.round(2),
        "height_px": height.round(2),
        "area_px": (width * height).round(1),
    }
    return _named(pd.DataFrame(columns), data)


def _named(rows: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """Images by the names of their files."""
    return rows.assign(image=np.array([file.stem for file in data.files])[rows["image"].astype(int)])


def summary_rows(judged: dict[tuple[str, str, Setting], Judged]) -> Iterator[dict[str, Any]]:
    """Each figure with its interval, and what it is less than on clean images and at fp32, paired by resample."""
    for (detector, precision, setting), found in judged.items():
        row: dict[str, Any] = {"detector": detector, "precision": precision}
        row |= {"condition": setting.condition, "severity": setting.severity}
        nothing = Judged((0.0, 0.0), np.zeros_like(found.drawn))
        others = {
            "": nothing,
            "_less_clean": judged[detector, precision, SETTINGS[0]],
            "_less_fp32": judged[detector, FP32, setting],
        }
        for suffix, other in others.items():
            for place, name in enumerate(("ap", "ap50")):
                shift = bootstrapped(found.value[place] - other.value[place], found.drawn[:, place] - other.drawn[:, place])
                row |= {f"{name}{suffix}": shift.value, f"{name}{suffix}_low": shift.low, f"{name}{suffix}_high": shift.high}
        yield row


def write_table(rows: pd.DataFrame, path: Path) -> None:
    """Write it as CSV or Parquet, as the name of the file ends, in the narrowest types that hold the values."""
    compact = _compact(rows)
    with in_one_step(path) as part:
        if path.suffix == ".csv":
            compact.to_csv(part, index=False, float_format=f"%.{_DIGITS}f", lineterminator="\n")
        else:
            repeating = [name for name in compact if name not in _PLAIN]
            compact.to_parquet(part, index=False, compression="zstd", compression_level=19, use_dictionary=repeating)


def write_about(about: About, out: Path) -> None:
    """Write where the tables come from to `about.yaml` in the folder `out`."""
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "about.yaml") as part:
        yaml.dump(about.model_dump(), part)


def _compact(rows: pd.DataFrame) -> pd.DataFrame:
    """Measured numbers to four significant digits, counts in a byte or two; yes and no as they are."""
    columns: dict[Any, Any] = {}
    for name in rows:
        column = rows[name]
        if pd.api.types.is_bool_dtype(column):
            columns[name] = column
        elif pd.api.types.is_integer_dtype(column):
            columns[name] = pd.to_numeric(column, downcast="unsigned")
        elif pd.api.types.is_float_dtype(column):
            columns[name] = _significant(column.to_numpy()) if name != "score" else column.astype(np.float32)
        else:
            columns[name] = column.astype("category")
    return pd.DataFrame(columns)


def _significant(values: NDArray[np.floating]) -> NDArray[np.float32]:
    size = np.where(values == 0, 1, np.abs(values))
    scale = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(size)))
    return (np.round(values * scale) / scale).astype(np.float32)
