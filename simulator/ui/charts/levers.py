"""Which lever moves an objective: the change that each step makes, with its paired interval."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.levers import Effect, Lever, Levers
from simulator.ui.charts.look import BLUE, GREY, Chart, figure, rounded, translucent, whiskers

#: So many steps are drawn, those with the largest changes; the table holds all.
MOST = 15

#: Plotted numbers are those of the screen.
_SCALE = {"share": (100.0, "points")}


def lever_chart(levers: Levers, place: int) -> Chart:
    """A bar a step that changes one objective, the largest on top; place: of the objective in the case."""
    verdict = levers.base.verdicts[place]
    table = _table([(lever, lever.effects[place]) for lever in levers.rows])
    moved = table[table["change"].notna()].sort_values("change", key=abs, ascending=False).head(MOST)
    factor, unit = _factor(verdict.metric.unit, moved)
    bars = [
        _bars(name, moved[moved["real"] == is_real], factor, unit, colour)
        for name, is_real, colour in (("beyond chance", True, BLUE), ("may be chance", False, translucent(GREY, 0.5)))
    ]
    drawn = figure(*bars, height=110 + 30 * len(moved), bargap=0.4, barmode="overlay")
    drawn.add_vline(x=0, line={"color": GREY, "width": 1})
    drawn.update_xaxes(title=f"change of “{verdict.objective.label}” ({unit}), with 95% interval")
    drawn.update_yaxes(categoryorder="array", categoryarray=list(moved["step"]), autorange="reversed", showgrid=False)
    told = table.assign(real=table["real"].map({True: "beyond chance", False: ""}))
    return Chart(drawn, _takeaway(levers, place), rounded(told))


def _bars(name: str, rows: pd.DataFrame, factor: float, unit: str, colour: str) -> go.Bar:
    low, value, high = (list(factor * rows[column]) for column in ("95% low", "change", "95% high"))
    return go.Bar(
        name=name,
        orientation="h",
        x=value,
        y=rows["step"],
        marker={"color": colour, "line": {"width": 0}},
        error_x=whiskers(low, value, high),
        hovertemplate=f"%{{x:.3g}} {unit}<extra>%{{y}}</extra>",
    )


def _factor(unit: str, moved: pd.DataFrame) -> tuple[float, str]:
    """What seconds and shares are multiplied by to be read, and what they are then called."""
    if unit == "s" and len(moved):
        largest = float(moved["change"].abs().max())
        return (1 / 3600, "h") if largest >= 7200 else (1 / 60, "min") if largest >= 120 else (1.0, "s")
    return _SCALE.get(unit, (1.0, unit))


def _table(pairs: list[tuple[Lever, Effect]]) -> pd.DataFrame:
    rows = []
    for lever, effect in pairs:
        found = effect.change.change if effect.is_open and effect.change else None
        bounds = [None] * 3 if found is None else [found.value, found.low, found.high]
        after = effect.standing if effect.after else ""
        rows.append([lever.step.told, effect.words, *bounds, effect.real, effect.before.standing, after])
    names = ["step", "in words", "change", "95% low", "95% high", "real", "verdict before", "verdict after"]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[2:5], float))


def _takeaway(levers: Levers, place: int) -> str:
    label = levers.base.verdicts[place].objective.label
    effects = [(lever, lever.effects[place]) for lever in levers.rows]
    real = [(lever, effect) for lever, effect in effects if effect.real and effect.change]
    same = sum(effect.outcome == "the same" for _, effect in effects)
    rest = f"{same} of {len(effects)} steps leave it exactly as it is."
    if not real:
        return f"{label}: no step changes it beyond chance; {rest}"
    lever, effect = max(real, key=lambda pair: abs(pair[1].change.change.value) if pair[1].change else 0.0)
    assert effect.change is not None
    return (
        f"{label}: {len(real)} of {len(effects)} steps change it beyond chance, most of all {lever.step.told} "
        f"({effect.words}, {effect.change.interval}); {rest}"
    )
