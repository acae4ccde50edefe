"""Errors of measured distances and closing speeds: `ranges.csv` of the drives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from simulator.errors import suggest
from simulator.evidence.drive_tables import DRAWS, ERROR_PERCENTS, ESTIMATE, DriveError, Misses, load_drives
from simulator.evidence.table_lookups import keeps_answers
from simulator.paths import DRIVES

Floats = NDArray[np.float64]

QUANTILES = [f"q{percent:02d}" for percent in ERROR_PERCENTS]
#: The quantiles as standard normal numbers.
NORMALS = ndtri(np.array(ERROR_PERCENTS) / 100)


@dataclass(frozen=True, eq=False)
class RangeError:
    """One error by distance: a ratio of measured to true distances, or a difference of closing speeds in m/s.

    x: distances in metres, ascending, shape (k,); quantiles: row 0 is the estimate, shape (1 + DRAWS, k, len(NORMALS))
    parts: the shares of the variance of the normal number behind it that stay with one object and pass slowly
    """

    x: Floats
    quantiles: Floats
    parts: Misses

    def drawn_at(self, distance_m: Floats, normal: Floats, draws: NDArray[np.intp]) -> Floats:
        """Return the error at each distance for the standard normal number behind it, shape (draws, k).

        Linear between distances by their logarithm, and between quantiles by their normal numbers; constant beyond both.
        """
        place = np.interp(np.log(np.maximum(distance_m, 1e-6)), np.log(self.x), np.arange(len(self.x)))
        level = np.interp(normal, NORMALS, np.arange(len(NORMALS)))
        (near, far, part), (below, above, share) = _between(place, len(self.x)), _between(level, len(NORMALS))
        table = self.quantiles[draws]

        def at(row: NDArray[np.intp]) -> Floats:
            return np.asarray((1 - share) * table[:, row, below] + share * table[:, row, above])

        return (1 - part) * at(near) + part * at(far)


def _between(place: Floats, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return the knots before and after each place, and how far it lies between them."""
    before = np.clip(place.astype(np.intp), 0, max(count - 2, 0))
    return before, np.minimum(before + 1, count - 1), place - before


@dataclass(frozen=True, eq=False)
class Ranging:
    """Errors of one way to measure distances: distance as a ratio, closing in m/s."""

    distance: RangeError
    closing: RangeError


@keeps_answers(lambda method, what: (load_drives(DRIVES),))
def ranging_of(method: str, what: str) -> Ranging:
    """Return the errors of a way to measure distances; where only cars were measured, those of cars stand for all.

    Raises DriveError that lists the measured ones.
    """
    rows = load_drives(DRIVES).ranges
    if method not in set(rows["seen_by"]):
        raise DriveError(f"distances by '{method}' were not measured; {suggest(method, sorted(set(rows['seen_by'])))}")
    rows = rows[rows["seen_by"] == method]
    rows = rows[rows["object"] == (what if what in set(rows["object"]) else "car")]
    return Ranging(*(_error(rows[rows["of"] == of]) for of in ("distance", "closing")))


def _error(rows: pd.DataFrame) -> RangeError:
    rows = rows.sort_values(["draw", "x"])
    x = rows.loc[rows["draw"] == ESTIMATE, "x"].to_numpy(float)
    if not len(x) or len(rows) != (1 + DRAWS) * len(x):
        raise DriveError(f"{DRIVES / 'ranges.csv'}: holds {len(rows)} rows of an error; {1 + DRAWS} a distance are needed")
    parts = (np.full(1 + DRAWS, float(rows[name].iloc[0])) for name in ("object_share", "slow_share", "tau_s"))
    return RangeError(x, rows[QUANTILES].to_numpy(float).reshape(1 + DRAWS, len(x), len(NORMALS)), Misses(*parts))
