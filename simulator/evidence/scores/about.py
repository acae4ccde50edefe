"""What a table's sidecar says: which model was scored on what, by whom, and under which licence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from simulator.errors import InputError
from simulator.evidence.files import parse_yaml
from simulator.limits import SCORE_ROWS


class ScoreError(InputError):
    """A score table cannot be used; the message says which and why."""


class _Sidecar(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    #: What the positives and negatives are that stand behind a figure, as in "on 200 labelled positives".
    counted: ClassVar[str]

    model: str
    precision: str
    source: str
    note: str | None = None


class Measured(_Sidecar):
    """A table that was computed on labelled items: by our own code, or by the people it was imported from."""

    counted: ClassVar[str] = "labelled"

    kind: Literal["measured"]
    dataset: str
    head: str
    items: int = Field(ge=2, le=SCORE_ROWS.most)
    positives: int = Field(ge=1, le=SCORE_ROWS.most)
    patients: int = Field(ge=1, le=SCORE_ROWS.most)
    attribution: str
    date: str
    imported: Literal[True] | None = None

    @property
    def origin(self) -> str:
        """measured, or imported where somebody brought it along."""
        return "imported" if self.imported else self.kind


class Published(_Sidecar):
    """A published operating point, from which a binormal curve with equal variances is drawn.

    `sensitivity_low` and `sensitivity_high` are the published range; it stands in for the size of the study.
    """

    counted: ClassVar[str] = "published"

    kind: Literal["published"]
    sensitivity: float = Field(gt=0, lt=1)
    sensitivity_low: float = Field(gt=0, lt=1)
    sensitivity_high: float = Field(gt=0, lt=1)
    specificity: float = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _within_its_range(self) -> Published:
        low, high = self.sensitivity_low, self.sensitivity_high
        if not low <= self.sensitivity <= high or low == high:
            raise ValueError(f"sensitivity should lie in a range from sensitivity_low to sensitivity_high, got {low} to {high}")
        return self

    @property
    def origin(self) -> str:
        """Published."""
        return self.kind


class Assumed(_Sidecar):
    """What a case's author assumes of scores that nobody measured: the area under a binormal curve with equal variances.

    `positives` and `negatives` are how many labelled items the intervals reckon with.
    """

    counted: ClassVar[str] = "assumed"

    kind: Literal["assumed"] = "assumed"
    auc: float = Field(gt=0.5, lt=1)
    positives: int
    negatives: int

    @property
    def origin(self) -> str:
        """Assumed."""
        return self.kind


Sidecar = Annotated[Measured | Published, Field(discriminator="kind")]


_SIDECAR: TypeAdapter[Measured | Published] = TypeAdapter(Sidecar)


def parse_sidecar(path: Path, content: bytes) -> Measured | Published:
    """What a sidecar says; raises ScoreError with the path, the field and what is wrong with it."""
    return parse_yaml(path, content, _SIDECAR, ScoreError)
