"""Score tables: a linear head on a frozen network's features, each photo scored by a head that never saw its patient."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track
from ruamel.yaml import YAML
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from simulator.evidence.files import in_one_step
from simulator.evidence.scores import Measured
from simulator.paths import SCORES
from simulator.zoo.architectures import ARCHITECTURES, Architecture
from simulator.zoo.export import INPUT, export
from simulator.zoo.photo import load_photo, prepare
from simulator.zoo.quantize import quantize

FOLDS = 5
SEED = 0
#: Strong shrinkage: there are more features than training photos. Picked by out-of-fold AUC, nearly flat from 0.001 to 0.003.
_INVERSE_PENALTY = 0.001
_CALIBRATION_PHOTOS = 64
_BATCH = 16

Features = NDArray[np.float32]


class LabelError(ValueError):
    """A file of labels cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Dataset:
    """Labelled photos. `rows` has the columns item, patient, label (1 is malignant), diagnosis, fitzpatrick."""

    name: str
    attribution: str
    photos: list[Path]
    rows: pd.DataFrame


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


def frozen_features(model: str, photos: list[Path], precisions: Iterable[str]) -> dict[str, Features]:
    """What `model`, an EfficientNet-Lite without its classifier, makes of each photo at each precision.

    Arrays of shape (photos, features). An 8-bit network is calibrated on some of the photos, without their labels.
    """
    takes = ARCHITECTURES[model]
    network = takes.build()
    network._fc = nn.Identity()
    with TemporaryDirectory() as folder:
        source = Path(folder) / "fp32.onnx"
        export(network, takes.input_shape, source)
        files = {precision: Path(folder) / f"{precision}.onnx" for precision in precisions}
        for precision, file in files.items():
            if precision != "fp32":
                quantize(source, file, precision, _calibration(takes, photos))
        return {precision: _run(file, takes, photos, f"{model} {precision}") for precision, file in files.items()}


def _calibration(takes: Architecture, photos: list[Path]) -> Iterator[Features]:
    chosen = np.random.default_rng(SEED).choice(len(photos), min(_CALIBRATION_PHOTOS, len(photos)), replace=False)
    return (_image(takes, photos[number]) for number in chosen)


def _image(takes: Architecture, photo: Path) -> Features:
    return prepare(load_photo(photo), takes.input_size, takes.mean, takes.std)


def _run(file: Path, takes: Architecture, photos: list[Path], title: str) -> Features:
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    batches = [photos[start : start + _BATCH] for start in range(0, len(photos), _BATCH)]
    answers = []
    for batch in track(batches, description=title):
        images = np.stack([*map(partial(_image, takes), batch)])
        answers.append(session.run(None, {INPUT: images})[0])
    return np.concatenate(answers)


def fold_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """The fold that each row is tested in; all photos of a patient fall into the same one."""
    folds = np.zeros(len(rows), dtype=np.int64)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for fold, (_, tested) in enumerate(splitter.split(rows, rows["label"], rows["patient"])):
        folds[tested] = fold
    return folds


def out_of_fold(learnt: Features, seen: Features, labels: NDArray[np.int64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability that each row is positive, from a head fitted on `learnt` of the other folds and applied to `seen`."""
    scores = np.zeros(len(labels))
    for fold in range(FOLDS):
        tested = folds == fold
        head = new_head().fit(learnt[~tested], labels[~tested])
        scores[tested] = head.predict_proba(seen[tested])[:, 1]
    return scores


def new_head() -> Pipeline:
    """Standardisation and logistic regression, not fitted yet."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=_INVERSE_PENALTY, max_iter=2000))


def score_tables(dataset: Dataset, model: str, precisions: tuple[str, ...] = ("fp32",)) -> dict[str, pd.DataFrame]:
    """A score table for each of `precisions`; the head is always fitted on float32 features, as it would be deployed."""
    features = frozen_features(model, dataset.photos, dict.fromkeys(["fp32", *precisions]))
    folds, labels = fold_of(dataset.rows), dataset.rows["label"].to_numpy()
    return {
        precision: dataset.rows.assign(
            fold=folds, score=out_of_fold(features["fp32"], features[precision], labels, folds).round(5)
        )
        for precision in precisions
    }


def describe(dataset: Dataset, model: str, precision: str, note: str | None = None) -> Measured:
    """The sidecar of a score table."""
    return Measured(
        kind="measured",
        dataset=dataset.name,
        model=model,
        head=f"frozen ImageNet features, standardised, logistic regression with C={_INVERSE_PENALTY:g}",
        precision=precision,
        items=len(dataset.rows),
        positives=int(dataset.rows["label"].sum()),
        patients=int(dataset.rows["patient"].nunique()),
        source=f"CaseSim, {FOLDS} folds stratified by label and grouped by patient, seed {SEED}, out-of-fold scores",
        attribution=dataset.attribution,
        date=datetime.now(UTC).date().isoformat(),
        note=note,
    )


def write_scores(table: pd.DataFrame, about: Measured, folder: Path = SCORES) -> str:
    """Write a score table and its sidecar, each in one step; returns the table's name."""
    name = f"{about.dataset}.{about.model}.{about.precision}"
    with in_one_step(folder / f"{name}.csv") as part:
        table.to_csv(part, index=False, float_format="%.5f")
    yaml = YAML()
    yaml.width = 4096  # a sentence stays on its line
    with in_one_step(folder / f"{name}.yaml") as part:
        yaml.dump(about.model_dump(exclude_none=True), part)
    return name
