"""The frames of a run that look ahead: when each was captured, which stage looked at it, when its answer was known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.analysis.run.ages import arrived_at
from simulator.serving.trace import Trace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Frames in the order in which they were captured, shape (m,) each.

    known: when the planner knew the answer (s), infinite where it never did; sight: the stage that looked, by its place among
    those that look; sensor: by its place in the file
    """

    captured: Floats
    known: Floats
    sight: NDArray[np.int64]
    sensor: NDArray[np.int64]

    def of(self, sights: list[int]) -> Answers:
        """Those that one of these stages looked at."""
        mine = np.isin(self.sight, sights)
        return Answers(self.captured[mine], self.known[mine], self.sight[mine], self.sensor[mine])


def answers_of(trace: Trace) -> Answers:
    """Every frame of a sensor that looks ahead which reached a stage that looks, served there or not."""
    spec, columns = trace.plan.scenario.encounters, trace.columns
    assert spec is not None
    known = np.full(columns.n, np.inf)
    rows, came = arrived_at(trace, spec.known_at)
    np.minimum.at(known, rows, came)
    found = []
    for place, (stage, sight) in enumerate(spec.sees.items()):
        ahead = [trace.plan.scenario.sensors.index(sensor) for sensor in sight.sensors]
        visits = trace.logs[stage].frame(stage)
        row = visits["request"].to_numpy()[np.isin(columns.sensor[visits["request"]], ahead)]
        served = visits.loc[visits["started_s"].notna() & visits["wanted"], "request"].to_numpy()
        row = np.unique(row)
        seen = np.where(np.isin(row, served), known[row], np.inf)
        found.append(pd.DataFrame({"at": columns.arrived[row], "known": seen, "sight": place, "sensor": columns.sensor[row]}))
    frames = pd.concat(found).sort_values("at", kind="stable")
    return Answers(
        frames["at"].to_numpy(float),
        frames["known"].to_numpy(float),
        frames["sight"].to_numpy(np.int64),
        frames["sensor"].to_numpy(np.int64),
    )
