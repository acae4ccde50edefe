"""Small pictures of cases: one figure of the default design to remember."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log10

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.case.fields import EVIDENCE_KINDS
from simulator.charts.look import (
    BLUE,
    GREY,
    OBJECTIVE,
    RED,
    TONES,
    Chart,
    Picture,
    small,
    translucent,
)
from simulator.charts.queue_charts import GOODPUT_LINES
from simulator.engine.compiled_plan import Plan
from simulator.metrics.operating_points import flagged_at
from simulator.metrics.overload import rush_of, trouble
from simulator.metrics.review_limits import review_limits
from simulator.metrics.summary import Verdict
from simulator.units import roughly
from simulator.vehicle.encounter_draws import KMH, speed_at
from simulator.vehicle.sight import quickest_stop_m, sighted

#: The sensitivity to draw where no objective sets one.
USUAL = 0.95


#: The range of the axis: at most this many times better or worse than the bound.
FARTHEST = 8.0


def flagged(plan: Plan) -> Picture:
    """Draw the share of all to be flagged for each share of positives; for a plan with scores."""
    people, target = plan.scenario.population, _target_sensitivity(plan)
    assert people is not None
    many = plan.scenario.who.many
    targets = np.array([*np.linspace(0.7, 0.99, 30), 0.995, target])
    targets.sort()
    shares = [flagged_at(plan, target).share for target in targets]
    line = {"color": BLUE, "width": 3}
    drawn = small(go.Scatter(x=100 * targets, y=[100 * share for share in shares], mode="lines", line=line))
    here = flagged_at(plan, target).share
    drawn.add_trace(go.Scatter(x=[100 * target], y=[100 * here], mode="markers", marker={"color": BLUE, "size": 11}))
    drawn.update_traces(hovertemplate=f"%{{x:.1f}}% of the {people.positives}: %{{y:.0f}}% of all<extra></extra>")
    capacity = min(review_limits(plan).values(), default=inf)
    if capacity < 1:
        drawn.add_hrect(y0=100 * capacity, y1=104, fillcolor=translucent(RED, 0.14), line_width=0, layer="below")
        drawn.add_annotation(
            x=70, y=104, text="more than people can keep up with", showarrow=False, xanchor="left", yanchor="top"
        )
    drawn.add_vline(x=100 * target, line=OBJECTIVE)
    drawn.update_xaxes(title=f"{people.positives} {people.flagged}", ticksuffix="%", range=[70, 101])
    drawn.update_yaxes(title=f"all {people.flagged}", ticksuffix="%", range=[0, 104])
    table = pd.DataFrame({f"{people.positives} (%)": 100 * targets, f"{many} {people.flagged} (%)": 100 * np.array(shares)})
    catch = f"to have {100 * target:g}% of the {people.positives} among them"
    value, meaning = roughly(here), f"of all {many} must be {people.flagged} by score {catch}"
    kinds = _kinds(plan, lambda what: what.endswith(": scores") or what.startswith("population."))
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds)


def _kinds(plan: Plan, behind: Callable[[str], bool]) -> list[str]:
    """Return the kinds of evidence of a plan's sources with these names, the strongest first."""
    found = {source.kind for source in plan.provenance if behind(source.what)}
    return [kind for kind in EVIDENCE_KINDS if kind in found]


def _target_sensitivity(plan: Plan) -> float:
    targets = [one.at_least for one in plan.scenario.objectives if one.metric == "sensitivity"]
    return next((bound for bound in targets if bound is not None and bound < 1), USUAL)


def collapse(plan: Plan, goodput: pd.DataFrame) -> Picture:
    """Draw a service whose clients try again; goodput: the frame of `metrics.overload.goodput`."""
    many = plan.scenario.who.many
    drawn = small(
        *(
            go.Scatter(
                name=name,
                x=goodput["time_s"] / 60,
                y=goodput[column],
                line={"color": colour, "width": 2.5, "shape": "hv"},
                hovertemplate="%{y:.0f} a second after %{x:.1f} min",
            )
            for column, (name, colour) in GOODPUT_LINES.items()
        )
    )
    if rush := rush_of(goodput):
        drawn.add_vrect(x0=rush[0] / 60, x1=rush[1] / 60, fillcolor=translucent(GREY, 0.2), line_width=0, layer="below")
    drawn.update_layout(showlegend=True)
    drawn.update_xaxes(title="minutes; shaded: the surge", range=[0, plan.arrivals_end_s / 60])
    drawn.update_yaxes(title=f"{many} a second", rangemode="tozero")
    value, meaning = _of_collapse(many, goodput)
    named = {column: f"{name} (1/s)" for column, (name, _) in GOODPUT_LINES.items()}
    table = goodput.rename(columns={"time_s": "from (s)"} | named)
    kinds = _kinds(plan, lambda what: what.endswith(": latency") or what.startswith(("arrivals.", "stages.")))
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds)


def _of_collapse(many: str, goodput: pd.DataFrame) -> tuple[str, str]:
    bad = trouble(goodput)
    if bad is None:
        return roughly(float(goodput["served_share"].min())), f"of the {many} are served in time even in the worst seconds"
    after = "" if bad.rush_ended is None else " after the surge"
    since = bad.started if bad.rush_ended is None else bad.rush_ended
    if bad.over:
        return _about(max(bad.ended - since, 0)), f"until the service recovers{after}"
    come = "" if bad.rush_ended is None else " that come after the surge"
    return roughly(bad.share_since), f"of the {many}{come} are served in time"


def _about(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def braking(plan: Plan) -> Picture:
    """Draw the recall of a vehicle's first camera by distance, and its stopping distance; for a plan with encounters."""
    spec = plan.scenario.encounters
    assert spec is not None
    what = next(iter(spec.kinds.values())).object
    eye, kmh, needs = sighted(plan, what)[0], float(speed_at(plan, np.zeros(1))[0] / KMH), quickest_stop_m(plan)
    line = {"color": BLUE, "width": 3}
    drawn = small(go.Scatter(x=eye.distance_m, y=100 * eye.recall, mode="lines", line=line))
    drawn.update_traces(hovertemplate="%{x:.0f} m ahead: %{y:.0f}% found<extra></extra>")
    drawn.add_vrect(x0=0, x1=needs, fillcolor=translucent(RED, 0.14), line_width=0, layer="below")
    drawn.add_annotation(x=needs, y=0, text="nearer: too late", showarrow=False, xanchor="left", yanchor="bottom", xshift=4)
    drawn.update_xaxes(title="metres ahead", range=[0, float(eye.distance_m[-1])])
    drawn.update_yaxes(title="found in a frame", ticksuffix="%", range=[0, 104])
    shares = [float(np.interp(needs, eye.distance_m, each)) for each in (eye.recall, eye.low, eye.high)]
    value, low, high = map(roughly, shares)
    found_there = f"of the {what}s {needs:.0f} m ahead are found in a frame ({low} to {high})"
    meaning = f"{found_there}; from {kmh:.0f} km/h it takes at least that far to stop"
    table = pd.DataFrame({"metres ahead": eye.distance_m, "found in a frame (%)": 100 * eye.recall})
    found = (f"{eye.label}: share of objects found", f"{eye.label}: {what}s", "encounters.braking.")
    kinds = _kinds(plan, lambda source: source.startswith(found))
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds)


def objectives(plan: Plan, verdicts: list[Verdict]) -> Picture:
    """Draw the distance of each objective from its bound, in a run of the default design."""
    rows = [(one.objective.label, _times_better(one), one) for one in reversed(verdicts)]
    marker = {"color": [TONES[one.standing] for _, _, one in rows], "size": 13}
    drawn = small(
        go.Scatter(
            x=[times for _, times, _ in rows],
            y=[label for label, _, _ in rows],
            mode="markers",
            marker=marker,
            text=[f"{one.reached}, {one.standing}" for _, _, one in rows],
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    drawn.add_vline(x=1, line=OBJECTIVE)
    edge = log10(1.5 * FARTHEST)
    drawn.update_xaxes(type="log", range=[-edge, edge], tickvals=[1 / FARTHEST, 1, FARTHEST])
    drawn.update_xaxes(ticktext=["worse", "as asked", "better"])
    met = sum(one.standing == "met" for one in verdicts)
    table = pd.DataFrame(
        [[one.objective.label, one.requirement, one.reached, one.standing] for one in verdicts],
        columns=["objective", "asked", "reached", "verdict"],
    )
    value = f"{met} of {len(verdicts)}"
    meaning = "objectives are met by the default design"
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), _kinds(plan, bool))


def _times_better(verdict: Verdict) -> float:
    if verdict.estimate is None:
        return 1 / FARTHEST
    value, bound = verdict.estimate.value, verdict.bound
    higher = verdict.objective.at_least is not None
    over, under = (value, bound) if higher else (bound, value)
    return float(np.clip(over / under if under > 0 else FARTHEST, 1 / FARTHEST, FARTHEST))
