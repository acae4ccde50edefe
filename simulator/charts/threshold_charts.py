"""A crowd at a threshold: a dot for each positive, and the others as a bar."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pandas as pd
import plotly.graph_objects as go

from simulator.case.schema import Population, Scenario
from simulator.charts.look import (
    BLUE,
    FOUND,
    GREY,
    MISSED,
    OBJECTIVE,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    Chart,
    band,
    figure,
    translucent,
    whiskers,
    word_on,
    wrapped,
)
from simulator.engine.plan import Plan
from simulator.evidence.score_tables import Published, ScoreTable
from simulator.metrics.operating_points import OperatingPoint, Referred, operating_points, reading_capacity, referral_curve
from simulator.metrics.roc import roc_of
from simulator.units import percent, significant

#: Dots in a row, few enough for a phone.
COLUMNS = 40


def crowd(referred: Referred, scenario: Scenario, capacity: float | None = None) -> Chart:
    """Draw a dot for each positive and, below, the share of negatives and of all that goes to people.

    capacity: the share of all that people can keep up with, None without people
    """
    who = scenario.population
    assert who is not None
    rows = ceil(referred.positives / COLUMNS)
    labels = [f"{referred.negatives:,.0f} {who.negatives}", f"all {scenario.who.counted(referred.crowd)}"]
    bars = _bars(referred, labels, who.escalated)
    drawn = figure(*_dots(referred, who.escalated, who.missed), *bars, height=180 + 10 * rows, barmode="stack")
    drawn.update_layout(
        xaxis={"range": [-0.5, COLUMNS - 0.5], "visible": False},
        yaxis={
            "domain": [0.56, 1],
            "range": [rows - 0.5, -0.5],
            "showgrid": False,
            "tickvals": [(rows - 1) / 2],
            "ticktext": [wrapped(f"{referred.positives:,.0f} {who.positives}")],
        },
        xaxis2={
            "anchor": "y2",
            "range": [0, 102],
            "tickvals": [0, 50, 100],
            "ticktext": ["0", "50%", "100%"],
            "showgrid": False,
        },
        yaxis2={"domain": [0, 0.46], "anchor": "x2", "autorange": "reversed", "showgrid": False},
        uniformtext={"minsize": 11, "mode": "hide"},
    )
    if capacity is not None and capacity < 1:
        limit = {"type": "line", "xref": "x2", "yref": "y2", "x0": 100 * capacity, "x1": 100 * capacity, "y0": 0.6, "y1": 1.4}
        drawn.add_shape(**limit, line={"color": MISSED, "width": 4})
    return Chart(drawn, _takeaway(referred, scenario, capacity), _table(referred, scenario))


def _dots(referred: Referred, escalated: str, missed: str) -> list[go.Scatter]:
    """Draw the positives that go to people, and the missed ones; a fraction of a missed one is drawn as a dot."""
    places = [divmod(place, COLUMNS) for place in range(max(round(referred.positives), 1))]
    lost = max(round(referred.missed), int(referred.missed > 0))
    parts = ((escalated, places[: len(places) - lost], FOUND), (missed, places[len(places) - lost :], MISSED))
    return [
        go.Scatter(
            name=name,
            x=[column for _, column in part],
            y=[row for row, _ in part],
            mode="markers",
            marker={"color": colour, "size": 7, "symbol": "circle" if colour == FOUND else "x"},
            hoverinfo="skip",
        )
        for name, part, colour in parts
        if part
    ]


def _bars(referred: Referred, labels: list[str], escalated: str) -> list[go.Bar]:
    counts = [referred.alarms, referred.share * referred.crowd]
    of = [referred.negatives, float(referred.crowd)]
    passed = [100 * count / total for count, total in zip(counts, of, strict=True)]
    look = {"orientation": "h", "xaxis": "x2", "yaxis": "y2", "width": 0.62, "showlegend": False, "textangle": 0}
    look |= {"y": [wrapped(label) for label in labels], "textposition": "inside", "insidetextanchor": "start"}
    words = [f"{counts[0]:,.0f} {escalated} needlessly", f"{counts[1]:,.0f} {escalated}"]
    return [
        go.Bar(
            x=passed,
            text=words,
            marker={"color": [ORANGE, SKY], "line": {"width": 0}},
            insidetextfont={"color": word_on(ORANGE)},
            hovertemplate="%{x:.1f}%<extra>%{y}</extra>",
            **look,
        ),
        go.Bar(
            x=[100 - share for share in passed],
            marker={"color": translucent(GREY, 0.3), "line": {"width": 0}},
            hoverinfo="skip",
            **look,
        ),
    ]


def _of(referred: Referred) -> str:
    digits = 1 if 0 < referred.missed < 10 else 0
    return f"{referred.found:,.{digits}f} of {referred.positives:,.0f}"


def _lost(referred: Referred) -> str:
    return (
        "none"
        if not referred.missed
        else f"{referred.missed:,.0f}"
        if referred.missed >= 10
        else significant(referred.missed, 2)
    )


def _takeaway(referred: Referred, scenario: Scenario, capacity: float | None) -> str:
    who = scenario.population
    assert who is not None
    of_positives = f"{_of(referred)} {who.positives} are {who.escalated} and {_lost(referred)} {who.missed}"
    sentence = (
        f"Of {scenario.who.counted(referred.crowd)}, {of_positives}; "
        f"{referred.alarms:,.0f} of {referred.negatives:,.0f} {who.negatives} are {who.escalated} needlessly."
    )
    if capacity is not None and referred.share > capacity:
        sentence += f" That is more than {readers(scenario)} can keep up with."
    return sentence


def _table(referred: Referred, scenario: Scenario) -> pd.DataFrame:
    who = scenario.population
    assert who is not None
    rows = [
        (f"{who.negatives}, {who.escalated} needlessly", referred.alarms, referred.negatives),
        (f"{who.negatives}, not {who.escalated}", referred.cleared, referred.negatives),
        (f"{who.positives}, {who.escalated}", referred.found, referred.positives),
        (f"{who.positives}, {who.missed}", referred.missed, referred.positives),
    ]
    table = pd.DataFrame(
        [(name, round(count, 1), 100 * count / of) for name, count, of in rows],
        columns=["what", f"of {referred.crowd:,} {scenario.who.many}", "of its class (%)"],
    )
    return table.sort_values(table.columns[1], ascending=False, ignore_index=True)


def roc(plan: Plan) -> Chart:
    """Draw the ROC curve of each model, and the design's thresholds with their intervals; both axes have one scale.

    In a cascade, the takeaway is about the last model.
    """
    table, points, (refers, alarms) = _last_table(plan), operating_points(plan), _axes(plan)
    drawn = figure(*_curves(plan), _points(points), height=460)
    if isinstance(table.about, Published):
        drawn.add_trace(_published(table.about))
    for bound in _target_sensitivities(plan):
        drawn.add_hline(y=100 * bound, line=OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title=alarms, range=[-2, 102], constrain="domain")
    drawn.update_yaxes(title=refers, range=[-2, 102], constrain="domain", scaleanchor="x", scaleratio=1)
    final = [point for point in points if plan.tables[point.pool] is table]
    return Chart(drawn, _roc_takeaway(table, final, plan), _points_table(points, refers, alarms))


def _words(plan: Plan) -> Population:
    assert plan.scenario.population is not None
    return plan.scenario.population


def _axes(plan: Plan) -> tuple[str, str]:
    who = _words(plan)
    return f"{who.positives} {who.escalated} (%)", f"{who.negatives} {who.escalated} (%)"


def with_tried(chart: Chart, across: float, up: float) -> Chart:
    marker = {"color": PURPLE, "size": 15, "symbol": "diamond"}
    point = go.Scatter(name="tried here", x=[100 * across], y=[100 * up], mode="markers", marker=marker, hoverinfo="skip")
    return replace(chart, figure=go.Figure(chart.figure).add_trace(point))


def _curves(plan: Plan) -> list[go.Scatter]:
    curves = []
    for pool, table in plan.tables.items():
        curve = roc_of(table)
        line = {"color": BLUE if table is plan.scores else GREY, "width": 2.5}
        name = "score table" if len(plan.tables) == 1 else plan.scenario.stages[pool].label
        curves.append(
            go.Scatter(name=name, x=100 * curve.false_rate, y=100 * curve.true_rate, mode="lines", line=line, hoverinfo="skip")
        )
    return curves


def _last_table(plan: Plan) -> ScoreTable:
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
        text=[f" {point.label.replace('_', ' ')}" for point in points],
        textposition="bottom right",
        error_x=whiskers([100 * i.low for i in across], x, [100 * i.high for i in across]),
        error_y=whiskers([100 * i.low for i in up], y, [100 * i.high for i in up]),
        hovertemplate="found %{y:.1f}%, false alarms %{x:.1f}%<extra></extra>",
    )


def _published(about: Published) -> go.Scatter:
    return go.Scatter(
        name="published range",
        x=[100 * (1 - about.specificity)] * 2,
        y=[100 * about.sensitivity_low, 100 * about.sensitivity_high],
        mode="lines",
        line={"color": translucent(RED, 0.4), "width": 12},
        hovertemplate="published: %{y:.0f}%<extra></extra>",
    )


def _target_sensitivities(plan: Plan) -> list[float]:
    wanted = [o.at_least for o in plan.scenario.objectives if o.metric == "sensitivity"]
    return [bound for bound in wanted if bound is not None]


def _roc_takeaway(table: ScoreTable, points: list[OperatingPoint], plan: Plan) -> str:
    who = _words(plan)
    sentence = f"An AUC of {table.auc:.3f} on {len(table.positives):,} positives and {len(table.negatives):,} negatives"
    if not points:
        return sentence + "."
    last = points[-1]
    return (
        f"{sentence}. The widest threshold has {percent(last.sensitivity.value)} of the {who.positives} "
        f"(95% interval {percent(last.sensitivity.low)} to {percent(last.sensitivity.high)}) "
        f"and {percent(last.false_positives.value)} of the {who.negatives} {who.escalated}."
    )


def _points_table(points: list[OperatingPoint], refers: str, alarms: str) -> pd.DataFrame:
    rows = [
        [p.label, p.threshold, *(100 * x for i in (p.sensitivity, p.false_positives) for x in (i.value, i.low, i.high))]
        for p in points
    ]
    names = ["threshold", "score", refers, "95% low (%)", "95% high (%)"]
    return pd.DataFrame(rows, columns=[*names, alarms, "95% low, negatives (%)", "95% high, negatives (%)"])


def referrals_by_sensitivity(plan: Plan) -> Chart:
    """Draw the share of people to be referred for a sensitivity, and the share that reviewers can read."""
    curve, capacity, scenario = referral_curve(plan), reading_capacity(plan), plan.scenario
    drawn = figure(*_with_band(curve, _words(plan).escalated), showlegend=False)
    if capacity is not None and capacity < 1:
        drawn.add_hrect(y0=100 * capacity, y1=102, fillcolor=translucent(RED, 0.12), line_width=0, layer="below")
        text = {"text": f"{readers(scenario)} cannot keep up", "showarrow": False, "xanchor": "left", "yanchor": "top"}
        drawn.add_annotation(x=70, y=102, **text)
    for bound in _target_sensitivities(plan):
        drawn.add_vline(x=100 * bound, line=OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title=f"{_words(plan).positives} {_words(plan).escalated}, of the labelled ones (%)", range=[70, 100.4])
    drawn.update_yaxes(title=f"{scenario.who.many} {_words(plan).escalated} (%)", range=[0, 102])
    return Chart(drawn, _referral_takeaway(plan, curve, capacity), _in_percent(plan, curve))


def readers(scenario: Scenario) -> str:
    return " and ".join(scenario.stages[name].label for name in scenario.staffed_stages())


def _with_band(curve: pd.DataFrame, escalated: str) -> list[go.Scatter]:
    x = 100 * curve["sensitivity"]
    return [
        *band(x, 100 * curve["low"], 100 * curve["high"], BLUE),
        go.Scatter(
            x=x,
            y=100 * curve["escalated"],
            mode="lines",
            line={"color": BLUE, "width": 3},
            hovertemplate=f"%{{x:.1f}}% sensitivity: %{{y:.0f}}% {escalated}<extra></extra>",
        ),
    ]


def _referral_takeaway(plan: Plan, curve: pd.DataFrame, capacity: float | None) -> str:
    who, crowd = _words(plan), plan.scenario.who.many
    shares = {target: _share_at(curve, target) for target in (0.90, *_target_sensitivities(plan))}
    first, *others = shares.items()
    sentence = f"To have {100 * first[0]:g}% of the {who.positives} {who.escalated}, {first[1]} of all {crowd} must be"
    sentence += "".join(f"; to have {100 * target:g}%, {share}" for target, share in others)
    keeps_up = "" if capacity is None else f" {readers(plan.scenario)} can keep up with {100 * min(capacity, 1):.0f}%."
    return f"{sentence}.{keeps_up}"


def _share_at(curve: pd.DataFrame, target: float) -> str:
    return f"{100 * curve['escalated'].iloc[(curve['sensitivity'] - target).abs().argmin()]:.0f}%"


def _in_percent(plan: Plan, curve: pd.DataFrame) -> pd.DataFrame:
    names = ["sensitivity (%)", f"{plan.scenario.who.many} {_words(plan).escalated} (%)", "95% low (%)", "95% high (%)"]
    return (100 * curve).set_axis(names, axis=1)
