"""The effect of precision, weather and bugs on a detector: average precision, recall by height, and image statistics."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from simulator.app.widgets import KEPT, download, draw, mark_cards, plain
from simulator.charts import look
from simulator.evidence.detection_tables import (
    CLEAN,
    FP32,
    IMAGE_STATISTICS,
    DetectionTables,
    coco_c,
    load_detections,
    load_processors,
)
from simulator.metrics.detection_quality import (
    RecallCurve,
    label_of,
    operating_score,
    precision_rows,
    recall_by_height,
    report,
    resamples,
)
from simulator.paths import DETECTIONS
from simulator.phrases import phrase

#: Heights at which recall is told, in pixels.
HEIGHTS: NDArray[np.float64] = np.geomspace(8, 400, 33)
#: Resamples of the images behind an interval of recall.
_RESAMPLES = 500

#: The name of each precision on the screen.
PRECISIONS = {
    FP32: "float32",
    "int8_all": "int8, all convolutions",
    "int8_head_float": "int8, head in float",
    "int8_depthwise_float": "int8, depthwise in float",
}
_CURVES = (look.BLUE, look.RED)
#: The distance between severities, in rows, so that their whiskers do not hide each other.
_APART = 0.16
#: A shift that a monitor sees at once, in standard deviations of clean images.
_PLAIN_SHIFT = 1.0


def ap_by_precision(tables: DetectionTables) -> look.Chart:
    """Draw AP on clean images, a group a detector and a bar a precision, with 95% intervals by image."""
    rows = precision_rows(tables)
    bars = []
    for (precision, label), colour in zip(PRECISIONS.items(), look.SERIES, strict=False):
        part = rows[rows["precision"] == precision]
        bars.append(_ap_bars(part, label, colour, error_y=look.whiskers(*look.bounds(part, "ap", 1.0))))
    drawn = look.figure(*bars, height=360, barmode="group", y=_CLEAN_AXIS)
    shown = ["label", "precision", "ap", "ap_low", "ap_high", "ap_less_fp32", "ap_less_fp32_low", "ap_less_fp32_high"]
    at = rows.pivot(index="label", columns="precision", values="ap")
    lost = (1 - at["int8_all"] / at[FP32]).sort_values()
    least, most = (
        {"label": label, "lost": max(lost[label], 0), "before": at[FP32][label], "after": at["int8_all"][label]}
        for label in (lost.index[0], lost.index[-1])
    )
    takeaway = phrase("detectors.bits", most=most, least=least)
    return look.chart(drawn, takeaway, rows[shown], digits=3)


#: The vertical axis of bars of AP.
_CLEAN_AXIS = {"title": "AP on clean images", "rangemode": "tozero"}


def _ap_bars(rows: pd.DataFrame, name: str, colour: str, **more: Any) -> go.Bar:
    hover = f"AP %{{y:.3f}}<extra>%{{x}}, {name}</extra>"
    return go.Bar(name=name, x=rows["label"], y=rows["ap"], marker_color=colour, hovertemplate=hover, **more)


#: Recipe of the weights and whether 8-bit products saturate, by the words on the screen.
_SHOWN = {
    "32-bit floats": ("32-bit floats", False),
    "8-bit weights, with VNNI": ("8-bit weights", False),
    "8-bit weights, without VNNI": ("8-bit weights", True),
    "7-bit weights, without VNNI": ("7-bit weights", True),
}


def ap_by_processor(rows: pd.DataFrame, labels: dict[str, str]) -> look.Chart:
    """Draw AP by kind of processor, a group a detector; rows: of `load_processors`; labels: the detectors' names."""
    whole = rows[rows["precision"].isin((FP32, "int8_all"))].assign(label=rows["detector"].map(labels))
    bars = []
    for (words, (recipe, saturates)), colour in zip(_SHOWN.items(), (look.GREY, look.BLUE, look.RED, look.GREEN), strict=True):
        bars.append(_ap_bars(whole[(whole["recipe"] == recipe) & (whole["saturates"] == saturates)], words, colour))
    drawn = look.figure(*bars, height=360, barmode="group", y=_CLEAN_AXIS)
    ap = whole.set_index(["recipe", "saturates", "label"])["ap"].sort_index()
    exact, cut, narrow = (ap[_SHOWN[words]] for words in list(_SHOWN)[1:])
    most = (exact - cut).idxmax()
    takeaway = phrase("detectors.processors", network=most, exact=exact[most], cut=cut[most], narrow=narrow[most])
    table = whole[["label", "recipe", "saturates", "ap", "ap50"]]
    return look.chart(drawn, takeaway, table, {"saturates": "products saturate"}, digits=3)


def ap_by_condition(tables: DetectionTables, detector: str, precision: str) -> look.Chart:
    """Draw AP under every condition, a dot a severity, with 95% intervals by image; dashed: clean images."""
    rows = ap_rows(tables, detector, precision)
    clean = float(rows.loc[rows["condition"] == CLEAN, "ap"].iloc[0])
    spoilt = rows[rows["condition"] != CLEAN]
    places = {label: place for place, label in enumerate(dict.fromkeys(spoilt["label"]))}
    marks = []
    middles = spoilt.groupby("label")["severity"].agg(lambda severities: (severities.min() + severities.max()) / 2)
    for severity in sorted(map(int, spoilt["severity"].unique())):
        part = spoilt[spoilt["severity"] == severity]
        y, name = part["label"].map(places) + _APART * (severity - part["label"].map(middles)), _severity(severity)
        bounds = look.whiskers(*look.bounds(part, "ap", 1.0))
        hover = f"%{{text}}, {name}: AP %{{x:.3f}}<extra></extra>"
        marks.append(
            look.points(part["ap"], y, look.SERIES[severity - 1], name, hover, size=9, text=part["label"], error_x=bounds)
        )
    drawn = look.figure(*marks, height=90 + 44 * len(places))
    drawn.add_vline(x=clean, line=look.OBJECTIVE)
    drawn.update_yaxes(tickvals=list(places.values()), ticktext=list(places), range=[len(places) - 0.5, -0.5])
    drawn.update_xaxes(title=f"AP of {label_of(tables, detector)}, {PRECISIONS.get(precision, precision)}", rangemode="tozero")
    shown = ["label", "severity", "ap", "ap_low", "ap_high", "ap50", "ap_less_clean", "ap_less_clean_low", "ap_less_clean_high"]
    return look.chart(drawn, _condition_takeaway(spoilt, clean), rows[shown], digits=3)


def _condition_takeaway(rows: pd.DataFrame, clean: float) -> str:
    worst, mildest = (rows.iloc[int(place)] for place in (rows["ap"].to_numpy().argmin(), rows["ap"].to_numpy().argmax()))
    unsure = int((rows["ap_less_clean_high"] >= 0).sum())
    several = set(rows.loc[rows["label"].duplicated(), "label"])
    hardest, easiest = (_condition_words(row, several) for row in (worst, mildest))
    return phrase(
        "detections.worst", clean=clean, least=worst["ap"], hardest=hardest, falls=mildest["ap"] < clean,
        most=mildest["ap"], easiest=easiest, unsure=unsure, all=len(rows),
    )  # fmt: skip


def _severity(severity: int) -> str:
    return f"severity {severity}" if severity else "clean"


def _condition_words(row: pd.Series, several: set[str]) -> str:
    label = str(row["label"])
    return f"'{label}' ({_severity(int(row['severity']))})" if label in several else f"'{label}'"


def recall_by_box_height(clean: RecallCurve, spoilt: RecallCurve, label: str) -> look.Chart:
    """Draw recall by box height on clean images and under a condition, with 95% bands."""
    drawn = look.figure(height=380)
    table = {"height (px)": clean.height_px, "boxes counted": clean.boxes}
    for curve, name, colour in zip((clean, spoilt), ("clean", label), _CURVES, strict=True):
        hover, bounds = f"%{{x:.0f}} px: %{{y:.0%}}<extra>{name}</extra>", (curve.low, curve.recall, curve.high)
        drawn.add_traces(look.banded(curve.height_px, bounds, colour, name, hover, width=2))
        table |= {f"recall {name}": curve.recall, f"{name} low": curve.low, f"{name} high": curve.high}
    drawn.update_xaxes(look.logarithmic("height of the box (px)", [8, 16, 32, 64, 128, 256]))
    drawn.update_yaxes(title="recall", range=[0, 1], tickformat=".0%")
    small, large = (int(np.abs(clean.height_px - height).argmin()) for height in (24, 200))
    lost = spoilt.less(clean)
    sure = [place for place in (small, large) if lost.high[place] < 0]
    verdict = "both differences are significant" if len(sure) == 2 else f"{len(sure)} of the two differences is significant"
    sizes = {
        name: {"height": clean.height_px[place], "clean": clean.recall[place], "spoilt": spoilt.recall[place]}
        for name, place in (("small", small), ("large", large))
    }
    takeaway = phrase("detectors.boxes", label=label, verdict=verdict, **sizes)
    return look.chart(drawn, takeaway, pd.DataFrame(table), digits=3)


def image_shifts(rows: pd.DataFrame, condition: str, label: str) -> look.Chart:
    """Draw the shift of each statistic of the image, in clean standard deviations, a dot a severity.

    rows: of `statistic_rows`
    """
    moved = rows[rows["condition"] == condition]
    hover = "%{y}: %{x:.2f} standard deviations<extra></extra>"
    marks = []
    for severity in sorted(map(int, moved["severity"].unique())):
        part = moved[moved["severity"] == severity]
        names = part["statistic"].map(_spoken)
        marks.append(look.points(part["moved"], names, look.SERIES[severity - 1], _severity(severity), hover))
    x, y = {"title": "shift of the mean, in standard deviations of clean images"}, {"autorange": "reversed"}
    drawn = look.figure(*marks, height=340, x=x, y=y)
    drawn.add_vline(x=0, line={"color": look.GREY, "width": 2})
    table = moved.assign(meaning=moved["statistic"].map(IMAGE_STATISTICS))[["statistic", "meaning", "severity", "moved"]]
    return look.chart(drawn, _shift_takeaway(moved, label), table, digits=3)


def _shift_takeaway(rows: pd.DataFrame, label: str) -> str:
    worst = rows[rows["severity"] == rows["severity"].max()]
    top = worst.iloc[int(worst["moved"].abs().to_numpy().argmax())]
    size = abs(float(top["moved"]))
    key = "detections.no_shift" if size < _PLAIN_SHIFT / 100 else "detections.shift"
    return phrase(key, label=label, statistic=_spoken(str(top["statistic"])), size=size)


def _spoken(statistic: str) -> str:
    return statistic.replace("_", " ")


@st.cache_resource(max_entries=2, show_spinner="Reading the detection tables …")
def _read_tables(stamp: tuple[int, ...], folder: Path) -> DetectionTables:
    return load_detections(folder)


def detectors() -> None:
    """Draw the panel of the evidence page."""
    tables = _read_tables(tuple(path.stat().st_mtime_ns for path in sorted(DETECTIONS.glob("*"))), DETECTIONS)
    draw(ap_by_precision(tables), key="ap_by_precision", caption=phrase("detectors.calibration"))
    _checks(tables)
    st.header("The same 8 bits on another processor", anchor=False)
    draw(
        ap_by_processor(load_processors(), {key: label_of(tables, key) for key in tables.about.detectors}),
        key="ap_by_processor",
    )
    st.caption(phrase("detectors.without_vnni"))
    st.header("Weather, lenses, sensors and bugs", anchor=False)
    with st.grid(2, min_column_width=230):
        name = _option_box("Detector", {key: label_of(tables, key) for key in tables.about.detectors}, "detector")
        precision = _option_box("Precision", PRECISIONS, "detector_precision")
    draw(ap_by_condition(tables, name, precision), key="ap_by_condition", caption=phrase("detectors.conditions"))
    _condition(tables, name, precision)
    with st.container(horizontal=True):
        download("Download AP with intervals (CSV)", tables.summary, "detectors.csv")
        download("Download every labelled box (CSV)", tables.boxes, "boxes.csv")
    st.caption(f"{plain(tables.about.dataset)}; {plain(tables.about.attribution)}.")


def _option_box(label: str, options: dict[str, str], key: str) -> str:
    return str(st.selectbox(label, list(options), format_func=lambda option: options[option], key=key, **KEPT))


def _checks(tables: DetectionTables) -> None:
    found = report(tables, coco_c())
    mark_cards(found.marks)
    with st.popover("The order of damage compared with COCO-C", type="tertiary"):
        st.markdown("\n".join(f"- {plain(order.sentence)}" for order in found.orders))
        st.dataframe(
            look.rounded(found.damage, 3),
            hide_index=True,
            alt="The share of clean AP that each corruption costs, in %, for our detectors and two published ones.",
        )


def _detectors_severity(there: list[int]) -> int:
    key, middle = f"severity_{'_'.join(map(str, there))}", len(there) // 2
    return int(st.radio("Severity", there, middle, key=key, horizontal=True, disabled=len(there) == 1, **KEPT))


def _condition(tables: DetectionTables, name: str, precision: str) -> None:
    labels = {key: about.label for key, about in tables.about.conditions.items()}
    with st.grid(2, min_column_width=230):
        condition = _option_box("Condition", labels, "condition")
        there = tables.severities(name, precision, condition)
        severity = _detectors_severity(there) if there else 0
    if not there:
        st.info(f"{labels[condition]} does not apply to {label_of(tables, name)}.")
        return
    about = tables.about.conditions[condition]
    strengths = ", ".join(f"{about.strengths[level]:g}" for level in there if level in about.strengths)
    struck = "; share of affected images" if about.kind == "bug" else ""
    st.caption(f"{plain(about.means)}{struck}: {strengths}")
    score = operating_score(tables, name)
    clean = recall_curve(tables, name, precision, "clean", 0, score)
    spoilt = recall_curve(tables, name, precision, condition, severity, score)
    draw(recall_by_box_height(clean, spoilt, labels[condition].lower()), key="recall_by_box_height")
    st.caption(phrase("detectors.score", score=score))
    draw(image_shifts(statistic_rows(tables), condition, labels[condition]), key="image_shifts")


# ---- rows of the charts


def ap_rows(tables: DetectionTables, detector: str, precision: str) -> pd.DataFrame:
    """Return a row per condition and severity of `summary.csv` with the condition's label, in the order of damage."""
    summary = tables.summary[(tables.summary["detector"] == detector) & (tables.summary["precision"] == precision)]
    labels = {CLEAN: "Clean"} | {name: condition.label for name, condition in tables.about.conditions.items()}
    rows = summary.assign(label=summary["condition"].map(labels))
    worst = rows.groupby("condition")["ap"].transform("min")
    return rows.assign(worst=worst).sort_values(["worst", "condition", "severity"], ascending=[False, True, True])


def recall_curve(
    tables: DetectionTables, detector: str, precision: str, condition: str, severity: int, score: float
) -> RecallCurve:
    """Return recall by box height of what has at least `score`, with intervals by image."""
    detected = tables.scores(detector, precision, condition, severity) >= score
    codes, names = pd.factorize(tables.boxes["image"].astype(str))
    weights = _weights(len(names), tables.about.seed)
    return recall_by_height(tables.boxes["height_px"].to_numpy(float), detected, codes, HEIGHTS, weights)


@lru_cache(maxsize=2)
def _weights(images: int, seed: int) -> NDArray[np.float64]:
    return resamples(images, _RESAMPLES, seed)


def statistic_rows(tables: DetectionTables) -> pd.DataFrame:
    """Return one row per condition, severity and statistic: by how many of its clean standard deviations the mean moves."""
    images = tables.images
    clean = images[images["condition"] == CLEAN]
    middles, spreads = clean[list(IMAGE_STATISTICS)].mean(), clean[list(IMAGE_STATISTICS)].std()
    means = images.groupby(["condition", "severity"], observed=True)[list(IMAGE_STATISTICS)].mean()
    moved = ((means - middles) / spreads).reset_index()
    long = moved.melt(["condition", "severity"], var_name="statistic", value_name="moved")
    return long[long["condition"] != CLEAN]
