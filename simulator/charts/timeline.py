"""One replication over time: batches on replicas, queues, people on duty, and the run at an instant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Floats, Rows, Times
from simulator.case.scenario_parts import Noun
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import stage_of
from simulator.engine.run_trace import Trace
from simulator.metrics.servers import servers
from simulator.metrics.stage_metrics import served_in_vain
from simulator.phrases import phrase
from simulator.records.timetables import DAY_S
from simulator.records.trace import Visits

MINUTE_S = 60.0


def busiest_minute(trace: Trace) -> float:
    """Return the start of the minute with most arrivals, in seconds from the start of the run."""
    return MINUTE_S * int(np.bincount((trace.columns.arrived // MINUTE_S).astype(int), minlength=1).argmax())


def batches(trace: Trace, start: float, end: float) -> pd.DataFrame:
    """Tabulate the batches in service within [start, end): stage, replica, started_s, seconds, size."""
    pools = trace.plan.scenario.machine_stages()
    visits = pd.concat([trace.logs[name].frame(name) for name in pools], ignore_index=True)
    served = visits[(visits["started_s"] < end) & (visits["left_s"] >= start)].drop_duplicates(["stage", "batch"])
    return pd.DataFrame(
        {
            "stage": pd.Categorical(served["stage"], pools),
            "replica": served["server"] + 1,
            "started_s": served["started_s"],
            "seconds": served["left_s"] - served["started_s"],
            "size": served["batch_size"],
        }
    ).sort_values(["stage", "replica", "started_s"], ignore_index=True)


def waiting(trace: Trace, stage: str, step_s: float = 5 * MINUTE_S) -> pd.DataFrame:
    """Count requests waiting at a stage every `step_s` seconds: time_s, all, and a column for each tag that gates give."""
    request, came, gone = _queued(trace, stage)
    tag = trace.columns.tag[request]
    times = np.arange(0, trace.plan.horizon_s + step_s, step_s)
    columns = {"time_s": times, "all": _in_queue(came, gone, times)}
    for index, label in enumerate(trace.plan.scenario.tags(), start=1):
        columns[label] = _in_queue(came[tag == index], gone[tag == index], times)
    return pd.DataFrame(columns)


def occupancy(trace: Trace, steps: int = 600) -> pd.DataFrame:
    """Count the most requests waiting at each stage with servers, and in flight overall, within equal steps of the run.

    A queue also holds the requests whose client has given up, where the stage serves them in vain; in flight is who waits.
    time_s (when the step begins), a column a stage, in_flight; the most, not the last, so that no peak is lost.
    """
    edges: Floats = np.linspace(0, trace.plan.horizon_s, steps + 1)
    columns: dict[str, Any] = {"time_s": edges[:-1]}
    for name, stage in trace.plan.scenario.stages.items():
        if stage.servers:
            columns[name] = _most(*_queued(trace, name)[1:], edges)
    columns["in_flight"] = _most(trace.columns.arrived, trace.columns.finished, edges)
    return pd.DataFrame(columns)


def _most(came: Floats, gone: Floats, edges: Floats) -> NDArray[np.int64]:
    """Count the most requests present within each step; at one instant, departures come before arrivals."""
    gone = gone[~np.isnan(gone)]
    times = np.concatenate([gone, came])
    order = np.argsort(times, kind="stable")
    there = np.concatenate([[0], np.cumsum(np.repeat([-1, 1], [len(gone), len(came)])[order])])
    at_start = np.searchsorted(times[order], edges[:-1], "right")
    before_end = np.searchsorted(times[order], edges[1:], "left")
    return np.array([there[start : max(end, start) + 1].max() for start, end in zip(at_start, before_end, strict=True)])


def queue_steps(trace: Trace, stage: str) -> tuple[Floats, NDArray[np.int64]]:
    """Return the times when the length of a stage's queue changes, and its length from then on."""
    _, came, gone = _queued(trace, stage)
    gone = gone[~np.isnan(gone)]
    times, index = np.unique(np.concatenate([came, gone]), return_inverse=True)
    change = np.bincount(index, np.repeat([1.0, -1.0], [len(came), len(gone)]))
    changed = change != 0
    return times[changed], np.cumsum(change)[changed].astype(np.int64)


def _queued(trace: Trace, stage: str) -> tuple[Rows, Floats, Floats]:
    """Return the request of each call in a stage's queue, when it came, and when it left the queue; NaN if it never did.

    A request whose client has given up may stay there until it is served. A call is counted once, though the log has two rows
    of one that was served in vain.
    """
    visits = trace.logs[stage].visits()
    visits = visits.only(~served_in_vain(visits))
    gone = _gone(visits)
    if trace.plan.scenario.stages[stage].service.serves_in_vain:
        gone[~visits.served & (visits.left_s > visits.entered_s)] = np.nan
    return visits.request, visits.entered_s, gone


def _gone(visits: Visits) -> Floats:
    return np.where(visits.served, visits.started_s, visits.left_s)


def _in_queue(came: Floats, gone: Floats, times: Floats) -> NDArray[np.int64]:
    # gone is NaN for requests still waiting, which sorts last
    return np.searchsorted(np.sort(came), times, "right") - np.searchsorted(np.sort(gone), times, "right")


def staffed(plan: Plan, name: str) -> list[tuple[float, float, int]]:
    """List the times when people are on duty at a stage: from, until, and their number."""
    there = servers(plan, name)
    steps = [(time, int(people)) for time, people in zip(there.times, there.values, strict=True) if time < plan.horizon_s]
    changes = [next(same) for _, same in groupby(steps, key=itemgetter(1))]
    ends = [*(time for time, _ in changes[1:]), plan.horizon_s]
    return [(start, end, people) for (start, people), end in zip(changes, ends, strict=True) if people]


@dataclass(frozen=True)
class Station:
    """A stage with servers at one instant: requests waiting, servers at work, and servers present.

    given_up: requests in the queue, of those that wait, whose client has given up
    keeps_hours: whether they are people, who come and go
    """

    label: str
    waiting: int
    busy: int
    there: int
    keeps_hours: bool
    given_up: int = 0

    def words(self) -> str:
        """Write the station in words: `Classifier: 12 wait, 2 of 2 at work`."""
        return phrase("moment.station", **asdict(self) | {"there": max(self.there, self.busy)})


@dataclass(frozen=True)
class Moment:
    """A run at one instant: arrivals around it, requests in flight, and each stage with servers.

    around_s: how long the time around it is, a minute or what of that lies within the time in which requests arrive
    """

    around_s: float
    arrivals: int
    in_flight: int
    stations: list[Station]

    def sentences(self, unit: Noun) -> list[str]:
        time = "minute" if self.around_s == MINUTE_S else f"{self.around_s:.3g} s"
        flow = phrase("moment.flow", in_flight=unit.counted(self.in_flight), time=time, arrivals=self.arrivals)
        return [flow, *(f"{station.words()}." for station in self.stations)]


def moment(trace: Trace, at_s: float) -> Moment:
    """Describe a run at an instant, in seconds from its start; events at exactly that time have happened."""
    columns = trace.columns
    here = (columns.arrived <= at_s) & ~(columns.finished <= at_s)
    start, end = max(at_s - MINUTE_S / 2, 0.0), min(at_s + MINUTE_S / 2, DAY_S * trace.plan.scenario.run.days)
    near = (columns.arrived >= start) & (columns.arrived < end)
    stages = trace.plan.scenario.stages
    stations = [_station(trace, name, at_s) for name, stage in stages.items() if stage.servers]
    return Moment(max(end - start, 0.0), int(near.sum()), int(here.sum()), stations)


def _station(trace: Trace, name: str, at_s: float) -> Station:
    stage, visits, now = trace.plan.scenario.stages[name], trace.logs[name].visits(), np.array([at_s])
    served = (visits.started_s <= at_s) & (visits.left_s > at_s)
    waiting_now = int(_in_queue(*_queued(trace, name)[1:], now)[0])
    wanted = visits.only(visits.wanted)
    given_up = waiting_now - int(_in_queue(wanted.entered_s, _gone(wanted), now)[0]) if stage.service.serves_in_vain else 0
    busy, there = len(np.unique(visits.server[served])), int(servers(trace, name).at(at_s))
    return Station(stage.label, waiting_now, busy, there, stage.servers.keeps_hours, given_up)


#: What stands in place of a sensor's name where frames of several sensors are worked on as one.
A_SET = ""


def frames_served(trace: Trace, start: float, end: float) -> pd.DataFrame:
    """Tabulate the frames in service at pools within [start, end) s, a row a frame and service.

    stage, replica (from 1), sensor (its name, or A_SET), frame (its number), started_s, seconds, size (frames in the batch),
    place (of the frame in the batch, from 0). Pools that share an accelerator follow each other.
    """
    pools = _side_by_side(trace)
    visits = pd.concat([trace.logs[name].frame(name) for name in pools], ignore_index=True)
    visits["left_s"] = visits["left_s"].fillna(trace.plan.horizon_s)
    in_service = visits[(visits["started_s"] < end) & (visits["left_s"] >= start)]
    rows, names = in_service["request"].to_numpy(), np.array(trace.plan.scenario.sensors)
    together = _sets(trace, rows, in_service["started_s"].to_numpy())
    return pd.DataFrame(
        {
            "stage": pd.Categorical(in_service["stage"], pools),
            "replica": in_service["server"] + 1,
            "sensor": np.where(together, A_SET, names[trace.columns.sensor[rows]]),
            "frame": trace.columns.frame[rows],
            "started_s": in_service["started_s"],
            "seconds": in_service["left_s"] - in_service["started_s"],
            "size": in_service["batch_size"],
            "place": in_service.groupby(["stage", "batch"]).cumcount(),
        }
    ).sort_values(["stage", "replica", "started_s", "place"], ignore_index=True)


def busy_share(trace: Trace, name: str, served: pd.DataFrame, start: float, end: float) -> float | None:
    """Return the worked share of a pool's replica time within [start, end) s; None without a replica.

    served: as `frames_served` gives them, of the same time
    """
    own_batches = served[(served["stage"] == name) & (served["place"] == 0)]
    worked = (
        (own_batches["started_s"] + own_batches["seconds"]).clip(upper=end) - own_batches["started_s"].clip(lower=start)
    ).sum()
    offered = servers(trace, name).total(end, start)
    return float(worked / offered) if offered else None


def _side_by_side(trace: Trace) -> list[str]:
    stages = trace.plan.scenario.stages
    pools = trace.plan.scenario.machine_stages()
    device = {name: getattr(stages[name], "shares", None) or name for name in pools}
    return sorted(pools, key=lambda name: next(place for place, other in enumerate(pools) if device[other] == device[name]))


def _sets(trace: Trace, rows: Rows, at: Times) -> NDArray[np.bool_]:
    """Mark the requests that carried others by that time (s), as a set of frames does; shapes (n,)."""
    since = np.full(trace.columns.n, np.inf)
    for name in trace.plan.scenario.stages:
        for carrier, began, inside in stage_of(trace, name).report(trace, name).carried:
            others = carrier != inside
            np.minimum.at(since, carrier[others], began[others])
    return np.asarray(since[rows] <= at)
