"""Metrics of encounters and of the vehicle: their records, and their totals in a replication.

Totals are counted for the evidence as it is, and for resamples of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.case.outputs import Metric, share_metric
from simulator.case.schema import Scenario
from simulator.engine.run_trace import Trace
from simulator.evidence.evidence_tables import DRAWS
from simulator.metrics.ages import instants
from simulator.metrics.samples import Total
from simulator.metrics.summary import Summary
from simulator.records.timetables import HOUR_S
from simulator.records.trace import DONE
from simulator.vehicle.braking import needed_m, tick_after
from simulator.vehicle.detector_answers import Alarms
from simulator.vehicle.encounter_draws import KMH, EncounterOutcome, speed_at
from simulator.vehicle.encounter_section import Encounters, Vehicle, VehiclePart
from simulator.vehicle.meeting import Meeting
from simulator.vehicle.sight import StageSight

#: The first replications are evaluated for resamples of the evidence too: what those change varies little between them.
EVIDENCE_RUNS = 5

#: Draws of the evidence that are evaluated at once: of more, the frames do not fit into a processor's cache.
AT_ONCE = 21

#: Numerator and denominator of each metric by draw of the evidence, shape (draws, 2).
Sums = dict[str, Floats]


def metrics_of_encounters(spec: Encounters) -> Iterator[Metric]:
    """Yield the metrics of a case with encounters, one share for each kind of them."""
    yield share_metric("stopped_share", "Encounters stopped in time", "higher")
    for name, kind in spec.kinds.items():
        yield share_metric(f"stopped_share.{name}", f"{kind.label}: stopped in time", "higher")
    margin = "Metres left at standstill, mean; below 0: that many more were needed"
    yield Metric("margin_mean_m", margin, "m", "higher", "ratio", least=float("-inf"))
    yield share_metric("harm_share", "Energy left at the obstacle, of that on approach", "lower")
    yield Metric("impact_mean_kmh", "Speed at the obstacle, mean; 0 where it stops", "km/h", "lower", "ratio")
    yield share_metric("confirmed_share", "Encounters confirmed before the obstacle", "higher")
    yield Metric("confirmed_mean_m", "Distance left when confirmed, mean", "m", "higher", "ratio")
    yield Metric("needless_brakes_per_h", "Brakes without need", "1/h", "lower", "ratio")
    yield Metric("needless_slowings_per_h", "Gentle braking without need", "1/h", "lower", "ratio")
    yield share_metric("degraded_share", "Time in degraded mode", "lower")
    yield share_metric("lost_way_share", "Way lost to degraded mode", "lower")
    yield Metric("degraded_per_h", "Times that degraded mode begins", "1/h", "lower", "ratio")


def encounter_totals(trace: Trace) -> dict[str, Total]:
    """Return every metric of encounters and of the vehicle, by name."""
    meeting = Meeting(trace)
    resampled = trace.replication < EVIDENCE_RUNS and trace.plan.edge is None
    draws = np.arange(1 + DRAWS if resampled else 1)
    found = [sums(meeting, meeting.outcomes(some)) for some in np.split(draws, range(AT_ONCE, len(draws), AT_ONCE))]
    totals = {}
    for name in found[0]:
        pairs = np.concatenate([some[name] for some in found])
        totals[name] = Total(float(pairs[0, 0]), float(pairs[0, 1]), by_draw=pairs[1:] if resampled else None)
    others = dict(_others(meeting))
    return totals | others | dict(vehicle_totals(trace, others))


def sums(meeting: Meeting, outcome: EncounterOutcome) -> Sums:
    """Return numerator and denominator of each metric that rests on what was found; outcome: of several draws."""
    counts = meeting.counts
    confirmed = np.isfinite(outcome.confirmed_s) & (outcome.confirmed_gap_m > 0) & counts
    share = (outcome.impact_mps / meeting.closing_mps) ** 2
    gaps = np.array([gap[those].sum() for gap, those in zip(outcome.confirmed_gap_m, confirmed, strict=True)])
    pairs = {
        "margin_mean_m": _over(_sum(outcome.margin_m, counts), counts.sum()),
        "harm_share": _over(_sum(share, counts), counts.sum()),
        "impact_mean_kmh": _over(_sum(outcome.impact_mps, counts) / KMH, counts.sum()),
        "confirmed_share": _over(confirmed.sum(-1), counts.sum()),
        "confirmed_mean_m": _over(gaps, confirmed.sum(-1)),
    }
    reasons, stopped = lost(meeting, outcome), outcome.stopped
    kinds = {f".{name}": counts & (meeting.drawn.kind == place) for place, name in enumerate(meeting.spec.kinds)}
    for of_kind, those in {"": counts, **kinds}.items():
        hits = (~stopped & those).sum(-1)
        pairs[f"stopped_share{of_kind}"] = _over((stopped & those).sum(-1), those.sum())
        pairs |= {f"{name}{of_kind}": _over((with_reason & those).sum(-1), hits) for name, with_reason in reasons.items()}
    return pairs


def _sum(figures: Floats, those: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.compress(those, figures, axis=1).sum(axis=1))


def _over(numerators: NDArray[Any], denominators: NDArray[Any] | np.int64) -> Floats:
    return np.stack(np.broadcast_arrays(numerators, denominators), axis=-1).astype(float)


def lost(meeting: Meeting, outcome: EncounterOutcome) -> dict[str, NDArray[np.bool_]]:
    """Return why the vehicle does not stop in time, by reason, as the outcome: each encounter that it hits has one reason.

    unseen: when the frame that confirms the object was captured, even brakes that hold at once would have been too late
    answered_late: they would not, but brakes as soon as the answer was known are; braked_late: the planner waited beyond that
    """
    needed = needed_m(meeting.closing_mps, meeting.deceleration)
    with np.errstate(invalid="ignore"):
        unseen = ~(meeting.gap_m - meeting.closing_mps * outcome.seen_s >= needed)
        tick = tick_after(meeting.ticks[:, 0], meeting.braking.period_s, outcome.confirmed_s)
        earliest = tick + meeting.braking.actuation_s.value
        late = ~(meeting.gap_m - meeting.closing_mps * earliest >= needed) & ~unseen
    hit = ~outcome.stopped
    return {"lost.unseen": hit & unseen, "lost.answered_late": hit & late, "lost.braked_late": hit & ~unseen & ~late}


def _others(meeting: Meeting) -> Iterator[tuple[str, Total]]:
    rate, low, high = alarms_per_h(meeting)
    yield "needless_brakes_per_h", Total(rate, 1.0, between=(low, high))
    if meeting.spec.braking.gentle is not None:
        rate, low, high = slowings_per_h(meeting)
        yield "needless_slowings_per_h", Total(rate, 1.0, between=(low, high))
    if meeting.spec.degrades is not None:
        end = meeting.trace.plan.arrivals_end_s
        looks = instants(end)
        old, speed = meeting.too_old(looks), speed_at(meeting.trace.plan, looks)
        lost = speed - meeting.speed_while_degraded(looks)
        yield "degraded_share", Total(float(old.mean()) * end, end)
        yield "lost_way_share", Total(float(lost.sum()), float(speed.sum()))
        yield "degraded_per_h", Total(float((old & ~np.append(False, old[:-1])).sum()), end / HOUR_S)


def alarms_per_h(meeting: Meeting) -> tuple[float, float, float]:
    """Return brakes that nothing called for, an hour, with its interval: those of each kind of sensor that answers.

    Where both must confirm, the rarer of the two is an upper bound; how often both are wrong about one place was not measured.
    """
    by_kind = _by_kind(meeting, lambda sight: sight.alarms)
    if not by_kind or (meeting.spec.fuses == "both" and len(by_kind) < 2):
        return 0.0, 0.0, 0.0
    each = np.array(list(by_kind.values()))
    if meeting.spec.fuses == "both":
        least = each[each[:, 0].argmin()]
        return float(least[0]), 0.0, float(least[2])
    return _either(each)


def slowings_per_h(meeting: Meeting) -> tuple[float, float, float]:
    """Return gentle braking that nothing called for, an hour, with its interval; a first sight of any sensor begins it."""
    by_kind = _by_kind(meeting, lambda sight: sight.first_alarms)
    return _either(np.array(list(by_kind.values()))) if by_kind else (0.0, 0.0, 0.0)


def _by_kind(meeting: Meeting, of: Callable[[StageSight], Alarms | None]) -> dict[bool, tuple[float, float, float]]:
    """Return the alarms an hour of each kind of sensor that answers: of its stage with the most."""
    by_kind: dict[bool, tuple[float, float, float]] = {}
    looked = set(meeting.answers.sight[np.isfinite(meeting.answers.known)])
    for sight in (sight for place, sight in enumerate(meeting.sights) if place in looked):
        if (alarms := of(sight)) is not None:
            rate = alarms.per_hour, alarms.low, alarms.high
            by_kind[sight.is_camera] = max(by_kind.get(sight.is_camera, rate), rate)
    return by_kind


def _either(each: Floats) -> tuple[float, float, float]:
    """Return the sum of alarms with its interval; each: value, low and high of a kind of sensor, (kinds, 3)."""
    if len(each) == 1:
        return float(each[0, 0]), float(each[0, 1]), float(each[0, 2])
    total, below, above = each[:, 0].sum(), np.hypot(*(each[:, 0] - each[:, 1])), np.hypot(*(each[:, 2] - each[:, 0]))
    return float(total), float(total - below), float(total + above)


def metrics_of_vehicle(spec: Vehicle) -> Iterator[Metric]:
    """Yield the metrics of a case with a vehicle."""
    yield Metric("power_mean_w", "Power of the perception, mean", "W", "lower", "ratio")
    yield Metric("energy_per_frame_j", "Energy a frame", "J", "lower", "ratio")
    yield share_metric("range_lost_share", "Range lost to the perception", "lower")
    yield Metric("usd_per_vehicle", "Cost a vehicle, over its life", "USD", "lower", "ratio")


def totals_of_vehicle(trace: Trace) -> dict[str, Total]:
    """Return the totals of a vehicle, by metric; none with encounters, whose totals hold them."""
    return {} if trace.plan.scenario.encounters else dict(vehicle_totals(trace, {}))


def vehicle_totals(trace: Trace, encounters: Mapping[str, Total]) -> Iterator[tuple[str, Total]]:
    """Yield power, energy, range and cost, by metric; encounters: totals of a run with them, of which some cost money"""
    spec = trace.plan.scenario.vehicle
    if spec is None:
        return
    watts, end = sum(watts_by_part(trace).values()), trace.plan.arrivals_end_s
    yield "power_mean_w", Total(watts * end, end)
    yield "energy_per_frame_j", Total(watts * end, float(_frames_done(trace)))
    driving = spec.drive_wh_per_km.value * spec.average_kmh.value
    yield "range_lost_share", Total(watts, watts + driving)
    costs = [sum(usd_by_part(trace.plan.scenario, watts, _at_bound(encounters, bound)).values()) for bound in (None, 0, 1)]
    yield "usd_per_vehicle", Total(costs[0], 1.0, between=(costs[1], costs[2]) if encounters else None)


def _at_bound(totals: Mapping[str, Total], bound: int | None) -> dict[str, float]:
    """Return the ratio of each total; bound: 0 for the lower bound of those that have one, 1 for the upper one"""
    ends = {name: total.ratio if bound is None or not total.between else total.between[bound] for name, total in totals.items()}
    return {name: ratio or 0.0 for name, ratio in ends.items()}


def _frames_done(trace: Trace) -> int:
    worked = np.zeros(trace.columns.n, bool)
    for name, stage in trace.plan.scenario.stages.items():
        if stage.servers:
            visits = trace.logs[name].visits()
            worked[visits.request[visits.served]] = True
    return int((worked & (trace.columns.outcome == DONE)).sum())


def usd_by_part(scenario: Scenario, watts: float, rates: Mapping[str, float]) -> dict[str, float]:
    """Return the cost of the case's vehicle over its life, by part in words: equipment, electricity, brakes, degraded mode.

    rates: needless brakes an hour and the like, by metric; a rate that is not there is 0
    """
    spec, degrades = scenario.vehicle, scenario.encounters and scenario.encounters.degrades
    needless, slowings, way, begins = (rates.get(name, 0.0) for name in _PAID)
    usd = {part.label: part.count * part.usd.value for part in spec.parts.values()}
    usd["Electricity"] = watts / 1000 * spec.driven_h.value * spec.usd_per_kwh.value
    usd["Needless brakes"] = needless * spec.driven_h.value * spec.needless_brake_usd.value
    if slowings and spec.needless_slowing_usd is not None:
        usd["Needless gentle brakes"] = slowings * spec.driven_h.value * spec.needless_slowing_usd.value
    hour, each = spec.lost_hour_usd, degrades and degrades.usd_each
    if lost := way * (hour.value if hour else 0.0) + begins * (each.value if each else 0.0):
        usd["Degraded mode"] = lost * spec.driven_h.value
    return usd


#: The metrics of encounters that a vehicle pays for.
_PAID = ("needless_brakes_per_h", "needless_slowings_per_h", "lost_way_share", "degraded_per_h")


def usd_by_part_of(summary: Summary, watts: float) -> dict[str, float]:
    """Return the cost of a vehicle over its life by part, as a run has it, at this power; the case has a vehicle."""
    return usd_by_part(summary.plan.scenario, watts, {name: figure.value for name, figure in summary.metrics.items()})


def watts_by_part(trace: Trace) -> dict[str, float]:
    spec = trace.plan.scenario.vehicle
    return {part.label: _watts(part, busy_share(trace, part.works_for, part.count)) for part in spec.parts.values()}


def _watts(part: VehiclePart, busy: float) -> float:
    most = part.idle_w if part.busy_w is None else part.busy_w
    return part.count * (part.idle_w.value + busy * (most.value - part.idle_w.value))


def busy_share(trace: Trace, stages: Sequence[str], parts: int) -> float:
    """Return the share of N parts that is at work for these stages, averaged over the time in which frames come.

    Each serves a batch at a time as long as there are no more batches than parts; beyond, all are at work.
    """
    end = trace.plan.arrivals_end_s
    services = [trace.logs[stage].services(end) for stage in stages]
    if not services or not parts:
        return 0.0
    starts, ends, server = (np.concatenate(column) for column in zip(*services, strict=True))
    served = server >= 0
    return busy_s(np.minimum(starts[served], end), ends[served], parts) / (parts * end)


def busy_s(starts: Floats, ends: Floats, parts: int) -> float:
    """Integrate over time the number of N parts that are at work, from services in any order, shape (n,) each."""
    times = np.concatenate([starts, ends])
    order = np.argsort(times, kind="stable")
    under_way = np.cumsum(np.repeat([1, -1], len(starts))[order])
    return float((np.minimum(under_way[:-1], parts) * np.diff(times[order])).sum())
