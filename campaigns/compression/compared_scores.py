"""Score tables of the smaller networks, and each against a table that stays: differences paired by patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from campaigns.compression.smaller_networks import (
    DISTILLED,
    EVEN,
    FINE_TUNED,
    LEAST_SPREAD,
    PRUNED,
    QAT,
    SMALL,
    TAUGHT,
    TEACHERS,
    TRAINED,
    TRAININGS,
    Study,
)
from simulator.arrays import Ints, Pixels
from simulator.authoring.claim_evidence import score_reading
from simulator.case.case_tests import TableReading, TextClaim
from simulator.evidence.score_import import write_table
from simulator.evidence.score_tables import Measured
from simulator.measure.architectures import ARCHITECTURES, FIRST_PRUNED, KEPT_CHANNELS, Architecture
from simulator.measure.score_training import CALIBRATION_PHOTOS, FOLDS, Floats, LabelledPhotos, answers, measured_here

_SIDE = ARCHITECTURES[SMALL].input_size
_NETWORK = (
    f"Lite0 at {_SIDE} x {_SIDE} pixels, frozen ImageNet features up to block {FIRST_PRUNED}, the blocks after it and the head "
    f"trained for {TRAINED}"
)
_TEACHER = (
    f"target of a photo: {1 - TAUGHT:.0%} its label, {TAUGHT:.0%} the mean logit of {', '.join(TEACHERS)}, whose heads saw "
    "neither that photo nor the fold that is scored"
)
_FEWER = f"these blocks have lost {1 - KEPT_CHANNELS:.0%} of their hidden channels"
_HEADS = {
    SMALL: f"{_NETWORK}, trained on the labels",
    DISTILLED: f"{_NETWORK}; {_TEACHER}",
    QAT: f"{_NETWORK}, in the last epoch with weights and activations rounded to 8 bits; {_TEACHER}",
    PRUNED: f"{_NETWORK}, trained on the labels; {_FEWER}",
    EVEN: f"{_NETWORK}, trained on the labels; {_FEWER}; the head began without features that vary less than "
    f"{LEAST_SPREAD:.0%} of the middle one",
}

#: Pairs of tables: they tell the cost of one step of compression, and of all steps.
PAIRS = (
    (f"{FINE_TUNED}.int8_static", f"{FINE_TUNED}.fp32"),
    *((f"{network}.{precision}", f"{FINE_TUNED}.fp32") for network in _HEADS for precision in ("fp32", "int8_static")),
    *((f"{network}.fp32", "efficientnet_lite0.fp32") for network in _HEADS),
    (f"{DISTILLED}.int8_static", f"{DISTILLED}.fp32"),
    (f"{PRUNED}.int8_static", f"{PRUNED}.fp32"),
    (f"{EVEN}.int8_static", f"{EVEN}.fp32"),
    (f"{EVEN}.fp32", f"{PRUNED}.fp32"),
    (f"{SMALL}.int8_static", f"{SMALL}.fp32"),
    (f"{QAT}.int8_static", f"{DISTILLED}.fp32"),
    (f"{QAT}.int8_static", f"{DISTILLED}.int8_static"),
    (f"{QAT}.int8_static", f"{FINE_TUNED}.int8_static"),
    (f"{DISTILLED}.fp32", f"{SMALL}.fp32"),
    (f"{PRUNED}.fp32", f"{SMALL}.fp32"),
)


def write_tables(study: Study, trainings: list[str], out: Path) -> None:
    """Write the score table of each trained network at each precision; every photo is scored out of its fold."""
    for name in trainings:
        training = TRAININGS[name]
        folds = [study.files(name, fold, training) for fold in range(FOLDS)]
        takes = ARCHITECTURES[training.takes]
        pixels = study.pixels(takes.input_size)
        for model, precision in folds[0]:
            logits = out_of_fold([files[model, precision] for files in folds], takes, pixels, study.dataset.folds)
            _write(study.dataset, model, precision, logits, out)


def out_of_fold(networks: list[Path], takes: Architecture, pixels: Pixels, folds: Ints) -> Floats:
    """Return the logits of photos (n, size, size, 3), each by the network of its fold."""
    logits = np.empty(len(pixels), np.float32)
    for fold, network in enumerate(networks):
        logits[folds == fold] = answers(network, takes, pixels[folds == fold])[:, 0]
    return logits


def _write(dataset: LabelledPhotos, model: str, precision: str, logits: Floats, out: Path) -> None:
    scores = (1 / (1 + np.exp(-logits))).round(5)
    rows = dataset.rows.assign(fold=dataset.folds, model=model, precision=precision, score=scores)
    write_table(rows, described(dataset, model, precision), out / f"{dataset.name}.{model}.{precision}")


def described(dataset: LabelledPhotos, model: str, precision: str) -> Measured:
    dark = int((dataset.rows["fitzpatrick"] >= 5).sum())
    notes = [
        "half of the blocks were trained, on four views of a photo; the fine-tuned Lite0 was trained whole, on varied crops"
    ]
    if precision == "int8_static":
        notes.append(f"calibrated on {CALIBRATION_PHOTOS} photos of the folds that it was fitted on")
    notes.append(
        f"enriched sample: {dataset.labels.mean():.0%} malignant is no population's share, and {dark} photos only show skin "
        "types V or VI"
    )
    return measured_here(dataset, model, precision, _HEADS[model], "; ".join(notes))


def differences(dataset: str, tables: Path) -> pd.DataFrame:
    """Compare the AUC of each pair of tables that are there, paired by patient, with a 95% interval."""
    rows = []
    for one, other in PAIRS:
        names = [f"{dataset}.{name}" for name in (one, other)]
        if not all((tables / f"{name}.csv").is_file() for name in names):
            continue
        first, second = (TableReading(table=name, read="auc") for name in names)
        apart, _ = score_reading(TextClaim(says=one, scores=first, against_scores=second, direction="alike"), first)
        auc, _ = score_reading(TextClaim(says=one, scores=first, at_least=0), first)
        rows.append(
            {"network": one, "against": other, "auc": auc.value, "auc_low": auc.low, "auc_high": auc.high}
            | {"difference": apart.value, "low": apart.low, "high": apart.high}
        )
    return pd.DataFrame(rows)
