"""Whether scores can be read as probabilities, and whether a coverage target is met."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from simulator.analysis.scores.calibration import Calibration
from simulator.analysis.scores.conformal import Coverage, coverage_rows
from simulator.analysis.statistics import Interval
from simulator.ui.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, Chart, figure, rounded, whiskers
from simulator.units import percent

#: Points of one coverage target are set side by side.
_ASIDE = 0.1


def reliability(found: Calibration) -> Chart:
    """The share of positives by score, in bins of equally many photos, before and after temperature scaling."""
    ideal = go.Scatter(x=[0, 100], y=[0, 100], mode="lines", line=OBJECTIVE, hoverinfo="skip", name="perfectly calibrated")
    groups = [
        _bins(found.rows[found.rows["when"] == when], when, colour) for when, colour in (("before", GREY), ("after", BLUE))
    ]
    drawn = figure(ideal, *groups, height=430)
    drawn.update_xaxes(title="mean score of the bin (%)", range=[-2, 102])
    drawn.update_yaxes(title="positives among its photos (%)", range=[-2, 102])
    return Chart(drawn, _calibrated(found), rounded(found.rows))


def _bins(rows: pd.DataFrame, when: str, colour: str) -> go.Scatter:
    low, value, high = (list(100 * rows[name]) for name in ("low", "share positive", "high"))
    return go.Scatter(
        name=f"{when} scaling",
        x=100 * rows["mean score"],
        y=value,
        mode="lines+markers",
        line={"color": colour, "width": 1.5},
        marker={"color": colour, "size": 9, "symbol": "circle-open" if when == "before" else "circle"},
        error_y=whiskers(low, value, high),
        customdata=rows["n"],
        hovertemplate="score %{x:.0f}%: %{y:.0f}% positive, %{customdata} photos<extra></extra>",
    )


def _calibrated(found: Calibration) -> str:
    low, high = min(found.temperatures), max(found.temperatures)
    words = (
        "which is less" if found.change.high < 0 else "which is more" if found.change.low > 0 else "not significantly different"
    )
    return (
        f"Scores are off by {_with_interval(found.before)} on average; after scaling by a temperature of {low:.2f} to "
        f"{high:.2f}, fitted on the other folds, by {_with_interval(found.after)}, {words}. With this few photos even perfect "
        f"scores would seem off by {percent(found.floor)}."
    )


def _with_interval(found: Interval) -> str:
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)})"


def kept_promises(found: list[Coverage]) -> Chart:
    """For each coverage target, the share of each class whose prediction set holds the true class, on held-out patients."""
    rows = coverage_rows(found)
    places = np.arange(len(rows), dtype=np.float64)
    groups = [
        _covered(rows, places + aside, name, colour)
        for name, colour, aside in (("positives", ORANGE, -_ASIDE), ("negatives", BLUE, _ASIDE))
    ]
    asked = go.Scatter(
        name="target",
        x=places,
        y=rows["promised (%)"],
        mode="markers",
        marker={"symbol": "line-ew", "size": 46, "line": {"color": GREY, "width": 2}},
        hoverinfo="skip",
    )
    unsure = go.Bar(
        name="unsure, of all",
        x=places,
        y=rows["unsure (%)"],
        width=0.5,
        marker={"color": GREY, "opacity": 0.35},
        hovertemplate="%{y:.0f}% unsure<extra></extra>",
    )
    drawn = figure(unsure, asked, *groups, height=380)
    drawn.update_xaxes(
        title="coverage target for each class", tickvals=places, ticktext=[f"{one.promised:.0%}" for one in found]
    )
    drawn.update_yaxes(title="reached on held-out patients (%)", range=[0, 101])
    return Chart(drawn, _kept(found), rounded(rows))


def _covered(rows: pd.DataFrame, places: NDArray[np.float64], name: str, colour: str) -> go.Scatter:
    value = rows[f"{name} covered (%)"]
    return go.Scatter(
        name=f"{name} covered",
        x=places,
        y=value,
        mode="markers",
        marker={"color": colour, "size": 10},
        error_y=whiskers(list(rows[f"{name} low"]), list(value), list(rows[f"{name} high"])),
        hovertemplate="%{y:.1f}% covered<extra></extra>",
    )


def _kept(found: list[Coverage]) -> str:
    parts = [(one.promised, part) for one in found for part in (one.positives, one.negatives)]
    broken = sum(part.high < promised for promised, part in parts)
    verdict = f"{broken} of {len(parts)} intervals lie below their target" if broken else "no interval lies below its target"
    named = min(found, key=lambda one: abs(one.promised - 0.95))
    return (
        f"At a coverage target of {named.promised:.0%}, {_with_interval(named.positives)} of the positives and "
        f"{_with_interval(named.negatives)} of the negatives were covered; {verdict}. The price: {percent(named.unsure)} of "
        "the photos are unsure and go to people."
    )
