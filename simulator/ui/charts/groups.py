"""What one threshold does in each group of people, and where fewer people are ill."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.scores.groups import ENOUGH, UNKNOWN
from simulator.analysis.scores.prevalence import FIGURES
from simulator.ui.charts.look import BLUE, OBJECTIVE, ORANGE, Chart, dots, figure, rounded, too_few, translucent
from simulator.units import percent, significant

_COLOURS = {"sensitivity": ORANGE, "specificity": BLUE}


def by_group(rows: pd.DataFrame, promise: float) -> Chart:
    """Sensitivity and specificity by group at one threshold; where there are too few to say, the count instead.

    rows: as `analysis.groups.group_rows` gives them; promise: the sensitivity that the threshold was chosen for, over all
    """
    told = rows.assign(label=rows["group"], value=100 * rows["share"], low=100 * rows["low"], high=100 * rows["high"])
    groups = [
        dots(str(what), mine[mine["verdict"] == ""], _COLOURS[str(what)], hovertemplate="%{x:.1f}%<extra>%{y}</extra>")
        for what, mine in told.groupby("what", sort=True)
    ]
    drawn = figure(*groups, _unsaid(told), height=130 + 46 * rows["group"].nunique(), scattermode="group", scattergap=0.5)
    drawn.add_vline(x=100 * promise, line=OBJECTIVE, annotation_text="target", annotation_position="top")
    drawn.update_xaxes(title="share (%)", range=[0, 102])
    drawn.update_yaxes(categoryorder="array", categoryarray=sorted(rows["group"].unique(), reverse=True))
    return Chart(drawn, _groups_takeaway(rows), rounded(rows))


def _unsaid(told: pd.DataFrame) -> go.Scatter:
    few = told[told["verdict"] != ""]
    words = few.assign(words=[_counted(n, what) for n, what in zip(few["n"], few["what"], strict=True)]).groupby("label")[
        "words"
    ]
    return too_few({str(label): ", ".join(mine) for label, mine in words})


def _counted(n: int, what: str) -> str:
    return f"{n} {'positive' if what == 'sensitivity' else 'negative'}{'' if n == 1 else 's'}"


def _groups_takeaway(rows: pd.DataFrame) -> str:
    found = rows[(rows["what"] == "sensitivity") & (rows["verdict"] == "")].sort_values("share")
    few = rows[(rows["verdict"] != "")]["group"].nunique()
    all_groups, unsaid = rows["group"].nunique(), ""
    if few:
        unsaid = f" {few} of {all_groups} groups have too few photos of a class to judge it: fewer than {ENOUGH}."
    if set(rows["group"]) == {UNKNOWN}:
        return "The table does not say who belongs to which group, so only the whole can be judged."
    if found.empty:
        return f"No group has {ENOUGH} positives, so none can be judged.{unsaid}"
    worst, best = found.iloc[0], found.iloc[-1]
    told = f"The same threshold finds {_of(worst)} of the positives in {worst['group']}"
    if len(found) > 1:
        told += f" and {_of(best)} in {best['group']}"
    return f"{told}.{unsaid}"


def _of(row: pd.Series) -> str:
    return f"{percent(row['share'])} ({percent(row['low'])} to {percent(row['high'])})"


def by_prevalence(rows: pd.DataFrame, sample: float, chosen: float) -> Chart:
    """The share of referrals that are right, by how many are ill; the sample and the chosen prevalence stand out.

    rows: as `analysis.prevalence.prevalence_rows` gives them, those two prevalences among them
    """
    ordered = rows.sort_values("prevalence")
    x, edge = 100 * ordered["prevalence"], {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    named = {"in the sample": (sample, ORANGE), "chosen": (chosen, BLUE)}
    points = [_point(ordered, at, name, colour) for name, (at, colour) in named.items()]
    line = {"color": BLUE, "width": 2.5}
    curve = go.Scatter(x=x, y=ordered["right"], mode="lines", line=line, showlegend=False, hoverinfo="skip")
    low = go.Scatter(x=x, y=ordered["right low"], **edge)
    high = go.Scatter(x=x, y=ordered["right high"], fill="tonexty", fillcolor=translucent(BLUE, 0.2), **edge)
    drawn = figure(low, high, curve, *points, height=360)
    drawn.update_xaxes(title="people who are ill (%), logarithmic", type="log", tickvals=[0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    drawn.update_yaxes(title="referrals that are right (%)", range=[0, 100])
    shown = ordered[ordered["prevalence"].isin([sample, chosen])].assign(prevalence=lambda part: 100 * part["prevalence"])
    table = shown.rename(columns={"prevalence": "ill (%)"} | FIGURES)
    return Chart(drawn, _prevalence_takeaway(ordered, sample, chosen), rounded(table))


def _at(rows: pd.DataFrame, prevalence: float) -> pd.Series:
    return rows[rows["prevalence"] == prevalence].iloc[0]


def _point(rows: pd.DataFrame, at: float, name: str, colour: str) -> go.Scatter:
    found = _at(rows, at)
    label = f"{name}: {percent(at)}"
    return go.Scatter(
        name=label,
        x=[100 * at],
        y=[found["right"]],
        mode="markers",
        marker={"color": colour, "size": 12},
        hovertemplate="%{y:.1f}% of the referrals are right<extra></extra>",
    )


def _prevalence_takeaway(rows: pd.DataFrame, sample: float, chosen: float) -> str:
    here, there = _at(rows, sample), _at(rows, chosen)
    return (
        f"In the sample {percent(sample)} are ill and {percent(here['right'] / 100)} of the referrals are right. Where "
        f"{percent(chosen)} are ill it is {percent(there['right'] / 100)} (95% interval {percent(there['right low'] / 100)} to "
        f"{percent(there['right high'] / 100)}): of 1,000 people, {there['referred']:.0f} are referred and "
        f"{significant(there['missed'], 2)} ill people are missed."
    )
