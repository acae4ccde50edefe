"""Score tables: the scores of a model on labelled items, one row an item.

A table is a CSV (`assets/scores/<data>.<model>.<precision>.csv`) with a sidecar `.yaml` that gives its origin. A
model that was not measured enters with a published operating point: a binormal curve is drawn from the sidecar alone. Without
a published point, a case may assume the area under a binormal curve (`assumed_scores`). Imported tables lie in the user's data
folder and have names of the same form.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from math import ceil, inf, sqrt
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, model_validator
from scipy.special import ndtr, ndtri

from simulator.arrays import Floats
from simulator.errors import suggest
from simulator.evidence.catalogue import InstructionSet, variant
from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, each_readable, parse_yaml, read_together, staged
from simulator.evidence.evidence_tables import Table, columns
from simulator.files import Stamp, stamp_of
from simulator.limits import OWN_TABLES, SCORE_ROWS
from simulator.paths import INSTALLED, OWN_SCORES, SCORES
from simulator.phrases import phrase


class UnpairedError(EvidenceError):
    """Two score tables are not of the same items."""


class _Sidecar(EvidenceRecord):
    #: Kind of the positives and negatives behind a figure, as in "on 200 labelled positives".
    counted: ClassVar[str]

    model: str
    precision: str
    source: str
    note: str | None = None

    @property
    def origin(self) -> str:
        given = vars(self)
        return "imported" if given.get("imported") else str(given["kind"])


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
    instruction_set: InstructionSet | None = Field(default=None, description="of the processor that computed the scores")


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


class Assumed(_Sidecar):
    """Scores that were not measured: the case's author assumes the area under a binormal curve with equal variances.

    `positives` and `negatives` are the numbers of labelled items for the intervals.
    """

    counted: ClassVar[str] = "assumed"

    kind: Literal["assumed"] = "assumed"
    auc: float = Field(gt=0.5, lt=1)
    positives: int
    negatives: int


Sidecar = Annotated[Measured | Published, Field(discriminator="kind")]


_SIDECAR: TypeAdapter[Measured | Published] = TypeAdapter(Sidecar)


def parse_sidecar(path: Path, content: bytes) -> Measured | Published:
    """Read a sidecar; raises EvidenceError with the path, the field and the fault."""
    return parse_yaml(path, content, _SIDECAR)


#: Where tables are looked for: those that come with CaseSim, those that a person imported, then those of installed cases.
FOLDERS = (SCORES, OWN_SCORES, INSTALLED / "scores")

#: The columns of a table, as they are written. Only item, patient, label and score are needed.
COLUMNS = ("item", "patient", "label", "diagnosis", "fitzpatrick", "predicted", "fold", "model", "precision", "score")

#: Those that say more of an item than who it is and what it shows.
ITEM_COLUMNS = ("diagnosis", "fitzpatrick", "predicted")

_TYPES: Any = dict.fromkeys(COLUMNS, str) | {"label": int, "score": float, "fitzpatrick": "Int64", "fold": "Int64"}
#: A text is never taken for a missing value, whatever it says.
_EMPTY: dict[str, list[str]] = {name: [""] for name in ("score", "fitzpatrick", "fold")}
_TABLE = Table(
    "",
    columns("item label patient score"),
    options={"dtype": _TYPES, "keep_default_na": False, "na_values": _EMPTY},
)

#: Points drawn per class from a published curve: enough for steps of 0.05 points, few enough to sort at once.
CURVE_POINTS = 2000

#: What rounding may add to a share of a count that is whole.
_SLACK = 1e-9


@dataclass(frozen=True)
class ScoreTable:
    """Scores of one model on labelled items.

    positives, negatives: scores, ascending by item as they stand in the file, shapes (p,) and (n,)
    positive_patients, negative_patients: the patient behind each item, as integers of the same shapes
    items: the names of the labelled items, first the positives, then the negatives; none where a curve was published or assumed
    item_texts: further columns of each item as text, in the order of `items`, by column (ITEM_COLUMNS); empty without items
    positive_evidence, negative_evidence: numbers of independent items behind each class
    """

    name: str
    about: Measured | Published | Assumed
    positives: Floats
    negatives: Floats
    positive_patients: NDArray[np.int64]
    negative_patients: NDArray[np.int64]
    positive_evidence: float
    negative_evidence: float
    items: tuple[str, ...] = ()
    item_texts: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    @cached_property
    def content(self) -> str:
        values = [getattr(self, name.name) for name in fields(self)]
        return hashlib.sha256(pickle.dumps(values, pickle.HIGHEST_PROTOCOL)).hexdigest()

    def threshold_at(self, sensitivity: float, promised: bool = False) -> float:
        """Return the highest score that at least this share of the positives reaches; -inf at 1.

        At a sensitivity of 1 the table cannot say where the next positive would fall, so the gate is open.

        promised: the highest score that the *next* positive, exchangeable with these n, reaches with at least this
        probability: its place among them is uniform, so that the k-th lowest will do where k <= (1 - sensitivity) (n + 1)
        (split conformal prediction by class: Vovk 2012, arXiv:1209.2673). -inf where n is too small to promise it.
        """
        return highest_reached(np.sort(self.positives), sensitivity, promised)

    def threshold_above(self, specificity: float, promised: bool = False) -> float:
        """Return the lowest threshold that at least this share of the negatives stays below; inf at 1.

        promised: the next negative stays below it with at least this probability, as in `threshold_at`.
        """
        return lowest_above(np.sort(self.negatives), specificity, promised)

    def sensitivity_at(self, threshold: float) -> float:
        return float(np.mean(self.positives >= threshold))

    def specificity_at(self, threshold: float) -> float:
        return float(np.mean(self.negatives < threshold))

    @cached_property
    def auc(self) -> float:
        return area_under(self.positives, np.sort(self.negatives))


def highest_reached(ascending: NDArray[Any], share: float, promised: bool = False) -> float:
    """Return the highest value that at least this share reaches; -inf at 1. promised: with the next value counted too."""
    needed = ceil(share * (len(ascending) + promised) - _SLACK)
    if share >= 1 or needed > len(ascending):
        return -inf
    return float(ascending[len(ascending) - needed]) if needed > 0 else inf


def lowest_above(ascending: NDArray[Any], share: float, promised: bool = False) -> float:
    """Return the lowest threshold that at least this share stays below, in single precision; inf at 1."""
    needed = ceil(share * (len(ascending) + promised) - _SLACK)
    if share >= 1 or needed > len(ascending):
        return inf
    return float(np.nextafter(np.float32(ascending[needed - 1]), np.float32(inf))) if needed > 0 else -inf


def area_under(positives: NDArray[Any], negatives: NDArray[Any]) -> float:
    """Return the share of pairs whose positive has the higher value; a tie counts half (Mann-Whitney). negatives: ascending"""
    wins_doubled = sum(np.searchsorted(negatives, positives, side).sum() for side in ("left", "right"))
    return float(wins_doubled / 2 / (len(positives) * len(negatives)))


def scores_at(model: str, precision: str, folder: Path | None = None, runs_on: InstructionSet | None = None) -> ScoreTable:
    """Return the scores of a model at a precision, or at fp32 where that precision was not scored (see `about.precision`).

    model: the table's name without its precision, such as `pad_ufes20.efficientnet_lite0`
    runs_on: a table that was measured on this instruction set (`...int8_static@avx2`) is preferred, if there is one

    Raises EvidenceError.
    """
    there = set(score_names(folder))
    wanted = [f"{model}.{name}" for name in (variant(precision, runs_on), precision)]
    return load_scores(next((name for name in wanted if name in there), f"{model}.fp32"), folder)


def check_paired(first: ScoreTable, second: ScoreTable) -> None:
    """Raise UnpairedError unless both tables score the same items in the same order.

    Only then is it known how often one model is right where the other is wrong.
    """
    for table, other in ((first, second), (second, first)):
        if not isinstance(table.about, Measured):
            raise UnpairedError(phrase("score_tables.curve", name=table.name, kind=table.about.kind, other=other.name))
    if first.items != second.items:
        pairs = enumerate(zip(first.items, second.items, strict=False))
        apart = next((place for place, names in pairs if len({*names}) > 1), min(len(first.items), len(second.items)))
        one, two = (f"'{table.items[apart]}'" if apart < len(table.items) else "nothing" for table in (first, second))
        raise UnpairedError(phrase("score_tables.other_items", second=second.name, first=first.name, two=two, one=one))


def load_scores(name: str, folder: Path | None = None) -> ScoreTable:
    """Return the score table `name`, of `folder` or the first of FOLDERS that has it; raises EvidenceError."""
    sidecar = _sidecar_of(name, folder)
    return _load_once(sidecar, score_stamps(name, folder))


def score_rows(name: str, folder: Path | None = None) -> pd.DataFrame:
    """Return the labelled items of a table, one row per item, by COLUMNS; missing values are NA, or an empty text.

    item, patient, diagnosis, predicted, model, precision: text; the last two are the sidecar's where the file has no column
    label: 0 or 1; fitzpatrick: 1 to 6; fold: from 0; score: 0 to 1

    Raises EvidenceError, for a published curve too, which has no items.
    """
    sidecar = _sidecar_of(name, folder)
    _, rows = _read(sidecar)
    if rows is None:
        raise EvidenceError(f"'{name}' is a published curve; it has no labelled items")
    return rows


def readable_scores(folder: Path | None = None) -> tuple[list[str], list[str]]:
    sidecars = (path for _, path in sorted(_sidecars(folder).items()))
    tables, broken = each_readable(lambda sidecar: load_scores(sidecar.stem, folder), sidecars)
    return [table.name for table in tables], broken


def score_names(folder: Path | None = None) -> list[str]:
    files = {name for place in _places(folder) for name in _names_in(place)}
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))


def other_precisions(name: str, folder: Path | None = None) -> list[str]:
    model = name.rpartition(".")[0]
    return [other for other in score_names(folder) if other != name and other.rpartition(".")[0] == model]


def score_stamps(name: str, folder: Path | None = None) -> tuple[Stamp, ...]:
    return tuple(stamp_of(path) for path in score_files(name, folder).values())


def score_files(name: str, folder: Path | None = None) -> dict[str, Path]:
    """Return the files of a table by names that are equal on every machine: the sidecar and, unless published, the CSV.

    Raises EvidenceError.
    """
    sidecar = _sidecar_of(name, folder)
    return {f"scores/{path.name}": path for path in (sidecar, sidecar.with_suffix(".csv")) if path.is_file()}


def _places(folder: Path | None) -> list[Path]:
    return [folder] if folder else [*staged("scores"), *FOLDERS]


def _sidecars(folder: Path | None) -> dict[str, Path]:
    files = ((place, name) for place in reversed(_places(folder)) for name in _names_in(place) if name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): place / name for place, name in files}


def _names_in(folder: Path) -> list[str]:
    """Return the names in a folder, none where it cannot be read; a glob would take three times as long."""
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _sidecar_of(name: str, folder: Path | None) -> Path:
    if os.path.basename(name) == name:  # noqa: PTH119 (a name leads to no other folder)
        for place in _places(folder):
            if os.path.exists(sidecar := place / f"{name}.yaml"):  # noqa: PTH110 (pathlib raises for some names)
                return sidecar
    raise EvidenceError(f"there is no score table '{name}'; {suggest(name, score_names(folder), '`casesim scores list`')}")


@lru_cache(maxsize=OWN_TABLES.most)
def _load_once(sidecar: Path, _stamps: tuple[Stamp, ...]) -> ScoreTable:
    about, rows = _read(sidecar)
    if isinstance(about, Published):
        table = _curve(sidecar.stem, about)
    else:
        assert rows is not None
        table = _table_of(sidecar.stem, about, rows)
    assert table.content  # worked out here, it travels with the table to other processes
    return table


def _read(sidecar: Path) -> tuple[Measured | Published, pd.DataFrame | None]:
    """Read sidecar and rows of one import; no rows of a published curve."""
    table = sidecar.with_suffix(".csv")
    first, *rest = read_together([sidecar, table] if table.is_file() else [sidecar])
    about = parse_sidecar(sidecar, first)
    if isinstance(about, Published):
        return about, None
    if not rest:
        raise EvidenceError(f"{table}: is missing; {sidecar.name} describes its rows")
    return about, _rows(table, rest[0], about)


def _rows(path: Path, content: bytes, about: Measured) -> pd.DataFrame:
    table = _TABLE.parse(path, content)
    if table["score"].isna().any() or not table["score"].between(0, 1).all():
        raise EvidenceError(f"{path}: every score should lie between 0 and 1")
    if not table["label"].isin([0, 1]).all():
        raise EvidenceError(f"{path}: every label should be 0 or 1")
    if table["label"].nunique() < 2:
        raise EvidenceError(f"{path}: holds one class only; both are needed")
    _check_counts(path, about, table)
    missing: dict[str, Any] = {"diagnosis": "", "fitzpatrick": pd.NA, "predicted": "", "fold": pd.NA}
    missing |= {"model": about.model, "precision": about.precision}
    for name in missing.keys() - set(table):
        table[name] = missing[name]
    return table[list(COLUMNS)].astype({"fitzpatrick": "Int64", "fold": "Int64"})


def _check_counts(path: Path, about: Measured, table: pd.DataFrame) -> None:
    counts = {"items": len(table), "positives": int(table["label"].sum()), "patients": table["patient"].nunique()}
    for what, count in counts.items():
        stated = getattr(about, what)
        if count != stated:
            files = {"file": str(path), "about": path.with_suffix(".yaml").name}
            raise EvidenceError(phrase("score_tables.number", what=what, count=count, stated=stated, **files))


def _table_of(name: str, about: Measured, table: pd.DataFrame) -> ScoreTable:
    patients = pd.Series(pd.factorize(table["patient"])[0], index=table.index)
    positive = table["label"] == 1
    in_order = pd.concat([table[positive], table[~positive]])
    return ScoreTable(
        name=name,
        about=about,
        positives=table.loc[positive, "score"].to_numpy(float),
        negatives=table.loc[~positive, "score"].to_numpy(float),
        positive_patients=patients[positive].to_numpy(np.int64),
        negative_patients=patients[~positive].to_numpy(np.int64),
        positive_evidence=float(positive.sum()),
        negative_evidence=float((~positive).sum()),
        items=(*in_order["item"],),
        item_texts={name: in_order[name].astype("string").fillna("").to_numpy(object) for name in ITEM_COLUMNS},
    )


def _curve(name: str, about: Published) -> ScoreTable:
    """Draw a binormal curve, equal variances, through the published point (Hanley 1988, Med Decis Making 8:197).

    Negatives are standard normal and positives normal about d = z(sensitivity) + z(specificity), both mapped to 0..1 by the
    normal distribution function, which keeps their order.
    """
    apart = ndtri(about.sensitivity) + ndtri(about.specificity)
    middles = ndtri((np.arange(CURVE_POINTS) + 0.5) / CURVE_POINTS)
    spread = (about.sensitivity_high - about.sensitivity_low) / (2 * ndtri(0.975))
    evidence = about.sensitivity * (1 - about.sensitivity) / spread**2
    order = np.random.default_rng(0).permutation(CURVE_POINTS)
    everyone = np.arange(CURVE_POINTS)
    return ScoreTable(
        name=name,
        about=about,
        positives=ndtr(middles + apart)[order],
        negatives=ndtr(middles)[order],
        positive_patients=everyone,
        negative_patients=everyone + CURVE_POINTS,
        positive_evidence=float(evidence),
        negative_evidence=float(evidence),
    )


def assumed_scores(about: Assumed) -> ScoreTable:
    """Return scores of the assumed numbers of positives and negatives, each item a patient of its own.

    A binormal model with equal variances: positives lie d = sqrt(2) z(auc) above negatives, in standard deviations. The items
    are the quantiles of both distributions, so that nothing is left to chance; the normal distribution function maps them to
    0..1, with the middle between both classes at 0.5. Tables of the same size put the same person at the same quantile.
    """
    half = float(ndtri(about.auc)) / sqrt(2)
    people = np.arange(about.positives + about.negatives)
    return ScoreTable(
        name=f"assumed.auc_{about.auc:g}.of_{about.positives}_and_{about.negatives}",
        about=about,
        positives=ndtr(_quantiles(about.positives) + half),
        negatives=ndtr(_quantiles(about.negatives) - half),
        positive_patients=people[: about.positives],
        negative_patients=people[about.positives :],
        positive_evidence=float(about.positives),
        negative_evidence=float(about.negatives),
    )


def _quantiles(count: int) -> NDArray[np.float64]:
    middles = ndtri((np.arange(count) + 0.5) / count)
    return np.asarray(np.random.default_rng(0).permutation(middles))
