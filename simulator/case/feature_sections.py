"""Sections of a case that a feature brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Optional

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from simulator.case.document import Path
from simulator.case.fields import Strict

if TYPE_CHECKING:
    from simulator.case.outputs import Metric
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer
    from simulator.engine.run_trace import Trace
    from simulator.explain.design_changes import ObjectiveCause
    from simulator.metrics.samples import Total
    from simulator.metrics.summary import Summary, Verdict

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
        return {}

    def objective_causes(self) -> Mapping[str, Callable[[Summary, Verdict], ObjectiveCause | None]]:
        return {}


def section_model(name: str) -> type[Section]:
    module, model = PLACES[name]
    return getattr(import_module(module), model)  # type: ignore[no-any-return]
