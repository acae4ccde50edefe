"""Evidence of the data lab, in `assets/datalab/`.

    about.yaml                 origin of the features, and the backbones
    <backbone>.npy             features of the photos in half precision, (photos, numbers), in the order of the score tables
    <backbone>.views.npy       the mean of four views of each photo, where it was made
    readers.csv                a reader's answers by the truth: truth, answer, share, low, high, answers, prevalence
    reader_pairs.csv           how often two readers of a case gave one answer and another
    reader_cases.csv           how many cases had how many readers, and how many of these called it malignant
    study.<name>.csv           results of the lab's studies, as `campaigns.datalab.lab_studies` makes them

Sums alone stand here: no photo, and no row of a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field, TypeAdapter

from simulator.arrays import Floats
from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, MeasuredOrigin, read_evidence, read_yaml
from simulator.evidence.evidence_tables import SHARE, Table, columns
from simulator.paths import DATALAB
from simulator.phrases import phrase

_MADE_BY = "python -m campaigns.datalab"
#: The classes whose photos are cancers, as the readers' tables name them.
MALIGNANT = ("BCC", "SCC", "MEL")
_READERS = Table("readers.csv", columns("truth answer") | columns("share", SHARE) | columns("low high answers prevalence"))


class BackboneAbout(EvidenceRecord):
    """Origin of a backbone.

    size: of a photo's side in pixels
    channels: numbers of its last layer; kept: principal components of them, or all
    explained: the part of the variance that the kept numbers hold
    """

    name: str
    label: str
    size: int = Field(ge=1)
    weights: str
    licence: str
    channels: int = Field(ge=1)
    kept: int = Field(ge=1)
    explained: float = Field(gt=0, le=1)


class LabAbout(MeasuredOrigin):
    """Origin of the features."""

    photos: int = Field(ge=2)
    backbones: list[BackboneAbout]

    def backbone(self, name: str) -> BackboneAbout:
        """Return a backbone; raises EvidenceError that lists them."""
        by_name = {backbone.name: backbone for backbone in self.backbones}
        if name not in by_name:
            raise EvidenceError(f"there are no features of '{name}'; {suggest(name, by_name)}")
        return by_name[name]


@dataclass(frozen=True)
class ReaderTable:
    """A reader's answers by the truth.

    classes: names of the classes, the last one for all other conditions
    confusion, low, high: share of each answer by true class with its 95% bounds, (classes, classes)
    answers: readers' answers behind each true class, (classes,)
    """

    classes: tuple[str, ...]
    confusion: Floats
    low: Floats
    high: Floats
    answers: Floats


def lab_about(folder: Path = DATALAB) -> LabAbout:
    return read_yaml(folder / "about.yaml", TypeAdapter(LabAbout), _MADE_BY)


@lru_cache(maxsize=8)
def load_features(name: str, views: bool = False, folder: Path = DATALAB) -> Floats:
    """Return the features of the photos, (photos, numbers); `views`: means of four views. Raises EvidenceError."""
    about = lab_about(folder)
    backbone = about.backbone(name)
    path = folder / f"{name}{'.views' if views else ''}.npy"
    if views and not path.is_file():
        raise EvidenceError(f"{path}: four views were not made of this backbone; take one view")
    try:
        features = np.load(BytesIO(read_evidence(path, _MADE_BY)), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise EvidenceError(f"{path}: cannot be read: {error}") from error
    if features.shape != (about.photos, backbone.kept) or not np.isfinite(features).all():
        shape = str(features.shape)
        raise EvidenceError(phrase("lab.features", path=str(path), photos=about.photos, kept=backbone.kept, shape=shape))
    return np.asarray(features, np.float64)


def reader_table(folder: Path = DATALAB) -> ReaderTable:
    """Return how a reader answers by the truth; raises EvidenceError."""
    rows = _READERS.read(folder, _MADE_BY)
    classes = tuple(dict.fromkeys(rows["truth"].astype(str)))
    if len(rows) != len(classes) ** 2:
        raise EvidenceError(f"{folder / _READERS.file}: expected a share from 0 to 1 for each truth and answer")
    shares, low, high = (rows[name].to_numpy(float).reshape(len(classes), -1) for name in ("share", "low", "high"))
    return ReaderTable(classes, shares, low, high, rows["answers"].to_numpy(float)[:: len(classes)])


def reader_cases(folder: Path = DATALAB) -> pd.DataFrame:
    """Return cases by their readers and how many of these called them malignant; raises EvidenceError."""
    return Table("reader_cases.csv", columns("readers malignant cases")).read(folder, _MADE_BY)


#: The studies whose results are committed.
STUDIES = ("backbones", "panels", "selections", "price_list", "splits_and_weights")
#: Those of spoiled and of foreign photos.
SPOILED_STUDIES = ("spoiled", "photo_check", "false_alarms", "foreign")


def study_rows(name: str, folder: Path = DATALAB) -> pd.DataFrame:
    """Return the committed result of a study; raises EvidenceError."""
    return Table(f"study.{name}.csv", columns("photos")).read(folder, _MADE_BY)
