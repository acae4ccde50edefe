"""Sums of how dermatologists read one case after the other: pairs of answers, and a confusion by class (Dawid and Skene 1979).

The rows do not say who read which case, so one confusion stands for every reader. Only sums leave this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.datalab.dawid_skene import dawid_skene
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.guarded import CannotMeasureError

Floats = NDArray[np.float64]

#: Our classes, by the name of their condition in the list; all others are one class more.
CONDITIONS = {
    "Basal Cell Carcinoma": "BCC",
    "SCC/SCCIS": "SCC",
    "Melanoma": "MEL",
    "Actinic Keratosis": "ACK",
    "Melanocytic Nevus": "NEV",
    "SK/ISK": "SEK",
}
OTHER = "other"
CLASSES = (*CONDITIONS.values(), OTHER)
_FILES = ("dermatology_selectors.json", "dermatology_conditions.txt")
_RESAMPLES = 400
_SEED = 0


def read_answers(folder: Path) -> list[Floats]:
    """Return for each case the first answers of its readers, (readers, classes); an answer that names several is shared out.

    Cases where no reader names one of the six classes first are left out. Raises CannotMeasureError.
    """
    missing = next((folder / name for name in _FILES if not (folder / name).is_file()), None)
    if missing:
        raise CannotMeasureError(f"{missing}: there is no such file; pass the folder of skin_readers")
    cases = json.loads((folder / _FILES[0]).read_text())
    names = (folder / _FILES[1]).read_text().splitlines()
    column = [CLASSES.index(CONDITIONS.get(name, OTHER)) for name in names]
    found = [np.array(list(_first_answers(case, column))) for case in cases]
    return [answers for answers in found if len(answers) and answers[:, :-1].any()]


def _first_answers(case: list[list[list[int]]], column: list[int]) -> Iterator[Floats]:
    for ranked in case:
        if ranked:
            shares = np.zeros(len(CLASSES))
            np.add.at(shares, [column[condition] for condition in ranked[0]], 1 / len(ranked[0]))
            yield shares


def pair_counts(cases: list[Floats]) -> Floats:
    """Return how often two readers of a case give one answer and another, (classes, classes), each pair counted once in all."""
    total = np.zeros((len(CLASSES), len(CLASSES)))
    for answers in cases:
        together = answers.sum(axis=0)
        total += np.outer(together, together) - answers.T @ answers
    return total / 2


def confusion_rows(cases: list[Floats]) -> pd.DataFrame:
    """Return the confusion of a reader: truth, answer, share, low, high, and the number of answers behind each truth."""
    counts = np.stack([answers.sum(axis=0) for answers in cases])
    fitted = dawid_skene(counts)
    rng = np.random.default_rng(_SEED)
    resampled = []
    for _ in range(_RESAMPLES):
        drawn = rng.integers(len(cases), size=len(cases))
        resampled.append(dawid_skene(counts[drawn], start=fitted).confusion)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    behind = (fitted.posterior.T @ counts).sum(axis=1)
    rows = [
        (truth, answer, fitted.confusion[i, j], low[i, j], high[i, j], behind[i], fitted.prevalence[i])
        for i, truth in enumerate(CLASSES)
        for j, answer in enumerate(CLASSES)
    ]
    return pd.DataFrame(rows, columns=["truth", "answer", "share", "low", "high", "answers", "prevalence"])


def write_readers(folder: Path, out: Path) -> None:
    """Write readers.csv (the confusion) and reader_pairs.csv (pairs, and cases) to the folder `out`."""
    cases = read_answers(folder)
    pairs = pair_counts(cases)
    rows = [(one, other, pairs[i, j]) for i, one in enumerate(CLASSES) for j, other in enumerate(CLASSES)]
    tables = {
        "readers.csv": confusion_rows(cases),
        "reader_pairs.csv": pd.DataFrame(rows, columns=["one", "other", "pairs"]),
        "reader_cases.csv": case_sums(cases),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        with in_one_step(out / name) as part:
            table.to_csv(part, index=False, float_format="%.5g", lineterminator="\n")


def case_sums(cases: list[Floats]) -> pd.DataFrame:
    """Return how many cases have how many readers, and how many of these call it malignant: for kappa with its interval."""
    found = [(len(answers), round(float(answers[:, :3].sum()))) for answers in cases]
    table = pd.DataFrame(found, columns=["readers", "malignant"])
    return table.groupby(["readers", "malignant"]).size().rename("cases").reset_index()
