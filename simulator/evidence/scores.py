"""Score tables: what a model answered on labelled items, one row an item.

A table is a CSV (`assets/scores/<data>.<model>.<precision>.csv`) with a sidecar `.yaml` that says where it comes from. A
model that nobody measured enters with a published operating point: the sidecar alone, from which a binormal curve is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from scipy.stats import norm

from simulator.evidence.files import first_fault
from simulator.paths import SCORES

#: Points drawn per class from a published curve: enough for steps of 0.05 points, few enough to sort at once.
CURVE_POINTS = 2000

#: What rounding may add to a share of a count that is whole.
_SLACK = 1e-9

Floats = NDArray[np.float64]


class ScoreError(ValueError):
    """A score table cannot be used; the message says which and why."""


class _Sidecar(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    precision: str
    source: str
    note: str | None = None


class Measured(_Sidecar):
    """A table that our own code computed on labelled items."""

    kind: Literal["measured"]
    dataset: str
    head: str
    items: int
    positives: int
    patients: int
    attribution: str
    date: str


class Published(_Sidecar):
    """A published operating point, from which a binormal curve with equal variances is drawn.

    `sensitivity_low` and `sensitivity_high` are the published range; it stands in for the size of the study.
    """

    kind: Literal["published"]
    sensitivity: float = Field(gt=0, lt=1)
    sensitivity_low: float = Field(gt=0, lt=1)
    sensitivity_high: float = Field(gt=0, lt=1)
    specificity: float = Field(gt=0, lt=1)


Sidecar = Annotated[Measured | Published, Field(discriminator="kind")]


@dataclass(frozen=True)
class ScoreTable:
    """Scores of one model on labelled items.

    positives, negatives: scores, ascending by item as they stand in the file, shapes (p,) and (n,)
    positive_patients, negative_patients: the patient behind each item, as integers of the same shapes
    items: the names of the labelled items, first the positives, then the negatives; none where a curve was published
    positive_evidence, negative_evidence: how many independent items stand behind each class
    """

    name: str
    about: Measured | Published
    positives: Floats
    negatives: Floats
    positive_patients: NDArray[np.int64]
    negative_patients: NDArray[np.int64]
    positive_evidence: float
    negative_evidence: float
    items: tuple[str, ...] = ()

    def threshold_at(self, sensitivity: float, promised: bool = False) -> float:
        """The highest score that at least this share of the positives reaches; -inf at 1: nobody is left out.

        At a sensitivity of 1 the table cannot say where the next positive would fall, so the gate is open.

        promised: the highest score that the *next* positive, exchangeable with these n, reaches with at least this
        probability: its place among them is uniform, so that the k-th lowest will do where k <= (1 - sensitivity) (n + 1)
        (split conformal prediction by class: Vovk 2012, arXiv:1209.2673). -inf where n is too small to promise it.
        """
        if sensitivity >= 1:
            return -np.inf
        ranked = np.sort(self.positives)[::-1]
        needed = int(np.ceil(sensitivity * (len(ranked) + promised) - _SLACK))
        if needed > len(ranked):
            return -np.inf
        return float(ranked[needed - 1]) if needed > 0 else np.inf

    def threshold_above(self, specificity: float, promised: bool = False) -> float:
        """The lowest threshold that at least this share of the negatives stays below; inf at 1: nobody reaches it.

        promised: the next negative stays below it with at least this probability, as in `threshold_at`.
        """
        ranked = np.sort(self.negatives)
        needed = int(np.ceil(specificity * (len(ranked) + promised) - _SLACK))
        if specificity >= 1 or needed > len(ranked):
            return np.inf
        # Scores are compared in single precision.
        return float(np.nextafter(np.float32(ranked[needed - 1]), np.float32(np.inf))) if needed > 0 else -np.inf

    def sensitivity_at(self, threshold: float) -> float:
        """Share of positives with a score of at least `threshold`."""
        return float(np.mean(self.positives >= threshold))

    def specificity_at(self, threshold: float) -> float:
        """Share of negatives with a score below `threshold`."""
        return float(np.mean(self.negatives < threshold))

    @cached_property
    def auc(self) -> float:
        """Area under the ROC curve: the chance that a positive scores above a negative (Mann-Whitney)."""
        from scipy.stats import rankdata

        ranks = rankdata(np.concatenate([self.positives, self.negatives]))[: len(self.positives)]
        p, n = len(self.positives), len(self.negatives)
        return float((ranks.sum() - p * (p + 1) / 2) / (p * n))

    def roc(self) -> tuple[Floats, Floats]:
        """False and true positive rates from (0, 0) to (1, 1), a point a distinct score."""
        cuts = np.unique(np.concatenate([self.positives, self.negatives]))[::-1]
        true = np.searchsorted(np.sort(-self.positives), -cuts, side="right") / len(self.positives)
        false = np.searchsorted(np.sort(-self.negatives), -cuts, side="right") / len(self.negatives)
        return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def scores_at(model: str, precision: str, folder: Path = SCORES) -> ScoreTable:
    """The scores of a model at a precision, or at fp32 where that precision was not scored (`about.precision` tells).

    model: the table's name without its precision, such as `pad_ufes20.efficientnet_lite0`. Raises ScoreError.
    """
    at_precision = f"{model}.{precision}"
    return load_scores(at_precision if at_precision in score_names(folder) else f"{model}.fp32", folder)


def check_paired(first: ScoreTable, second: ScoreTable) -> None:
    """Raise ScoreError unless both tables say of the same items, in the same order, what a model gave them.

    Only then is it known how often one model is right where the other is wrong.
    """
    for table, other in ((first, second), (second, first)):
        if isinstance(table.about, Published):
            raise ScoreError(
                f"'{table.name}' is a published curve; what it would say of a photo of '{other.name}' is not known, "
                "so that they cannot stand in one scenario"
            )
    if first.items != second.items:
        pairs = enumerate(zip(first.items, second.items, strict=False))
        apart = next((place for place, (one, two) in pairs if one != two), min(len(first.items), len(second.items)))
        one, two = (f"'{table.items[apart]}'" if apart < len(table.items) else "nothing" for table in (first, second))
        raise ScoreError(
            f"'{second.name}' lists other items than '{first.name}', or in another order: {two} where that has {one}; "
            "several pools may carry scores of the same items only"
        )


@lru_cache(maxsize=64)
def load_scores(name: str, folder: Path = SCORES) -> ScoreTable:
    """The score table `name`; raises ScoreError that lists the tables there are."""
    sidecar = folder / f"{name}.yaml"
    if not sidecar.is_file():
        raise ScoreError(f"there is no score table '{name}'; there are: {', '.join(score_names(folder)) or 'none'}")
    about = _read_sidecar(sidecar)
    return _curve(name, about) if isinstance(about, Published) else _measured(name, about, folder / f"{name}.csv")


def score_names(folder: Path = SCORES) -> list[str]:
    """The names of the score tables under `folder`."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _read_sidecar(path: Path) -> Measured | Published:
    adapter: TypeAdapter[Measured | Published] = TypeAdapter(Sidecar)
    try:
        return adapter.validate_python(YAML(typ="safe", pure=True).load(path))
    except ValidationError as error:
        raise ScoreError(first_fault(path, error)) from error
    except YAMLError as error:
        raise ScoreError(f"{path}: is not YAML: {' '.join(str(error).split())}") from error


def _measured(name: str, about: Measured, path: Path) -> ScoreTable:
    try:
        table = pd.read_csv(path, dtype={"item": str, "patient": str, "label": int, "score": float})
    except (OSError, ValueError) as error:
        raise ScoreError(f"{path}: cannot be read: {error}") from error
    missing = {"item", "patient", "label", "score"} - set(table.columns)
    if missing:
        raise ScoreError(f"{path}: lacks the column {sorted(missing)[0]}")
    if table["score"].isna().any() or not table["score"].between(0, 1).all():
        raise ScoreError(f"{path}: every score should lie between 0 and 1")
    if not table["label"].isin([0, 1]).all():
        raise ScoreError(f"{path}: every label should be 0 or 1")
    patients = pd.Series(pd.factorize(table["patient"])[0], index=table.index)
    positive = table["label"] == 1
    if not positive.any() or positive.all():
        raise ScoreError(f"{path}: holds one class only; both are needed")
    return ScoreTable(
        name=name,
        about=about,
        positives=table.loc[positive, "score"].to_numpy(float),
        negatives=table.loc[~positive, "score"].to_numpy(float),
        positive_patients=patients[positive].to_numpy(np.int64),
        negative_patients=patients[~positive].to_numpy(np.int64),
        positive_evidence=float(positive.sum()),
        negative_evidence=float((~positive).sum()),
        items=(*table.loc[positive, "item"], *table.loc[~positive, "item"]),
    )


def _curve(name: str, about: Published) -> ScoreTable:
    """A binormal curve, equal variances, through the published point (Hanley 1988, Med Decis Making 8:197).

    Negatives are standard normal and positives normal about d = z(sensitivity) + z(specificity), both mapped to 0..1 by the
    normal distribution function, which keeps their order.
    """
    apart = norm.ppf(about.sensitivity) + norm.ppf(about.specificity)
    middles = norm.ppf((np.arange(CURVE_POINTS) + 0.5) / CURVE_POINTS)
    spread = (about.sensitivity_high - about.sensitivity_low) / (2 * norm.ppf(0.975))
    evidence = about.sensitivity * (1 - about.sensitivity) / spread**2
    order = np.random.default_rng(0).permutation(CURVE_POINTS)
    everyone = np.arange(CURVE_POINTS)
    return ScoreTable(
        name=name,
        about=about,
        positives=norm.cdf(middles + apart)[order],
        negatives=norm.cdf(middles)[order],
        positive_patients=everyone,
        negative_patients=everyone + CURVE_POINTS,
        positive_evidence=float(evidence),
        negative_evidence=float(evidence),
    )
