"""The sets of frames that were assembled in a run: when they went on, what they lacked, how old they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.serving.trace import Trace

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]


@dataclass(frozen=True)
class Sets:
    """The sets of one stage, shape (sets,), and their frames, shape (frames,).

    at: when a set went on (s); lacking: whether it had no frame of some sensor; spread: between its oldest and newest frame, by
    when they were sent (s); age: of its oldest frame when it went on (s)
    carrier, since, frame: for each frame of a set, which request the set went on as, when, and the frame
    """

    at: Floats
    lacking: NDArray[np.bool_]
    spread: Floats
    age: Floats
    carrier: Rows
    since: Floats
    frame: Rows


def sets_of(trace: Trace, name: str) -> Sets:
    """The sets that a stage of the kind `assemble` has made; a batch of its visits is one."""
    sensors, spec = trace.plan.scenario.sensors, trace.plan.scenario.stages[name]
    size = len(getattr(spec, "sensors", None) or sensors)
    visits = trace.logs[name].frame(name)
    visits = visits[visits["started_s"].notna() & (visits["server"] >= 0)]  # what only passes by is served by nobody
    frame, since = visits["request"].to_numpy(), visits["left_s"].to_numpy()
    _, first, sizes = np.unique(visits["batch"], return_index=True, return_counts=True)
    sent, at = trace.columns.arrived[frame], since[first]
    oldest, newest = (of.reduceat(sent, first) if len(first) else np.empty(0) for of in (np.minimum, np.maximum))
    return Sets(at, sizes < size, newest - oldest, at - oldest, np.repeat(frame[first], sizes), since, frame)
