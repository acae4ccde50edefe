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


def crowd(found: Referred, scenario: Scenario, capacity: float | None = None) -> Chart:
    """Above, a dot for each positive; below, the share of the others, and of all, that is passed on to people.

    capacity: the share of all that people can keep up with, None without people
    """
    who = scenario.population
    assert who is not None
    rows = ceil(found.positives / COLUMNS)
    labels = [f"{found.negatives:,.0f} {who.negatives}", f"all {scenario.who.counted(found.crowd)}"]
    bars = _bars(found, labels, who.escalated)
    drawn = figure(*_dots(found, who.escalated, who.missed), *bars, height=180 + 10 * rows, barmode="stack")
    drawn.update_layout(
        xaxis={"range": [-0.5, COLUMNS - 0.5], "visible": False},
        yaxis={
            "domain": [0.56, 1],
            "range": [rows - 0.5, -0.5],
            "showgrid": False,
            "tickvals": [(rows - 1) / 2],
            "ticktext": [wrapped(f"{found.positives:,.0f} {who.positives}")],
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
    return Chart(drawn, _takeaway(found, scenario, capacity), _table(found, scenario))


def _dots(found: Referred, escalated: str, missed: str) -> list[go.Scatter]:
    """The positives that are passed on, and those that are missed; a part of one that is missed is drawn as one."""
    places = [divmod(place, COLUMNS) for place in range(max(round(found.positives), 1))]
    lost = max(round(found.missed), int(found.missed > 0))
    parts = ((escalated, places[: len(places) - lost], FOUND), (missed, places[len(places) - lost :], MISSED))
    return [
        go.Scatter(
            name=name,
            x=[column for _, column in mine],
            y=[row for row, _ in mine],
            mode="markers",
            marker={"color": colour, "size": 7, "symbol": "circle" if colour == FOUND else "x"},
            hoverinfo="skip",
        )
        for name, mine, colour in parts
        if mine
    ]


def _bars(found: Referred, labels: list[str], escalated: str) -> list[go.Bar]:
    """Of the negatives and of all: those that are passed on, and the others."""
    counts = [found.alarms, found.share * found.crowd]
    of = [found.negatives, float(found.crowd)]
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


def _of(found: Referred) -> str:
    """The positives that are passed on, of all of them, with a digit more where that alone shows that not all are."""
    digits = 1 if 0 < found.missed < 10 else 0
    return f"{found.found:,.{digits}f} of {found.positives:,.0f}"


def _lost(found: Referred) -> str:
    return "none" if not found.missed else f"{found.missed:,.0f}" if found.missed >= 10 else significant(found.missed, 2)


def _takeaway(found: Referred, scenario: Scenario, capacity: float | None) -> str:
    who = scenario.population
    assert who is not None
    of_positives = f"{_of(found)} {who.positives} are {who.escalated} and {_lost(found)} {who.missed}"
    told = (
        f"Of {scenario.who.counted(found.crowd)}, {of_positives}; "
        f"{found.alarms:,.0f} of {found.negatives:,.0f} {who.negatives} are {who.escalated} needlessly."
    )
    if capacity is not None and found.share > capacity:
        told += f" That is more than {readers(scenario)} can keep up with."
    return told


def _table(found: Referred, scenario: Scenario) -> pd.DataFrame:
    who = scenario.population
    assert who is not None
    rows = [
        (f"{who.negatives}, {who.escalated} needlessly", found.alarms, found.negatives),
        (f"{who.negatives}, not {who.escalated}", found.cleared, found.negatives),
        (f"{who.positives}, {who.escalated}", found.found, found.positives),
        (f"{who.positives}, {who.missed}", found.missed, found.positives),
    ]
    table = pd.DataFrame(
        [(name, round(count, 1), 100 * count / of) for name, count, of in rows],
        columns=["what", f"of {found.crowd:,} {scenario.who.many}", "of its class (%)"],
    )
    return table.sort_values(table.columns[1], ascending=False, ignore_index=True)


def roc(plan: Plan) -> Chart:
    """A curve for each model with scores, and the design's thresholds on them with their intervals; both axes alike.

    In a cascade the sentence speaks of the last model.
    """
    table, points, (refers, alarms) = _threshold_table(plan), operating_points(plan), _axes(plan)
    drawn = figure(*_curves(plan), _points(points), height=460)
    if isinstance(table.about, Published):
        drawn.add_trace(_published(table.about))
    for bound in _asked(plan):
        drawn.add_hline(y=100 * bound, line=OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title=alarms, range=[-2, 102], constrain="domain")
    drawn.update_yaxes(title=refers, range=[-2, 102], constrain="domain", scaleanchor="x", scaleratio=1)
    final = [point for point in points if plan.tables[point.pool] is table]
    return Chart(drawn, _roc_takeaway(table, final, plan), _points_table(points, refers, alarms))


def _words(plan: Plan) -> Population:
    assert plan.scenario.population is not None
    return plan.scenario.population


def _axes(plan: Plan) -> tuple[str, str]:
    """What becomes of both classes at a threshold, positives first: `cancers referred (%)`."""
    who = _words(plan)
    return f"{who.positives} {who.escalated} (%)", f"{who.negatives} {who.escalated} (%)"


def with_tried(chart: Chart, across: float, up: float) -> Chart:
    """A chart with the threshold that a person tries, at these shares."""
    marker = {"color": PURPLE, "size": 15, "symbol": "diamond"}
    point = go.Scatter(name="tried here", x=[100 * across], y=[100 * up], mode="markers", marker=marker, hoverinfo="skip")
    return replace(chart, figure=go.Figure(chart.figure).add_trace(point))


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


def _threshold_table(plan: Plan) -> ScoreTable:
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


def _roc_takeaway(table: ScoreTable, points: list[OperatingPoint], plan: Plan) -> str:
    who = _words(plan)
    told = f"An AUC of {table.auc:.3f} on {len(table.positives):,} positives and {len(table.negatives):,} negatives"
    if not points:
        return told + "."
    last = points[-1]
    return (
        f"{told}. The widest threshold has {percent(last.sensitivity.value)} of the {who.positives} "
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
    """The share of people that must be referred to reach a sensitivity, and how many of them the reviewers can read."""
    curve, capacity, scenario = referral_curve(plan), reading_capacity(plan), plan.scenario
    drawn = figure(*_with_band(curve, _words(plan).escalated), showlegend=False)
    if capacity is not None and capacity < 1:
        drawn.add_hrect(y0=100 * capacity, y1=102, fillcolor=translucent(RED, 0.12), line_width=0, layer="below")
        text = {"text": f"{readers(scenario)} cannot keep up", "showarrow": False, "xanchor": "left", "yanchor": "top"}
        drawn.add_annotation(x=70, y=102, **text)
    for bound in _asked(plan):
        drawn.add_vline(x=100 * bound, line=OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title=f"{_words(plan).positives} {_words(plan).escalated}, of the labelled ones (%)", range=[70, 100.4])
    drawn.update_yaxes(title=f"{scenario.who.many} {_words(plan).escalated} (%)", range=[0, 102])
    return Chart(drawn, _referral_takeaway(plan, curve, capacity), _in_percent(plan, curve))


def readers(scenario: Scenario) -> str:
    """The stages of people, by their labels."""
    return " and ".join(scenario.stages[name].label for name in scenario.staffed_stages())


def _with_band(curve: pd.DataFrame, escalated: str) -> list[go.Scatter]:
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
            hovertemplate=f"%{{x:.1f}}% sensitivity: %{{y:.0f}}% {escalated}<extra></extra>",
        ),
    ]


def _referral_takeaway(plan: Plan, curve: pd.DataFrame, capacity: float | None) -> str:
    who, crowd = _words(plan), plan.scenario.who.many
    shares = {target: _share_at(curve, target) for target in (0.90, *_asked(plan))}
    first, *others = shares.items()
    told = f"To have {100 * first[0]:g}% of the {who.positives} {who.escalated}, {first[1]} of all {crowd} must be"
    told += "".join(f"; to have {100 * target:g}%, {share}" for target, share in others)
    keeps_up = "" if capacity is None else f" {readers(plan.scenario)} can keep up with {100 * min(capacity, 1):.0f}%."
    return f"{told}.{keeps_up}"


def _share_at(curve: pd.DataFrame, target: float) -> str:
    return f"{100 * curve['escalated'].iloc[(curve['sensitivity'] - target).abs().argmin()]:.0f}%"


def _in_percent(plan: Plan, curve: pd.DataFrame) -> pd.DataFrame:
    names = ["sensitivity (%)", f"{plan.scenario.who.many} {_words(plan).escalated} (%)", "95% low (%)", "95% high (%)"]
    return (100 * curve).set_axis(names, axis=1)
