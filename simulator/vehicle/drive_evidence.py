"""What each stage that looks for objects finds, looked up for a plan: recall, how misses follow each other, false answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.case.fields import Source
from simulator.errors import InputError
from simulator.evidence.drive_tables import (
    Alarms,
    DriveError,
    Finder,
    Misses,
    Recall,
    alarms_at,
    alarms_of,
    correlation_of,
    drive_files,
    has_scores,
    load_drives,
    misses_of,
    recall_of,
    shifts_of,
)
from simulator.paths import DETECTIONS, DRIVES
from simulator.vehicle.encounter_section import Encounters, Object
from simulator.vehicle.encounter_section import Sight as SightSpec

if TYPE_CHECKING:
    from simulator.engine.plan import Gatherer

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StageSight:
    """What one stage finds.

    recalls, misses: by object; alarms: where nothing is; shifts: of the recall, by condition, shape (1 + draws,) each
    """

    spec: SightSpec
    recalls: Mapping[str, Recall]
    misses: Mapping[str, Misses]
    alarms: Alarms
    shifts: Mapping[str, Floats]

    @property
    def is_camera(self) -> bool:
        """Whether the height in a picture decides what it finds."""
        return any(recall.by == "height_px" for recall in self.recalls.values())


@dataclass(frozen=True)
class Sights:
    """What all stages that look find.

    by_stage: in the order of the file; correlations: of what camera and LiDAR miss, by object: estimate, low, high; empty
    where only one of the two looks
    """

    by_stage: Mapping[str, StageSight]
    correlations: Mapping[str, Floats] = field(default_factory=dict)


def look_up(gather: Gatherer, spec: Encounters) -> Sights | None:
    """The evidence of every stage that looks; faults are noted in `gather`."""
    objects = list(dict.fromkeys(kind.object for kind in spec.kinds.values()))
    if not _measured(gather, spec):
        return None
    found = {}
    for stage, sight in spec.sees.items():
        try:
            found[stage] = _sight(spec, sight, objects)
        except InputError as error:
            place = ("encounters", "sees", stage, getattr(error, "field", ""))
            gather.faults.append(gather.scenario.document.fault(place, str(error)))
            continue
        label = gather.scenario.label_of(stage)
        gather.sources += _sources(label, found[stage])
        if (sight.focal_px is None) == found[stage].is_camera:
            told = (
                "give focal_px: heights in its picture decide what it finds" if found[stage].is_camera else "leave focal_px out"
            )
            gather.faults.append(gather.scenario.document.fault(("encounters", "sees", stage), f"'{sight.finds}': {told}"))
    if len(found) < len(spec.sees):
        return None
    gather.note(drive_files(DRIVES) | _still_files(found))
    return _together(gather, spec, found, objects)


def _together(gather: Gatherer, spec: Encounters, found: Mapping[str, StageSight], objects: Sequence[Object]) -> Sights | None:
    """What cameras and LiDARs find beside each other; faults are noted in `gather`."""
    kinds = {sight.is_camera for sight in found.values()}
    if spec.fuses == "both" and len(kinds) == 1:
        told = f"both must confirm, but only {'cameras' if True in kinds else 'LiDARs'} look; write either"
        gather.faults.append(gather.scenario.document.fault(("encounters", "fuses"), told))
    try:
        return Sights(found, _correlations(found, objects))
    except DriveError as error:
        gather.faults.append(gather.scenario.document.fault(("encounters", "sees"), str(error)))
        return None


def _measured(gather: Gatherer, spec: Encounters) -> bool:
    """Whether every condition was measured; those that were not are faults."""
    before = len(gather.faults)
    for name, one in spec.conditions.items():
        try:
            shifts_of("", one.corruption, one.severity)
        except InputError as error:
            place = ("encounters", "conditions", name, getattr(error, "field", ""))
            gather.faults.append(gather.scenario.document.fault(place, str(error)))
    return len(gather.faults) == before


def _sight(spec: Encounters, sight: SightSpec, objects: Sequence[Object]) -> StageSight:
    follows, alarms = sight.misses_as or sight.finds, sight.alarms_as or sight.finds
    same = alarms == sight.finds
    with _about("finds"):
        recalls: Mapping[str, Recall] = {
            what: recall_of(sight.finds, sight.stands_in.get(what, what), sight.threshold) for what in objects
        }
    with _about("misses_as"):
        misses: Mapping[str, Misses] = {what: misses_of(follows, what) for what in objects}
    with _about("alarms_as"):
        counted = alarms_of(alarms, sight.threshold if same else None, spec.confirms.hits)
        counted = counted if same else alarms_at(counted, sight.finds, sight.threshold)
    return StageSight(
        spec=sight,
        recalls=recalls,
        misses=misses,
        alarms=counted,
        shifts={name: _shifts(sight, one.corruption, one.severity) for name, one in spec.conditions.items()},
    )


@contextmanager
def _about(field: str) -> Iterator[None]:
    """Says of an error that tells no field of its own that it is about this one."""
    try:
        yield
    except DriveError as error:
        error.field = error.field or field
        raise


def _shifts(sight: SightSpec, corruption: str, severity: int) -> Floats:
    """What a condition takes from a camera; what weather takes from a LiDAR was not measured here."""
    found = shifts_of(sight.finds, corruption, severity)
    return found if sight.focal_px is not None else np.zeros_like(found)


def _correlations(found: Mapping[str, StageSight], objects: Sequence[Object]) -> dict[str, Floats]:
    cameras = [sight.spec.misses_as or sight.spec.finds for sight in found.values() if sight.is_camera]
    lidars = [sight.spec.finds for sight in found.values() if not sight.is_camera]
    return {what: correlation_of(cameras[0], lidars[0], what) for what in objects} if cameras and lidars else {}


def _still_files(found: Mapping[str, StageSight]) -> dict[str, Path]:
    used = any(sight.shifts or not Finder(sight.spec.finds).on_road for sight in found.values())
    return {f"detections/{name}": DETECTIONS / name for name in ("scales.csv", "conditions.csv") if used}


def _sources(label: str, sight: StageSight) -> Iterator[Source]:
    spec, on_road = sight.spec, Finder(sight.spec.finds).on_road
    road = load_drives(DRIVES).about.attribution
    still = "measured by CaseSim on 128 still images of COCO val2017, which are not the road; annotations CC BY 4.0"
    at = f" from a score of {spec.threshold:g} on" if spec.threshold is not None and has_scores(spec.finds) else ""
    yield Source(f"{label}: share of objects found", "measured", f"{spec.finds}{at}", road if on_road else still)
    for what, like in spec.stands_in.items():
        reason = "nobody measured it; taken to be found like a thing of the same size that was measured"
        yield Source(f"{label}: {what}s", "assumed", f"as {like}s", reason)
    borrowed = spec.misses_as is not None and spec.misses_as != spec.finds
    why = f"taken to follow each other as those of {spec.misses_as} do; {road}" if borrowed else road
    shares = next(iter(sight.misses.values()))
    kept = f"{shares.of_object[0]:.0%} stays with the object, {shares.slow[0]:.0%} passes within {shares.tau_s[0]:.2g} s"
    yield Source(f"{label}: how misses follow each other", "projected" if borrowed else "measured", kept, why)
    alarms, borrowed = sight.alarms, spec.alarms_as is not None and spec.alarms_as != spec.finds
    told = f"{alarms.count:g} in {60 * alarms.hours:.0f} minutes, kept over {alarms.kept_frames} frames"
    why = f"taken to be those of {spec.alarms_as}; {road}" if borrowed else road
    yield Source(f"{label}: false answers in the vehicle's way", "projected" if borrowed else "measured", told, why)
