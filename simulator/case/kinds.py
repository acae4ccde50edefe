"""Models that are looked up when a case is read: by their field `kind` in a registry, or as a section that a feature brings.

The module of a section is imported when a case has it, or when all are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pkgutil import resolve_name
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from simulator.case.case_contract import AnyCase
from simulator.case.document import Path
from simulator.case.fields import Strict
from simulator.case.outputs import Metric


def kind_of(model: type[BaseModel]) -> str:
    word: str = get_args(model.model_fields["kind"].annotation)[0]
    return word


Kind = TypeVar("Kind", bound=BaseModel)


def registry(*models: type[Kind]) -> dict[str, type[Kind]]:
    return {kind_of(model): model for model in models}


@dataclass(frozen=True)
class OneOf:
    """In an annotation: one of the models of a registry, as it is when the model that holds the field is built or rebuilt.

    provider: the package whose import fills the registry; empty where the registry stands beside its models
    """

    kinds: Mapping[str, type[BaseModel]]
    provider: str = ""

    def models_for(self, data: Any) -> list[type[BaseModel]]:
        """Return the model of the data's kind, or of the one that was probably meant; none without any."""
        if self.provider:
            import_module(self.provider)
        kind = str(data.get("kind", "")) if isinstance(data, dict) else ""
        if kind in self.kinds:
            return [self.kinds[kind]]
        return [self.kinds[name] for name in get_close_matches(kind, self.kinds, n=1)]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if self.provider:
            import_module(self.provider)
        return handler.generate_schema(Annotated[Union[tuple(self.kinds.values())], Field(discriminator="kind")])  # noqa: UP007


#: The models with a field of `OneOf` whose registry may grow later.
HOLDERS: list[type[BaseModel]] = []


def add_kind(kinds: dict[str, type[Kind]], model: type[Kind]) -> None:
    """Add a kind that scenarios may name to its registry; raises ValueError if another model has the name."""
    if kinds.get(kind_of(model), model) is not model:
        raise ValueError(f"there already is a kind '{kind_of(model)}'")
    kinds[kind_of(model)] = model
    _rebuild()


def remove_kind(kinds: dict[str, type[Kind]], model: type[Kind]) -> None:
    del kinds[kind_of(model)]
    _rebuild()


def _rebuild() -> None:
    for model in HOLDERS:
        model.model_rebuild(force=True)


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

    #: Takes the section; yields the metrics that it adds to a run.
    metrics_from: ClassVar[str] = ""
    #: Takes a `StageGatherer` and the section; returns the evidence that a plan keeps of it, and notes what is missing.
    evidence_from: ClassVar[str] = ""
    #: Takes a trace; returns the totals of the section's metrics, by name.
    totals_from: ClassVar[str] = ""
    #: The causes of the section's objectives: by first part of a metric's name, a function of a summary and a verdict.
    causes_from: ClassVar[str] = ""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from ()

    def metrics(self) -> Iterator[Metric]:
        """Yield the metrics that the section adds to a run."""
        if self.metrics_from:
            yield from resolve_name(self.metrics_from)(self)


def section_model(name: str) -> type[Section]:
    return resolve_name(PLACES[name])  # type: ignore[no-any-return]
