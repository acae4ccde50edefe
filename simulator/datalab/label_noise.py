"""Labels as people give them: a reader's confusion by class, panels of readers that lessen it, and agreement beyond chance.

How often a reader errs comes from dermatologists who read photos of other patients (`assets/datalab/readers.csv`). It is
carried over to our photos under three assumptions: our photos are as hard as theirs, class by class; readers err independently
once the diagnosis is known; and a biopsy is right. Cases that are hard for everybody would make a majority worth less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Bools, Floats
from simulator.datalab.lab_evidence import MALIGNANT, ReaderTable
from simulator.intervals import Interval, percentile_interval

#: The people behind a label: a biopsy; one reader; three, of whom the majority counts; two, and an expert where they differ.
Labeller = Literal["proven", "one", "three", "adjudicated"]
LABELLERS: tuple[Labeller, ...] = get_args(Labeller)

#: Part of a reader's errors that is left, by assumption: of an expert, and of a reader with written guidelines.
EXPERT_ERRORS, EXPERT_BETWEEN = 0.5, (0.25, 1.0)
GUIDELINE_ERRORS, GUIDELINE_BETWEEN = 0.7, (0.5, 1.0)


@dataclass(frozen=True)
class Panel:
    """The people behind a label. guidelines: whether they follow written rules; errors: part of their errors that is left."""

    labeller: Labeller = "proven"
    guidelines: bool = False
    guideline_errors: float = GUIDELINE_ERRORS
    expert_errors: float = EXPERT_ERRORS

    def called(self, reader: Floats, malignant: Bools) -> Floats:
        """Return the probability that the panel calls a photo malignant.

        reader: the probability that one reader does, by photo or class; malignant: the truth, of the same shape
        """
        if self.labeller == "proven":
            return malignant.astype(float)
        chance = fewer_errors(reader, malignant, self.guideline_errors) if self.guidelines else reader
        if self.labeller == "one":
            return chance
        if self.labeller == "three":
            return majority_of_three(chance)
        expert = fewer_errors(chance, malignant, self.expert_errors)
        return chance**2 + 2 * chance * (1 - chance) * expert


def fewer_errors(called: Floats, malignant: Bools, left: float) -> Floats:
    """Return the probability of the answer "malignant" where only a part of the errors is left."""
    return np.where(malignant, 1 - (1 - called) * left, called * left)


def majority_of_three(called: Floats) -> Floats:
    """Return the probability that at least two of three independent readers call it malignant (Condorcet)."""
    return called**2 * (3 - 2 * called)


def called_by_class(table: ReaderTable) -> dict[str, float]:
    """Return the probability that one reader calls a photo malignant, by true class."""
    columns = [table.classes.index(name) for name in MALIGNANT]
    return {name: float(table.confusion[place, columns].sum()) for place, name in enumerate(table.classes)}


def drawn_labels(panel: Panel, table: ReaderTable, diagnoses: NDArray[np.object_], rng: np.random.Generator) -> Bools:
    """Draw the panel's label of each photo, True for malignant. The same generator errs at the same photos first."""
    malignant = np.isin(diagnoses, MALIGNANT)
    by_class = called_by_class(table)
    reader = np.array([by_class[name] for name in diagnoses])
    luck = rng.random(len(diagnoses))
    wrong = np.where(malignant, 1 - panel.called(reader, malignant), panel.called(reader, malignant))
    return np.asarray(malignant ^ (luck < wrong))


def disagreement(panel: Panel, table: ReaderTable, diagnoses: NDArray[np.object_]) -> float:
    """Return the share of photos on which two readers of the panel differ about "malignant"."""
    by_class, malignant = called_by_class(table), np.isin(diagnoses, MALIGNANT)
    reader = np.array([by_class[name] for name in diagnoses])
    chance = fewer_errors(reader, malignant, panel.guideline_errors) if panel.guidelines else reader
    return float(np.mean(2 * chance * (1 - chance)))


_RESAMPLES = 2000
_SEED = 0


def kappa(table: Floats) -> Floats:
    """Return Cohen's kappa of tables of counts, (..., classes, classes); NaN where all answers are alike."""
    total = table.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = np.trace(table, axis1=-2, axis2=-1) / total
        expected = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / total**2
        return np.asarray((agreed - expected) / (1 - expected))


def pair_table(readers: Floats, malignant: Floats, weights: Floats) -> Floats:
    """Return pairs of readers of one case by their answers, benign first, (..., 2, 2): each pair in both orders.

    readers, malignant: of each kind of case, (kinds,); weights: the number of such cases, (..., kinds)
    """
    benign = readers - malignant
    both, mixed, none = malignant * (malignant - 1), malignant * benign, benign * (benign - 1)
    cells = np.stack([weights @ none, weights @ mixed, weights @ mixed, weights @ both], axis=-1)
    return np.asarray(cells.reshape(*cells.shape[:-1], 2, 2))


def pair_kappa(cases: pd.DataFrame) -> Interval:
    """Return kappa of "malignant" over the pairs of readers, with its 95% interval from resampled cases.

    cases: kinds of cases by `readers` and `malignant`, and how many `cases` of each there are
    """
    return _over_cases(cases, kappa)


def agreed_share(cases: pd.DataFrame) -> Interval:
    """Return the share of pairs of readers who agree on "malignant", with its 95% interval from resampled cases."""
    return _over_cases(cases, lambda table: np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1))))


def _over_cases(cases: pd.DataFrame, figure: Callable[[Floats], Floats]) -> Interval:
    readers, malignant, counts = (cases[name].to_numpy(float) for name in ("readers", "malignant", "cases"))
    total = int(counts.sum())
    drawn = np.random.default_rng(_SEED).multinomial(total, counts / total, _RESAMPLES).astype(float)
    value, draws = (figure(pair_table(readers, malignant, weights)) for weights in (counts, drawn))
    return percentile_interval(float(value), draws)
