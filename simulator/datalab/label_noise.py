"""Labels as people give them: a reader's confusion by class, and panels of readers that lessen it.

How often a reader errs comes from dermatologists who read photos of other patients (`assets/datalab/readers.csv`). It is
carried over to our photos under three assumptions: our photos are as hard as theirs, class by class; readers err independently
once the diagnosis is known; and a biopsy is right. Cases that are hard for everybody would make a majority worth less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from simulator.datalab.lab_evidence import MALIGNANT, ReaderTable

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

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
