"""Sums of how dermatologists read one case after the other: pairs of answers, and a confusion by class (Dawid and Skene 1979).

The rows do not say who read which case, so one confusion stands for every reader. Only sums leave this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from campaigns.datalab.dawid_skene import ReaderModel, dawid_skene
from simulator.datalab.lab_evidence import MALIGNANT
from simulator.evidence.evidence_files import in_one_step
from simulator.intervals import LEVEL, share_interval
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
#: Shares below this have bounds that also hold for no answer in n.
SMALL_SHARE = 0.05
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


@dataclass(frozen=True)
class FittedReader:
    """The confusion of a reader, fitted to all cases and to resampled ones.

    resampled: confusions, (resamples, classes, classes); answers: number of answers behind each true class
    """

    fitted: ReaderModel
    resampled: Floats
    answers: Floats

    @classmethod
    def of(cls, cases: list[Floats], resamples: int = _RESAMPLES) -> Self:
        """Fit it, and fit it again to cases drawn with replacement."""
        counts = np.stack([answers.sum(axis=0) for answers in cases])
        fitted = dawid_skene(counts)
        rng = np.random.default_rng(_SEED)
        drawn = (counts[rng.integers(len(cases), size=len(cases))] for _ in range(resamples))
        resampled = np.stack([dawid_skene(one, start=fitted).confusion for one in drawn])
        return cls(fitted, resampled, (fitted.posterior.T @ counts).sum(axis=1))

    def confusion_rows(self) -> pd.DataFrame:
        """Return the confusion: truth, answer, share, low, high, and the number of answers behind each truth."""
        low, high = bounds(self.fitted.confusion, self.resampled, self.answers[:, None])
        rows = [
            (truth, answer, self.fitted.confusion[i, j], low[i, j], high[i, j], self.answers[i], self.fitted.prevalence[i])
            for i, truth in enumerate(CLASSES)
            for j, answer in enumerate(CLASSES)
        ]
        return pd.DataFrame(rows, columns=["truth", "answer", "share", "low", "high", "answers", "prevalence"])

    def malignant_rows(self) -> pd.DataFrame:
        """Return the share that a reader calls malignant, whatever the cancer, by truth: share, low, high, answers."""
        malignant = [CLASSES.index(name) for name in MALIGNANT]
        share = self.fitted.confusion[:, malignant].sum(axis=-1)
        low, high = bounds(share, self.resampled[..., malignant].sum(axis=-1), self.answers)
        columns = {"truth": CLASSES, "share": share, "low": low, "high": high, "answers": self.answers}
        return pd.DataFrame(columns)


def bounds(share: Floats, resampled: Floats, answers: Floats) -> tuple[Floats, Floats]:
    """Return the 95% bounds of shares: normal on the arcsine scale, where the spread of a share hardly depends on it.

    The middle 95% of the resamples themselves is too narrow: it held the truth in 88 to 92% of simulated studies.
    Few or no answers stand behind a small share, and resamples hardly vary: its bounds reach at least to those of Clopper and
    Pearson.
    share: (...); resampled: (resamples, ...); answers: behind the truth. Arcsine transformation: Anscombe 1948, Biometrika
    35:246.
    """
    middle, drawn = np.arcsin(np.sqrt(share)), np.arcsin(np.sqrt(resampled))
    half = ndtri((1 + LEVEL) / 2) * drawn.std(axis=0, ddof=1)
    low, high = np.sin(np.clip([middle - half, middle + half], 0, np.pi / 2)) ** 2
    exact = _share_bounds(share * answers, answers)
    small = share < SMALL_SHARE
    return np.where(small, np.minimum(low, exact[0]), low).round(6), np.where(small, np.maximum(high, exact[1]), high).round(6)


@np.vectorize
def _share_bounds(hits: float, count: float) -> tuple[float, float]:
    found = share_interval(hits, count)
    return found.low, found.high


def write_readers(folder: Path, out: Path) -> None:
    """Write readers.csv, called_malignant.csv, reader_pairs.csv and reader_cases.csv to the folder `out`."""
    cases = read_answers(folder)
    reader = FittedReader.of(cases)
    pairs = pair_counts(cases)
    rows = [(one, other, pairs[i, j]) for i, one in enumerate(CLASSES) for j, other in enumerate(CLASSES)]
    tables = {
        "readers.csv": reader.confusion_rows(),
        "called_malignant.csv": reader.malignant_rows(),
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
