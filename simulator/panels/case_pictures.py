"""Small pictures of cases that no feature draws: one figure of the default design to remember."""

from __future__ import annotations

from math import inf

import numpy as np
import pandas as pd

from simulator.charts.look import BLUE, GREY, OBJECTIVE, RED, Chart, Picture, line, note, points, shade, small
from simulator.charts.queue_charts import GOODPUT_LINES
from simulator.engine.compiled_plan import Plan
from simulator.metrics.operating_points import flagged_at, review_limits
from simulator.metrics.overload import goodput_of, rush_of, trouble
from simulator.panels.case_picture import kinds_behind, picture
from simulator.phrases import phrase
from simulator.units import roughly

#: The sensitivity to draw where no objective sets one.
USUAL = 0.95


@picture(lambda plan: plan.scores is not None and plan.scenario.population is not None)
def flagged(plan: Plan) -> Picture:
    """Draw the share of all to be flagged for each share of positives; for a plan with scores."""
    people = plan.scenario.population
    assert people is not None
    bounds = [objective.at_least for objective in plan.scenario.objectives if objective.metric == "sensitivity"]
    target = next((bound for bound in bounds if bound is not None and bound < 1), USUAL)
    many = plan.scenario.who.many
    targets = np.array([*np.linspace(0.7, 0.99, 30), 0.995, target])
    targets.sort()
    shares = [flagged_at(plan, target).share for target in targets]
    here, hover = flagged_at(plan, target).share, f"%{{x:.1f}}% of the {people.positives}: %{{y:.0f}}% of all<extra></extra>"
    curve = line(100 * targets, [100 * share for share in shares], BLUE, hover=hover, width=3)
    drawn = small(curve, points([100 * target], [100 * here], BLUE, hover=hover, size=11))
    capacity = min(review_limits(plan).values(), default=inf)
    if capacity < 1:
        shade(drawn, RED, 0.14, y0=100 * capacity, y1=104)
        note(drawn, "more than people can keep up with", 70, 104, "left top")
    drawn.add_vline(x=100 * target, line=OBJECTIVE)
    drawn.update_xaxes(title=f"{people.positives} {people.flagged}", ticksuffix="%", range=[70, 101])
    drawn.update_yaxes(title=f"all {people.flagged}", ticksuffix="%", range=[0, 104])
    table = pd.DataFrame({f"{people.positives} (%)": 100 * targets, f"{many} {people.flagged} (%)": 100 * np.array(shares)})
    catch = f"to have {100 * target:g}% of the {people.positives} among them"
    value, meaning = roughly(here), f"of all {many} must be {people.flagged} by score {catch}"
    kinds = kinds_behind(plan, lambda what: what.endswith(": scores") or what.startswith("population."))
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds)


@picture(lambda plan: "overload" in plan.scenario.shown(), goodput_of)
def collapse(plan: Plan, goodput: pd.DataFrame) -> Picture:
    """Draw a service whose clients try again; goodput: the frame of `metrics.overload.goodput`."""
    many = plan.scenario.who.many
    minutes, hover = goodput["time_s"] / 60, "%{y:.0f} a second after %{x:.1f} min"
    columns = GOODPUT_LINES.items()
    drawn = small(*(line(minutes, goodput[column], colour, name, hover, step=True) for column, (name, colour) in columns))
    if rush := rush_of(goodput):
        shade(drawn, GREY, 0.2, x0=rush[0] / 60, x1=rush[1] / 60)
    drawn.update_layout(showlegend=True)
    drawn.update_xaxes(title="minutes; shaded: the surge", range=[0, plan.arrivals_end_s / 60])
    drawn.update_yaxes(title=f"{many} a second", rangemode="tozero")
    value, meaning = _of_collapse(many, goodput)
    named = {column: f"{name} (1/s)" for column, (name, _) in GOODPUT_LINES.items()}
    table = goodput.rename(columns={"time_s": "from (s)"} | named)
    kinds = kinds_behind(plan, lambda what: what.endswith(": latency") or what.startswith(("arrivals.", "stages.")))
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds)


def _of_collapse(many: str, goodput: pd.DataFrame) -> tuple[str, str]:
    bad = trouble(goodput)
    if bad is None:
        return roughly(float(goodput["served_share"].min())), phrase("goodput.worst", many=many)
    surge = bad.rush_ended is not None
    since = bad.started if bad.rush_ended is None else bad.rush_ended
    if bad.over:
        seconds = max(bad.ended - since, 0)
        about = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
        return about, phrase("goodput.recovery", surge=surge)
    return roughly(bad.share_since), phrase("goodput.since", many=many, surge=surge)
