"""Why a vehicle does not stop in time, why what it knows is old, and what its brakes and machines cost, in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.analysis.encounters.drawn import speed_at
from simulator.analysis.encounters.sight import quickest_stop_m, recall_at
from simulator.analysis.encounters.vehicle import usd_by_part
from simulator.analysis.run.bottleneck import load_on
from simulator.analysis.run.promise import FREE, Cause, Handle, in_order
from simulator.analysis.run.scorecard import Verdict
from simulator.analysis.run.strikes import strikes_of
from simulator.analysis.run.summary import Summary
from simulator.scenario.curveballs import Struck
from simulator.serving.plan import Plan
from simulator.units import duration, percent, roughly, significant, spoken

#: Why the vehicle does not stop in time: in words, and what decides there, besides the stages that look.
_LOST = {
    "unseen": ("the object was not confirmed while brakes could still have done", ("encounters.sees", "encounters.confirms")),
    "answered_late": ("it was captured in time, but the answer was known too late", ("arrivals", "encounters.confirms")),
    "braked_late": ("the answer came in time, but the planner waited too long", ("encounters.braking",)),
}


def _hit(summary: Summary, verdict: Verdict) -> Cause | None:
    """Where the metres go of the encounters that the vehicle does not stop for."""
    spec = summary.plan.scenario.encounters
    totals = [{name: one.totals[f"lost.{name}"] for name in _LOST} for one in summary.measures]
    counts = {name: sum(one[name].above for one in totals) for name in _LOST}
    total = sum(counts.values())
    if spec is None or not total:
        return None
    order = sorted((name for name in _LOST if counts[name]), key=lambda name: -counts[name])
    told = "; ".join(f"in {roughly(counts[name] / total)} of them {_LOST[name][0]}" for name in order)
    share = total / sum(one.totals["stopped_share"].below for one in summary.measures)
    looking = [f"stages.{stage}" for stage in spec.sees]
    written = [part for name in order for part in _LOST[name][1]]
    handle = Handle((), lambda step: _expected(step.plan), written=list(dict.fromkeys([*written, *looking, "encounters"])))
    sentence = f"{percent(share).capitalize()} of the encounters end at the object: {told}."
    return Cause(sentence, ["encounter", "sight"], handle)


def _expected(plan: Plan) -> float:
    """What a design promises, the lower the better: less is found where it has to be, or more waits than can be served.

    The recall of the first stage that looks, from as far as confirming frames and stopping take.
    """
    spec = plan.scenario.encounters
    assert spec is not None
    stage, sight = next(iter(spec.sees.items()))
    period_s = 1 / plan.scenario.arrivals.frames_per_s[sight.sensors[0]]
    waits_m = spec.confirms.hits * period_s * float(speed_at(plan, np.zeros(1))[0])
    load = load_on(plan, stage)
    return max(load.mean - FREE, 0.0) - recall_at(plan, stage, quickest_stop_m(plan) + waits_m) if load else 0.0


def _old(summary: Summary, verdict: Verdict) -> Cause | None:
    """How much of an age is the way of a frame, and how much the wait for the next one."""
    scenario = summary.plan.scenario
    sensor = verdict.metric.name.rpartition(".")[2]
    rates = scenario.arrivals.frames_per_s
    end = verdict.metric.name.split(".")[1]
    least = summary.metrics.get(f"age_mean_s.{end}.{sensor}")
    if sensor not in rates or least is None:
        return None
    if lost := _lost_sensor(summary, sensor):
        return lost
    period = 1 / rates[sensor]
    way = max(least.value - period / 2, 0.0)
    label = dict(zip(scenario.sensors, scenario.sensor_labels, strict=True))[sensor]
    sentence = (
        f"“{label}” captures a frame every {duration(period)}, and about {duration(way)} pass until its answer is known: just "
        f"before the next answer, what is known is {duration(period + way)} old at best."
    )
    handle = Handle((), lambda step: -step.plan.scenario.arrivals.frames_per_s[sensor], written=["arrivals", "stages"])
    return Cause(sentence, ["ages", "cameras"], handle)


def _lost_sensor(summary: Summary, sensor: str) -> Cause | None:
    """Where a curveball silences the sensor for longer than anything else keeps an answer."""
    scenario = summary.plan.scenario
    balls = {name: ball for name, ball in scenario.curveballs.items() if Struck.LOST in ball.changed}
    silent = {name for name, ball in balls.items() if getattr(ball, "sensor", None) == sensor}
    gaps = [strike for strike in strikes_of(summary.plan) if strike.name in silent]
    if not gaps:
        return None
    longest = max(gaps, key=lambda strike: strike.end_s - strike.start_s)
    label = dict(zip(scenario.sensors, scenario.sensor_labels, strict=True))[sensor]
    told = f"“{label}” sends nothing for {longest.lasted} (“{longest.label}”): what is known of its view gets as old as that."
    return Cause(told, ["ages", "encounter"], in_order((), ["encounters.fuses", "encounters.degrades", "arrivals"]))


def _needless(summary: Summary, verdict: Verdict) -> Cause | None:
    """How often what looks sees something where nothing is, and on how much driving that rests."""
    spec, sights = summary.plan.scenario.encounters, summary.plan.sights
    if spec is None or sights is None:
        return None
    looks = {stage: sight.alarms for stage, sight in sights.by_stage.items() if stage in summary.stages}
    if not looks:
        return None
    first = next(iter(looks.values()))
    label_of = summary.plan.scenario.label_of
    each = [f"{f'{alarms.count:g}' if alarms.count else 'none'} by “{label_of(stage)}”" for stage, alarms in looks.items()]
    sentence = (
        f"Counted on {60 * first.hours:.0f} minutes of recorded driving: answers where nothing is, in the vehicle's own way, "
        f"for {first.kept_frames} frames on end, {', '.join(each)}."
    )
    if not all(alarms.count for alarms in looks.values()):
        sentence += f" None in so short a time still leaves up to {significant(3 / first.hours)} an hour (rule of three)."
    written = ["encounters.confirms", "encounters.sees", "encounters.fuses"]
    return Cause(sentence, ["sensors", "sight"], Handle((), lambda step: _false_per_h(step.plan), written=written))


def _false_per_h(plan: Plan) -> float:
    """False answers an hour of all that may look, kept as long as the design asks: the fewer, the better."""
    return sum(sight.alarms.per_hour for sight in plan.sights.by_stage.values()) if plan.sights else 0.0


def _drawn(summary: Summary, verdict: Verdict) -> Cause | None:
    """Which part draws how much."""
    vehicle = summary.plan.scenario.vehicle
    if vehicle is None:
        return None
    each = {part.label: part.count * (part.busy_w or part.idle_w).value for part in vehicle.parts.values()}
    told = ", ".join(f"{label} {spoken(watts, 'W')}" for label, watts in sorted(each.items(), key=lambda one: -one[1]) if watts)
    return Cause(f"At work each part draws at most: {told}.", ["vehicle", "cameras"], in_order((), ["vehicle", "arrivals"]))


def _paid(summary: Summary, verdict: Verdict) -> Cause | None:
    """What a vehicle costs, part by part."""
    vehicle, power = summary.plan.scenario.vehicle, summary.metrics.get("power_mean_w")
    if vehicle is None or power is None:
        return None
    needless = summary.metrics.get("needless_brakes_per_h")
    parts = usd_by_part(vehicle, power.value, needless.value if needless else 0.0)
    total = sum(parts.values())
    largest = sorted(((usd, label) for label, usd in parts.items() if usd), reverse=True)[:3]
    told = ", ".join(f"{label} {spoken(usd, 'USD')} ({roughly(usd / total)})" for usd, label in largest)
    return Cause(f"Over its life: {told}.", ["vehicle"], in_order((), ["vehicle", "encounters.confirms", "encounters.sees"]))


#: What explains each metric, by the first part of its name.
ENCOUNTERS: dict[tuple[str, ...], Callable[[Summary, Verdict], Cause | None]] = {
    ("stopped_share", "margin_mean_m", "harm_share", "impact_mean_kmh", "confirmed_share"): _hit,
    ("age_mean_s", "age_peak_mean_s", "age_peak_p95_s", "age_p95_s", "age_p99_s"): _old,
    ("needless_brakes_per_h",): _needless,
    ("power_mean_w", "energy_per_frame_j", "range_lost_share"): _drawn,
    ("usd_per_vehicle",): _paid,
}
