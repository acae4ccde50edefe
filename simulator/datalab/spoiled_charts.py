"""Charts of spoiled and of foreign photos: what each does to the network, and what the checks make of it."""

from __future__ import annotations

import pandas as pd

from simulator.charts.look import BLUE, GREY, ORANGE, Chart, chart, dots, figure

#: The default operating point of the case, at which the threshold is chosen on photos as taken.
OPERATING_POINT = 0.95
#: The fall of AUC from which photos are called not worth scoring.
LEAST_LOSS = 0.05
#: The false alarms at which detections are compared.
COMPARED = 0.05

PRECISION_WORDS = {"fp32": "fp32", "int8_static": "int8 static"}
_COLOURS = {"fp32": BLUE, "int8_static": ORANGE}
MEASURE_WORDS = {"auc": "AUC", "sensitivity": "Cancers found", "referred": "People without cancer referred"}
DETECTOR_WORDS = {"mahalanobis": "Mahalanobis distance", "neighbours": "Tenth nearest neighbour"}
_DETECTOR_COLOURS = {"mahalanobis": BLUE, "neighbours": ORANGE}
_ROW_PX = 30


def spoiling(rows: pd.DataFrame, of: str = "auc") -> Chart:
    """Draw the change of a measure by condition and severity at each precision; rows: the study of spoiled photos."""
    changed = rows[rows["severity"] > 0]
    drawn = figure(height=120 + _ROW_PX * len(changed) // 2)
    for precision, mine in changed.groupby("precision", sort=False):
        changes = _dot_rows(mine, f"{of}_gain").iloc[::-1]
        drawn.add_trace(dots(PRECISION_WORDS[str(precision)], changes, _COLOURS[str(precision)]))
    drawn.add_vline(x=0, line={"color": GREY, "width": 1})
    drawn.update_xaxes(title=f"{MEASURE_WORDS[of]}: change, points")
    twin = pd.DataFrame({"Damage": _labels(rows), "Precision": rows["precision"].map(PRECISION_WORDS)})
    for name, words in MEASURE_WORDS.items():
        twin[f"{words} (%)"], twin[f"{words}: change (points)"] = _intervals(rows, name), _intervals(rows, f"{name}_gain", "+")
    return chart(drawn, spoiling_sentence(rows), twin)


def spoiling_sentence(rows: pd.DataFrame) -> str:
    """Name the damage that costs most, and count the kinds whose cost these photos do not show."""
    changed = rows[(rows["severity"] > 0) & (rows["precision"] == "fp32")]
    worst = changed.iloc[int(changed["auc_gain"].argmin())]
    harmless = int((changed["auc_gain_high"] >= 0).sum())
    auc, cancers = (_share_words(worst, f"{name}_gain", "+") for name in ("auc", "sensitivity"))
    return (
        f"{worst['label']}, severity {worst['severity']}, costs most: {auc} points of AUC, and {cancers} of 100 cancers at the "
        f"same threshold. Of {len(changed)} kinds of damage, {harmless} cost nothing that these photos could show."
    )


def foreign_photos(rows: pd.DataFrame) -> Chart:
    """Draw the share of each set that a detector stops; rows: the study of foreign photos."""
    drawn = figure(height=120 + _ROW_PX * rows["key"].nunique())
    for detector, mine in rows.groupby("detector", sort=False):
        colour = _DETECTOR_COLOURS[str(detector)]
        drawn.add_trace(dots(DETECTOR_WORDS[str(detector)], _dot_rows(mine, "detected").iloc[::-1], colour))
    drawn.update_xaxes(title=f"share stopped (%), where {COMPARED:.0%} of the skin photos are stopped", range=[-3, 103])
    twin = pd.DataFrame(
        {
            "Photos": rows["label"],
            "Number": rows["photos"],
            "Detector": rows["detector"].map(DETECTOR_WORDS),
            "Stopped (%)": _intervals(rows, "detected"),
            "AUC (points)": _intervals(rows, "auc"),
            "Referred by the network (%)": (100 * rows["referred"]).round(1),
        }
    )
    return chart(drawn, foreign_sentence(rows), twin)


def foreign_sentence(rows: pd.DataFrame) -> str:
    """Say what the network makes of foreign photos, and how many of them the better detector stops."""
    sets = rows[~rows["key"].str.contains(".", regex=False)]
    detector = str(sets.groupby("detector")["detected"].mean().idxmax())
    parts = [
        f"{row['label'].lower()} {_share_words(row, 'detected')}% (the network refers {row['referred']:.0%} of them)"
        for _, row in sets[sets["detector"] == detector].iterrows()
    ]
    return f"At {COMPARED:.0%} false alarms, the {DETECTOR_WORDS[detector].lower()} stops: {'; '.join(parts)}."


def check_table(rows: pd.DataFrame, worth: tuple[str, ...]) -> pd.DataFrame:
    """Return the quality check by condition; worth: conditions that are not worth scoring."""
    severities = rows["key"].str.extract(r"\.(\d)$")[0]
    return pd.DataFrame(
        {
            "Photos": rows["label"] + severities.map(lambda severity: "" if pd.isna(severity) else f", {severity}"),
            "Worth scoring": ["no" if key in worth or key == "not_worth_scoring" else "yes" for key in rows["key"]],
            "Stopped (%)": _intervals(rows, "detected"),
            "AUC (points)": _intervals(rows, "auc"),
        }
    )


def _labels(rows: pd.DataFrame) -> pd.Series:
    return rows["label"] + rows["severity"].map(lambda severity: f", {severity}" if severity else "")


def _dot_rows(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    labels = _labels(rows) if "severity" in rows else rows["label"]
    ends = {end: 100 * rows[f"{name}{suffix}"] for end, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))}
    return pd.DataFrame({"label": labels, **ends})


def _intervals(rows: pd.DataFrame, name: str, sign: str = "") -> list[str]:
    return [_share_words(row, name, sign) for _, row in rows.iterrows()]


def _share_words(row: pd.Series, name: str, sign: str = "") -> str:
    """Write a share and its interval in percent."""
    value, low, high = (100 * row[f"{name}{end}"] for end in ("", "_low", "_high"))
    return f"{value:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"
