"""Thresholds on patients and populations that they were not chosen on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts.look import (
    BLUE,
    GREY,
    OBJECTIVE,
    ORANGE,
    RED,
    Chart,
    bars,
    chart,
    dots,
    figure,
    points,
    targets,
    too_few,
    translucent,
    whiskers,
    with_interval,
)
from simulator.evidence.catalogue import FieldDrop
from simulator.sources.threshold_transfer import NEXT, REST, SAME, Transfer, transfer_rows
from simulator.units import counted, percent

#: Points of one target are set side by side.
_ASIDE = (-0.12, 0.0, 0.12)
_COLOURS = {SAME: GREY, NEXT: ORANGE, REST: BLUE}


def optimism(rows: pd.DataFrame, promise: float) -> Chart:
    """Draw, for each target, the sensitivity where the threshold was chosen, and on other items.

    rows: from `metrics.threshold_transfer.optimism_rows`; promise: the target of the takeaway
    """
    promised = rows["promise"].unique()
    places = np.arange(len(promised), dtype=np.float64)
    groups = []
    for way, aside in zip((SAME, REST, NEXT), _ASIDE, strict=True):
        least, reached, most = (100 * rows.loc[rows["way"] == way, name] for name in ("least", "reached", "most"))
        hover, bounds = "%{y:.1f}% of the positives<extra></extra>", whiskers(least, reached, most)
        groups.append(points(places + aside, reached, _COLOURS[way], way, hover, size=11, error_y=bounds))
    drawn = figure(targets(places, 100 * promised, 60), *groups, height=400)
    names = [f"{share:.0%}" for share in promised]
    drawn.update_xaxes(title="target sensitivity of the threshold", tickvals=places, ticktext=names)
    drawn.update_yaxes(title="sensitivity reached, over the folds (%)", range=[100 * rows["least"].min() - 2, 100.5])
    shares = ["promise", "reached", "low", "high", "least", "most"]
    columns = {name: f"{name} (%)" for name in shares}
    return chart(drawn, _optimism_takeaway(rows, promise), rows, columns, shares=shares, digits=4)


def _optimism_takeaway(rows: pd.DataFrame, promise: float) -> str:
    at = {row["way"]: row for row in rows[rows["promise"] == promise].to_dict("records")}
    same, after = at[SAME], at[NEXT]
    return (
        f"A threshold for {promise:.0%} sensitivity reaches {percent(same['reached'])} on the photos that chose it. Chosen "
        f"on one fold and applied to the next, it reaches {percent(after['reached'])} on average "
        f"(95% interval {percent(after['low'])} to {percent(after['high'])}), and {percent(after['least'])} in the worst fold."
    )


def threshold_transfers(transfers: list[Transfer]) -> Chart:
    """Draw, in a row a transfer, the shares where the threshold was chosen (hollow) and where it is applied."""
    if not transfers:
        return Chart(None, "The table has no column that splits its items into parts.", transfer_rows(transfers))
    rows = transfer_rows(transfers)
    labels = [f"{transfer.home}<br>→ {transfer.away}" for transfer in transfers]
    traces = []
    for what, colour in (("sensitivity", ORANGE), ("specificity", BLUE)):
        columns = {"where chosen (%)": "home", "(%)": "value", "low": "low", "high": "high"}
        figures = pd.DataFrame({new: rows[f"{what} {name}"] for name, new in columns.items()}).astype(float)
        away = figures.assign(label=labels)[figures["value"].notna()]
        here, hover = away.assign(value=away["home"], low=away["home"], high=away["home"]), "%{x:.1f}%<extra></extra>"
        traces += [
            dots(f"{what}, where chosen", here, colour, hover, hollow=True),
            dots(f"{what}, where applied", away, colour, hover),
        ]
    drawn = figure(*traces, _few_in_transfers(transfers, labels), height=150 + 54 * len(transfers))
    drawn.add_vline(x=100 * transfers[0].promise, line=OBJECTIVE, annotation_text="target", annotation_position="top")
    drawn.update_xaxes(title="share (%)", range=[0, 102])
    drawn.update_yaxes(categoryorder="array", categoryarray=labels[::-1])
    return chart(drawn, _transfer_takeaway(transfers), rows, digits=4)


def _few_in_transfers(transfers: list[Transfer], labels: list[str]) -> go.Scatter:
    counts = {
        label: f"{counted(transfer.positives, 'positive')}, {counted(transfer.negatives, 'negative')}"
        for label, transfer in zip(labels, transfers, strict=True)
        if transfer.sensitivity is transfer.specificity is None
    }
    return too_few(counts)


def _transfer_takeaway(transfers: list[Transfer]) -> str:
    judged = [(transfer, transfer.sensitivity) for transfer in transfers if transfer.sensitivity is not None]
    if not judged:
        return "Too few positives to judge the threshold anywhere else than where it was chosen."
    worst, reached = min(judged, key=lambda pair: pair[1].value)
    verdict = "which may be chance" if reached.low <= worst.promise <= reached.high else "which is not chance"
    return (
        f"A threshold that finds {percent(worst.home_sensitivity)} of the positives where it was chosen, on {worst.home}, "
        f"finds {with_interval(reached.value, reached.low, reached.high, '95% interval')} on {worst.away}, "
        f"{verdict}."
    )


def field_drop(drops: list[FieldDrop]) -> Chart:
    """Draw published ranges of sensitivity: on the bench and in the field."""
    labels = [drop.what.replace(", ", ",<br>") for drop in drops]
    bench, field = ([getattr(drop, where).sensitivity for drop in drops] for where in ("bench", "field"))
    drawn = figure(
        _ranges("on the bench", labels, bench, GREY),
        _ranges("in the field", labels, field, RED),
        height=130 + 70 * len(drops),
        barmode="group",
    )
    drawn.update_xaxes(title="published sensitivity (%)", range=[0, 128], tickvals=[0, 50, 100])
    drawn.update_yaxes(autorange="reversed")
    first = drops[0]
    takeaway = (
        f"{first.what.split(',')[0]} promised a sensitivity of {_range(first.bench.sensitivity)} on the bench. In the field it "
        f"reached {_range(first.field.sensitivity)}: {first.field.source}."
    )
    return Chart(drawn, takeaway, _drop_table(drops))


def _ranges(name: str, labels: list[str], ranges: list[tuple[float, float]], colour: str) -> go.Bar:
    widths, words = [max(100 * (high - low), 0.8) for low, high in ranges], [_range(pair) for pair in ranges]
    beside: dict[str, Any] = {
        "text": words,
        "textposition": "outside",
        "cliponaxis": False,
        "base": [100 * low for low, _ in ranges],
    }
    return bars(labels, widths, None, name, marker={"color": translucent(colour, 0.7)}, **beside)


def _range(pair: tuple[float, float]) -> str:
    low, high = pair
    return f"{100 * low:.3g}%" if low == high else f"{100 * low:.3g} to {100 * high:.3g}%"


def _drop_table(drops: list[FieldDrop]) -> pd.DataFrame:
    rows = [
        (drop.what, where, _range(result.sensitivity), _range(result.specificity), result.source)
        for drop in drops
        for where, result in (("on the bench", drop.bench), ("in the field", drop.field))
    ]
    return pd.DataFrame(rows, columns=["what", "where", "sensitivity", "specificity", "source"])
