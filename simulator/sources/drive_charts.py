"""Charts of real drives: recall of late answers, misses that follow each other, and the gain of a second sensor."""

from __future__ import annotations

from math import isinf

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.units import duration, percent, upper_first

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
        drawn.add_traces(_banded(part["late_s"], part, name, colour))
    drawn.update_xaxes(title="age of the answer (s)", range=[0, 1.02 * float(chosen["late_s"].max())])
    drawn.update_yaxes(title=f"cars found, {seen_by_label(seen_by)} (%)", range=[0, 102])
    return look.chart(drawn, _lateness_takeaway(chosen, seen_by, iou), _lateness_table(chosen), digits=3)


def _chosen(rows: pd.DataFrame, seen_by: str, iou: float, by: str) -> pd.DataFrame:
    wanted = (rows["seen_by"] == seen_by) & np.isclose(rows["iou"], iou) & (rows["by"] == by)
    return rows[wanted].sort_values(["predicted", "late_s"], kind="stable", ignore_index=True)


def _banded(x: pd.Series, rows: pd.DataFrame, name: str, colour: str) -> list[go.Scatter]:
    edges = look.band(x, 100 * rows["found_low"], 100 * rows["found_high"], colour, legendgroup=name)
    return [*edges, look.line(x, 100 * rows["found"], colour, name, "%{x:.1f} s: %{y:.1f}%", dotted=True, legendgroup=name)]


def _lateness_takeaway(rows: pd.DataFrame, seen_by: str, iou: float) -> str:
    """Describe the second age, where the loss is plain, or the last one where there are fewer."""
    raw, moved = rows[~rows["predicted"]].reset_index(drop=True), rows[rows["predicted"]].set_index("late_s")
    late, fresh = raw.iloc[min(2, len(raw) - 1)], raw.iloc[0]
    sentence = (
        f"An answer of {seen_by_label(seen_by)} that is {duration(late['late_s'])} old still finds {_interval(late, 'found')} "
        f"of the cars, a fresh one {_interval(fresh, 'found')}, at an overlap of {iou:g} or more"
    )
    if late["late_s"] not in moved.index:
        return f"{sentence}."
    predicted, lost = moved.loc[late["late_s"]], fresh["found"] - late["found"]
    back = f" and wins back {percent((predicted['found'] - late['found']) / lost)} of the loss" if lost > 0 else ""
    return f"{sentence}. Moving its boxes on by a prediction makes it {_interval(predicted, 'found')}{back}."


def _lateness_table(rows: pd.DataFrame) -> pd.DataFrame:
    shares = {"found": "found (%)", "found_low": "95% low", "found_high": "95% high"}
    columns = ["late_s", "predicted", "boxes", *shares]
    if "group" in rows:
        columns.insert(0, "group")
    moved_on = rows["predicted"].map({True: "yes", False: ""})
    table = rows[columns].assign(predicted=moved_on, **{name: 100 * rows[name] for name in shares})
    return table.rename(columns={"late_s": "age (s)", "predicted": "moved on", "boxes": "cars labelled", **shares})


def lateness_by(rows: pd.DataFrame, seen_by: str, iou: float, by: str, late_s: float) -> look.Chart:
    """Draw recall of answers of one age by group of objects: fresh, late, and late but moved on; with 95% intervals.

    by: one of GROUPS
    """
    chosen = _chosen(rows, seen_by, iou, by)
    chosen = chosen.assign(
        group=[_group(low, high, GROUPS[by][1]) for low, high in zip(chosen["low"], chosen["high"], strict=True)]
    )
    at_age = np.isclose(chosen["late_s"], late_s)
    kinds = {
        _FRESH: (chosen[np.isclose(chosen["late_s"], 0) & ~chosen["predicted"]], look.GREEN, False),
        _AS_IT_COMES: (chosen[at_age & ~chosen["predicted"]], look.ORANGE, False),
        _PREDICTED: (chosen[at_age & chosen["predicted"]], look.BLUE, True),
    }
    drawn = look.figure(
        *(look.dots(name, _dotted(part), colour, "%{x:.1f}%", hollow) for name, (part, colour, hollow) in kinds.items()),
        height=130 + 52 * chosen["group"].nunique(),
        scattermode="group",
        scattergap=0.4,
    )
    drawn.update_xaxes(title=f"cars found, {seen_by_label(seen_by)} (%)", range=[0, 102])
    drawn.update_yaxes(
        title=GROUPS[by][0], autorange="reversed", categoryorder="array", categoryarray=list(chosen["group"].unique())
    )
    shown = pd.concat([part for part, *_ in kinds.values()])
    takeaway = _by_takeaway(kinds[_FRESH][0], kinds[_AS_IT_COMES][0], by, late_s)
    return look.chart(drawn, takeaway, _lateness_table(shown), digits=3)


def _group(low: float, high: float, unit: str) -> str:
    if np.isnan(low) or isinf(low):
        label = f"under {high:g} {unit}"
    else:
        label = f"{low:g} {unit} or more" if np.isnan(high) or isinf(high) else f"{low:g} to {high:g} {unit}"
    return label.replace("-", "−")


def _dotted(part: pd.DataFrame) -> pd.DataFrame:
    names = {"found": "value", "found_low": "low", "found_high": "high"}
    plain = part[["group", *names]].rename(columns={"group": "label", **names})
    return plain.assign(**{name: 100 * plain[name] for name in names.values()})


def _by_takeaway(fresh: pd.DataFrame, late: pd.DataFrame, by: str, late_s: float) -> str:
    both = fresh.merge(late, on="group", suffixes=("", "_late"))
    lost = (both["found"] - both["found_late"]).to_numpy()
    most, least = both.iloc[int(lost.argmax())], both.iloc[int(lost.argmin())]
    return (
        f"An age of {duration(late_s)} costs most where the {GROUPS[by][0]} is {most['group']}: {percent(most['found'])} "
        f"become {percent(most['found_late'])}; it costs least at {least['group']}: {percent(least['found'])} become "
        f"{percent(least['found_late'])}."
    )


def confirmed_at(heldout: pd.DataFrame, seen_by: str) -> look.Chart:
    """Draw the distances that confirm approaching cars on held-out drives: real, and predicted in two ways.

    heldout: rows of `heldout_drives.csv` for one kind of curve
    Its columns real_q10 to real_q90 and predicted_q10 to predicted_q90 are quantiles in metres
    """
    rows = heldout[heldout["seen_by"] == seen_by]
    by = {str(row["misses"]): row for _, row in rows.iterrows()}
    shares = [10, 25, 50, 75, 90]
    drawn = look.figure(height=360)
    lines = {"really": (rows.iloc[0], "real", look.GREY, "solid")}
    lines |= {label: (by[name], "predicted", hue, dash) for name, (label, hue, dash) in _MODELS.items() if name in by}
    for name, (row, prefix, colour, dash) in lines.items():
        metres, hover = [row[f"{prefix}_q{share}"] for share in shares], "%{y}% of the cars no farther than %{x:.0f} m"
        drawn.add_trace(look.line(metres, shares, colour, name, hover, dash=dash, dotted=True))
    drawn.update_xaxes(title="distance of a car when it is confirmed (m)", rangemode="tozero")
    drawn.update_yaxes(title="cars confirmed no farther away (%)", range=[0, 100], tickvals=shares)
    takeaway, coverages = _confirmed_takeaway(by, seen_by), ["even_80", "even_95"]
    return look.chart(drawn, takeaway, rows[list(_CONFIRMED)], _CONFIRMED, shares=coverages, digits=3)


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

_MODELS = {
    "chain": ("predicted, misses follow each other", look.BLUE, "solid"),
    "independent": ("predicted, misses independent", look.ORANGE, "dash"),
}


def _confirmed_takeaway(by: dict[str, pd.Series], seen_by: str) -> str:
    first = next(iter(by.values()))
    found = (
        f"On drives that were left out, {seen_by_label(seen_by)} confirmed half of {first['tracks']:,} approaching cars "
        f"{first['real_median_m']:.1f} m away or farther."
    )
    whose = {"chain": "Misses that follow each other as measured", "independent": "Independent misses"}
    predicted = [
        f"{words} predict {by[name]['predicted_median_m']:.1f} m, and their 80% intervals hold "
        f"{percent(by[name]['even_80'])} of the cars."
        for name, words in whose.items()
        if name in by
    ]
    return " ".join([found, *predicted])


def after_a_miss(follows: pd.DataFrame, seen_by: str, what: str) -> look.Chart:
    """Draw the share of frames that find the object, after a hit and after a miss, with 95% intervals.

    follows: `follows.csv`; what: the kind of object
    """
    rows = _followed(follows, seen_by, what, "next")
    kinds = {
        "after a hit": ("after_hit", look.BLUE),
        "all frames": ("share", look.GREY),
        "after a miss": ("after_miss", look.ORANGE),
    }
    drawn = look.figure(
        *(_compared(rows, name, column, colour) for name, (column, colour) in kinds.items()),
        height=130 + 52 * len(rows),
        scattermode="group",
        scattergap=0.4,
    )
    _by_band(drawn, rows, f"{what}s found in the next frame (%)")
    whole, after = rows.iloc[0], {name: _interval(rows.iloc[0], name) for name in ("share", "after_hit", "after_miss")}
    takeaway = (
        f"{upper_first(seen_by_label(seen_by))} finds {after['after_hit']} of {what}s in the frame after a hit, and "
        f"{after['after_miss']} in the frame after a miss: "
        f"if misses were independent, it would be {percent(whole['share'])} after either."
    )
    return look.chart(drawn, takeaway, _follows_table(rows, ["share", "after_hit", "after_miss"]), digits=3)


def _followed(follows: pd.DataFrame, seen_by: str, what: str, kind: str) -> pd.DataFrame:
    """Return the rows of one kind: all objects first, then bands of height or distance."""
    chosen = follows[(follows["seen_by"] == seen_by) & (follows["object"] == what) & (follows["kind"] == kind)]
    by = next((name for name in _BANDS if (chosen["by"] == name).any()), "all")
    rows = pd.concat(
        [chosen[chosen["by"] == "all"], chosen[chosen["by"] == by]] if by != "all" else [chosen[chosen["by"] == "all"]]
    )
    bands = [
        "all" if row == "all" else _group(low, high, _BANDS[row])
        for row, low, high in zip(rows["by"], rows["low"], rows["high"], strict=True)
    ]
    return rows.assign(band=bands).reset_index(drop=True)


#: The quantities that may define the bands of `follows.csv`, with the unit; the first one in the file is drawn.
_BANDS = {"height_px": "px", "distance_m": "m"}


def _compared(rows: pd.DataFrame, name: str, column: str, colour: str) -> go.Scatter:
    bounds = (f"{column}_low", f"{column}_high")
    low, high = (rows[bound] if bound in rows else rows[column] for bound in bounds)
    share = {"label": rows["band"], "value": 100 * rows[column], "low": 100 * low, "high": 100 * high}
    return look.dots(name, pd.DataFrame(share), colour, "%{x:.1f}%")


def _by_band(drawn: go.Figure, rows: pd.DataFrame, title: str) -> None:
    drawn.update_xaxes(title=title, range=[0, 102])
    drawn.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=list(rows["band"]))


def _interval(row: pd.Series, name: str) -> str:
    return look.with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _follows_table(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    shares = [name for column in columns for name in (column, f"{column}_low", f"{column}_high") if name in rows]
    table = rows[["band", "pairs", "tracks", *shares]].assign(**{name: 100 * rows[name] for name in shares})
    return table.rename(columns={name: f"{name.replace('_', ' ')} (%)" for name in shares})


def two_sensors(joint: pd.DataFrame, what: str) -> look.Chart:
    """Draw recall of camera and LiDAR by distance: alone, together with 95% intervals, and if they were independent.

    joint: `joint.csv` of one camera and one LiDAR, with a row over all distances; what: the kind of object
    """
    rows = joint[joint["object"] == what].sort_values("low_m", ignore_index=True)
    everywhere = (rows["low_m"] == 0) & np.isinf(rows["high_m"])
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
    columns = ("either_low", "either", "either_high")
    drawn.data[-1].error_y = look.whiskers(*(100 * bands[name] for name in columns))
    drawn.update_xaxes(title="distance (m), middle of each band", rangemode="tozero", tickangle=0)
    drawn.update_yaxes(title=f"{what}s found in one frame (%)", range=[0, 102])
    takeaway = _joint_takeaway(rows[everywhere], bands, what)
    return look.chart(drawn if len(bands) else None, takeaway, _joint_table(rows), digits=3)


def _middle(rows: pd.DataFrame) -> pd.Series:
    width = rows["high_m"].iloc[0] - rows["low_m"].iloc[0]
    high = rows["high_m"].where(np.isfinite(rows["high_m"]), rows["low_m"] + width)
    return (rows["low_m"] + high) / 2


def _bands(rows: pd.DataFrame) -> list[str]:
    limits = zip(rows["low_m"], rows["high_m"], strict=True)
    return ["all" if low == 0 and isinf(high) else _group(low, high, "m") for low, high in limits]


def _joint_takeaway(everywhere: pd.DataFrame, bands: pd.DataFrame, what: str) -> str:
    sentences = [f"Camera or LiDAR find {_promised(row, what)}{_correlated(row)}." for _, row in everywhere.iterrows()]
    if len(bands):
        at = int((bands["independent_either"] - bands["either"]).to_numpy().argmax())
        row = bands.iloc[at]
        sentences.append(f"The promise is farthest off at {_bands(bands)[at]}: {_promised(row, what)}.")
    return " ".join(sentences)


def _promised(row: pd.Series, what: str) -> str:
    share = percent(row["independent_either"])
    return f"{_interval(row, 'either')} of {row['boxes']:,} {what}s, not the {share} that independent misses promise"


def _correlated(row: pd.Series) -> str:
    if np.isnan(row["correlation"]):
        return ""
    low, high = row["correlation_low"], row["correlation_high"]
    return f" (correlation of the misses {row['correlation']:.2f}, {low:.2f} to {high:.2f})"


def _joint_table(rows: pd.DataFrame) -> pd.DataFrame:
    shares = {
        "camera_share": "camera (%)",
        "lidar_share": "LiDAR (%)",
        "both": "both (%)",
        "either": "either (%)",
        "either_low": "95% low",
        "either_high": "95% high",
        "independent_either": "either, if independent (%)",
    }
    table = rows.assign(**{name: 100 * rows[name] for name in shares}, distance=_bands(rows))
    columns = ["distance", "boxes", *shares, "correlation", "correlation_low", "correlation_high"]
    names = {
        "boxes": "labelled",
        "correlation_low": "correlation 95% low",
        "correlation_high": "correlation 95% high",
        **shares,
    }
    return table[columns].rename(columns=names)
