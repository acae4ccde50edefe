"""Labelled photos, and the folds in which they are scored."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from simulator.errors import InputError
from simulator.making.zoo.photo import load_photo, square

FOLDS = 5
SEED = 0

Pixels = NDArray[np.uint8]
Ints = NDArray[np.int64]


class LabelError(InputError):
    """A file of labels cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Dataset:
    """Labelled photos. `rows` has the columns item, patient, label (1 is malignant), diagnosis, fitzpatrick."""

    name: str
    attribution: str
    photos: list[Path]
    rows: pd.DataFrame

    @cached_property
    def labels(self) -> Ints:
        """1 where malignant, shape (photos,)."""
        return self.rows["label"].to_numpy(np.int64)

    @cached_property
    def folds(self) -> Ints:
        """The fold that each photo is scored in, shape (photos,)."""
        return fold_of(self.rows)

    def squares(self, size: int) -> Pixels:
        """Every photo cropped and resized, shape (photos, size, size, 3); raises PhotoError."""
        return np.stack([square(load_photo(photo), size) for photo in self.photos])

    @property
    def fingerprint(self) -> str:
        """Changes with the photos' names, their labels and their patients."""
        return hashlib.sha256(self.rows.to_csv(index=False).encode()).hexdigest()[:12]


def read_pad_ufes20(folder: Path) -> Dataset:
    """PAD-UFES-20: `labels.csv` and `images/` in `folder`; raises LabelError if a column or a photo is missing."""
    path = folder / "labels.csv"
    if not path.is_file():
        raise LabelError(f"{path}: there is no such file; pass the folder that holds labels.csv and images/")
    labels = pd.read_csv(path, dtype={"fitspatrick": "Int64"})
    missing = {"file", "patient_id", "malignant", "diagnostic", "fitspatrick"} - set(labels.columns)
    if missing:
        raise LabelError(f"{path}: lacks the column {min(missing)}")
    photos = [folder / "images" / name for name in labels["file"]]
    absent = next((photo for photo in photos if not photo.is_file()), None)
    if absent:
        raise LabelError(f"{path}: names {absent.name}, which is not in {absent.parent}")
    rows = pd.DataFrame(
        {
            "item": [photo.stem for photo in photos],
            "patient": labels["patient_id"],
            "label": labels["malignant"],
            "diagnosis": labels["diagnostic"],
            "fitzpatrick": labels["fitspatrick"],
        }
    )
    attribution = "PAD-UFES-20, Pacheco et al. 2020, doi 10.17632/zr7vgbcyr2.1, CC BY 4.0; scores computed by CaseSim"
    return Dataset("pad_ufes20", attribution, photos, rows)


def fold_of(rows: pd.DataFrame) -> Ints:
    """The fold that each row is tested in, stratified by label; all photos of a patient fall into the same one."""
    folds = np.zeros(len(rows), dtype=np.int64)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for fold, (_, tested) in enumerate(splitter.split(rows, rows["label"], rows["patient"])):
        folds[tested] = fold
    return folds
