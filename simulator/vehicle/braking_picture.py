"""The small picture of a case with encounters: the recall by distance beside the distance that it takes to stop."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.charts.look import BLUE, RED, Chart, Picture, line, small, translucent
from simulator.engine.compiled_plan import Plan
from simulator.panels.case_picture import kinds_behind, picture
from simulator.units import roughly
from simulator.vehicle.encounter_draws import KMH, speed_at
from simulator.vehicle.sight import quickest_stop_m, sighted


@picture(lambda plan: plan.scenario.encounters is not None)
def braking(plan: Plan) -> Picture:
    """Draw the recall of a vehicle's first camera by distance, and its stopping distance; for a plan with encounters."""
    spec = plan.scenario.encounters
    assert spec is not None
    what = next(iter(spec.kinds.values())).object
    eye, kmh, needs = sighted(plan, what)[0], float(speed_at(plan, np.zeros(1))[0] / KMH), quickest_stop_m(plan)
    hover = "%{x:.0f} m ahead: %{y:.0f}% found<extra></extra>"
    drawn = small(line(eye.distance_m, 100 * eye.recall, BLUE, hover=hover, width=3))
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
    kinds = kinds_behind(plan, lambda source: source.startswith(found))
    return Picture(value, meaning, Chart(drawn, f"{value} {meaning}.", table), kinds)
