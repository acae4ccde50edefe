"""A request path as a timeline: where it waited, for what, and where it was served."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.request_path import BEHIND, RequestPath, Step
from simulator.serving.plan import Plan
from simulator.ui.charts.look import BLUE, GREY, ORANGE, SKY, Chart, figure
from simulator.ui.charts.strikes import marked

_COLOURS = {BEHIND: ORANGE, "served": BLUE, "under way": SKY}


def one_request(path: RequestPath, plan: Plan) -> Chart:
    """A row a step, from the moment the request entered the stage to the moment it left; what strikes meanwhile is marked."""
    unit = plan.scenario.unit
    factor, scale = _scale(path.total_s)
    since = f"the last {unit.one} was sent" if path.until == "answer" else f"the first {unit.one} was sent"
    pieces = [piece for row, step in zip(_rows(path.steps), path.steps, strict=True) for piece in _pieces(row, step)]
    bars = []
    for what in dict.fromkeys(what for _, what, _, _ in pieces):
        mine = [piece for piece in pieces if piece[1] == what]
        bars.append(
            go.Bar(
                name=what,
                orientation="h",
                base=[(start - path.start_s) * factor for *_, start, _ in mine],
                x=[(end - start) * factor for *_, start, end in mine],
                y=[row for row, *_ in mine],
                marker={"color": _COLOURS.get(what, GREY), "line": {"width": 0}},
                hovertemplate=f"{what}: %{{x:.4g}} {scale}<extra>%{{y}}</extra>",
            )
        )
    drawn = figure(*bars, height=130 + 36 * len(path.steps), barmode="overlay", bargap=0.3)
    drawn.update_xaxes(title=f"time since {since} ({scale})")
    drawn.update_yaxes(autorange="reversed", showgrid=False, categoryorder="array", categoryarray=_rows(path.steps))
    chart, window = Chart(drawn, path.sentence, _table(path)), (path.start_s, path.start_s + path.total_s)
    return marked(chart, plan, lambda at: (at - path.start_s) * factor, window=window)


def _pieces(row: str, step: Step) -> list[tuple[str, str, float, float]]:
    """The parts of a step in their order: row, what, from, until."""
    waits = [(row, wait.what, wait.start_s, wait.end_s) for wait in step.waits]
    began = step.waits[-1].end_s if step.waits else step.entered_s
    return [*waits, (row, step.doing, began, began + step.served_s)] if step.outcome == "served" else waits


def _rows(steps: list[Step]) -> list[str]:
    """A name for each step; a stage that is visited again gets a number."""
    labels = [step.label for step in steps]
    counted = [labels[: index + 1].count(label) for index, label in enumerate(labels)]
    return [f"{label} ({count})" if count > 1 else label for label, count in zip(labels, counted, strict=True)]


def _scale(seconds: float) -> tuple[float, str]:
    if seconds >= 7200:
        return 1 / 3600, "h"
    return (1 / 60, "min") if seconds >= 120 else (1.0, "s") if seconds >= 1 else (1000.0, "ms")


def _table(path: RequestPath) -> pd.DataFrame:
    rows = [
        {
            "step": row,
            "entered after (s)": step.entered_s - path.start_s,
            "behind others (s)": step.queued_s,
            "batching delay, or waiting for a shift or a replica (s)": step.held_s,
            "served or under way (s)": step.served_s,
            "in all (s)": step.total_s,
            "batch": step.batch_size or None,
            "server": step.server or None,
            "outcome": step.outcome.replace("_", " "),
        }
        for row, step in zip(_rows(path.steps), path.steps, strict=True)
    ]
    return pd.DataFrame(rows)
