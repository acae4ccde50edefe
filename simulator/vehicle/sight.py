"""Sight of a design: its recall by distance, its stopping distance, and the evidence behind both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.arrays import Floats
from simulator.case.choices import Options
from simulator.case.document import ScenarioError
from simulator.case.fields import Source
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import StageGatherer
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.evidence.catalogue import instruction_set_of
from simulator.evidence.detection_tables import load_scales, profile_of, shifted
from simulator.evidence.drive_tables import NOT_INSTALLED, drive_files, load_drives
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.evidence_tables import DRAWS
from simulator.paths import DETECTIONS, DRIVES
from simulator.units import duration
from simulator.vehicle.detector_answers import (
    Alarms,
    Finder,
    Misses,
    Ranging,
    Recall,
    alarms_at,
    alarms_of,
    correlation_of,
    difference_of,
    has_scores,
    input_shift_of,
    misses_of,
    ranging_of,
    recall_of,
    shifts_of,
    times_of,
)
from simulator.vehicle.encounter_draws import KMH, deceleration_of, speed_at
from simulator.vehicle.encounter_section import Condition, Encounters, Object
from simulator.vehicle.encounter_section import Sight as SightSpec

#: Distances at which a recall is told, in metres.
DISTANCES_M = np.linspace(2.0, 80.0, 79)


@dataclass(frozen=True)
class Sighted:
    """The recall of one stage in a single frame, over the distance; shapes (k,).

    low, high: its 95% interval
    """

    stage: str
    label: str
    object: str
    distance_m: Floats
    recall: Floats
    low: Floats
    high: Floats


def sighted(plan: Plan, what: str) -> list[Sighted]:
    """Return the recall of each stage that looks for a kind of object, at the case's mean height and in its weather."""
    spec, sights = plan.scenario.encounters, sights_in(plan)
    height = float(np.mean([kind.height_m.mean for kind in spec.kinds.values() if kind.object == what]))
    result = []
    for stage, sight in sights.by_stage.items():
        scale = sight.spec.scale_px
        x = DISTANCES_M if scale is None else scale * height / DISTANCES_M
        shares, spread = _in_weather(sight, what, x, spec.condition), _spread(sight, what, x, spec.condition)
        low, high = np.clip(shares - spread, 0, 1), np.clip(shares + spread, 0, 1)
        label = plan.scenario.label_of(stage)
        result.append(Sighted(stage, label, what, DISTANCES_M, shares, low, high))
    return result


def _in_weather(sight: StageSight, what: str, x: Floats, condition: str | None, draw: int = 0) -> Floats:
    """Return the recall at each place, shape as `x`, as a condition leaves it; None for a clear day."""
    clear = sight.recalls[what].at(x, draw)
    return clear if condition is None else shifted(clear, float(sight.shifts[condition][draw]))


def _spread(sight: StageSight, what: str, x: Floats, condition: str | None) -> Floats:
    """Return half of a 95% interval of the recall at each place, from the resamples, shape as `x`."""
    draws = np.stack([_in_weather(sight, what, x, condition, draw) for draw in range(1, DRAWS + 1)])
    return np.asarray(1.96 * np.sqrt(np.mean((draws - _in_weather(sight, what, x, condition)) ** 2, axis=0)))


def quickest_stop_m(plan: Plan) -> float:
    """Return the metres that a vehicle goes until it stands, from the capture of a frame that waits for nothing.

    The network's time alone, half a tick of the planner, the delay of the brakes, and braking, at the speed of the beginning.
    """
    spec = plan.scenario.encounters
    network_s = plan.latencies[next(iter(spec.sees))].mean_s(1)
    reaction_s = network_s + 0.5 / spec.braking.planner_hz.value + spec.braking.actuation_s.value
    return stopping_m(plan, float(speed_at(plan, np.zeros(1))[0]) / KMH, reaction_s)


def stopping_m(plan: Plan, kmh: float, reaction_s: float) -> float:
    """Return the metres that a vehicle goes until it stands, from the frame that confirms an object: v t + v^2 / (2 a).

    reaction_s: from that frame until the brakes hold
    """
    spec = plan.scenario.encounters
    speed = kmh * KMH
    return speed * reaction_s + speed**2 / (2 * deceleration_of(spec, spec.condition))


def recall_at(plan: Plan, stage: str, distance_m: float) -> float:
    """Return the recall of a stage in one frame at a distance, on average over the kinds of encounters by their shares."""
    spec, sights = plan.scenario.encounters, sights_in(plan)
    sight, recall = sights.by_stage[stage], 0.0
    for kind in spec.kinds.values():
        scale = sight.spec.scale_px
        x = distance_m if scale is None else scale * kind.height_m.mean / distance_m
        recall += kind.share.value * float(_in_weather(sight, kind.object, np.array([x]), spec.condition)[0])
    return recall


def front(plan: Plan, distance_m: float) -> pd.DataFrame:
    """Return the options of the choice of a model, beside this design: a row an option, by latency.

    Columns: choice, option, label, latency_ms (of one frame alone, in the network), low_ms, high_ms (the band of a projection),
    recall (in one frame, at that distance, over the kinds of encounters by their shares), on_front (none is faster and finds as
    much), picked. Empty where no choice changes what looks.
    """
    options = [_row(plan, name, option, distance_m) for name, option in _options(plan)]
    rows = pd.DataFrame([row for row in options if row is not None])
    if rows.empty:
        return rows
    rows = rows.sort_values(["latency_ms", "recall"], ascending=[True, False], ignore_index=True)
    rows["on_front"] = rows["recall"] > rows["recall"].cummax().shift(fill_value=-np.inf)
    return rows


def _options(plan: Plan) -> list[tuple[str, str]]:
    spec = plan.scenario.encounters
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
    stage = next(iter(other.scenario.encounters.sees))
    edges = [replace(other, latencies=other.latencies | {stage: latency}) for latency in other.bands.get(stage, ())]
    low, high = sorted(_latency_ms(edge, stage) for edge in edges) if edges else (np.nan, np.nan)
    label = authored.choices[choice].options[option].label  # type: ignore[union-attr]
    recall = recall_at(other, stage, distance_m)
    columns = {"choice": choice, "option": option, "label": label, "latency_ms": _latency_ms(other, stage)}
    return columns | {"low_ms": low, "high_ms": high, "recall": recall, "picked": plan.design.get(choice) == option}


def _latency_ms(plan: Plan, stage: str) -> float:
    return 1000 * plan.latencies[stage].mean_s(1)


@dataclass(frozen=True)
class StageSight:
    """The evidence of one stage that looks.

    recalls, misses: by object; alarms: where nothing is; shifts: of the recall, by condition, shape (1 + draws,) each
    ranging: errors of its distances, by object; empty where they are exact
    first_alarms: false first sights, which gentle braking answers; None where the case has none
    """

    spec: SightSpec
    recalls: Mapping[str, Recall]
    misses: Mapping[str, Misses]
    alarms: Alarms
    shifts: Mapping[str, Floats]
    ranging: Mapping[str, Ranging] = field(default_factory=dict)
    first_alarms: Alarms | None = None

    @property
    def is_camera(self) -> bool:
        return any(recall.by == "height_px" for recall in self.recalls.values())


@dataclass(frozen=True)
class Sights:
    """The evidence of all stages that look.

    by_stage: in the order of the file; correlations: of what camera and LiDAR miss, by object: estimate, low, high; empty
    where only one of the two looks
    """

    by_stage: Mapping[str, StageSight]
    correlations: Mapping[str, Floats] = field(default_factory=dict)


def sights_of(plan: Plan) -> Sights | None:
    """Return what looks in a plan; None in a case without encounters."""
    sights: Sights | None = plan.of_sections.get("encounters")
    return sights


def sights_in(plan: Plan) -> Sights:
    """Return what looks in a plan of a case with encounters."""
    sights = sights_of(plan)
    assert sights is not None
    return sights


def look_up(gather: StageGatherer, spec: Encounters) -> Sights | None:
    """Return the evidence of every stage that looks; faults are noted in `gather`."""
    objects = list(dict.fromkeys(kind.object for kind in spec.kinds.values()))
    if not DRIVES.is_dir():
        gather.missing(("encounters",), NOT_INSTALLED)
        return None
    if not _measured(gather, spec):
        return None
    sights = {}
    for stage, sight in spec.sees.items():
        try:
            rate_per_s = gather.scenario.arrivals.content.frames_per_s[sight.sensors[0]]
            sights[stage] = _sight(spec, sight, objects, rate_per_s)
        except InputError as error:
            place = ("encounters", "sees", stage, getattr(error, "field", ""))
            gather.missing(place, str(error))
            continue
        label = gather.scenario.label_of(stage)
        gather.sources += [*_sources(label, sights[stage]), *_weather_sources(label, spec, sight)]
        if not Finder(sight.finds).on_road and stage in gather.machines:
            _, precision = profile_of(sight.finds)
            measured_on = instruction_set_of(load_scales().about.processor)
            gather.doubt_eight_bits(f"{label}: share of objects found", gather.machines[stage], precision, measured_on)
        if (sight.focal_px is None) == sights[stage].is_camera:
            problem = (
                "give focal_px: heights in its picture decide what it finds"
                if sights[stage].is_camera
                else "leave focal_px out"
            )
            gather.missing(("encounters", "sees", stage), f"'{sight.finds}': {problem}")
    if len(sights) < len(spec.sees):
        return None
    gather.note(drive_files(DRIVES) | _still_files(sights))
    return _together(gather, spec, sights, objects)


def _together(
    gather: StageGatherer, spec: Encounters, sights: Mapping[str, StageSight], objects: Sequence[Object]
) -> Sights | None:
    kinds = {sight.is_camera for sight in sights.values()}
    if spec.fuses == "both" and len(kinds) == 1:
        problem = f"both must confirm, but only {'cameras' if True in kinds else 'LiDARs'} look; write either"
        gather.missing(("encounters", "fuses"), problem)
    try:
        return Sights(sights, _correlations(sights, objects))
    except EvidenceError as error:
        gather.missing(("encounters", "sees"), str(error))
        return None


def _measured(gather: StageGatherer, spec: Encounters) -> bool:
    before = len(gather.faults)
    for name, condition in spec.conditions.items():
        try:
            shifts_of("", condition.corruption, condition.severity)
        except InputError as error:
            place = ("encounters", "conditions", name, getattr(error, "field", ""))
            gather.missing(place, str(error))
    return len(gather.faults) == before


def _sight(spec: Encounters, sight: SightSpec, objects: Sequence[Object], rate_per_s: float) -> StageSight:
    follows, gentle = sight.misses_as or sight.finds, spec.braking.gentle
    with _about("finds"):
        recalls: dict[str, Recall] = {
            what: recall_of(sight.finds, sight.stands_in.get(what, what), sight.threshold) for what in objects
        }
    with _about("differs_as"):
        recalls |= {what: _shifted_by(recalls[what], _differs(sight, what)) for what in objects if what in sight.stands_in}
    if sight.picture_part is not None and sight.picture_part != 1:
        shift = input_shift_of(sight.finds, sight.picture_part)
        recalls = {what: _shifted_by(recall, shift) for what, recall in recalls.items()}
    with _about("ranges_by"):
        ranging: Mapping[str, Ranging] = (
            {what: ranging_of(sight.ranges_by, what) for what in objects} if sight.ranges_by else {}
        )
    with _about("misses_as"):
        misses: Mapping[str, Misses] = {what: misses_of(follows, what) for what in objects}
    with _about("alarms_as"):
        counted = _counted(spec, sight, spec.confirms.hits, rate_per_s)
        first = _counted(spec, sight, gentle.hits, rate_per_s) if gentle else None
    return StageSight(
        spec=sight,
        recalls=recalls,
        misses=misses,
        alarms=counted,
        shifts={name: _shifts(sight, condition) for name, condition in spec.conditions.items()},
        ranging=ranging,
        first_alarms=first,
    )


def _counted(spec: Encounters, sight: SightSpec, hits: int, rate_per_s: float) -> Alarms:
    """Return false answers that stay for so many frames, in the weather of the design."""
    alarms = sight.alarms_as or sight.finds
    same = alarms == sight.finds
    counted = alarms_of(alarms, sight.threshold if same else None, hits, rate_per_s)
    return _in_condition(counted if same else alarms_at(counted, sight.finds, sight.threshold), spec, sight)


def _differs(sight: SightSpec, what: Object) -> Floats:
    """Return the shift of the recall of an object against that of its stand-in, shape (1 + draws,)."""
    if not sight.differs_as:
        return np.zeros(1 + DRAWS)
    return difference_of(sight.differs_as, what, sight.stands_in[what])


def _shifted_by(recall: Recall, shift: Floats) -> Recall:
    return replace(recall, shares=shifted(recall.shares, shift[:, None]))


@contextmanager
def _about(field: str) -> Iterator[None]:
    try:
        yield
    except EvidenceError as error:
        error.field = error.field or field
        raise


def _shifts(sight: SightSpec, condition: Condition) -> Floats:
    """Return the shift of the recall under a condition: measured on images, or the one that the case gives for a LiDAR."""
    if sight.focal_px is not None:
        return shifts_of(sight.finds, condition.corruption, condition.severity)
    return np.full(1 + DRAWS, condition.lidar_shift.value if condition.lidar_shift else 0.0)


def _in_condition(alarms: Alarms, spec: Encounters, sight: SightSpec) -> Alarms:
    """Return false answers in the weather of the design: a camera's by what was counted on images, a LiDAR's as they are."""
    if spec.condition is None or sight.focal_px is None:
        return alarms
    condition = spec.conditions[spec.condition]
    times = times_of(sight.finds, condition.corruption, condition.severity)
    rates = (alarms.per_hour * times.value, alarms.low * times.low, alarms.high * max(times.high, 1.0))
    return replace(alarms, count=alarms.count * times.value, per_hour=rates[0], low=rates[1], high=rates[2])


def _correlations(sights: Mapping[str, StageSight], objects: Sequence[Object]) -> dict[str, Floats]:
    cameras = [sight.spec.misses_as or sight.spec.finds for sight in sights.values() if sight.is_camera]
    lidars = [sight.spec.finds for sight in sights.values() if not sight.is_camera]
    return {what: correlation_of(cameras[0], lidars[0], what) for what in objects} if cameras and lidars else {}


def _still_files(sights: Mapping[str, StageSight]) -> dict[str, Path]:
    used = any(sight.shifts or not Finder(sight.spec.finds).on_road for sight in sights.values())
    names = ["scales.csv", "conditions.csv", "weather.csv"] if used else []
    smaller = any(sight.spec.picture_part not in (None, 1) for sight in sights.values())
    return {f"detections/{name}": DETECTIONS / name for name in [*names, *(["inputs.csv"] if smaller else [])]}


def _weather_sources(label: str, spec: Encounters, sight: SightSpec) -> Iterator[Source]:
    """Name what the weather of the design takes from a stage that looks."""
    if spec.condition is None:
        return
    condition = spec.conditions[spec.condition]
    if sight.focal_px is not None:
        times = times_of(sight.finds, condition.corruption, condition.severity)
        why = "answers that touch no labelled object, on 128 spoilt images beside the clean ones"
        yield Source(f"{label}: false answers in this weather", "projected", f"times {times.value:.2g}", why)
    elif condition.lidar_shift is None:
        yield Source(f"{label}: share of objects found in this weather", "assumed", "as on a clear day", "nothing is known")
    else:
        shift = condition.lidar_shift
        yield Source(f"{label}: share of objects found in this weather", shift.kind, f"shift {shift.value:g}", shift.source)


def _sources(label: str, sight: StageSight) -> Iterator[Source]:
    spec, finder = sight.spec, Finder(sight.spec.finds)
    road = load_drives(DRIVES).about.attribution
    still = "measured by CaseSim on 128 still images of COCO val2017, which are not the road; annotations CC BY 4.0"
    at = f" from a score of {spec.threshold:g} on" if spec.threshold is not None and has_scores(spec.finds) else ""
    origin = f"{finder.series}{road}" if finder.on_road else still
    kind = "projected" if finder.restored else "measured"
    yield Source(f"{label}: share of objects found", kind, f"{spec.finds}{at}", origin)
    yield from _stand_ins(label, spec)
    if spec.picture_part is not None and spec.picture_part != 1:
        shift = input_shift_of(spec.finds, spec.picture_part)
        by = "projected" if finder.on_road else "measured"
        of = "three small detectors on 128 still images" if finder.on_road else "this detector on 128 still images"
        value = f"heights times {spec.picture_part:g}, then shift {shift[0]:+.2f}"
        yield Source(f"{label}: share of objects found in a smaller picture", by, value, f"{of}, of COCO val2017, CC BY 4.0")
    if sight.first_alarms is not None:
        first = sight.first_alarms
        value = f"{first.count:.3g} in {60 * first.hours:.0f} minutes, kept over {first.kept_frames} frames"
        yield Source(f"{label}: false first sights in the vehicle's way", kind, value, road)
    if spec.ranges_by is not None:
        boxes = Finder(spec.ranges_by).series  # those of a camera are a tracker's
        yield Source(f"{label}: errors of distances and closing speeds", "measured", f"by {spec.ranges_by}", f"{boxes}{road}")
    borrowed = spec.misses_as is not None and spec.misses_as != spec.finds
    why = f"taken to follow each other as those of {spec.misses_as} do; {road}" if borrowed else road
    shares = next(iter(sight.misses.values()))
    words = f"{shares.of_object[0]:.0%} stays with the object, {shares.slow[0]:.0%} passes within {shares.tau_s[0]:.2g} s"
    yield Source(f"{label}: how misses follow each other", "projected" if borrowed else "measured", words, why)
    alarms, borrowed = sight.alarms, spec.alarms_as is not None and spec.alarms_as != spec.finds
    stays = f"{alarms.kept_frames} frames within {duration(alarms.stays_s)}"
    problem = f"{alarms.count:.3g} in {60 * alarms.hours:.0f} minutes, kept over {stays}"
    why = f"taken to be those of {spec.alarms_as}; {road}" if borrowed else road
    yield Source(f"{label}: false answers in the vehicle's way", "projected" if borrowed else "measured", problem, why)


def _stand_ins(label: str, spec: SightSpec) -> Iterator[Source]:
    """Yield the evidence of each object that was not measured."""
    for what, like in spec.stands_in.items():
        if not spec.differs_as:
            reason = "it was not measured; taken to be found like a thing of the same size that was measured"
            yield Source(f"{label}: {what}s", "assumed", f"as {like}s", reason)
            continue
        shift = _differs(spec, what)
        ends = np.array([shift[0], *np.quantile(shift[1:], [0.025, 0.975])])
        half, low, high = shifted(np.full(3, 0.5), ends)
        value = f"{half:.0%} ({low:.0%} to {high:.0%}) are found where half of the {like}s of that height are"
        of = " and ".join(finder.finds for finder in spec.differs_as)
        yield Source(f"{label}: {what}s", "projected", value, f"the recall of both differs so for {of}")
