"""Rows and sentences on latencies: measured side by side, attempts that failed, and projections beside what was published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from simulator.evidence.catalogue import hardware
from simulator.evidence.profiles import DISTURBED_SHARE, Calls, Failure, Profile, ThreadRun
from simulator.evidence.projection_accuracy import BARS, COMPETITOR, COVERS, OFFLINE, Basis, HeldOut
from simulator.intervals import Mark, quantile_interval
from simulator.phrases import phrase
from simulator.units import counted, percent, significant

#: The precision that the others are compared with.
BASE = "fp32"

#: Beginnings of the names of steps around a network.
_STEPS = ("photo_", "step_")

#: Fewer calls than this bound no median at 95%: 1 - 2 * 0.5 ** 5 is 94%.
FEW = 6

#: Columns that are equal in comparable rows, batch size apart.
_SETTING = ["model", "device", "threads"]


def cells(profiles: Iterable[Profile]) -> pd.DataFrame:
    """Return a row for each (model, precision, device, threads, batch), latencies in ms.

    task, family: what any profile of the model says; median_ms with its 95% interval low_ms to high_ms, or the range of the
    calls where there are fewer than `FEW`; p5_ms to p95_ms hold nine calls in ten; item_ms is the median over the batch;
    disturbed: other programs took a tenth of the machine or more meanwhile.
    """
    found = list(profiles)
    kinds = {profile.model: [profile.task, profile.family or "other"] for profile in found if profile.task}
    rows = [
        [*kinds.get(profile.model, ["other", "other"]), *_cell(profile, run, timed)]
        for profile in found
        for run in profile.runs
        for timed in run.calls
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    *("task", "family", "model", "precision", "device", "threads", "batch", "calls"),
    *("median_ms", "low_ms", "high_ms", "p5_ms", "p95_ms", "item_ms", "items_per_s", "disturbed", "date"),
]


def _cell(profile: Profile, run: ThreadRun, timed: Calls) -> list[object]:
    taken, date = timed.latency_ms, profile.provenance.date
    interval = quantile_interval(taken, 0.5)
    low, high = (interval.low, interval.high) if len(taken) >= FEW else (min(taken), max(taken))
    p5, p95 = np.quantile(taken, [0.05, 0.95])
    item = interval.value / timed.batch
    disturbed = (run.others_share or 0.0) >= DISTURBED_SHARE
    where = [profile.model, profile.precision, profile.device, run.threads, timed.batch, len(taken)]
    return [*where, interval.value, low, high, p5, p95, item, 1000 / item, disturbed, date]


def calls(profiles: Iterable[Profile]) -> pd.DataFrame:
    """Return every timed call: model, precision, device, threads, batch, latency_ms, idle_ms (the idle gap before it)."""
    frames = [
        pd.DataFrame({"latency_ms": timed.latency_ms, "idle_ms": timed.idle_ms}).assign(
            model=profile.model, precision=profile.precision, device=profile.device, threads=run.threads, batch=timed.batch
        )
        for profile in profiles
        for run in profile.runs
        for timed in run.calls
    ]
    columns = ["model", "precision", "device", "threads", "batch", "latency_ms", "idle_ms"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def parted(found: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    is_step = found["model"].str.startswith(_STEPS)
    return found[~is_step], found[is_step]


def within(rows: pd.DataFrame, **allowed: list[str]) -> pd.DataFrame:
    for column, values in allowed.items():
        rows = rows[rows[column].isin(values)] if values else rows
    return rows


def speedups(found: pd.DataFrame, batch: int) -> pd.DataFrame:
    """Return the speed of each precision as a multiple of fp32 at one batch size, slowest first.

    found: rows as `cells` gives them. times: the ratio of the medians, above 1 is faster; times_low and times_high combine the
    95% intervals of both medians, so that they cover the ratio with at least 90%. disturbed: either of the two was.
    """
    at = found[found["batch"] == batch]
    base = at[at["precision"] == BASE].set_index(_SETTING)[["median_ms", "low_ms", "high_ms", "disturbed"]]
    pairs = at[at["precision"] != BASE].join(base.add_prefix("base_"), on=_SETTING, how="inner")
    pairs = pairs.assign(
        times=pairs["base_median_ms"] / pairs["median_ms"],
        times_low=pairs["base_low_ms"] / pairs["high_ms"],
        times_high=pairs["base_high_ms"] / pairs["low_ms"],
        disturbed=pairs["disturbed"].astype(bool) | pairs["base_disturbed"].astype(bool),
    )
    columns = [*_SETTING, "precision", "batch", "base_median_ms", "median_ms", "times", "times_low", "times_high", "disturbed"]
    return pairs[columns].sort_values("times", ignore_index=True)


def usual(ratios: pd.DataFrame) -> str:
    return str(ratios["precision"].value_counts().idxmax())


def extremes(ratios: pd.DataFrame) -> list[str]:
    """Return the models with the largest and smallest gain at the usual precision; disturbed rows are left out."""
    sure = ratios[~ratios["disturbed"]]
    if sure.empty:
        return []
    rows = sure[sure["precision"] == usual(sure)]
    return list(dict.fromkeys([rows.iloc[-1]["model"], rows.iloc[0]["model"]]))


def surprise(ratios: pd.DataFrame) -> str:
    """Return a sentence on the gain and cost of lower precision, from rows of `speedups` that were not disturbed."""
    sure = ratios[~ratios["disturbed"]]
    if sure.empty:
        return "No model here was measured both at fp32 and at another precision, on a quiet machine."
    rows = sure[sure["precision"] == usual(sure)]
    least, most = rows.iloc[0], rows.iloc[-1]
    also = f", and {_times(least['times'])} for {least['model']}" if len(rows) > 1 else ""
    start = f"With {counted(most['threads'], 'thread')} and batches of {most['batch']}"
    sentence = f"{start}, {spoken(usual(sure))} is {_times(most['times'])} than fp32 for {most['model']}{also}"
    return f"{sentence}. {_slower(sure)}"


def _slower(sure: pd.DataFrame) -> str:
    counted = [(int((rows["times_high"] < 1).sum()), len(rows), spoken(str(name))) for name, rows in sure.groupby("precision")]
    parts = [
        f"{name} for {slower} of {count} {'model' if count == 1 else 'models'}"
        for slower, count, name in sorted(counted, reverse=True)
        if slower
    ]
    return f"Slower than fp32: {', '.join(parts)}." if parts else "None is slower than fp32."


def _times(ratio: float) -> str:
    return f"{significant(ratio, 2)} times faster" if ratio >= 1 else f"{significant(1 / ratio, 2)} times slower"


def spoken(name: str) -> str:
    return name.removeprefix("step_").replace("_", " ")


# ---- what could not be measured


def failure_rows(found: Sequence[Failure]) -> pd.DataFrame:
    rows = pd.DataFrame([failure.model_dump() for failure in found])
    rows["libraries"] = [", ".join(map(" ".join, failure.libraries.items())) for failure in found]
    return rows[["model", "precision", "step", "reason", "device", "libraries", "date"]]


def refusals(found: Sequence[Failure]) -> str:
    """Return a sentence on the failed model, or on the number of failures by step and the most frequent precision."""
    if len(found) == 1:
        [only] = found
        return phrase("refusals.one", model=only.model, precision=spoken(only.precision))
    steps = Counter(failure.step for failure in found)
    precision, most = Counter(failure.precision for failure in found).most_common(1)[0]
    models = len({failure.model for failure in found})
    return phrase(
        "refusals.several", models=models, attempts=len(found), precision=spoken(precision), most=most,
        steps=[f"{count} at the step {step}" for step, count in steps.most_common()],
    )  # fmt: skip


# ---- projections beside what was published


def label_of(device: str) -> str:
    return hardware()[device].label


#: What is published on a device of a network that was hidden.
FOOTINGS: dict[Basis, str] = {
    "family": "others of its family",
    "elsewhere": "other families only",
    "precision": "other precisions only",
}


def projection_marks(found: HeldOut) -> list[Mark]:
    """Return, for each basis, the median error and the coverage of the band beside their bars."""
    marks = []
    for errors in found.overall:
        footing = FOOTINGS[errors.basis]
        marks.append(Mark(f"Median error: {footing}", errors.median, BARS[errors.basis]))
        marks.append(Mark(f"Band covers: {footing}", errors.covered, COVERS, at_least=True))
    return marks


def prediction_rows(found: HeldOut) -> pd.DataFrame:
    """Return one row per published latency and basis, in ms, with its projection while the network was hidden."""
    rows = [
        {
            "device": label_of(prediction.device),
            "model": prediction.model,
            "precision": prediction.precision,
            "batch": _batch(prediction.batch),
            "published there": FOOTINGS[prediction.basis],
            "published (ms)": 1000 * prediction.published,
            "projected (ms)": 1000 * prediction.projected,
            "low (ms)": 1000 * prediction.low,
            "high (ms)": 1000 * prediction.high,
            "error (%)": 100 * prediction.error,
            "in the band": prediction.low <= prediction.published <= prediction.high,
        }
        for prediction in found.predictions
    ]
    return pd.DataFrame(rows)


def error_rows(found: HeldOut) -> pd.DataFrame:
    """Return one row per device, family and basis: absolute errors and coverage in %, each with its bar."""
    rows = [
        {
            "device": label_of(errors.device),
            "family": errors.family,
            "published there": FOOTINGS[errors.basis],
            "predictions": errors.points,
            "median error (%)": 100 * errors.median,
            "90% within (%)": 100 * errors.p90,
            "band covers (%)": 100 * errors.covered,
            "bars": f"at most {percent(BARS[errors.basis])}, at least {percent(COVERS)}",
            "met": errors.met,
        }
        for errors in sorted(found.rows, key=lambda row: (row.device, row.family, row.basis))
    ]
    return pd.DataFrame(rows)


def comparison_rows(found: HeldOut) -> pd.DataFrame:
    """Return the published figures that another model predicted as well: int8 ResNet-50, hidden on every device."""
    rows = [
        {
            "device": label_of(comparison.device),
            "batch": _batch(comparison.batch),
            "published (ms)": 1000 * comparison.published,
            "projected (ms)": 1000 * comparison.projected,
            "error (%)": 100 * comparison.error,
        }
        for comparison in found.comparisons
    ]
    return pd.DataFrame(rows)


def compared(found: HeldOut) -> str:
    """Return a sentence that compares our errors with those of the other model."""
    return phrase(
        "projections.compared", median=found.comparison_median, figures=len(found.comparisons),
        worst=f"{found.comparison_worst:+.0%}", other=COMPETITOR.name, its_median=COMPETITOR.median,
        its_worst=f"{COMPETITOR.worst:+.0%}",
    )  # fmt: skip


def reached(rows: pd.DataFrame) -> str:
    return phrase("projections.met", met=int(rows["met"].sum()), pairs=len(rows))


def _batch(size: int) -> str:
    return "offline" if size == OFFLINE else str(size)
