"""How good score tables are, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.evidence.latencies import spoken
from simulator.analysis.scores.paired import Pair, pair_sentence
from simulator.analysis.scores.summary import ScoreSummary, summary_rows
from simulator.ui.charts.latencies import precision_colours
from simulator.ui.charts.look import BLUE, ORANGE, Chart, dots, figure, rounded, translucent
from simulator.units import percent


def specificity_by_table(summaries: list[ScoreSummary], target: float) -> Chart:
    """Specificity at one sensitivity, a row a model, a colour a precision.

    target: a sensitivity, one of `analysis.score_summary.TARGETS`
    """
    rows = pd.DataFrame([_row(summary, target) for summary in summaries])
    colours = precision_colours(list(rows["precision"].unique()))
    groups = [
        dots(spoken(str(name)), mine, colours[str(name)], hovertemplate="%{x:.1f}%<extra>%{y}</extra>")
        for name, mine in rows.groupby("precision", sort=False)
    ]
    drawn = figure(*groups, height=130 + (16 + 10 * len(groups)) * rows["label"].nunique(), scattermode="group", scattergap=0.3)
    drawn.update_xaxes(title=f"specificity at {target:.0%} sensitivity (%)", range=[0, 100])
    order = rows.groupby("label")["value"].max().sort_values().index
    drawn.update_yaxes(categoryorder="array", categoryarray=list(order))
    return Chart(drawn, _best(summaries, target), rounded(summary_rows(summaries)))


def _row(summary: ScoreSummary, target: float) -> dict[str, object]:
    found = summary.specificity_at[target]
    label = summary.model if summary.size else f"{summary.model}, published"
    low, high = (found.value if isnan(bound) else bound for bound in (found.low, found.high))
    return {
        "label": label.replace("_", " ").replace(", ", ",<br>"),
        "precision": summary.precision,
        "value": 100 * found.value,
        "low": 100 * low,
        "high": 100 * high,
    }


def _best(summaries: list[ScoreSummary], target: float) -> str:
    measured = [summary for summary in summaries if summary.size]
    if not measured:
        return "There is no table of measured scores."
    best = max(measured, key=lambda summary: summary.specificity_at[target].value)
    found, size = best.specificity_at[target], best.size
    assert size is not None
    told = (
        f"With a threshold that finds {target:.0%} of the positives, {best.model} at {spoken(best.precision)}, the best of "
        f"{len(measured)} tables, clears {percent(found.value)} of the negatives (95% interval {percent(found.low)} to "
        f"{percent(found.high)}, {size.positives:,} positives)"
    )
    near = sum(other.specificity_at[target].high >= found.low for other in measured) - 1
    overlap = "the interval of 1 other overlaps" if near == 1 else f"the intervals of {near} others overlap"
    return f"{told}; {overlap} it." if near else f"{told}."


def compared_curves(bands: Mapping[str, pd.DataFrame], pairs: list[Pair], target: float) -> Chart:
    """The ROC curves of two tables, each with its band, and what differs at one sensitivity.

    bands: by name of the table, as `analysis.score_summary.roc_band` gives them, in the order of the pairs
    """
    traces = [
        trace
        for (name, band), colour in zip(bands.items(), (ORANGE, BLUE), strict=True)
        for trace in _curve(name, band, colour)
    ]
    drawn = figure(*traces, height=430)
    drawn.update_xaxes(title="negatives referred (%)", range=[0, 100])
    drawn.update_yaxes(title="positives referred (%)", range=[0, 100.5])
    asked = f"specificity at {target:.0%} sensitivity"
    pair = next(pair for pair in pairs if pair.what == asked)
    return Chart(drawn, pair_sentence(pair, *bands), rounded(_pair_table(pairs, *bands)))


def _curve(name: str, band: pd.DataFrame, colour: str) -> list[go.Scatter]:
    y, edge = 100 * band["sensitivity"], {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    return [
        go.Scatter(x=100 * band["low"], y=y, **edge),
        go.Scatter(x=100 * band["high"], y=y, fill="tonextx", fillcolor=translucent(colour, 0.18), **edge),
        go.Scatter(
            name=name,
            x=100 * band["false"],
            y=y,
            mode="lines",
            line={"color": colour, "width": 2.5},
            hovertemplate="%{y:.1f}% of the positives, %{x:.1f}% of the negatives<extra></extra>",
        ),
    ]


def _pair_table(pairs: list[Pair], first: str, second: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "figure": pair.what,
                first: pair.first,
                second: pair.second,
                "difference": pair.change.value,
                "95% low": pair.change.low,
                "95% high": pair.change.high,
                "significantly different": pair.differs,
            }
            for pair in pairs
        ]
    )
