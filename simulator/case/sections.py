"""Sections of a case whose models stand in the folders of features: how the schema finds them, and what each declares."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from simulator.case.faults import Path
from simulator.case.fields import Strict
from simulator.case.metric_records import Metric

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer
    from simulator.engine.trace import Trace
    from simulator.metrics.measures import Total

#: The place of each section's model, by the section's name in a case.
PLACES = {
    "encounters": ("simulator.vehicle.encounter_section", "Encounters"),
    "vehicle": ("simulator.vehicle.encounter_section", "Vehicle"),
    "incident": ("simulator.incident.section", "Incident"),
}


class Provided:
    """In an annotation: the model of a section, or None where a case lacks it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the section's model, or of None."""
        return handler.generate_schema(Optional[section_model(self.name)])  # noqa: UP045


class Section(Strict):
    """A section that a feature brings. Each default is that of a section without metrics and without evidence."""

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Yield faults that no single field shows: a place within the section, and a sentence."""
        raise NotImplementedError

    @classmethod
    def metrics_of(cls, data: Any) -> Iterator[Metric]:
        """Yield the metrics that the section adds to a run.

        data: the section, or the plain data of one that may have faults
        """
        yield from ()

    def gather(self, gather: Gatherer) -> None:
        """Look up the evidence that the section refers to, and note what is missing as faults."""

    def totals(self, trace: Trace) -> dict[str, Total]:
        """Return the section's metrics of one replication, by name."""
        return {}


def section_model(name: str) -> type[Section]:
    """Return the model of a section; its module is imported when a case is first read."""
    module, model = PLACES[name]
    return getattr(import_module(module), model)  # type: ignore[no-any-return]
