"""Charts of real drives: recall of late answers, misses that follow each other, and the gain of a second sensor."""

from __future__ import annotations

from collections.abc import Iterable
from math import isinf

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.phrases import phrase

#: The name of each detector of the drives on the screen.
SEEN_BY = {
    "kitti.yolox_x.restored": "restored YOLOX-x",
    "kitti.yolox_x": "YOLOX-x after OC-SORT",
    "kitti.yolov4": "YOLOv4 after OC-SORT",
    "kitti.yolov3": "YOLOv3 after OC-SORT",
    "kitti.ciwt_stereo": "CIWT (stereo tracker)",
    "kitti.pointrcnn": "PointRCNN on LiDAR",
}

#: The quantities that group objects: name and unit.
GROUPS = {"height_px": ("height in the picture", "px"), "closing_mps": ("closing speed", "m/s")}

_AS_IT_COMES, _PREDICTED, _FRESH = "late, as it comes", "late, moved on by a prediction", "fresh"
_FOUND = {"found": "found (%)", "found_low": "95% low", "found_high": "95% high"}
_LATENESS = {"group": "group", "late_s": "age (s)", "predicted": "moved on", "boxes": "cars labelled"} | _FOUND


def seen_by_label(name: str) -> str:
    return SEEN_BY.get(name, name)


def lateness(rows: pd.DataFrame, seen_by: str, iou: float) -> look.Chart:
    """Draw the share of objects that a late answer still finds, as it comes and moved on, with 95% bands.

    rows: `lateness.csv`; iou: the least overlap of a box that counts
    """
    chosen = _chosen(rows, seen_by, iou, "all")
    drawn = look.figure(height=380)
    for predicted, name, colour in ((False, _AS_IT_COMES, look.ORANGE), (True, _PREDICTED, look.BLUE)):
        part = chosen[chosen["predicted"] == predicted]
        hover = "%{x:.1f} s: %{y:.1f}%"
        drawn.add_traces(look.banded(part["late_s"], look.bounds(part, "found"), colour, name, hover, dotted=True))
    drawn.update_xaxes(title="age of the answer (s)", range=[0, 1.02 * float(chosen["late_s"].max())])
    drawn.update_yaxes(title=f"cars found, {seen_by_label(seen_by)} (%)", range=[0, 102])
    return _lateness_chart(drawn, _lateness_takeaway(chosen, seen_by, iou), chosen)


def _chosen(rows: pd.DataFrame, seen_by: str, iou: float, by: str) -> pd.DataFrame:
    wanted = (rows["seen_by"] == seen_by) & np.isclose(rows["iou"], iou) & (rows["by"] == by)
    return rows[wanted].sort_values(["predicted", "late_s"], kind="stable", ignore_index=True)


def _lateness_chart(drawn: go.Figure, takeaway: str, rows: pd.DataFrame) -> look.Chart:
    table = rows.assign(predicted=rows["predicted"].map({True: "yes", False: ""}))
    return look.chart(drawn, takeaway, table, _LATENESS, only=True, shares=_FOUND, digits=3)


def _lateness_takeaway(rows: pd.DataFrame, seen_by: str, iou: float) -> str:
    """Describe the second age, where the loss is plain, or the last one where there are fewer."""
    raw, moved = rows[~rows["predicted"]].reset_index(drop=True), rows[rows["predicted"]].set_index("late_s")
    late, fresh = raw.iloc[min(2, len(raw) - 1)], raw.iloc[0]
    still = phrase(
        "drives.late", seen_by=seen_by_label(seen_by), late=late["late_s"], share=look.share_of(late, "found"),
        fresh=look.share_of(fresh, "found"), overlap=iou,
    )  # fmt: skip
    if late["late_s"] not in moved.index:
        return still
    predicted, lost = moved.loc[late["late_s"]], max(0.0, fresh["found"] - late["found"])
    back = (predicted["found"] - late["found"]) / lost if lost else None
    return phrase("drives.predicted", late=still, share=look.share_of(predicted, "found"), lost=lost, back=back)


def lateness_by(rows: pd.DataFrame, seen_by: str, iou: float, by: str, late_s: float) -> look.Chart:
    """Draw recall of answers of one age by group of objects: fresh, late, and late but moved on; with 95% intervals.

    by: one of GROUPS
    """
    what, unit = GROUPS[by]
    chosen = _chosen(rows, seen_by, iou, by)
    chosen = chosen.assign(group=[_group(low, high, unit) for low, high in zip(chosen["low"], chosen["high"], strict=True)])
    fresh = chosen[np.isclose(chosen["late_s"], 0) & ~chosen["predicted"]]
    at_age = chosen[np.isclose(chosen["late_s"], late_s)]
    late, moved = at_age[~at_age["predicted"]], at_age[at_age["predicted"]]
    kinds = ((_FRESH, fresh, look.GREEN), (_AS_IT_COMES, late, look.ORANGE), (_PREDICTED, moved, look.BLUE))
    dots = [
        look.dots(name, look.spans(part, "found", part["group"]), colour, _HOVER, hollow=part is moved)
        for name, part, colour in kinds
    ]
    drawn = _in_rows(dots, chosen["group"].unique(), f"cars found, {seen_by_label(seen_by)} (%)").update_yaxes(title=what)
    both = fresh.merge(late, on="group", suffixes=("", "_late"))
    lost = both["found"] - both["found_late"]
    most, least = (both.iloc[int(place)] for place in (lost.argmax(), lost.argmin()))
    takeaway = phrase("drives.lateness", age=late_s, what=what, most=dict(most), least=dict(least))
    return _lateness_chart(drawn, takeaway, pd.concat([fresh, late, moved]))


_HOVER = "%{x:.1f}%"


def _in_rows(dots: list[go.Scatter], order: Iterable[str], title: str) -> go.Figure:
    rows, axis = look.down(order), {"title": title, "range": [0, 102]}
    return look.figure(*dots, height=130 + 52 * len(rows["categoryarray"]), scattermode="group", scattergap=0.4, x=axis, y=rows)


def _group(low: float, high: float, unit: str) -> str:
    if np.isnan(low) or isinf(low):
        label = f"under {high:g} {unit}"
    else:
        label = f"{low:g} {unit} or more" if np.isnan(high) or isinf(high) else f"{low:g} to {high:g} {unit}"
    return label.replace("-", "−")


#: The columns of the table on confirmation.
_CONFIRMED = {
    "misses": "misses",
    "tracks": "cars",
    "real_median_m": "real median (m)",
    "predicted_median_m": "predicted median (m)",
    "bias_m": "bias (m)",
    "bias_low": "95% low",
    "bias_high": "95% high",
    "even_80": "within 80% intervals (%)",
    "even_95": "within 95% intervals (%)",
}

#: The predictions by their word in the tables: the line, its colour and dash, and the subject of the sentence.
_MODELS = {
    "chain": (
        ("predicted, misses follow each other", look.BLUE, "solid"),
        "Misses that follow each other as measured",
    ),
    "independent": (("predicted, misses independent", look.ORANGE, "dash"), "Independent misses"),
}


def confirmed_at(heldout: pd.DataFrame, seen_by: str) -> look.Chart:
    """Draw the distances that confirm approaching cars on held-out drives: real, and predicted in two ways.

    heldout: rows of `heldout_drives.csv` for one kind of curve
    Its columns real_q10 to real_q90 and predicted_q10 to predicted_q90 are quantiles in metres
    """
    rows = heldout[heldout["seen_by"] == seen_by]
    first, shares, drawn = rows.iloc[0], [10, 25, 50, 75, 90], look.figure(height=360)
    by = {str(row["misses"]): row for _, row in rows.iterrows()}
    models = {name: model for name, model in _MODELS.items() if name in by}
    lines = [(first, "real", ("really", look.GREY, "solid")), *((by[name], "predicted", m[0]) for name, m in models.items())]
    for row, prefix, (name, colour, dash) in lines:
        metres, hover = [row[f"{prefix}_q{share}"] for share in shares], "%{y}% of the cars no farther than %{x:.0f} m"
        drawn.add_trace(look.line(metres, shares, colour, name, hover, dash=dash, dotted=True))
    drawn.update_xaxes(title="distance of a car when it is confirmed (m)", rangemode="tozero")
    drawn.update_yaxes(title="cars confirmed no farther away (%)", range=[0, 100], tickvals=shares)
    takeaway = [phrase("drives.confirmed", camera=seen_by_label(seen_by), row=dict(first))]
    takeaway += [phrase("drives.model", words=words, row=dict(by[name])) for name, (_, words) in models.items()]
    return look.chart(drawn, takeaway, rows, _CONFIRMED, only=True, shares=["even_80", "even_95"], digits=3)


#: The columns of shares of `follows.csv`: the name and the colour of each.
_FOLLOWED = {
    "after_hit": ("after a hit", look.BLUE),
    "share": ("all frames", look.GREY),
    "after_miss": ("after a miss", look.ORANGE),
}


def after_a_miss(follows: pd.DataFrame, seen_by: str, what: str) -> look.Chart:
    """Draw the share of frames that find the object, after a hit and after a miss, with 95% intervals.

    follows: `follows.csv`; what: the kind of object
    """
    rows = _followed(follows, seen_by, what, "next")
    dots = [
        look.dots(name, look.spans(rows, column, rows["band"]), colour, _HOVER) for column, (name, colour) in _FOLLOWED.items()
    ]
    drawn = _in_rows(dots, rows["band"], f"{what}s found in the next frame (%)")
    whole = rows.iloc[0]
    found = {name: look.share_of(whole, name) for name in ("after_hit", "after_miss")}
    takeaway = phrase("drives.persistence", camera=seen_by_label(seen_by), what=what, share=whole["share"], **found)
    shares = [f"{column}{end}" for column in ("share", "after_hit", "after_miss") for end in ("", "_low", "_high")]
    shares = [name for name in shares if name in rows]
    names = {"band": "band", "pairs": "pairs", "tracks": "tracks"} | {name: f"{name.replace('_', ' ')} (%)" for name in shares}
    return look.chart(drawn, takeaway, rows, names, only=True, shares=shares, digits=3)


def _followed(follows: pd.DataFrame, seen_by: str, what: str, kind: str) -> pd.DataFrame:
    """Return the rows of one kind: all objects first, then bands of height or distance."""
    chosen = follows[(follows["seen_by"] == seen_by) & (follows["object"] == what) & (follows["kind"] == kind)]
    whole = chosen[chosen["by"] == "all"].assign(band="all")
    by = next((name for name in _BANDS if (chosen["by"] == name).any()), "")
    rows = chosen[chosen["by"] == by]
    bands = [_group(low, high, _BANDS[by]) for low, high in zip(rows["low"], rows["high"], strict=True)]
    return pd.concat([whole, rows.assign(band=bands)], ignore_index=True)


#: The quantities that may define the bands of `follows.csv`, with the unit; the first one in the file is drawn.
_BANDS = {"height_px": "px", "distance_m": "m"}


#: The columns of the table on two sensors that are shares, and its other columns.
_JOINT_SHARES = {
    "camera_share": "camera (%)",
    "lidar_share": "LiDAR (%)",
    "both": "both (%)",
    "either": "either (%)",
    "either_low": "95% low",
    "either_high": "95% high",
    "independent_either": "either, if independent (%)",
}
_CORRELATION = {
    "correlation": "correlation",
    "correlation_low": "correlation 95% low",
    "correlation_high": "correlation 95% high",
}
_JOINT = {"distance": "distance", "boxes": "labelled"} | _JOINT_SHARES | _CORRELATION


def two_sensors(joint: pd.DataFrame, what: str) -> look.Chart:
    """Draw recall of camera and LiDAR by distance: alone, together with 95% intervals, and if they were independent.

    joint: `joint.csv` of one camera and one LiDAR, with a row over all distances; what: the kind of object
    """
    rows = joint[joint["object"] == what].sort_values("low_m", ignore_index=True)
    everywhere = (rows["low_m"] == 0) & np.isinf(rows["high_m"])
    limits = zip(everywhere, rows["low_m"], rows["high_m"], strict=True)
    rows = rows.assign(distance=["all" if whole else _group(low, high, "m") for whole, low, high in limits])
    bands = rows[~everywhere]
    camera, lidar = (seen_by_label(str(rows[name].iloc[0])) for name in ("camera", "lidar"))
    lines = {
        f"{camera} alone": ("camera_share", look.SKY, "dot"),
        f"{lidar} alone": ("lidar_share", look.PURPLE, "dot"),
        "either, if independent": ("independent_either", look.ORANGE, "dash"),
        "either, as measured": ("either", look.BLUE, "solid"),
    }
    drawn = look.figure(height=400)
    for name, (column, colour, dash) in lines.items():
        hover = "%{x:.0f} m: %{y:.1f}%"
        drawn.add_trace(look.line(_middle(bands), 100 * bands[column], colour, name, hover, dash=dash, dotted=True))
    drawn.data[-1].error_y = look.whiskers(*look.bounds(bands, "either"))
    drawn.update_xaxes(title="distance (m), middle of each band", rangemode="tozero", tickangle=0)
    drawn.update_yaxes(title=f"{what}s found in one frame (%)", range=[0, 102])
    takeaway = [f"Camera or LiDAR find {_promised(row, what)}{_correlated(row)}." for _, row in rows[everywhere].iterrows()]
    if len(bands):
        farthest = bands.iloc[int((bands["independent_either"] - bands["either"]).argmax())]
        takeaway.append(f"The promise is farthest off at {farthest['distance']}: {_promised(farthest, what)}.")
    return look.chart(drawn if len(bands) else None, takeaway, rows, _JOINT, only=True, shares=_JOINT_SHARES, digits=3)


def _middle(rows: pd.DataFrame) -> pd.Series:
    width = rows["high_m"].iloc[0] - rows["low_m"].iloc[0]
    high = rows["high_m"].where(np.isfinite(rows["high_m"]), rows["low_m"] + width)
    return (rows["low_m"] + high) / 2


def _promised(row: pd.Series, what: str) -> str:
    share = look.share_of(row, "either")
    return phrase("drives.promised", share=share, boxes=row["boxes"], what=what, promised=row["independent_either"])


def _correlated(row: pd.Series) -> str:
    if np.isnan(row["correlation"]):
        return ""
    low, correlation, high = look.bounds(row, "correlation", 1.0)
    return phrase("drives.correlated", correlation=correlation, low=low, high=high)
