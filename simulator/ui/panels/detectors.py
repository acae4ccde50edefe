"""Detectors on the screen: what precision, weather and bugs do to average precision, and how much of it the images show."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from simulator.analysis.detections.detectors import label_of, operating_score, recall_curve, report, statistic_rows
from simulator.evidence.detections import DetectionTables, coco_c, load_detections
from simulator.paths import DETECTIONS
from simulator.ui.charts import (
    PRECISIONS,
    ap_by_condition,
    ap_by_precision,
    image_shifts,
    recall_by_box_height,
    rounded,
)
from simulator.ui.widgets import KEPT, download, draw, mark_card, plain


@st.cache_resource(max_entries=2, show_spinner="Reading the detection tables …")
def _read(stamp: tuple[int, ...], folder: Path) -> DetectionTables:
    return load_detections(folder)


def detectors() -> None:
    """The panel of the evidence page."""
    tables = _read(tuple(path.stat().st_mtime_ns for path in sorted(DETECTIONS.glob("*"))), DETECTIONS)
    draw(ap_by_precision(tables), key="ap_by_precision")
    st.caption(
        "Whiskers are 95% intervals by image. Networks at 8 bits were calibrated on one half of the images and measured on the "
        "other."
    )
    _checks(tables)
    st.subheader("Weather, lenses, sensors and bugs", anchor=False)
    with st.grid(2, min_column_width=230):
        name = _pick("Detector", {key: label_of(tables, key) for key in tables.about.detectors}, "detector")
        precision = _pick("Precision", PRECISIONS, "detector_precision")
    draw(ap_by_condition(tables, name, precision), key="ap_by_condition")
    st.caption(
        "Dashed: clean images. Whiskers are 95% intervals by image. A bug strikes a third of the "
        "images at severity 1, all at severity 2; corruptions are simulated."
    )
    _condition(tables, name, precision)
    with st.container(horizontal=True):
        download("Download AP with intervals (CSV)", tables.summary, "detectors.csv")
        download("Download every labelled box (CSV)", tables.boxes, "boxes.csv")
    st.caption(f"{plain(tables.about.dataset)}; {plain(tables.about.attribution)}.")


def _pick(label: str, options: dict[str, str], key: str) -> str:
    return str(st.selectbox(label, list(options), format_func=lambda option: options[option], key=key, **KEPT))


def _checks(tables: DetectionTables) -> None:
    found = report(tables, coco_c())
    with st.grid(3, border=True, min_column_width=180):
        for mark in found.marks:
            with st.container():
                mark_card(mark)
    with st.popover("The order of damage compared with COCO-C", type="tertiary"):
        st.markdown("\n".join(f"- {plain(order.sentence)}" for order in found.orders))
        st.dataframe(
            rounded(found.damage, 3),
            hide_index=True,
            alt="The share of clean AP that each corruption costs, in %, for our detectors and two published ones.",
        )


def _severity(there: list[int]) -> int:
    """The severity that is picked of those that were measured; conditions with as many of them share the choice."""
    key, middle = f"severity_{'_'.join(map(str, there))}", len(there) // 2
    return int(st.radio("Severity", there, middle, key=key, horizontal=True, disabled=len(there) == 1, **KEPT))


def _condition(tables: DetectionTables, name: str, precision: str) -> None:
    """Recall by box height under a condition, and what an image monitor sees of it."""
    labels = {key: told.label for key, told in tables.about.conditions.items()}
    with st.grid(2, min_column_width=230):
        condition = _pick("Condition", labels, "condition")
        there = tables.severities(name, precision, condition)
        severity = _severity(there) if there else 0
    if not there:
        st.info(f"{labels[condition]} does not apply to {label_of(tables, name)}.")
        return
    told = tables.about.conditions[condition]
    strengths = ", ".join(f"{told.strengths[one]:g}" for one in there if one in told.strengths)
    struck = "; share of the images that it strikes" if told.kind == "bug" else ""
    st.caption(f"{plain(told.means)}{struck}: {strengths}")
    score = operating_score(tables, name)
    clean = recall_curve(tables, name, precision, "clean", 0, score)
    spoilt = recall_curve(tables, name, precision, condition, severity, score)
    draw(recall_by_box_height(clean, spoilt, labels[condition].lower()), key="recall_by_box_height")
    st.caption(
        f"A box counts as found from a score of {score:g}, where F1 on clean images is best. Bands are 95% intervals by image."
    )
    draw(image_shifts(statistic_rows(tables), condition, labels[condition]), key="image_shifts")
