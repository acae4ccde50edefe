"""A threshold that was chosen on some people and is applied to others: what becomes of its promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.analysis.bootstrap import Floats, bootstrap, percentile_interval
from simulator.analysis.scores.groups import ENOUGH
from simulator.analysis.scores.roc import Roc, roc
from simulator.analysis.statistics import Interval
from simulator.evidence.scores import ScoreError

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """Some of the items of a table, and the scores that they get there."""

    name: str
    members: Mask
    scores: Floats


@dataclass(frozen=True)
class Transfer:
    """A threshold and what it reaches at home, where it was chosen, and away, as shares.

    A figure is None where there are fewer than ENOUGH items of its class, too few to say. The intervals resample the patients
    of both places together, with a threshold of each resample's own.
    """

    home: str
    away: str
    promise: float
    home_sensitivity: float
    home_specificity: float | None
    sensitivity: Interval | None
    specificity: Interval | None
    positives: int
    negatives: int


def transfers(rows: pd.DataFrame, promise: float, others: Iterable[pd.DataFrame] = ()) -> list[Transfer]:
    """What the columns of a table (`score_rows`) allow: other skin types, other cancers and, with `others`, other precisions.

    others: the scores of the same items by the same model at other precisions
    Leaves out what has too few positives at home to choose a threshold on, or nobody away. Raises ScoreError where the items
    are not the same.
    """
    pairs = [*_by_skin(rows), *_by_diagnosis(rows), *(_by_precision(rows, other) for other in others)]
    return [moved for home, away in pairs if (moved := _transfer(rows, promise, home, away)) is not None]


def _by_skin(rows: pd.DataFrame) -> Iterator[tuple[Place, Place]]:
    kind, scores = rows["fitzpatrick"], rows["score"].to_numpy()
    light = Place("skin types I and II", kind.isin([1, 2]).to_numpy(bool), scores)
    yield light, Place("skin types III and IV", kind.isin([3, 4]).to_numpy(bool), scores)
    yield light, Place("skin types V and VI", kind.isin([5, 6]).to_numpy(bool), scores)
    if kind.notna().any():
        yield light, Place("skin type not known", kind.isna().to_numpy(bool), scores)


def _by_diagnosis(rows: pd.DataFrame) -> Iterator[tuple[Place, Place]]:
    """From the most common diagnosis of the positives to each other one."""
    positive, scores = (rows["label"] == 1).to_numpy(), rows["score"].to_numpy()
    told = rows.loc[positive & (rows["diagnosis"] != ""), "diagnosis"].value_counts()
    for name in told.index[1:]:
        common, rare = (rows["diagnosis"] == one for one in (told.index[0], name))
        home = Place(f"positives that are {told.index[0]}", ~positive | common.to_numpy(), scores)
        yield home, Place(f"positives that are {name}", positive & rare.to_numpy(), scores)


def _by_precision(rows: pd.DataFrame, other: pd.DataFrame) -> tuple[Place, Place]:
    if not rows["item"].equals(other["item"]):
        raise ScoreError("the tables hold other items, or in another order; a threshold is carried over on the same items only")
    everyone = np.ones(len(rows), bool)
    first, second = (Place(f"{part['precision'].iloc[0]} scores", everyone, part["score"].to_numpy()) for part in (rows, other))
    return first, second


def _transfer(rows: pd.DataFrame, promise: float, home: Place, away: Place) -> Transfer | None:
    labels = rows["label"].to_numpy()
    (home_ill, home_well), (ill, well) = (_both(labels, place) for place in (home, away))
    if home_ill.sum() < ENOUGH or not away.members.any():
        return None

    def reached(weights: Floats) -> Floats:
        """Sensitivity and specificity, at home and away, of the threshold that home chooses."""
        chosen = _curve(labels, home, weights)
        cut = chosen.threshold_at(promise)[..., None]
        return np.stack([_shares(labels, place, weights, cut) for place in (home, away)], axis=-2)

    value, draws = reached(np.ones((1, len(rows))))[0], bootstrap(rows["patient"], reached)
    sensitivity, specificity = (
        percentile_interval(value[1, place], draws[:, 1, place]) if mine.sum() >= ENOUGH else None
        for place, mine in enumerate((ill, well))
    )
    return Transfer(
        home.name,
        away.name,
        promise,
        float(value[0, 0]),
        float(value[0, 1]) if home_well.sum() >= ENOUGH else None,
        sensitivity,
        specificity,
        int(ill.sum()),
        int(well.sum()),
    )


def _both(labels: NDArray[np.int64], place: Place) -> tuple[Mask, Mask]:
    return place.members & (labels == 1), place.members & (labels == 0)


def _curve(labels: NDArray[np.int64], place: Place, weights: Floats) -> Roc:
    return roc(labels[place.members], place.scores[place.members], weights[..., place.members])


def _shares(labels: NDArray[np.int64], place: Place, weights: Floats, cut: Floats) -> Floats:
    """Share of the positives at or above the cut and of the negatives below it, shape (..., 2)."""
    found = []
    for members, above in zip(_both(labels, place), (True, False), strict=True):
        mine, hits = weights[..., members], (place.scores[members] >= cut) == above
        with np.errstate(invalid="ignore"):
            found.append((mine * hits).sum(-1) / mine.sum(-1))
    return np.stack(found, axis=-1)


def transfer_rows(found: list[Transfer]) -> pd.DataFrame:
    """One row per transfer, in %."""
    return pd.DataFrame([_row(one) for one in found])


def _row(one: Transfer) -> dict[str, object]:
    row: dict[str, object] = {"chosen on": one.home, "applied to": one.away, "promised (%)": 100 * one.promise}
    away = {"sensitivity": one.sensitivity, "specificity": one.specificity}
    at_home = {"sensitivity": one.home_sensitivity, "specificity": one.home_specificity}
    for name, part in away.items():
        here = at_home[name]
        row[f"{name} where chosen (%)"] = None if here is None else 100 * here
        row |= {f"{name} (%)": part and 100 * part.value, f"{name} low": part and 100 * part.low}
        row |= {f"{name} high": part and 100 * part.high}
    return row | {"positives": one.positives, "negatives": one.negatives}
