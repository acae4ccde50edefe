"""Sections of a case that a feature brings. The module of a section is imported when a case has it, or when all are listed."""

from __future__ import annotations

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from simulator.case.document import Path
from simulator.case.fields import Strict

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase
    from simulator.case.outputs import Metric

#: The place of each section's model, as `module:name`, by the section's name in a case.
PLACES = {
    "encounters": "simulator.vehicle.encounter_section:Encounters",
    "vehicle": "simulator.vehicle.encounter_section:Vehicle",
    "incident": "simulator.incident.section:Incident",
}


class Provided:
    """In an annotation: the model of a section, imported for the first case that has one, or None where a case lacks it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def models_for(self, data: Any) -> list[type[Section]]:
        return [section_model(self.name)]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the section's model, or of None; faults of the model are those of the case."""
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(core_schema.nullable_schema(section_model(self.name).__pydantic_core_schema__))

    def _validated(self, data: Any) -> Section | None:
        return None if data is None else section_model(self.name).model_validate(data)


class Section(Strict):
    """A section that a feature brings.

    It names functions of its feature that layers above call, each as `module:name`; empty for none.
    """

    #: Takes the section, or the plain data of one that may have faults; yields the metrics that it adds to a run.
    metrics_from: ClassVar[str] = ""
    #: Takes a `StageGatherer` and the section; returns the evidence that a plan keeps of it, and notes what is missing.
    evidence_from: ClassVar[str] = ""
    #: Takes a trace; returns the totals of the section's metrics, by name.
    totals_from: ClassVar[str] = ""
    #: The causes of the section's objectives: by first part of a metric's name, a function of a summary and a verdict.
    causes_from: ClassVar[str] = ""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from ()

    @classmethod
    def metrics_of(cls, data: Any) -> Iterator[Metric]:
        """Yield the metrics that the section adds to a run.

        data: the section, or the plain data of one that may have faults
        """
        if cls.metrics_from:
            yield from resolve_name(cls.metrics_from)(data)


def section_model(name: str) -> type[Section]:
    return resolve_name(PLACES[name])  # type: ignore[no-any-return]
