"""Totals of one replication: a numerator and a denominator, with what other labels or evidence would make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Total:
    """A numerator and a denominator, summed over the requests of one replication: a share, or what one request costs.

    by_way: the same by class and by the way of the labelled items through the gates by score, as `Strata` lists them, columns
    numerator and denominator; None where no labelled item stands behind the figure
    by_draw: the same for each resample of other evidence, shape (draws, 2); None where the replication was not evaluated so
    between: the bounds that evidence counted outside the run leaves the ratio, where it is no sum over the run
    parts: the totals that it is the sum of, by name, where they are reported too
    """

    numerator: float
    denominator: float
    by_way: NDArray[np.float64] | None = None
    by_draw: NDArray[np.float64] | None = None
    between: tuple[float, float] | None = None
    parts: Mapping[str, Total] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The numerator over the denominator; None where that is 0."""
        return self.numerator / self.denominator if self.denominator else None


def changes(totals: Sequence[Total]) -> NDArray[np.float64] | None:
    """Return the change of a ratio over replications in each resample of the evidence, shape (draws,); None without resamples.

    A resample is compared with the evidence as it is in the same replications.
    """
    resampled = [(total, total.by_draw) for total in totals if total.by_draw is not None]
    if not resampled:
        return None
    now = np.sum([(total.numerator, total.denominator) for total, _ in resampled], axis=0)
    drawn = np.sum([by_draw for _, by_draw in resampled], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = drawn[:, 0] / drawn[:, 1] - now[0] / now[1]
    return np.asarray(moved[np.isfinite(moved)])


def bounds(totals: Sequence[Total]) -> tuple[float, float] | None:
    """Return the bounds that counted evidence leaves a ratio, on average over replications; None where there are none."""
    bounded = [total.between for total in totals if total.between is not None]
    return (float(np.mean([low for low, _ in bounded])), float(np.mean([high for _, high in bounded]))) if bounded else None
