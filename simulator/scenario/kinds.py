"""Models distinguished by their field `kind`, in a registry open to more of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema


def kind_of(model: type[BaseModel]) -> str:
    """The word that a file writes as the `kind` of a model."""
    word: str = get_args(model.model_fields["kind"].annotation)[0]
    return word


Kind = TypeVar("Kind", bound=BaseModel)


def registry(*models: type[Kind]) -> dict[str, type[Kind]]:
    """These models by kind."""
    return {kind_of(model): model for model in models}


@dataclass(frozen=True)
class OneOf:
    """In an annotation: one of the models of a registry, as it is when the model that holds the field is built or rebuilt."""

    kinds: Mapping[str, type[BaseModel]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The union of them, discriminated by `kind`."""
        return handler.generate_schema(Annotated[Union[tuple(self.kinds.values())], Field(discriminator="kind")])  # noqa: UP007
