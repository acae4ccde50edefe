"""Causes of a vehicle that does not stop in time, of needless brakes, and of the power and cost of its machines, in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.engine.compiled_plan import Plan
from simulator.explain.bottleneck import load_on
from simulator.explain.claims import split_of
from simulator.explain.design_changes import FREE, LeverScore, ObjectiveCause
from simulator.metrics.summary import Summary, Verdict
from simulator.phrases import phrase
from simulator.records.timetables import HOUR_S
from simulator.units import duration, percent, roughly, spoken, spoken_within
from simulator.vehicle.encounter_draws import speed_at
from simulator.vehicle.encounter_metrics import usd_by_part, usd_by_part_of
from simulator.vehicle.encounter_section import Vehicle
from simulator.vehicle.sight import quickest_stop_m, recall_at, sights_of

#: An event whose rate is 3 / T does not occur within a time T with a chance of 5% (rule of three).
NO_EVENT = 3

#: Reasons why the vehicle does not stop in time: in words, and the parts of the case that decide, besides the stages that look.
_LOST = {
    "unseen": ("were confirmed too late, or never", ("encounters.sees", "encounters.confirms")),
    "answered_late": ("had enough frames in time, but late answers", ("arrivals", "encounters.confirms")),
    "braked_late": ("had answers in time, but a late planner", ("encounters.braking",)),
}
#: The parts of the encounters that a design decides; objects and weather are no choice of the designer.
_DESIGNED = [f"encounters.{part}" for part in ("sees", "confirms", "braking", "fuses", "degrades")]


def _hit(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    """Split the encounters that the vehicle does not stop for by where the metres went."""
    spec = summary.plan.scenario.encounters
    of_kind = "".join(verdict.metric.name.partition(".")[1:])
    counts = {name: sum(measure.totals[f"lost.{name}{of_kind}"].numerator for measure in summary.measures) for name in _LOST}
    total = sum(counts.values())
    if spec is None or not total:
        return None
    order = sorted((name for name in _LOST if counts[name]), key=lambda name: -counts[name])
    parts = {name: phrase("hits.part", share=counts[name] / total, why=_LOST[name][0]) for name in order}
    among = [(100 * counts[name] / total, words) for name, words in parts.items()]
    share = total / sum(measure.totals[f"stopped_share{of_kind}"].denominator for measure in summary.measures)
    looking = [f"stages.{stage}" for stage in spec.sees]
    written = [part for name in order for part in _LOST[name][1]]
    levers = LeverScore((), _expected, written=list(dict.fromkeys([*written, *looking, *_DESIGNED])))
    kind = spec.kinds[of_kind[1:]].label if of_kind else None
    split = phrase("hits.parts", parts=[words for _, words in among])
    sentence = phrase("hits.hit", share=_written(share, verdict), kind=kind, split=split)
    claims = split_of(verdict.metric, 100.0, sentence, among)
    return ObjectiveCause(sentence, ["encounter", "sight"], levers, claims, split=split)


def _written(share: float, verdict: Verdict) -> str:
    """Write the share that is missing to a figure with the digits of the figure, as its interval carries them."""
    found = verdict.estimate
    if found is None or verdict.metric.name.partition(".")[0] != "stopped_share":
        return percent(share)
    return spoken_within(share, share - (found.high - found.value), share + (found.value - found.low), "share")[0]


def _expected(plan: Plan) -> float:
    """Return the score of a design, the lower the better: recall where it is needed, and load beyond capacity.

    The recall of the first stage that looks, from as far as confirming frames and stopping take.
    """
    spec = plan.scenario.encounters
    stage, sight = next(iter(spec.sees.items()))
    period_s = 1 / plan.scenario.arrivals.content.frames_per_s[sight.sensors[0]]
    waits_m = spec.confirms.hits * period_s * float(speed_at(plan, np.zeros(1))[0])
    load = load_on(plan, stage)
    return max(load.mean - FREE, 0.0) - recall_at(plan, stage, quickest_stop_m(plan) + waits_m) if load else 0.0


def _needless(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    spec, sights = summary.plan.scenario.encounters, sights_of(summary.plan)
    if spec is None or sights is None:
        return None
    looks = {stage: sight.alarms for stage, sight in sights.by_stage.items() if stage in summary.stages}
    if not looks:
        return None
    first = next(iter(looks.values()))
    label_of = summary.plan.scenario.label_of
    each = [phrase("hits.false", count=alarms.count, label=label_of(stage)) for stage, alarms in looks.items()]
    needed_h = NO_EVENT / verdict.bound if verdict.objective.at_most else 0.0
    minutes, unprovable = 60 * first.hours, ""
    if first.hours < needed_h:
        unprovable = phrase("unprovable.drives", needed=duration(needed_h * HOUR_S, 2), minutes=minutes)
    none = not unprovable and not all(alarms.count for alarms in looks.values())
    sentence = phrase(
        "hits.needless", minutes=minutes, frames=first.kept_frames, stays=first.stays_s, each=each,
        most=NO_EVENT / first.hours if none else None, agree=spec.fuses == "both" and len(looks) > 1,
    )  # fmt: skip
    written = ["encounters.confirms", "encounters.sees", "encounters.fuses"]
    return ObjectiveCause(sentence, ["sensors", "sight"], LeverScore((), _false_per_h, written=written), (), unprovable)


def _false_per_h(plan: Plan) -> float:
    sights = sights_of(plan)
    return sum(sight.alarms.per_hour for sight in sights.by_stage.values()) if sights else 0.0


def _drawn(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    """Name the power of each part."""
    vehicle = summary.plan.scenario.vehicle
    if vehicle is None:
        return None
    largest_first = sorted(_watts_at_work(vehicle).items(), key=lambda pair: -pair[1])
    each = [f"{label} {spoken(watts, 'W')}" for label, watts in largest_first if watts]

    def watts(plan: Plan) -> float:
        return sum(_watts_at_work(plan.scenario.vehicle).values()) if plan.scenario.vehicle else 0.0

    levers = LeverScore((), watts, written=["vehicle", "arrivals"])
    return ObjectiveCause(phrase("hits.drawn", each=each), ["vehicle", "cameras"], levers)


def _watts_at_work(vehicle: Vehicle) -> dict[str, float]:
    return {part.label: part.count * (part.busy_w or part.idle_w).value for part in vehicle.parts.values()}


def _paid(summary: Summary, verdict: Verdict) -> ObjectiveCause | None:
    vehicle, power = summary.plan.scenario.vehicle, summary.metrics.get("power_mean_w")
    if vehicle is None or power is None:
        return None
    parts = usd_by_part_of(summary, power.value)
    total = sum(parts.values())
    largest = sorted(((usd, label) for label, usd in parts.items() if usd), reverse=True)[:3]
    each = [f"{label} {spoken(usd, 'USD')} ({roughly(usd / total)})" for usd, label in largest]
    now, needless = _false_per_h(summary.plan), summary.metrics.get("needless_brakes_per_h")

    def usd(plan: Plan) -> float:
        """Return the cost as far as it is known before a run: needless brakes go with the false answers."""
        rates = {"needless_brakes_per_h": needless.value * _false_per_h(plan) / now if needless and now else 0.0}
        return sum(usd_by_part(plan.scenario, power.value, rates).values()) if plan.scenario.vehicle else 0.0

    levers = LeverScore((), usd, written=["vehicle", "encounters.confirms", "encounters.sees"])
    return ObjectiveCause(phrase("hits.paid", each=each), ["vehicle"], levers)


Explain = Callable[[Summary, Verdict], ObjectiveCause | None]

#: Functions that explain objectives on encounters, by the first part of the metric's name.
ENCOUNTER_CAUSES: dict[str, Explain] = {
    **dict.fromkeys(("stopped_share", "margin_mean_m", "harm_share", "impact_mean_kmh", "confirmed_share"), _hit),
    "needless_brakes_per_h": _needless,
}

#: Functions that explain objectives on the vehicle's machines.
VEHICLE_CAUSES: dict[str, Explain] = {
    **dict.fromkeys(("power_mean_w", "energy_per_frame_j", "range_lost_share"), _drawn),
    "usd_per_vehicle": _paid,
}
