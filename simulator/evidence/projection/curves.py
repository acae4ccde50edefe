"""Projected latencies as the catalogue keeps them: t(b) = start + b * item for a network on a device, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.evidence.catalogue import CatalogueError
from simulator.evidence.files import read_table, remembered
from simulator.evidence.projection.points import OFFLINE
from simulator.evidence.ranges import SECONDS, Range, check_ranges
from simulator.paths import CATALOGUE

#: What identifies a curve, and its figures: seconds, and variances and covariance of their logarithms.
KEY = ("device", "precision", "model")
COLUMNS = (*KEY, "item_s", "start_s", "item_variance", "start_variance", "covariance")
_RANGES = {
    "item_s": SECONDS._replace(low=1e-12),
    "start_s": SECONDS._replace(low=0),
    "item_variance": Range(0, 100),
    "start_variance": Range(0, 100),
    "covariance": Range(-100, 100),
}

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Seconds for a batch are start_s + batch * item_s; variances and covariance are those of the logarithms of both parts."""

    item_s: float
    start_s: float
    item_variance: float
    start_variance: float
    covariance: float

    def at(self, batches: ArrayLike) -> tuple[Vector, Vector]:
        """Logarithm of seconds and its standard deviation for each batch; one item of endlessly many where it is OFFLINE.

        The deviation is that of the sum of both parts to first order, each by its share of the whole.
        """
        sizes = np.asarray(batches, float)
        items = np.maximum(sizes, 1) * self.item_s
        start = np.where(sizes == OFFLINE, 0.0, self.start_s)
        part = items / (items + start)
        variance = part**2 * self.item_variance + (1 - part) ** 2 * self.start_variance
        return np.log(items + start), np.sqrt(variance + 2 * part * (1 - part) * self.covariance)


def curve_of(model: str, precision: str, device: str, folder: Path = CATALOGUE) -> Curve:
    """The curve of a network of the catalogue; raises CatalogueError where the file is older than the network."""
    found = _curves(folder)
    if (device, precision, model) not in found:
        raise CatalogueError(
            f"{folder / 'projected.csv'}: has no row for {model} at {precision} on {device}; casesim projection --again adds it"
        )
    return found[device, precision, model]


@remembered("projected.csv")
def _curves(folder: Path) -> dict[tuple[str, str, str], Curve]:
    path = folder / "projected.csv"
    table = read_table(path, COLUMNS, CatalogueError)[list(COLUMNS)]
    check_ranges(path, table, _RANGES, CatalogueError)
    return {(row[0], row[1], row[2]): Curve(*row[3:]) for row in table.itertuples(index=False, name=None)}
