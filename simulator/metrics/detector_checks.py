"""Checks of the detection tables against published figures, and rows for the panel of detectors."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd
import scipy
from scipy.special import ndtri

from simulator.evidence.detection_tables import CLEAN, FP32, CocoC, DetectionTables
from simulator.intervals import LEVEL, Interval, Mark

#: Largest accepted distance of clean AP from published AP of the same files, in points.
AP_APART = 2.0
#: 8 bits collapse a detector that loses this part of its AP, and spare one that loses no more than that.
COLLAPSED, SPARED = 0.5, 0.15
INT8 = "int8_all"
_COLLAPSES, _SPARES = "yolox_nano", "fastestdet"


@dataclass(frozen=True)
class Order:
    """Agreement of two detectors on the damage of corruptions: Spearman's correlation with its interval and p."""

    detector: str
    other: str
    correlation: Interval
    p: float
    corruptions: int

    @property
    def sentence(self) -> str:
        interval = self.correlation
        return (
            f"{self.detector} ranks {self.corruptions} corruptions by damage as {self.other} does with a Spearman correlation "
            f"of {interval.value:.2f} (95% interval {interval.low:.2f} to {interval.high:.2f}, p = {self.p:.2g})"
        )


@dataclass(frozen=True)
class DetectorReport:
    """The checks of the detection tables: figures beside their bars, and the order of damage beside COCO-C's."""

    marks: list[Mark]
    orders: list[Order]
    damage: pd.DataFrame


def report(tables: DetectionTables, published: CocoC) -> DetectorReport:
    damage = damage_rows(tables, published)
    return DetectorReport([*_clean_marks(tables), *_int8_marks(tables)], _orders(damage, published), damage)


def label_of(tables: DetectionTables, detector: str) -> str:
    return tables.about.detectors[detector].label


def ap_of(tables: DetectionTables, detector: str, precision: str, condition: str = CLEAN, severity: int = 0) -> float:
    return float(tables.of("summary", detector, precision, condition, severity)["ap"].iloc[0])


def _clean_marks(tables: DetectionTables) -> list[Mark]:
    marks = []
    for name, network in tables.about.detectors.items():
        if network.reference_ap is not None:
            ap = ap_of(tables, name, FP32)
            label = f"{network.label}, AP {ap:.3f} beside {network.reference_ap:.3f}: apart"
            marks.append(Mark(label, 100 * abs(ap - network.reference_ap), AP_APART, "points"))
    return marks


def _int8_marks(tables: DetectionTables) -> list[Mark]:
    marks = []
    for name, bar, collapse in ((_COLLAPSES, COLLAPSED, True), (_SPARES, SPARED, False)):
        if name in tables.about.detectors:
            label = f"{label_of(tables, name)}, part of its AP that 8 bits take"
            marks.append(Mark(label, int8_loss(tables, name, INT8), bar, at_least=collapse))
    return marks


def int8_loss(tables: DetectionTables, detector: str, precision: str) -> float:
    return 1 - ap_of(tables, detector, precision) / ap_of(tables, detector, FP32)


def damage_rows(tables: DetectionTables, published: CocoC) -> pd.DataFrame:
    """Return one row per corruption that COCO-C has too: the part of clean AP that it takes, the mean over severities, in %.

    One column per detector of ours at fp32, and one per published detector at the same severities.
    """
    rows = []
    for name, condition in tables.about.conditions.items():
        if condition.coco_c is None:
            continue
        row: dict[str, object] = {"corruption": condition.label}
        for detector in tables.about.detectors:
            remaining = [ap_of(tables, detector, FP32, name, severity) for severity in condition.strengths]
            row[label_of(tables, detector)] = 100 * (1 - fmean(remaining) / ap_of(tables, detector, FP32))
        for model, figures in published.models.items():
            remaining = [figures.corrupted[condition.coco_c][severity - 1] for severity in condition.strengths]
            row[model] = 100 * (1 - fmean(remaining) / figures.clean)
        rows.append(row)
    return pd.DataFrame(rows)


def _orders(damage: pd.DataFrame, published: CocoC) -> list[Order]:
    ours = [str(name) for name in damage if name != "corruption" and name not in published.models]
    return [_order(damage, name, model) for name in ours for model in published.models]


def _order(damage: pd.DataFrame, detector: str, other: str) -> Order:
    result = scipy.stats.spearmanr(damage[detector], damage[other])
    value = float(result.statistic)
    return Order(detector, other, spearman_interval(value, len(damage)), float(result.pvalue), len(damage))


def spearman_interval(value: float, count: int) -> Interval:
    """Return Spearman's correlation of so many pairs with the interval of Bonett and Wright (2000, Psychometrika 65:23).

    Fisher's z with the variance (1 + r^2 / 2) / (n - 3).
    """
    if count <= 3 or abs(value) >= 1:
        return Interval(value, -1.0 if count <= 3 else value, 1.0 if count <= 3 else value)
    half = ndtri((1 + LEVEL) / 2) * np.sqrt((1 + value**2 / 2) / (count - 3))
    return Interval(value, float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half)))


def precision_rows(tables: DetectionTables) -> pd.DataFrame:
    clean = tables.summary[tables.summary["condition"] == CLEAN]
    return clean.assign(label=[label_of(tables, name) for name in clean["detector"]])
