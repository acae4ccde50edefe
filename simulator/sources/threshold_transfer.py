"""The effect of one threshold on groups of people and at other prevalences; groups that are too small have no verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.evidence.evidence_files import EvidenceError
from simulator.intervals import Interval, bootstrap, clustered_share, folds_of, percentile_interval
from simulator.metrics.roc import TARGETS, predictive_value, roc, share
from simulator.phrases import phrase
from simulator.units import percent

#: With fewer items of a class the interval is wider than any difference one would look for.
ENOUGH = 30
#: The columns of a table that split people into groups.
Column = Literal["fitzpatrick", "diagnosis"]
UNKNOWN = "not known"
_TYPES = {number: f"type {roman}" for number, roman in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}


def group_rows(rows: pd.DataFrame, threshold: float, by: Column) -> pd.DataFrame:
    """Return two rows a group, for the positives and the negatives in it: group, what, share, low, high, n, patients, verdict.

    what: sensitivity, the share of positives with a score of at least `threshold`, or specificity, the share of negatives below
    verdict: empty, or "too few to say" where there are fewer than ENOUGH items; the share is NaN then
    """
    named = rows.assign(group=_names(rows[by], by))
    rows_of = [
        _row(str(group), label, people, threshold)
        for group, members in named.groupby("group", sort=True)
        for label, people in sorted(members.groupby("label"), key=lambda part: -int(str(part[0])))
    ]
    return pd.DataFrame(rows_of, columns=["group", "what", "share", "low", "high", "n", "patients", "verdict"])


def _names(column: pd.Series, by: Column) -> pd.Series:
    if by == "diagnosis":
        return column.replace("", UNKNOWN)
    return column.map(_TYPES).fillna(UNKNOWN).astype(str)


def _row(group: str, label: object, members: pd.DataFrame, threshold: float) -> tuple[object, ...]:
    ill = label == 1
    hit = (members["score"] >= threshold) == ill
    counted = group, "sensitivity" if ill else "specificity"
    size = len(members), members["patient"].nunique()
    if len(members) < ENOUGH:
        return *counted, np.nan, np.nan, np.nan, *size, "too few to say"
    part = clustered_share(members["patient"].to_numpy(), np.ones(len(members)), hit.to_numpy(), float(len(members)))
    return *counted, part.value, part.low, part.high, *size, ""


SAME = "chosen and judged on all"
NEXT = "chosen on one fold, judged on the next"
REST = "chosen on the rest, judged on one fold"

Mask = NDArray[np.bool_]


def optimism_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per promise and way of judging it: promise, way, reached, low, high, least, most; shares.

    reached: sensitivity over all positives, each judged once; low, high: its 95% interval, which knows the patients
    least, most: over the folds

    Of m positives the threshold admits k = ceil(promise m). On them it reaches k / m; of a stranger's positive score it is only
    known that it falls into any of the m + 1 gaps alike, so k / (m + 1) is reached on average, and much less in some folds.
    """
    optimism = [_optimism_row(rows, promise, way, pairs) for promise in TARGETS for way, pairs in _ways(folds_of(rows))]
    return pd.DataFrame(optimism, columns=["promise", "way", "reached", "low", "high", "least", "most"])


def _ways(folds: NDArray[np.int64]) -> Iterator[tuple[str, list[tuple[Mask, Mask]]]]:
    count = int(folds.max()) + 1
    everyone = np.ones(len(folds), bool)
    yield SAME, [(everyone, everyone)]
    yield NEXT, [(folds == fold, folds == (fold + 1) % count) for fold in range(count)]
    yield REST, [(folds != fold, folds == fold) for fold in range(count)]


def _optimism_row(rows: pd.DataFrame, promise: float, way: str, pairs: list[tuple[Mask, Mask]]) -> tuple[object, ...]:
    labels, scores, patients = (rows[name].to_numpy() for name in ("label", "score", "patient"))
    hits, judged_ill, by_fold = np.zeros(len(rows), bool), np.zeros(len(rows), bool), []
    for chosen, judged in pairs:
        ill = judged & (labels == 1)
        if not ill.any() or not labels[chosen].any():
            continue  # a fold of somebody else's may hold no positive
        hits[ill] = scores[ill] >= roc(labels[chosen], scores[chosen]).threshold_at(promise)
        judged_ill |= ill
        by_fold.append(float(hits[ill].mean()))
    count = int(judged_ill.sum())
    total = clustered_share(patients[judged_ill], np.ones(count), hits[judged_ill], count)
    return promise, way, total.value, total.low, total.high, min(by_fold), max(by_fold)


@dataclass(frozen=True)
class Pair:
    """One figure of two tables, as shares. change: second minus first, resampled together."""

    what: str
    first: float
    second: float
    change: Interval

    @property
    def differs(self) -> bool:
        return self.change.low > 0 or self.change.high < 0


def paired(first: pd.DataFrame, second: pd.DataFrame) -> list[Pair]:
    """Return AUC and the specificity at each of TARGETS of two tables (`score_rows`) of the same items, with paired intervals.

    Raises EvidenceError where the items, or what is said of them, differ.
    """
    one, other = (rows.set_index("item").sort_index() for rows in (first, second))
    if not one.index.equals(other.index) or not (one["label"] == other["label"]).all():
        shared = len(one.index.intersection(other.index))
        raise EvidenceError(phrase("scores_of_photos.not_paired", shared=shared, items=len(one), other_items=len(other)))
    labels, columns = one["label"].to_numpy(), (one["score"].to_numpy(), other["score"].to_numpy())

    def figures(weights: Floats | None = None) -> Floats:
        curves = [roc(labels, scores, weights) for scores in columns]
        of_each = [[curve.auc, *(curve.specificity_at(target) for target in TARGETS)] for curve in curves]
        return np.moveaxis(np.array(of_each), (0, 1), (-2, -1))

    value, draws = figures(), bootstrap(one["patient"], figures)
    moved, names = draws[:, 1] - draws[:, 0], ["AUC", *(f"specificity at {target:.0%} sensitivity" for target in TARGETS)]
    return [
        Pair(name, float(before), float(after), percentile_interval(after - before, moved[:, place]))
        for place, (name, before, after) in enumerate(zip(names, *value, strict=True))
    ]


def pair_sentence(pair: Pair, first: str, second: str) -> str:
    """Say what the pair shows, with its interval; `first` and `second` are the names of the tables."""
    is_area = pair.what == "AUC"
    written = "{:.3f}".format if is_area else percent
    moved, low, high = (written(x) if is_area else f"{100 * x:.1f}" for x in vars(pair.change).values())
    return phrase(
        "pairs.differ" if pair.differs else "pairs.same", what=pair.what, after=written(pair.second), second=second,
        before=written(pair.first), first=first, moved=moved.lstrip("-"), higher=pair.change.value > 0, low=low, high=high,
        area=is_area,
    )  # fmt: skip


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
    """Return the comparisons that a table's columns allow: other skin types, cancers and, with `others`, other precisions.

    others: the scores of the same items by the same model at other precisions
    Comparisons with too few positives at home to choose a threshold, or with no items away, are left out. Raises EvidenceError
    where the items differ.
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
    positive, scores = (rows["label"] == 1).to_numpy(), rows["score"].to_numpy()
    counts = rows.loc[positive & (rows["diagnosis"] != ""), "diagnosis"].value_counts()
    for name in counts.index[1:]:
        common, rare = (rows["diagnosis"] == one for one in (counts.index[0], name))
        home = Place(f"positives that are {counts.index[0]}", ~positive | common.to_numpy(), scores)
        yield home, Place(f"positives that are {name}", positive & rare.to_numpy(), scores)


def _by_precision(rows: pd.DataFrame, other: pd.DataFrame) -> tuple[Place, Place]:
    if not rows["item"].equals(other["item"]):
        raise EvidenceError(phrase("scores_of_photos.other_items"))
    everyone = np.ones(len(rows), bool)
    first, second = (Place(f"{part['precision'].iloc[0]} scores", everyone, part["score"].to_numpy()) for part in (rows, other))
    return first, second


def _transfer(rows: pd.DataFrame, promise: float, home: Place, away: Place) -> Transfer | None:
    labels = rows["label"].to_numpy()
    (home_ill, home_well), (ill, well) = (_both(labels, place) for place in (home, away))
    if home_ill.sum() < ENOUGH or not away.members.any():
        return None

    def reached(weights: Floats) -> Floats:
        chosen = roc(labels[home.members], home.scores[home.members], weights[..., home.members])
        cut = chosen.threshold_at(promise)[..., None]
        return np.stack([_shares(labels, place, weights, cut) for place in (home, away)], axis=-2)

    value, draws = reached(np.ones((1, len(rows))))[0], bootstrap(rows["patient"], reached)
    sensitivity, specificity = (
        percentile_interval(value[1, place], draws[:, 1, place]) if members.sum() >= ENOUGH else None
        for place, members in enumerate((ill, well))
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


def _shares(labels: NDArray[np.int64], place: Place, weights: Floats, cut: Floats) -> Floats:
    """Return share of the positives at or above the cut and of the negatives below it, shape (..., 2)."""
    shares = []
    for members, above in zip(_both(labels, place), (True, False), strict=True):
        own, hits = weights[..., members], (place.scores[members] >= cut) == above
        with np.errstate(invalid="ignore"):
            shares.append((own * hits).sum(-1) / own.sum(-1))
    return np.stack(shares, axis=-1)


def transfer_rows(transfers: list[Transfer]) -> pd.DataFrame:
    return pd.DataFrame([_transfer_row(transfer) for transfer in transfers])


def _transfer_row(transfer: Transfer) -> dict[str, object]:
    row: dict[str, object] = {"chosen on": transfer.home, "applied to": transfer.away, "promised (%)": 100 * transfer.promise}
    away = {"sensitivity": transfer.sensitivity, "specificity": transfer.specificity}
    at_home = {"sensitivity": transfer.home_sensitivity, "specificity": transfer.home_specificity}
    for name, part in away.items():
        here = at_home[name]
        row[f"{name} where chosen (%)"] = None if here is None else 100 * here
        row |= {f"{name} (%)": part and 100 * part.value, f"{name} low": part and 100 * part.low}
        row |= {f"{name} high": part and 100 * part.high}
    return row | {"positives": transfer.positives, "negatives": transfer.negatives}


#: The prevalences of a curve.
GRID = tuple(float(f"{share:.3g}") for share in np.geomspace(0.001, 0.5, 40))
#: The figures at each prevalence, with their units.
FIGURES = {
    "flagged": "people flagged, of 1,000",
    "right": "flagged people who are ill (%)",
    "unflagged": "positives not flagged, of 1,000 people",
}


def prevalence_rows(rows: pd.DataFrame, threshold: float, prevalences: Iterable[float]) -> pd.DataFrame:
    """Return a row per prevalence: prevalence, each of FIGURES with `low` and `high`, a 95% interval over patients.

    The sample's positives and negatives stand for those of the population; only their mixture changes. That is the least that
    changes: where fewer are ill, the ill are often less plainly ill too.
    """
    labels, above = rows["label"].to_numpy() == 1, rows["score"].to_numpy() >= threshold

    def rates(weights: Floats | None = None) -> Floats:
        hits = share(above & labels, weights) / share(labels, weights)
        alarms = share(above & ~labels, weights) / share(~labels, weights)
        return np.stack([hits, alarms], axis=-1)

    value, draws = rates(), bootstrap(rows["patient"], rates)
    return pd.DataFrame([_prevalence_row(prevalence, value, draws) for prevalence in prevalences])


def _prevalence_row(prevalence: float, value: Floats, draws: Floats) -> dict[str, float]:
    row = {"prevalence": prevalence}
    spreads = _prevalence_figures(prevalence, draws)
    for name, middle in _prevalence_figures(prevalence, value).items():
        interval = percentile_interval(float(middle), spreads[name])
        row |= {name: interval.value, f"{name} low": interval.low, f"{name} high": interval.high}
    return row


def _prevalence_figures(prevalence: float, rates: Floats) -> dict[str, Floats]:
    hits, alarms = rates[..., 0], rates[..., 1]
    return {
        "flagged": 1000 * (prevalence * hits + (1 - prevalence) * alarms),
        "right": 100 * predictive_value(hits, 1 - alarms, prevalence),
        "unflagged": 1000 * prevalence * (1 - hits),
    }
