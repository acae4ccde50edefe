"""What a threshold buys and what it costs, on the labelled photos."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.operating import OperatingPoint, operating_points, reading_capacity, referral_curve
from simulator.analysis.scores.roc import roc_of
from simulator.evidence.scores import Published, ScoreTable
from simulator.serving.plan import Plan
from simulator.ui.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, RED, Chart, figure, translucent, whiskers
from simulator.units import percent


def roc(plan: Plan) -> Chart:
    """A curve for each model with scores, and the design's thresholds on them with their intervals.

    In a cascade the sentence speaks of the last model.
    """
    table, points = _table(plan), operating_points(plan)
    drawn = figure(*_curves(plan), _points(points), height=420)
    if isinstance(table.about, Published):
        drawn.add_trace(_published(table.about))
    for bound in _asked(plan):
        drawn.add_hline(y=100 * bound, line=OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title="negatives referred (%)", range=[-2, 102])
    drawn.update_yaxes(title="positives referred (%)", range=[-2, 102])
    final = [point for point in points if plan.tables[point.pool] is table]
    return Chart(drawn, _roc_takeaway(table, final), _points_table(points))


def _curves(plan: Plan) -> list[go.Scatter]:
    """The last model is blue, those before it are grey."""
    curves = []
    for pool, table in plan.tables.items():
        curve = roc_of(table)
        line = {"color": BLUE if table is plan.scores else GREY, "width": 2.5}
        name = "score table" if len(plan.tables) == 1 else plan.scenario.stages[pool].label
        curves.append(
            go.Scatter(name=name, x=100 * curve.false_rate, y=100 * curve.true_rate, mode="lines", line=line, hoverinfo="skip")
        )
    return curves


def _table(plan: Plan) -> ScoreTable:
    assert plan.scores is not None
    return plan.scores


def _points(points: list[OperatingPoint]) -> go.Scatter:
    across, up = [p.false_positives for p in points], [p.sensitivity for p in points]
    x, y = [100 * i.value for i in across], [100 * i.value for i in up]
    return go.Scatter(
        name="thresholds of this design, 95% interval",
        x=x,
        y=y,
        mode="markers+text",
        marker={"color": ORANGE, "size": 12},
        text=[f" {point.label}" for point in points],
        textposition="bottom right",
        error_x=whiskers([100 * i.low for i in across], x, [100 * i.high for i in across]),
        error_y=whiskers([100 * i.low for i in up], y, [100 * i.high for i in up]),
        hovertemplate="%{y:.1f}% of the positives, %{x:.1f}% of the negatives<extra></extra>",
    )


def _published(about: Published) -> go.Scatter:
    """The range that was published, at the published specificity."""
    return go.Scatter(
        name="published range",
        x=[100 * (1 - about.specificity)] * 2,
        y=[100 * about.sensitivity_low, 100 * about.sensitivity_high],
        mode="lines",
        line={"color": translucent(RED, 0.4), "width": 12},
        hovertemplate="published: %{y:.0f}%<extra></extra>",
    )


def _asked(plan: Plan) -> list[float]:
    """The sensitivities that the objectives ask for."""
    wanted = [o.at_least for o in plan.scenario.objectives if o.metric == "sensitivity"]
    return [bound for bound in wanted if bound is not None]


def _roc_takeaway(table: ScoreTable, points: list[OperatingPoint]) -> str:
    told = f"An AUC of {table.auc:.3f} on {len(table.positives):,} positives and {len(table.negatives):,} negatives"
    if not points:
        return told + "."
    last = points[-1]
    return (
        f"{told}. The widest threshold refers {percent(last.sensitivity.value)} of the positives "
        f"(95% interval {percent(last.sensitivity.low)} to {percent(last.sensitivity.high)}) "
        f"and {percent(last.false_positives.value)} of the negatives."
    )


def _points_table(points: list[OperatingPoint]) -> pd.DataFrame:
    rows = [
        [p.label, p.threshold, *(100 * x for i in (p.sensitivity, p.false_positives) for x in (i.value, i.low, i.high))]
        for p in points
    ]
    names = ["threshold", "score", "positives referred (%)", "95% low (%)", "95% high (%)"]
    return pd.DataFrame(rows, columns=[*names, "negatives referred (%)", "95% low, negatives (%)", "95% high, negatives (%)"])


def referrals_by_sensitivity(plan: Plan) -> Chart:
    """The share of people that must be referred to reach a sensitivity, and how many of them the reviewers can read."""
    curve, capacity = referral_curve(plan), reading_capacity(plan)
    drawn = figure(*_with_band(curve), showlegend=False)
    if capacity is not None:
        drawn.add_hrect(y0=100 * capacity, y1=102, fillcolor=translucent(RED, 0.12), line_width=0, layer="below")
        text = {"text": "more than the reviewers can read", "showarrow": False, "xanchor": "left", "yanchor": "top"}
        drawn.add_annotation(x=70, y=102, **text)
    for bound in _asked(plan):
        drawn.add_vline(x=100 * bound, line=OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title="sensitivity of the threshold, on the labelled photos (%)", range=[70, 100.4])
    drawn.update_yaxes(title="people referred (%)", range=[0, 102])
    return Chart(drawn, _referral_takeaway(plan, curve, capacity), _in_percent(curve))


def _with_band(curve: pd.DataFrame) -> list[go.Scatter]:
    """The line, and its 95% interval behind it."""
    x, edge = 100 * curve["sensitivity"], {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        go.Scatter(x=x, y=100 * curve["low"], **edge),
        go.Scatter(x=x, y=100 * curve["high"], fill="tonexty", fillcolor=translucent(BLUE, 0.2), **edge),
        go.Scatter(
            x=x,
            y=100 * curve["escalated"],
            mode="lines",
            line={"color": BLUE, "width": 3},
            hovertemplate="%{x:.1f}% sensitivity: %{y:.0f}% referred<extra></extra>",
        ),
    ]


def _referral_takeaway(plan: Plan, curve: pd.DataFrame, capacity: float | None) -> str:
    told = []
    for target in (0.90, *_asked(plan)):
        row = curve.iloc[(curve["sensitivity"] - target).abs().argmin()]
        told.append(f"finding {100 * target:g}% of the positives means referring {100 * row['escalated']:.0f}% of the people")
    read = "" if capacity is None else f"; the reviewers can read {100 * min(capacity, 1):.0f}%"
    sentence = ", ".join(told) + read + "."
    return sentence[0].upper() + sentence[1:]


def _in_percent(curve: pd.DataFrame) -> pd.DataFrame:
    names = ["sensitivity (%)", "people referred (%)", "95% low (%)", "95% high (%)"]
    return (100 * curve).set_axis(names, axis=1)
