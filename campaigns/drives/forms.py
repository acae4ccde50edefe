"""forms.csv: which shape of curve says most about drives that it was not fitted on? That of `monotone.py`, all in all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, xlog1py, xlogy

from campaigns.drives.curves import AXES, Series, natural_axis, operating
from campaigns.drives.monotone import sums
from campaigns.drives.resample import Resamples

Vector = NDArray[np.float64]
Hits = NDArray[np.bool_]

#: Parts that drives are dealt into, in turn; each is left out once.
FOLDS = 7
#: A recall is never taken as nearer to 0 or 1 than this.
_LEAST = 0.002
_DIGITS = 4


def isotonic(x: Vector, hit: Hits, asked: Vector) -> Vector:
    """Isotonic regression, linear in x between its points. x: ascending recall."""
    places, at = np.unique(x, return_inverse=True)
    frames = np.bincount(at)
    found = isotonic_regression(np.bincount(at, hit) / frames, weights=frames).x
    return np.asarray(np.interp(asked, places, found), float)


def logistic(x: Vector, hit: Hits, asked: Vector) -> Vector:
    """Return a logistic in x, by maximum likelihood."""
    sign = np.where(hit, 1.0, -1.0)
    middle = float(x.mean())

    def loss(line: Vector) -> float:
        return float(np.logaddexp(0, -sign * (line[0] + line[1] * (x - middle))).sum())

    best = minimize(loss, [0.0, 1.0]).x
    return np.asarray(expit(best[0] + best[1] * (asked - middle)), float)


def monotone(x: Vector, hit: Hits, asked: Vector) -> Vector:
    """Return the form that is used: a normal latent's threshold, linear between knots, that only rises."""
    source = sums(np.exp(x - x.min()), hit, np.zeros(len(x), np.int64), 1, rising=True)
    return source.fit(np.ones(1)).recall(np.exp(asked - x.min()))


FORMS: dict[str, Callable[[Vector, Hits, Vector], Vector]] = {
    "monotone_probit": monotone,
    "isotonic": isotonic,
    "logistic": logistic,
}


def table(seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Mean log-likelihood of a held-out frame, a row a sensor and kind of object, a column a form. seen: `hits.looks`."""
    return pd.DataFrame(list(_rows(seen, resamples))).round(_DIGITS)


def _rows(seen: pd.DataFrame, resamples: Resamples) -> Iterator[dict[str, object]]:
    for one in operating(seen, resamples):
        by = natural_axis(one.sensor)
        scores = {name: held_out(one, by, form) for name, form in FORMS.items()}
        yield {"seen_by": one.sensor, "object": one.kind, "by": by, "frames": len(one.hit), **scores}


def held_out(one: Series, by: str, form: Callable[[Vector, Hits, Vector], Vector]) -> float:
    """Mean log-likelihood of a frame under the curve of the drives of the other folds."""
    x = np.log(one.x(by)) * (1 if AXES[by][1] else -1)
    fold = pd.factorize(one.rows["drive"], sort=True)[0] % FOLDS
    recall = np.empty(len(x))
    for part in range(FOLDS):
        out = fold == part
        recall[out] = form(x[~out], one.hit[~out], x[out])
    recall = np.clip(recall, _LEAST, 1 - _LEAST)
    return float(np.mean(xlogy(one.hit, recall) + xlog1py(~one.hit, -recall)))
