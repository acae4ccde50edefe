"""What an incident rests on: conditions and networks that were measured, and categories that were labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from simulator.case.document import Path
from simulator.case.fields import Source
from simulator.errors import InputError, suggest
from simulator.evidence.detection_tables import DetectionError, read_about
from simulator.evidence.evidence_files import read_table, read_yaml, remembered
from simulator.evidence.scene_tables import SceneError, ScenesAbout
from simulator.incident.cause_kinds import ConditionEffect, Effect, NetworkEffect, ScenesEffect
from simulator.incident.section import Incident, Release
from simulator.incident.step_kinds import NetworkFix
from simulator.paths import DETECTIONS, FEATURES, SCENES

if TYPE_CHECKING:
    from simulator.engine.plan import Gatherer

Faults = Iterator[tuple[Path, str]]


@dataclass(frozen=True)
class IncidentEvidence:
    """What there is: severities by condition, precisions, detectors, and the categories of labelled boxes."""

    severities: dict[str, list[int]]
    detectors: list[str]
    precisions: list[str]
    categories: list[str]
    sentence: str


def look_up(gather: Gatherer, spec: Incident) -> None:
    """Note what an incident rests on; what was not measured is a fault in `gather`."""
    try:
        known = measured(DETECTIONS)
    except InputError as error:
        gather.faults.append(gather.scenario.document.fault(("incident",), str(error)))
        return
    faults = [*_causes(spec, known), *_networks(spec, known), *_categories(spec, known), *_usual(spec, known)]
    gather.faults += [gather.scenario.document.fault(("incident", *path), message) for path, message in faults]
    files = [folder / name for folder in (DETECTIONS, SCENES) for name in ("answers.parquet", "outcomes.parquet")]
    gather.note({f"{file.parent.name}/{file.name}": file for file in [*files, FEATURES / "features.parquet"]})
    gather.sources.append(Source("what the detector finds in each frame", "measured", "by image and condition", known.sentence))


@remembered("about.yaml", "boxes.parquet")
def measured(folder: File) -> IncidentEvidence:
    """What the detection tables and the scenes hold; raises DetectionError or SceneError."""
    about, scenes = read_about(folder), read_yaml(SCENES / "about.yaml", TypeAdapter(ScenesAbout), SceneError)
    told = about.conditions | scenes.conditions
    both = [precision for precision in about.precisions if precision in scenes.precisions]
    return IncidentEvidence(
        {name: sorted(one.strengths) for name, one in told.items()},
        list(about.detectors),
        both,
        sorted(read_table(folder / "boxes.parquet", ["category"], DetectionError)["category"].astype(str).unique()),
        f"{about.dataset}, {about.date}; crops and mixtures of them, {scenes.date}",
    )


def _setting(condition: str, severity: int, known: IncidentEvidence) -> Faults:
    if condition not in known.severities:
        yield ("condition",), f"'{condition}' was not measured; {suggest(condition, known.severities)}"
    elif severity not in known.severities[condition]:
        there = ", ".join(map(str, known.severities[condition]))
        yield ("severity",), f"{condition} was not measured at severity {severity}; it was at {there}"


def _network(detector: str, precision: str, known: IncidentEvidence) -> Faults:
    for field, name, there in (("detector", detector, known.detectors), ("precision", precision, known.precisions)):
        if name not in there:
            yield (field,), f"'{name}' was not measured; {suggest(name, there)}"


def _causes(spec: Incident, known: IncidentEvidence) -> Faults:
    parts: list[tuple[str, str, list[Effect]]] = [
        *(("causes", name, cause.effects) for name, cause in spec.causes.items()),
        *(("decoys", name, decoy.effects) for name, decoy in spec.decoys.items()),
    ]
    for section, name, effects in parts:
        for index, effect in enumerate(effects):
            yield from (((section, name, "effects", index, *path), message) for path, message in _effect(effect, known))


def _effect(effect: Effect, known: IncidentEvidence) -> Faults:
    if isinstance(effect, ConditionEffect) or (isinstance(effect, ScenesEffect) and effect.condition is not None):
        yield from _setting(str(effect.condition), effect.severity, known)
    elif isinstance(effect, NetworkEffect):
        yield from _network(effect.detector, effect.precision, known)


def _networks(spec: Incident, known: IncidentEvidence) -> Faults:
    networks: dict[Path, Release | NetworkFix] = {("release",): spec.release, ("previous",): spec.previous}
    networks |= {("fixes", name): fix for name, fix in spec.fixes.items() if isinstance(fix, NetworkFix)}
    for place, one in networks.items():
        yield from (((*place, *path), message) for path, message in _network(one.detector, one.precision, known))


def _categories(spec: Incident, known: IncidentEvidence) -> Faults:
    named: list[tuple[Path, Iterable[str]]] = [(("harm", "weights"), spec.harm.weights)]
    named += [(("scenes", "groups", name), categories) for name, categories in spec.scenes.groups.items()]
    for place, categories in named:
        for name in categories:
            if name not in known.categories:
                yield place, f"no labelled image shows '{name}'; {suggest(name, known.categories)}"


def _usual(spec: Incident, known: IncidentEvidence) -> Faults:
    for index, one in enumerate(spec.usual):
        yield from ((("usual", index, *path), message) for path, message in _setting(one.condition, one.severity, known))
