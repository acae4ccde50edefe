"""The small picture of a case with an incident: an alarm and the days before it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.charts.look import BLUE, GREY, RED, Chart, Picture, line, points, rounded, small, translucent
from simulator.engine.compiled_plan import Plan
from simulator.incident.incident_charts import Example, example
from simulator.incident.secret import DAY_S
from simulator.incident.watches import WATCHED
from simulator.panels.case_picture import picture
from simulator.units import significant

#: The kinds of evidence behind an incident: frames are measured, and the stream that brings them is assumed.
KINDS = ("measured", "assumed")


@picture(lambda plan: plan.scenario.incident is not None, example)
def pager(plan: Plan, shown: Example | None) -> Picture:
    """Draw an alarm and the days before it; shown: None without an alarm."""
    spec = plan.scenario.incident
    assert spec is not None
    causes = f"{len(spec.causes)}"
    if shown is None:
        return Picture(causes, "possible causes", Chart(None, f"{causes} possible causes.", pd.DataFrame()), KINDS)
    series, (low, high) = shown.series, shown.ring.usual
    known = (series.known_s <= shown.ring.at_s) & np.isfinite(series.value)
    day, value = series.ends_s[known] / DAY_S + 1, series.value[known]
    what = WATCHED[shown.ring.watch.statistic].split(", ")[0]
    hover = f"day %{{x:.0f}}: %{{y:.3g}} {what}<extra></extra>"
    alarm = points(day[-1:], value[-1:], RED, hover=hover, size=11)
    drawn = small(line(day, value, BLUE, hover=hover, width=3), alarm)
    drawn.add_hrect(y0=low, y1=high, fillcolor=translucent(GREY, 0.22), line_width=0, layer="below")
    drawn.update_xaxes(title="day; grey: the usual range", range=[1, shown.end_s / DAY_S + 1])
    ends = [min(low, value.min()), max(high, value.max())]
    room = 0.1 * (ends[1] - ends[0])
    drawn.update_yaxes(title=what, range=[ends[0] - room, ends[1] + room])
    rung = significant(shown.ring.value)
    meaning = f"{what}, usually {significant(low)} to {significant(high)}; {causes} possible causes"
    table = pd.DataFrame({"window to day": day, what: value, "usual from": low, "usual to": high})
    return Picture(rung, meaning, Chart(drawn, f"{rung} {meaning}.", rounded(table)), KINDS)
