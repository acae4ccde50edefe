"""How often a reader calls a class of photos malignant, without the truth, where the readers' confusion is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from campaigns.datalab.readers import CLASSES, FittedReader
from simulator.datalab.lab_evidence import MALIGNANT, reader_table
from simulator.intervals import Interval
from tests.coverage.registry import Claim, study

WHY = {f"{name}, called malignant": "Few of the 375 cases belong to the class, and none of them has a proven truth."
       for name in MALIGNANT}  # fmt: skip


@study("375 cases that one to nine readers read, with the confusion of `readers.csv`", why=WHY)
def reading(number: int) -> Iterator[Claim]:
    rng = np.random.default_rng([number, 375])
    table = reader_table()
    confusion = table.confusion / table.confusion.sum(axis=1, keepdims=True)  # the file rounds its shares
    classes = rng.choice(len(CLASSES), 375, p=table.answers / table.answers.sum())
    readers = rng.integers(1, 10, 375)
    cases = [np.eye(len(CLASSES))[rng.choice(len(CLASSES), many, p=confusion[one])]
             for one, many in zip(classes, readers, strict=True)]  # fmt: skip
    found = FittedReader.of(cases, resamples=100).malignant_rows().set_index("truth")
    malignant = [CLASSES.index(name) for name in MALIGNANT]
    for name in MALIGNANT:
        truth = float(confusion[CLASSES.index(name), malignant].sum())
        yield Claim(f"{name}, called malignant", truth, Interval(*found.loc[name, ["share", "low", "high"]]))
