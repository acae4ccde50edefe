"""The evidence of an incident: measured conditions and networks, and labelled categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from simulator.case.document import Path
from simulator.case.fields import Source
from simulator.errors import InputError, suggest
from simulator.evidence.catalogue import InstructionSet, instruction_set_of
from simulator.evidence.detection_tables import read_about
from simulator.evidence.evidence_files import read_yaml
from simulator.evidence.evidence_tables import Table, columns
from simulator.evidence.scene_tables import ScenesAbout
from simulator.files import remembered
from simulator.incident.fixes import NetworkFix
from simulator.incident.section import Incident, Release
from simulator.paths import DETECTIONS, FEATURES, SCENES

if TYPE_CHECKING:
    from simulator.engine.contract import StageGatherer

Faults = Iterator[tuple[Path, str]]


@dataclass(frozen=True)
class IncidentEvidence:
    """The measured severities by condition, detectors and precisions, and the categories of labelled boxes."""

    severities: dict[str, list[int]]
    detectors: list[str]
    precisions: list[str]
    categories: list[str]
    instruction_set: InstructionSet | None
    sentence: str

    def setting_faults(self, condition: str, severity: int) -> Faults:
        if condition not in self.severities:
            yield ("condition",), f"'{condition}' was not measured; {suggest(condition, self.severities)}"
        elif severity not in self.severities[condition]:
            there = ", ".join(map(str, self.severities[condition]))
            yield ("severity",), f"{condition} was not measured at severity {severity}; it was at {there}"

    def network_faults(self, detector: str, precision: str) -> Faults:
        for field, name, there in (("detector", detector, self.detectors), ("precision", precision, self.precisions)):
            if name not in there:
                yield (field,), f"'{name}' was not measured; {suggest(name, there)}"

    def category_faults(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if name not in self.categories:
                yield f"no labelled image shows '{name}'; {suggest(name, self.categories)}"


def look_up(gather: StageGatherer, spec: Incident) -> None:
    """Note the evidence of an incident; a name without measurements is a fault in `gather`."""
    try:
        known = measured(DETECTIONS)
    except InputError as error:
        gather.missing(("incident",), str(error))
        return
    document = gather.scenario.document
    gather.faults += [document.fault(path, message, code="evidence") for path, message in _unmeasured(spec, known)]
    files = [folder / name for folder in (DETECTIONS, SCENES) for name in ("answers.parquet", "outcomes.parquet")]
    gather.note({f"{file.parent.name}/{file.name}": file for file in [*files, FEATURES / "features.parquet"]})
    networks: list[Release | NetworkFix] = [spec.release, spec.previous, *spec.fixes_of(NetworkFix).values()]
    for machine in gather.machines.values():
        for precision in sorted({network.precision for network in networks}):
            gather.doubt_eight_bits("what the detector finds", machine, precision, known.instruction_set)
    gather.sources.append(Source("what the detector finds in each frame", "measured", "by image and condition", known.sentence))


_CATEGORIES = Table("boxes.parquet", columns("category"))


@remembered("about.yaml", "boxes.parquet")
def measured(folder: File) -> IncidentEvidence:
    """Read the contents of the detection tables and the scenes; raises EvidenceError."""
    about, scenes = read_about(folder), read_yaml(SCENES / "about.yaml", TypeAdapter(ScenesAbout))
    conditions = about.conditions | scenes.conditions
    both = [precision for precision in about.precisions if precision in scenes.precisions]
    return IncidentEvidence(
        {name: sorted(condition.strengths) for name, condition in conditions.items()},
        list(about.detectors),
        both,
        sorted(_CATEGORIES.read(folder)["category"].astype(str).unique()),
        instruction_set_of(about.processor),
        f"{about.dataset}, {about.date}; crops and mixtures of them, {scenes.date}",
    )


def _unmeasured(spec: Incident, known: IncidentEvidence) -> Faults:
    """Yield conditions, networks and categories without measurements, each with its place in the case."""
    for place, part in _parts(spec, ("incident",)):
        faults = [*_faults_of(part, known)]
        if part is spec.harm:
            faults += [(("weights",), fault) for fault in known.category_faults(spec.harm.weights)]
        if part is spec.scenes:
            groups = spec.scenes.groups.items()
            faults += [(("groups", name), fault) for name, group in groups for fault in known.category_faults(group)]
        yield from (((*place, *path), fault) for path, fault in faults)


def _parts(part: object, place: Path) -> Iterator[tuple[Path, BaseModel]]:
    """Yield every model in a part of the section, with its place."""
    inner: Iterable[tuple[str | int, object]] = ()
    if isinstance(part, BaseModel):
        yield place, part
        inner = iter(part)
    elif isinstance(part, dict):
        inner = part.items()
    elif isinstance(part, list):
        inner = enumerate(part)
    for key, value in inner:
        yield from _parts(value, (*place, key))


def _faults_of(part: Any, known: IncidentEvidence) -> Faults:
    """Yield the faults of a part with a condition and its severity, or with a detector and its precision."""
    fields = type(part).model_fields.keys()
    if fields >= {"condition", "severity"} and part.condition is not None:
        yield from known.setting_faults(part.condition, part.severity)
    if fields >= {"detector", "precision"}:
        yield from known.network_faults(part.detector, part.precision)
