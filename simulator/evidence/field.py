"""What others promised of a model on a bench, beside what independent studies found in the field."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML

from simulator.evidence.catalogue import CatalogueError
from simulator.evidence.files import first_fault
from simulator.paths import CATALOGUE

Share = Annotated[float, Field(ge=0, le=1)]


class Finding(BaseModel):
    """What a study found; each figure is the range that was published, twice the same where it was one number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sensitivity: tuple[Share, Share]
    specificity: tuple[Share, Share]
    source: str


class FieldDrop(BaseModel):
    """One product on the bench and in the field.

    scores: the score table that rests on the same bench, if there is one
    beside: how the names of the score tables begin that are about the same thing
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    bench: Finding
    field: Finding
    scores: str | None = None
    beside: list[str] = []

    def stands_beside(self, table: str) -> bool:
        """Whether a score table, by its name, is about the same thing."""
        return any(table.startswith(beginning) for beginning in self.beside)


def field_drop_of(table: str) -> FieldDrop | None:
    """What the field gave of the model of a score table, by the name of the table; None where no study is known."""
    return next((drop for drop in field_drops() if drop.scores and table.startswith(f"{drop.scores}.")), None)


@lru_cache(maxsize=8)
def field_drops(path: Path = CATALOGUE / "field.yaml") -> list[FieldDrop]:
    """Every product of the catalogue; raises CatalogueError with the first fault."""
    try:
        return TypeAdapter(list[FieldDrop]).validate_python(YAML(typ="safe", pure=True).load(path))
    except ValidationError as error:
        raise CatalogueError(first_fault(path, error)) from error
