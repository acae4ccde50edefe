"""Models distinguished by their field `kind`, in a registry open to more of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, TypeVar, Union, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema


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
