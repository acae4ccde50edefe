"""What others promised of a model on a bench, beside what independent studies found in the field."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from simulator.evidence.catalogue import CatalogueError
from simulator.evidence.files import read_yaml, remembered
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


def field_drops(path: Path = CATALOGUE / "field.yaml") -> list[FieldDrop]:
    """Every product of the catalogue; raises CatalogueError with the first fault."""
    return _field_drops(path)


@remembered()
def _field_drops(path: Path) -> list[FieldDrop]:
    return read_yaml(path, TypeAdapter(list[FieldDrop]), CatalogueError)
