"""Which items are held out together: the folds that the scores were computed in, or as many of patients at random."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FOLDS = 5
SEED = 0


def folds_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """The fold of each row, from 0 without gaps: the table's own, else patients dealt into `FOLDS` at random, seeded."""
    own = rows["fold"]
    if own.notna().all() and own.nunique() > 1:
        return np.asarray(pd.factorize(own, sort=True)[0], np.int64)
    codes = pd.factorize(rows["patient"])[0]
    dealt = np.random.default_rng(SEED).permutation(codes.max() + 1) % FOLDS
    return np.asarray(dealt[codes], np.int64)
