"""Charts of the data lab: learning curves, the worth of the next dollar, differences, and spoiled and foreign photos."""

from __future__ import annotations

import pandas as pd
from scipy.stats import false_discovery_control

from simulator.charts import look
from simulator.phrases import phrase
from simulator.units import signed

#: The names of choices on the screen.
LABELLER_WORDS = {
    "proven": "biopsy",
    "one": "one reader",
    "three": "three readers, majority",
    "adjudicated": "two readers, an expert if they differ",
}
SELECTION_WORDS = {
    "random": "at random",
    "uncertainty": "where the head is unsure",
    "diversity": "far from labelled ones",
    "rare": "likely melanomas first",
}
_SELECTION_COLOURS = dict(zip(SELECTION_WORDS, (look.GREY, look.BLUE, look.GREEN, look.ORANGE), strict=True))
_LABELLER_COLOURS = dict(zip(LABELLER_WORDS, (look.GREY, look.BLUE, look.GREEN, look.PURPLE), strict=True))

#: The share of luck among the differences that are called real.
_LEVEL = 0.05


def learning(rows: pd.DataFrame, of: str = "auc") -> look.Chart:
    """Draw a learning curve for each way to choose photos; rows: the study of selections; of: auc, or melanomas."""
    drawn = look.figure(height=380)
    for selection, mine in rows.groupby("selection", sort=False):
        if selection != "random":
            mine = pd.concat([mine, rows[(rows["selection"] == "random") & (rows["photos"] == rows["photos"].max())]])
        colour = _SELECTION_COLOURS[str(selection)]
        if selection == "random":
            low, _, high = look.bounds(mine, of)
            drawn.add_traces(look.band(mine["photos"], low, high, colour))
        name, hover = SELECTION_WORDS[str(selection)], "%{x:,} photos: %{y:.1f}<extra>%{fullData.name}</extra>"
        drawn.add_trace(look.line(mine["photos"], 100 * mine[of], colour, name, hover, width=2, dotted=True))
    drawn.update_xaxes(title="labelled photos")
    drawn.update_yaxes(title="AUC (points)" if of == "auc" else "melanomas found (of 100)")
    return look.chart(drawn, selection_sentence(rows, of), rows, digits=4)


def selection_sentence(rows: pd.DataFrame, of: str = "auc") -> str:
    """Say where choosing photos differs from chance; at most 5% of what it calls real is luck (Benjamini and Hochberg)."""
    tried = rows[rows["selection"] != "random"]
    real = tried[false_discovery_control(tried[f"{of}_p"]) < _LEVEL]
    clearest = tried.loc[[tried[f"{of}_p"].idxmin()]]
    gains = _gains(clearest if real.empty else real, of)
    return phrase("choices.none" if real.empty else "choices.some", all=len(tried), real=len(real), gains=gains)


def _gains(rows: pd.DataFrame, of: str) -> str:
    """Write each row's gain over chance with its interval."""
    unit = "points of AUC" if of == "auc" else "melanomas of 100"
    return "; ".join(
        f"{row['photos']:,} photos {SELECTION_WORDS[row['selection']]}, {_share_words(row, f'{of}_gain', '+', f' {unit}')}"
        for _, row in rows.iterrows()
    )


def purchases(rows: pd.DataFrame) -> look.Chart:
    """Draw the melanomas that the next 1,000 USD bought at each budget; rows: the price list."""
    drawn = look.figure(height=380)
    for place, (labeller, mine) in enumerate(rows.groupby("labeller", sort=False)):
        more = look.bounds(mine, "more_melanomas")
        name, colour = LABELLER_WORDS[str(labeller)], _LABELLER_COLOURS[str(labeller)]
        x, hover = mine["budget_usd"] * (1 + 0.03 * place), "at %{x:,.0f} USD: %{y:+.1f} of 100<extra>%{fullData.name}</extra>"
        drawn.add_trace(look.points(x, more[1], colour, name, hover, error_y=look.whiskers(*more)))
    drawn.update_xaxes(title="spent already (USD)", type="log", tickvals=[1000, 2000, 5000, 10_000, 20_000, 50_000])
    drawn.update_yaxes(title="melanomas more, of 100, for 1,000 USD more")
    return look.chart(drawn, purchase_sentence(rows), rows, digits=4)


def purchase_sentence(rows: pd.DataFrame) -> str:
    """Say what the best step bought in AUC, and which steps bought melanomas that these photos can show."""
    best = rows.iloc[int(rows["more_auc"].argmax())]
    real = int((rows["more_melanomas_low"] > 0).sum())
    return phrase(
        "choices.best_purchase", gain=_share_words(best, "more_auc", "+", " points of AUC"), budget=best["budget_usd"],
        labeller=LABELLER_WORDS[best["labeller"]], real=real, steps=len(rows),
    )  # fmt: skip


def gains(rows: pd.DataFrame, labels: pd.Series, of: str, takeaway: str) -> look.Chart:
    """Draw the difference of each row to the base with its interval; of: auc, or melanomas."""
    shown = look.spans(rows, f"{of}_gain", labels).iloc[::-1]
    drawn = look.figure(look.dots("difference", shown, look.BLUE), height=90 + 44 * len(shown), showlegend=False)
    drawn.add_vline(x=0, line={"color": look.GREY, "width": 1})
    drawn.update_xaxes(title=f"difference in {'points of AUC' if of == 'auc' else 'melanomas of 100'}")
    return look.chart(drawn, takeaway, rows, digits=4)


def difference_words(row: pd.Series, of: str = "auc") -> str:
    """Write a difference with its interval, and whether it is significant."""
    bounds = look.bounds(row, f"{of}_gain")
    low, gain, high = (signed(bound, 1) for bound in bounds)
    real = "significant" if bounds[0] > 0 or bounds[2] < 0 else "not significant"
    return f"{gain} points (95% interval {low} to {high}, {real})"


#: The default operating point of the case, at which the threshold is chosen on photos as taken.
OPERATING_POINT = 0.95
#: The fall of AUC from which photos are called not worth scoring.
LEAST_LOSS = 0.05
#: The false alarms at which detections are compared.
COMPARED = 0.05

PRECISION_WORDS = {"fp32": "fp32", "int8_static": "int8 static"}
_COLOURS = {"fp32": look.BLUE, "int8_static": look.ORANGE}
MEASURE_WORDS = {"auc": "AUC", "sensitivity": "Cancers found", "referred": "People without cancer referred"}
DETECTOR_WORDS = {"mahalanobis": "Mahalanobis distance", "neighbours": "Tenth nearest neighbour"}
_DETECTOR_COLOURS = {"mahalanobis": look.BLUE, "neighbours": look.ORANGE}
_ROW_PX = 30


def spoiling(rows: pd.DataFrame, of: str = "auc") -> look.Chart:
    """Draw the change of a measure by condition and severity at each precision; rows: the study of spoiled photos."""
    changed = rows[rows["severity"] > 0]
    drawn = look.figure(height=120 + _ROW_PX * len(changed) // 2)
    for precision, mine in changed.groupby("precision", sort=False):
        changes = look.spans(mine, f"{of}_gain", _labels(mine)).iloc[::-1]
        drawn.add_trace(look.dots(PRECISION_WORDS[str(precision)], changes, _COLOURS[str(precision)]))
    drawn.add_vline(x=0, line={"color": look.GREY, "width": 1})
    drawn.update_xaxes(title=f"{MEASURE_WORDS[of]}: change, points")
    twin = pd.DataFrame({"Damage": _labels(rows), "Precision": rows["precision"].map(PRECISION_WORDS)})
    for name, words in MEASURE_WORDS.items():
        twin[f"{words} (%)"], twin[f"{words}: change (points)"] = _intervals(rows, name), _intervals(rows, f"{name}_gain", "+")
    return look.chart(drawn, spoiling_sentence(rows), twin)


def spoiling_sentence(rows: pd.DataFrame) -> str:
    """Name the damage that costs most, and count the kinds whose cost these photos do not show."""
    changed = rows[(rows["severity"] > 0) & (rows["precision"] == "fp32")]
    worst = changed.iloc[int(changed["auc_gain"].argmin())]
    harmless = int((changed["auc_gain_high"] >= 0).sum())
    auc, cancers = (_share_words(worst, f"{name}_gain", "+") for name in ("auc", "sensitivity"))
    return phrase(
        "damage.worst", label=worst["label"], severity=worst["severity"], auc=auc, cancers=cancers, kinds=len(changed),
        harmless=harmless,
    )  # fmt: skip


def foreign_photos(rows: pd.DataFrame) -> look.Chart:
    """Draw the share of each set that a detector stops; rows: the study of foreign photos."""
    drawn = look.figure(height=120 + _ROW_PX * rows["key"].nunique())
    for detector, mine in rows.groupby("detector", sort=False):
        colour, stopped = _DETECTOR_COLOURS[str(detector)], look.spans(mine, "detected", mine["label"])
        drawn.add_trace(look.dots(DETECTOR_WORDS[str(detector)], stopped.iloc[::-1], colour))
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
    return look.chart(drawn, foreign_sentence(rows), twin)


def foreign_sentence(rows: pd.DataFrame) -> str:
    """Say what the network makes of foreign photos, and how many of them the better detector stops."""
    sets = rows[~rows["key"].str.contains(".", regex=False)]
    detector = str(sets.groupby("detector")["detected"].mean().idxmax())
    parts = [
        phrase("foreign.photos", label=row["label"], stopped=_share_words(row, "detected"), referred=100 * row["referred"])
        for _, row in sets[sets["detector"] == detector].assign(label=sets["label"].str.lower()).iterrows()
    ]
    return phrase("foreign.stopped", alarms=100 * COMPARED, detector=DETECTOR_WORDS[detector].lower(), parts=parts)


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


def _intervals(rows: pd.DataFrame, name: str, sign: str = "") -> list[str]:
    return [_share_words(row, name, sign) for _, row in rows.iterrows()]


def _share_words(row: pd.Series, name: str, sign: str = "", unit: str = "") -> str:
    """Write a share in percent with its unit and its interval; sign: "+" for a change."""
    low, value, high = (signed(bound, 1) if sign else f"{bound:.1f}" for bound in look.bounds(row, name))
    return f"{value}{unit} ({low} to {high})"
