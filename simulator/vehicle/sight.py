"""What a design sees from how far, and how far it needs to see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.choices import Options
from simulator.case.document import ScenarioError
from simulator.engine.plan import Plan, compile_plan
from simulator.evidence.drive_tables import DRAWS
from simulator.evidence.object_scales import shifted
from simulator.vehicle.drive_evidence import StageSight
from simulator.vehicle.encounter_draws import KMH, deceleration_of, speed_at

Floats = NDArray[np.float64]

#: Distances at which a recall is told, in metres.
DISTANCES_M = np.linspace(2.0, 80.0, 79)


@dataclass(frozen=True)
class Sighted:
    """The recall of one stage in a single frame, over the distance; shapes (k,).

    low, high: its 95% interval; seen_by: by whose evidence
    """

    stage: str
    label: str
    seen_by: str
    object: str
    distance_m: Floats
    recall: Floats
    low: Floats
    high: Floats


def sighted(plan: Plan, what: str) -> list[Sighted]:
    """What each stage that looks finds of a kind of object, at the mean height and in the weather that it has in the case."""
    spec, sights = plan.scenario.encounters, plan.sights
    assert spec is not None
    assert sights is not None
    height = float(np.mean([kind.height_m.mean for kind in spec.kinds.values() if kind.object == what]))
    found = []
    for stage, sight in sights.by_stage.items():
        scale = sight.spec.scale_px
        x = DISTANCES_M if scale is None else scale * height / DISTANCES_M
        shares, spread = _in_weather(sight, what, x, spec.condition), _spread(sight, what, x, spec.condition)
        low, high = np.clip(shares - spread, 0, 1), np.clip(shares + spread, 0, 1)
        label = plan.scenario.label_of(stage)
        found.append(Sighted(stage, label, sight.spec.finds, what, DISTANCES_M, shares, low, high))
    return found


def _in_weather(sight: StageSight, what: str, x: Floats, condition: str | None, draw: int = 0) -> Floats:
    """The recall at each place, shape as `x`, as a condition leaves it; None for a clear day."""
    clear = sight.recalls[what].at(x, draw)
    return clear if condition is None else shifted(clear, float(sight.shifts[condition][draw]))


def _spread(sight: StageSight, what: str, x: Floats, condition: str | None) -> Floats:
    """Half of a 95% interval of the recall at each place, from the resamples, shape as `x`."""
    draws = np.stack([_in_weather(sight, what, x, condition, draw) for draw in range(1, DRAWS + 1)])
    return np.asarray(1.96 * np.sqrt(np.mean((draws - _in_weather(sight, what, x, condition)) ** 2, axis=0)))


def quickest_stop_m(plan: Plan) -> float:
    """How far the vehicle of a design goes until it stands, from the capture of one frame that nothing waits before.

    The network's time alone, half a tick of the planner, the delay of the brakes, and braking, at the speed of the beginning.
    """
    spec = plan.scenario.encounters
    assert spec is not None
    network_s = plan.latencies[next(iter(spec.sees))].mean_s(1)
    reaction_s = network_s + 0.5 / spec.braking.planner_hz.value + spec.braking.actuation_s.value
    return stopping_m(plan, float(speed_at(plan, np.zeros(1))[0]) / KMH, reaction_s)


def stopping_m(plan: Plan, kmh: float, reaction_s: float) -> float:
    """How far a vehicle goes until it stands, from the frame that confirms an object in its way: v t + v^2 / (2 a).

    reaction_s: from that frame until the brakes hold
    """
    spec = plan.scenario.encounters
    assert spec is not None
    speed = kmh * KMH
    return speed * reaction_s + speed**2 / (2 * deceleration_of(spec, spec.condition))


def recall_at(plan: Plan, stage: str, distance_m: float) -> float:
    """What a stage finds in one frame at a distance, on average over the kinds of encounters by their shares."""
    spec, sights = plan.scenario.encounters, plan.sights
    assert spec is not None
    assert sights is not None
    sight, found = sights.by_stage[stage], 0.0
    for kind in spec.kinds.values():
        scale = sight.spec.scale_px
        x = distance_m if scale is None else scale * kind.height_m.mean / distance_m
        found += kind.share.value * float(_in_weather(sight, kind.object, np.array([x]), spec.condition)[0])
    return found


def front(plan: Plan, distance_m: float) -> pd.DataFrame:
    """The options of the choice of a model, beside this design: a row an option, by latency.

    Columns: choice, option, label, latency_ms (of one frame alone, in the network), low_ms, high_ms (the band of a projection),
    recall (in one frame, at that distance, over the kinds of encounters by their shares), on_front (none is faster and finds as
    much), picked. Empty where no choice changes what looks.
    """
    found = [_row(plan, name, option, distance_m) for name, option in _options(plan)]
    rows = pd.DataFrame([row for row in found if row is not None])
    if rows.empty:
        return rows
    rows = rows.sort_values(["latency_ms", "recall"], ascending=[True, False], ignore_index=True)
    rows["on_front"] = rows["recall"] > rows["recall"].cummax().shift(fill_value=-np.inf)
    return rows


def _options(plan: Plan) -> list[tuple[str, str]]:
    """The options of every choice that says whose recall the first stage that looks has."""
    spec = plan.scenario.encounters
    assert spec is not None
    place = ("encounters", "sees", next(iter(spec.sees)), "finds")
    choices = (plan.authored or plan.scenario).choices
    return [
        (name, option)
        for name, choice in choices.items()
        if isinstance(choice, Options)
        for option in choice.options
        if place in choice.changes(option)
    ]


def _row(plan: Plan, choice: str, option: str, distance_m: float) -> dict[str, object] | None:
    authored = plan.authored or plan.scenario
    try:
        other = compile_plan(authored, plan.design | {choice: option}, figures=plan.figures)
    except ScenarioError:
        return None
    spec, sights = other.scenario.encounters, other.sights
    assert spec is not None
    assert sights is not None
    stage = next(iter(spec.sees))
    edges = [replace(other, latencies=other.latencies | {stage: one}) for one in other.bands.get(stage, ())]
    low, high = sorted(_latency_ms(edge, stage) for edge in edges) if edges else (np.nan, np.nan)
    label = authored.choices[choice].options[option].label  # type: ignore[union-attr]
    recall = recall_at(other, stage, distance_m)
    told = {"choice": choice, "option": option, "label": label, "latency_ms": _latency_ms(other, stage)}
    return told | {"low_ms": low, "high_ms": high, "recall": recall, "picked": plan.design.get(choice) == option}


def _latency_ms(plan: Plan, stage: str) -> float:
    return 1000 * plan.latencies[stage].mean_s(1)
