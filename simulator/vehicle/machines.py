"""What the machines of a vehicle draw and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.metrics.measures import Total
from simulator.records.trace import DONE, Trace
from simulator.vehicle.encounter_section import Vehicle, VehiclePart

Floats = NDArray[np.float64]


def vehicle_totals(trace: Trace, alarms: tuple[float, float, float] | None) -> Iterator[tuple[str, Total]]:
    """Power, energy, range and cost, by metric; alarms: needless brakes an hour, with its interval."""
    spec = trace.plan.scenario.vehicle
    if spec is None:
        return
    watts, end = sum(watts_by_part(trace).values()), trace.plan.arrivals_end_s
    yield "power_mean_w", Total(watts * end, end)
    yield "energy_per_frame_j", Total(watts * end, float(_frames_done(trace)))
    driving = spec.drive_wh_per_km.value * spec.average_kmh.value
    yield "range_lost_share", Total(watts, watts + driving)
    costs = [sum(usd_by_part(spec, watts, rate).values()) for rate in alarms or (0.0,)]
    yield "usd_per_vehicle", Total(costs[0], 1.0, between=(costs[1], costs[2]) if alarms else None)


def _frames_done(trace: Trace) -> int:
    """Requests that were done and that a stage with servers worked on: one that is led past all of them takes no energy."""
    worked = np.zeros(trace.columns.n, bool)
    for name, stage in trace.plan.scenario.stages.items():
        if stage.server:
            visits = trace.logs[name].frame(name)
            worked[visits.loc[visits["started_s"].notna(), "request"]] = True
    return int((worked & (trace.columns.outcome == DONE)).sum())


def usd_by_part(spec: Vehicle, watts: float, needless_per_h: float) -> dict[str, float]:
    """What a vehicle costs over its life, by part in words: what it carries, its electricity, its needless brakes."""
    found = {part.label: part.count * part.usd.value for part in spec.parts.values()}
    found["Electricity"] = watts / 1000 * spec.driven_h.value * spec.usd_per_kwh.value
    found["Needless brakes"] = needless_per_h * spec.driven_h.value * spec.needless_brake_usd.value
    return found


def watts_by_part(trace: Trace) -> dict[str, float]:
    """The mean power of each part while frames come: idle, and as much more as the share of the time that it is at work."""
    spec = trace.plan.scenario.vehicle
    assert spec is not None
    return {part.label: _watts(part, busy_share(trace, part.works_for, part.count)) for part in spec.parts.values()}


def _watts(part: VehiclePart, busy: float) -> float:
    most = part.idle_w if part.busy_w is None else part.busy_w
    return part.count * (part.idle_w.value + busy * (most.value - part.idle_w.value))


def busy_share(trace: Trace, stages: Sequence[str], parts: int) -> float:
    """The share of so many parts that is at work for these stages, averaged over the time in which frames come.

    Each serves a batch at a time as long as there are no more batches than parts; beyond, all are at work.
    """
    visits = [trace.logs[stage].frame(stage) for stage in stages]
    if not visits or not parts:
        return 0.0
    served = pd.concat(visits)
    served = served[served["started_s"].notna() & (served["server"] >= 0)].drop_duplicates(["stage", "batch"])
    end = trace.plan.arrivals_end_s
    starts, left = served["started_s"].to_numpy(float), served["left_s"].fillna(end).to_numpy(float)
    return busy_s(np.minimum(starts, end), np.minimum(left, end), parts) / (parts * end)


def busy_s(starts: Floats, ends: Floats, parts: int) -> float:
    """The integral over time of how many of so many parts are at work, of services in any order, shape (n,) each."""
    times = np.concatenate([starts, ends])
    order = np.argsort(times, kind="stable")
    under_way = np.cumsum(np.repeat([1, -1], len(starts))[order])
    return float((np.minimum(under_way[:-1], parts) * np.diff(times[order])).sum())
