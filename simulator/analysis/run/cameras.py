"""Which replica worked on whose frame: the services of the pools, frame by frame, with the sensor of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.serving.servers import kind, servers
from simulator.serving.trace import Rows, Times, Trace

#: What stands in place of a sensor's name where frames of several sensors are worked on as one.
A_SET = ""


def frames_served(trace: Trace, start: float, end: float) -> pd.DataFrame:
    """The frames that pools were working on within [start, end) s, a row a frame and service.

    stage, replica (from 1), sensor (its name, or A_SET), frame (its number), started_s, seconds, size (frames in the batch),
    place (of the frame in the batch, from 0). Pools that share an accelerator follow each other.
    """
    pools = _side_by_side(trace)
    visits = pd.concat([trace.logs[name].frame(name) for name in pools], ignore_index=True)
    visits["left_s"] = visits["left_s"].fillna(trace.plan.horizon_s)
    mine = visits[(visits["started_s"] < end) & (visits["left_s"] >= start)]
    rows, names = mine["request"].to_numpy(), np.array(trace.plan.scenario.sensors)
    together = _sets(trace, rows, mine["started_s"].to_numpy())
    return pd.DataFrame(
        {
            "stage": pd.Categorical(mine["stage"], pools),
            "replica": mine["server"] + 1,
            "sensor": np.where(together, A_SET, names[trace.columns.sensor[rows]]),
            "frame": trace.columns.frame[rows],
            "started_s": mine["started_s"],
            "seconds": mine["left_s"] - mine["started_s"],
            "size": mine["batch_size"],
            "place": mine.groupby(["stage", "batch"]).cumcount(),
        }
    ).sort_values(["stage", "replica", "started_s", "place"], ignore_index=True)


def busy_share(trace: Trace, name: str, served: pd.DataFrame, start: float, end: float) -> float | None:
    """The share of a pool's replica time within [start, end) s in which it worked; None where no replica was there.

    served: as `frames_served` gives them, of the same time
    """
    mine = served[(served["stage"] == name) & (served["place"] == 0)]
    worked = ((mine["started_s"] + mine["seconds"]).clip(upper=end) - mine["started_s"].clip(lower=start)).sum()
    offered = servers(trace, name).total(end, start)
    return float(worked / offered) if offered else None


def _side_by_side(trace: Trace) -> list[str]:
    """The pools in the order of the file, those that share an accelerator beside the first of them."""
    stages = trace.plan.scenario.stages
    pools = trace.plan.scenario.machine_stages()
    device = {name: getattr(stages[name], "shares", None) or name for name in pools}
    return sorted(pools, key=lambda name: next(place for place, other in enumerate(pools) if device[other] == device[name]))


def _sets(trace: Trace, rows: Rows, at: Times) -> NDArray[np.bool_]:
    """Whether each request carried others by that time (s), as a set of frames does; shapes (n,)."""
    since = np.full(trace.columns.n, np.inf)
    for name in trace.plan.scenario.stages:
        carrier, began, inside = kind(trace, name).carried(trace, name)
        others = carrier != inside
        np.minimum.at(since, carrier[others], began[others])
    return np.asarray(since[rows] <= at)
