"""A crowd at a threshold: a dot for each positive, and the others as a bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, inf
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.case.scenario_parts import Population
from simulator.case.schema import Scenario
from simulator.charts import look
from simulator.engine.compiled_plan import Plan
from simulator.evidence.score_tables import Published, ScoreTable
from simulator.metrics.operating_points import FlaggedCrowd, OperatingPoint, flagged_curve, operating_points, review_limits
from simulator.metrics.roc import roc_of
from simulator.phrases import phrase
from simulator.units import significant

#: Dots in a row, few enough for a phone.
COLUMNS = 40


def crowd(flagged: FlaggedCrowd, scenario: Scenario, limits: Mapping[str, float] | None = None) -> look.Chart:
    """Draw a dot for each positive and, below, the share of negatives and of all that a threshold flags.

    limits: by stage of people, the share of all that may be flagged (`review_limits`), None without people
    """
    who = scenario.population
    assert who is not None
    rows = ceil(flagged.positives / COLUMNS)
    labels = [f"{flagged.negatives:,.0f} {who.negatives}", f"all {scenario.who.counted(flagged.crowd)}"]
    drawn = look.figure(
        *_dots(flagged, who.flagged), *_share_bars(flagged, labels, who.flagged), height=180 + 10 * rows, barmode="stack"
    )
    drawn.update_layout(
        xaxis={"range": [-0.5, COLUMNS - 0.5], "visible": False},
        yaxis={
            "domain": [0.56, 1],
            "range": [rows - 0.5, -0.5],
            "showgrid": False,
            "tickvals": [(rows - 1) / 2],
            "ticktext": [look.wrapped(f"{flagged.positives:,.0f} {who.positives}")],
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
    least = min((limits or {}).values(), default=inf)
    if least < 1:
        limit = {"type": "line", "xref": "x2", "yref": "y2", "x0": 100 * least, "x1": 100 * least, "y0": 0.6, "y1": 1.4}
        drawn.add_shape(**limit, line={"color": look.MISSED, "width": 4})
    return look.Chart(drawn, _crowd_takeaway(flagged, scenario, limits or {}), _crowd_table(flagged, scenario))


def _dots(flagged: FlaggedCrowd, word: str) -> list[go.Scatter]:
    """Draw the positives that are flagged, and the others; a fraction of one that is not flagged is drawn as a dot."""
    places = [divmod(place, COLUMNS) for place in range(max(round(flagged.positives), 1))]
    lost = max(round(flagged.unflagged_positives), int(flagged.unflagged_positives > 0))
    parts = ((word, places[: len(places) - lost], look.FOUND), (f"not {word}", places[len(places) - lost :], look.MISSED))
    return [
        look.points(
            [column for _, column in part],
            [row for row, _ in part],
            colour,
            name,
            size=7,
            symbol="circle" if colour == look.FOUND else "x",
        )
        for name, part, colour in parts
        if part
    ]


def _share_bars(flagged: FlaggedCrowd, labels: list[str], word: str) -> list[go.Bar]:
    counts = [flagged.flagged_negatives, flagged.share * flagged.crowd]
    of = [flagged.negatives, float(flagged.crowd)]
    passed = [100 * count / total for count, total in zip(counts, of, strict=True)]
    style: dict[str, Any] = {"xaxis": "x2", "yaxis": "y2", "width": 0.62, "showlegend": False, "textangle": 0}
    style |= {"textposition": "inside", "insidetextanchor": "start"}
    words: dict[str, Any] = {"text": [f"{counts[0]:,.0f} {word} needlessly", f"{counts[1]:,.0f} {word}"]}
    words["insidetextfont_color"] = look.word_on(look.ORANGE)
    rows, rest = [look.wrapped(label) for label in labels], [100 - share for share in passed]
    return [
        look.bars(rows, passed, [look.ORANGE, look.SKY], hover="%{x:.1f}%<extra>%{y}</extra>", **style, **words),
        look.bars(rows, rest, look.translucent(look.GREY, 0.3), **style),
    ]


def _crowd_takeaway(flagged: FlaggedCrowd, scenario: Scenario, limits: Mapping[str, float]) -> str:
    who = scenario.population
    assert who is not None
    return phrase(
        "thresholds.crowd", crowd=scenario.who.counted(flagged.crowd), positives=_of_positives(flagged, who),
        needless=flagged.flagged_negatives, all=flagged.negatives, negatives=who.negatives, flagged=who.flagged,
        overloaded=[scenario.stages[name].label for name, limit in limits.items() if flagged.share > limit],
    )  # fmt: skip


def _of_positives(flagged: FlaggedCrowd, who: Population) -> str:
    lost = flagged.unflagged_positives
    digits = 1 if 0 < lost < 10 else 0
    words = f"{flagged.flagged_positives:,.{digits}f} of {flagged.positives:,.0f} {who.positives} are {who.flagged}"
    return f"{words} and {f'{lost:,.0f}' if lost >= 10 else significant(lost, 2)} are not" if lost else words


def _crowd_table(flagged: FlaggedCrowd, scenario: Scenario) -> pd.DataFrame:
    who = scenario.population
    assert who is not None
    rows = [
        (f"{who.negatives}, {who.flagged} needlessly", flagged.flagged_negatives, flagged.negatives),
        (f"{who.negatives}, not {who.flagged}", flagged.unflagged_negatives, flagged.negatives),
        (f"{who.positives}, {who.flagged}", flagged.flagged_positives, flagged.positives),
        (f"{who.positives}, not {who.flagged}", flagged.unflagged_positives, flagged.positives),
    ]
    table = pd.DataFrame(
        [(name, round(count, 1), 100 * count / of) for name, count, of in rows],
        columns=["what", f"of {flagged.crowd:,} {scenario.who.many}", "of its class (%)"],
    )
    return table.sort_values(table.columns[1], ascending=False, ignore_index=True)


def roc(plan: Plan) -> look.Chart:
    """Draw the ROC curve of each model, and the design's thresholds with their intervals; both axes have one scale.

    In a cascade, the takeaway is about the last model.
    """
    table, thresholds, who = plan.scores, operating_points(plan), _population(plan)
    assert table is not None
    positives, negatives = f"{who.positives} {who.flagged} (%)", f"{who.negatives} {who.flagged} (%)"
    drawn = look.figure(*_curves(plan), _threshold_points(thresholds), height=460)
    if isinstance(table.about, Published):
        about = table.about
        x, y = [100 * (1 - about.specificity)] * 2, [100 * about.sensitivity_low, 100 * about.sensitivity_high]
        style, hover = look.translucent(look.RED, 0.4), "published: %{y:.0f}%<extra></extra>"
        drawn.add_trace(look.line(x, y, style, "published range", hover, width=12))
    for bound in _target_sensitivities(plan):
        drawn.add_hline(y=100 * bound, line=look.OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title=negatives, range=[-2, 102], constrain="domain")
    drawn.update_yaxes(title=positives, range=[-2, 102], constrain="domain", scaleanchor="x", scaleratio=1)
    final = [point for point in thresholds if plan.tables[point.pool] is table]
    return look.Chart(drawn, _roc_takeaway(table, final, plan), _points_table(thresholds, positives, negatives))


def _population(plan: Plan) -> Population:
    assert plan.scenario.population is not None
    return plan.scenario.population


def with_tried(chart: look.Chart, across: float, up: float) -> look.Chart:
    point = look.points([100 * across], [100 * up], look.PURPLE, "tried here", size=15, symbol="diamond")
    return replace(chart, figure=go.Figure(chart.figure).add_trace(point))


def _curves(plan: Plan) -> list[go.Scatter]:
    curves = []
    for pool, table in plan.tables.items():
        curve = roc_of(table)
        colour = look.BLUE if table is plan.scores else look.GREY
        name = "score table" if len(plan.tables) == 1 else plan.scenario.stages[pool].label
        curves.append(look.line(100 * curve.false_rate, 100 * curve.true_rate, colour, name))
    return curves


def _threshold_points(thresholds: list[OperatingPoint]) -> go.Scatter:
    across, up = [point.false_positives for point in thresholds], [point.sensitivity for point in thresholds]
    (x_low, x, x_high), (y_low, y, y_high) = (
        [[100 * getattr(interval, end) for interval in axis] for end in ("low", "value", "high")] for axis in (across, up)
    )
    named: dict[str, Any] = {"mode": "markers+text", "textposition": "bottom right"}
    named["text"] = [f" {point.label.replace('_', ' ')}" for point in thresholds]
    bounds: dict[str, Any] = {"error_x": look.whiskers(x_low, x, x_high), "error_y": look.whiskers(y_low, y, y_high)}
    hover = "%{y:.1f}% of the positives, %{x:.1f}% of the negatives<extra></extra>"
    return look.points(x, y, look.ORANGE, "thresholds of this design, 95% interval", hover, size=12, **named, **bounds)


def _target_sensitivities(plan: Plan) -> list[float]:
    wanted = [o.at_least for o in plan.scenario.objectives if o.metric == "sensitivity"]
    return [bound for bound in wanted if bound is not None]


def _roc_takeaway(table: ScoreTable, points: list[OperatingPoint], plan: Plan) -> str:
    area = phrase("roc.area", auc=table.auc, positives=len(table.positives), negatives=len(table.negatives))
    if not points:
        return area
    who, point = _population(plan), points[-1]
    return phrase("roc.widest", area=area, point=point, positives=who.positives, negatives=who.negatives, flagged=who.flagged)


def _points_table(points: list[OperatingPoint], positives: str, negatives: str) -> pd.DataFrame:
    rows = [
        [p.label, p.threshold, *(100 * x for i in (p.sensitivity, p.false_positives) for x in (i.value, i.low, i.high))]
        for p in points
    ]
    names = ["threshold", "score", positives, "95% low (%)", "95% high (%)"]
    return pd.DataFrame(rows, columns=[*names, negatives, "95% low, negatives (%)", "95% high, negatives (%)"])


def flagged_by_sensitivity(plan: Plan) -> look.Chart:
    """Draw the share of all that a threshold flags for a sensitivity, and the share that people can keep up with."""
    curve, limits, scenario, who = flagged_curve(plan), review_limits(plan), plan.scenario, _population(plan)
    hover = f"%{{x:.1f}}% sensitivity: %{{y:.0f}}% {who.flagged}<extra></extra>"
    x, low, middle, high = (100 * curve[name] for name in ("sensitivity", "low", "flagged", "high"))
    drawn = look.figure(*look.banded(x, (low, middle, high), look.BLUE, hover=hover, width=3), showlegend=False)
    name, least = next(iter(limits.items()), ("", inf))
    if least < 1:
        look.shade(drawn, look.RED, 0.12, y0=100 * least, y1=102)
        look.note(drawn, look.wrapped(f"{scenario.stages[name].label} cannot keep up"), 70, 102, "left top", align="left")
    for bound in _target_sensitivities(plan):
        drawn.add_vline(x=100 * bound, line=look.OBJECTIVE, annotation_text="target", annotation_position="bottom left")
    drawn.update_xaxes(title=f"{who.positives} {who.flagged}, of the labelled ones (%)", range=[70, 100.4])
    drawn.update_yaxes(title=f"{scenario.who.many} {who.flagged} (%)", range=[0, 102])
    loads = [f" {_keeps_up(scenario.stages[name].label, limit, who.flagged)}" for name, limit in limits.items()]
    columns = ["sensitivity (%)", f"{scenario.who.many} {who.flagged} (%)", "95% low (%)", "95% high (%)"]
    return look.Chart(drawn, "".join([_needed(plan, curve), *loads]), (100 * curve).set_axis(columns, axis=1))


def _needed(plan: Plan, curve: pd.DataFrame) -> str:
    who, crowd = _population(plan), plan.scenario.who.many
    targets = (0.90, *_target_sensitivities(plan))
    nearest = {target: (curve["sensitivity"] - target).abs().argmin() for target in targets}
    shares = {target: f"{100 * curve['flagged'].iloc[row]:.0f}%" for target, row in nearest.items()}
    (first, least), *others = shares.items()
    return phrase(
        "thresholds.needed", target=100 * first, positives=who.positives, flagged=who.flagged, share=least, crowd=crowd,
        others=[f"to have {100 * target:g}%, {share}" for target, share in others], escalated=who.escalated,
    )  # fmt: skip


def _keeps_up(label: str, limit: float, flagged: str) -> str:
    flags = "all" if limit >= 1 else "none" if limit <= 0 else "some"
    return phrase(f"reviews.of_{flags}", label=label, limit=limit, flagged=flagged)
