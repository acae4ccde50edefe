"""The evidence of an incident: measured conditions and networks, and labelled categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from simulator.case.case_tests import leaves
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

    def category_faults(self, name: str) -> Faults:
        if name not in self.categories:
            yield (), f"no labelled image shows '{name}'; {suggest(name, self.categories)}"


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
    values = dict(leaves(spec, ("incident",)))
    for path, value in values.items():
        *place, field = path
        severity, precision = (values.get((*place, name)) for name in ("severity", "precision"))
        faults: Faults = iter(())
        if field == "condition" and value is not None and severity is not None:
            faults = known.setting_faults(value, severity)
        elif field == "detector" and precision is not None:
            faults = known.network_faults(value, precision)
        elif place == ["incident", "harm", "weights"]:
            faults = known.category_faults(str(field))
        elif place[:3] == ["incident", "scenes", "groups"]:
            faults = known.category_faults(value)
        yield from (((*place, *inner), fault) for inner, fault in faults)
