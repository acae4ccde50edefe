"""Effects of conditions on measures of images, and how far the middle of their features moves.

That shift is Mahalanobis's distance with Hotelling's test (Hotelling 1931). `refits.csv` beside the effects is read here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from simulator.evidence.detection_tables import BINS, CLEAN, FP32, DetectionTables
from simulator.evidence.evidence_tables import CHANGE, COUNT, NUMBER, SHARE, CellWords, Table, columns, rows_with
from simulator.evidence.scene_tables import Features
from simulator.intervals import LEVEL, Interval
from simulator.metrics.detection_quality import bootstrapped, operating_score
from simulator.paths import DETECTIONS

Floats = NDArray[np.float64]
_RESAMPLES = 300


@dataclass(frozen=True)
class MeanShift:
    """The distance between the means of two tables of the same images, and the smallest distance that could be seen.

    distance: in standard deviations within a table, whichever way they lie apart (Mahalanobis), with its 95% interval
    p: of Hotelling's test of the pairs
    smallest_paired: the distance in the same direction that this test finds with the power that is asked for
    """

    distance: Interval
    p: float
    smallest_paired: float


def shift(
    clean: Floats, spoilt: Floats, power: float, alpha: float, seed: int, families: NDArray[Any] | None = None
) -> MeanShift:
    """Return the shift of (images, numbers) that belong to the same images; more families than numbers are needed.

    families: the name of each image's family (images,); each image is one by default. The interval is a bootstrap by family,
    and the test takes the mean difference of each.
    """
    apart = spoilt - clean
    if not apart.any():
        return MeanShift(Interval(0, 0, 0), 1, 0)
    family = np.arange(len(clean)) if families is None else pd.factorize(families)[0]
    members = [np.flatnonzero(family == one) for one in range(family.max() + 1)]
    count, numbers = len(members), clean.shape[1]
    distance = mahalanobis(clean, spoilt)
    strength, p = hotelling(np.stack([apart[own].mean(axis=0) for own in members]))
    picks = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    resampled = [np.concatenate([members[one] for one in pick]) for pick in picks]
    drawn = [mahalanobis(clean[rows], spoilt[rows]) for rows in resampled]
    needed = smallest_noncentrality(numbers, count - numbers, power, alpha)
    return MeanShift(bootstrapped(distance, drawn), p, distance * float(np.sqrt(needed / strength)))


def hotelling(apart: Floats) -> tuple[float, float]:
    """Return T squared of differences (images, numbers), and its p: the chance of it where the middle has not moved."""
    count, numbers = apart.shape
    mean, freedom = apart.mean(axis=0), count - numbers
    squared = count * float(mean @ np.linalg.pinv(np.cov(apart.T).reshape(numbers, numbers), hermitian=True) @ mean)
    return squared, float(scipy.stats.f.sf(squared * freedom / (numbers * (count - 1)), numbers, freedom))


def mahalanobis(one: Floats, other: Floats) -> float:
    """Return the distance of the means of two tables (n, numbers) by the mean of their covariances."""
    numbers = one.shape[1]
    within = ((np.cov(one.T) + np.cov(other.T)) / 2).reshape(numbers, numbers)
    apart = other.mean(axis=0) - one.mean(axis=0)
    return float(np.sqrt(apart @ np.linalg.pinv(within, hermitian=True) @ apart))


def smallest_distance(first: int, second: int, numbers: int, power: float, alpha: float) -> float:
    needed = smallest_noncentrality(numbers, first + second - numbers - 1, power, alpha)
    return float(np.sqrt(needed * (first + second) / (first * second)))


@lru_cache
def smallest_noncentrality(numbers: int, freedom: int, power: float, alpha: float) -> float:
    bound = float(scipy.stats.f.isf(alpha, numbers, freedom))
    return float(
        scipy.optimize.brentq(lambda amount: float(scipy.stats.ncf.sf(bound, numbers, freedom, amount)) - power, 1e-9, 1000)
    )


#: Power for the smallest effect, and the level of the two-sided test.
POWER, ALPHA = 0.8, 0.05


def smallest_effect(freedom: int, information: float) -> float:
    """Return the mean, in standard deviations of one value, that a two-sided t test finds with the power `POWER`.

    freedom: degrees of freedom; information: of a mean of n values n, of a difference of two means n * m / (n + m).
    By the noncentral t distribution (Cohen 1988, Statistical power analysis, chapter 2).
    """
    bound = float(stdtrit(freedom, 1 - ALPHA / 2))

    def lacks(effect: float) -> float:
        shift = effect * np.sqrt(information)
        # The wrong tail is too small for scipy to compute where the effect is large, and then it does not matter.
        wrong = np.nan_to_num(scipy.stats.nct.cdf(-bound, freedom, shift))
        return float(scipy.stats.nct.sf(bound, freedom, shift) + wrong) - POWER

    return float(scipy.optimize.brentq(lacks, 0, 20 / np.sqrt(information)))


@lru_cache
def smallest_paired(count: int) -> float:
    return smallest_effect(count - 1, count)


@lru_cache
def smallest_apart(first: int, second: int) -> float:
    return smallest_effect(first + second - 2, first * second / (first + second))


def measured(tables: DetectionTables, detector: str, condition: str, severity: int, score: float) -> pd.DataFrame:
    """Return the measures of each image, a column a measure, by name of the image; a detection counts from `score`.

    found_share is NaN where an image has no labelled box.
    """
    answers = tables.of("answers", detector, FP32, condition, severity).set_index("image")
    counted = [round(100 * low) for low in BINS if low >= score]
    hits = tables.scores(detector, FP32, condition, severity) >= score
    shares = pd.Series(hits).groupby(tables.boxes["image"].astype(str).to_numpy()).mean()
    columns = {
        "found_share": shares.reindex(answers.index.astype(str)).to_numpy(),
        "found_count": answers[[f"found_{low:02d}" for low in counted]].sum(axis=1).to_numpy(float),
        "false_count": answers[[f"false_{low:02d}" for low in counted]].sum(axis=1).to_numpy(float),
        "score_mean": answers["score_mean"].to_numpy(float),
        "score_max": answers["score_max"].to_numpy(float),
    }
    return pd.DataFrame(columns, index=answers.index.astype(str)).sort_index()


def effect_rows(tables: DetectionTables, features: Features, families: pd.Series | None = None) -> pd.DataFrame:
    """Return one row per detector, condition, severity and measure, by the columns of EFFECTS.

    families: by name of the image, what it is akin to (a crop, and what it was cut from); a family counts as one image, by
    its mean. Each image stands alone if none are said. The intervals of AP in `tables` should be by family too.
    """
    rows = []
    units = families.nunique() if families is not None else tables.about.images
    for detector in tables.about.detectors:
        score = operating_score(tables, detector)
        clean = _all_measured(tables, features, detector, CLEAN, 0, score, families)
        for condition in tables.about.conditions:
            for severity in tables.severities(detector, FP32, condition):
                spoilt = _all_measured(tables, features, detector, condition, severity, score, families)
                named = {"detector": detector, "condition": condition, "severity": severity}
                rows.append(named | {"measure": "ap"} | _of_ap(tables, detector, condition, severity, units))
                rows += [named | {"measure": name} | _effect(clean[name], spoilt[name], units // 2) for name in clean]
                if detector != FEATURE_NETWORK:
                    continue
                if moved := _of_features(features, condition, severity, units // 2, families):
                    rows.append(named | {"measure": "feature_shift"} | moved)
    effects = pd.DataFrame(rows)
    return effects.assign(q=scipy.stats.false_discovery_control(effects["q"]))[EFFECTS.names]


def _all_measured(
    tables: DetectionTables,
    features: Features,
    detector: str,
    condition: str,
    severity: int,
    score: float,
    families: pd.Series | None,
) -> dict[str, pd.Series]:
    measures = measured(tables, detector, condition, severity, score)
    columns = {str(name): measures[name] for name in measures}
    if detector == FEATURE_NETWORK:
        # The reference images took part in the fit, so that only production's show what a new image does.
        columns["feature_distance"] = features.distances(condition, severity, reference=False).sort_index()
    return columns if families is None else {name: column.groupby(families).mean() for name, column in columns.items()}


def _of_ap(tables: DetectionTables, detector: str, condition: str, severity: int, units: int) -> dict[str, float]:
    clean, spoilt = (tables.of("summary", detector, FP32, *setting).iloc[0] for setting in ((CLEAN, 0), (condition, severity)))
    within = 2 * ndtri((1 + LEVEL) / 2)
    error = (spoilt["ap_less_clean_high"] - spoilt["ap_less_clean_low"]) / within
    apart = np.hypot(*((row["ap_high"] - row["ap_low"]) / within for row in (clean, spoilt))) * np.sqrt(2)
    needed = ndtri(1 - ALPHA / 2) + ndtri(POWER)
    change = float(spoilt["ap_less_clean"])
    return {
        "images": units,
        "clean": float(clean["ap"]),
        "change": change,
        "low": float(spoilt["ap_less_clean_low"]),
        "high": float(spoilt["ap_less_clean_high"]),
        "q": float(2 * ndtr(-(abs(change) / error))) if error else float(change == 0),
        "smallest_paired": float(needed * error),
        "smallest_apart": float(needed * apart),
    }


def _of_features(
    features: Features, condition: str, severity: int, group: int, families: pd.Series | None
) -> dict[str, float] | None:
    """Return the shift of production's features, or None where there are too few images for it."""
    clean, spoilt = (features.of(*setting, reference=False).sort_index() for setting in ((CLEAN, 0), (condition, severity)))
    akin = clean.index.to_numpy() if families is None else families.reindex(clean.index).to_numpy()
    images, numbers = len(set(akin)), clean.shape[1]
    if images <= numbers:
        return None
    moved = shift(clean.to_numpy(float), spoilt.to_numpy(float), POWER, ALPHA, features.about.seed, akin)
    return {
        "images": images,
        "clean": 0.0,
        "change": moved.distance.value,
        "low": moved.distance.low,
        "high": moved.distance.high,
        "q": moved.p,
        "smallest_paired": moved.smallest_paired,
        "smallest_apart": smallest_distance(group, group, numbers, POWER, ALPHA),
    }


def _effect(clean: pd.Series, spoilt: pd.Series, group: int) -> dict[str, float]:
    apart = (spoilt - clean).dropna()
    mean, p = paired(apart)
    within = float(np.sqrt((clean.var() + spoilt.var()) / 2))
    return {
        "images": len(apart),
        "clean": float(clean.mean()),
        "change": mean.value,
        "low": mean.low,
        "high": mean.high,
        "q": p,
        "smallest_paired": smallest_paired(len(apart)) * float(apart.std()),
        "smallest_apart": smallest_apart(group, group) * within,
    }


def paired(apart: pd.Series) -> tuple[Interval, float]:
    """Return the mean of differences with its 95% interval by Student's t, and the p of that test; p is 1 where all are 0."""
    mean = float(apart.mean())
    if apart.nunique() == 1:
        return Interval(mean, mean, mean), float(mean == 0)
    test = scipy.stats.ttest_1samp(apart.to_numpy(float), 0)
    bounds = test.confidence_interval(LEVEL)
    return Interval(mean, float(bounds.low), float(bounds.high)), float(test.pvalue)


# The table


#: Measures of each image. A detection counts from the score with the best F1 on clean images.
MEASURES = {
    "ap": "average precision over all images, a part of 1",
    "found_share": "share of the image's labelled boxes that are found",
    "found_count": "detections that count",
    "false_count": "detections that count and are false",
    "score_mean": "mean score of all detections",
    "score_max": "highest score",
    "feature_distance": "distance of the image's features from the middle of the reference, in standard deviations",
    "feature_shift": "distance of the middle of the features from where it is on clean images, in standard deviations",
}
#: The measures that need labels.
QUALITY = ("ap", "found_share", "false_count")
#: The features come from one network's layer; their rows stand under its name and hold for the image, not for the detector.
FEATURE_NETWORK = "yolox_nano"
_NAMES = ["detector", "condition", "severity", "measure"]
EFFECTS = Table(
    "effects.csv",
    columns("detector condition severity")
    | columns("measure", CellWords(tuple(MEASURES)))
    | columns("images clean change low high", NUMBER)
    | columns("q", SHARE)
    | columns("smallest_paired smallest_apart", COUNT),
    key=tuple(_NAMES),
    bounded=(("change", "low", "high"),),
)
#: Rows whose q is below have an effect.
LIMIT = 0.05


@dataclass(frozen=True)
class Effects:
    """The table; see the module."""

    rows: pd.DataFrame

    def of(self, detector: str, condition: str, severity: int, measure: str) -> pd.Series:
        """Return one row; raises EvidenceError that lists the measured ones."""
        wanted = {"detector": detector, "condition": condition, "severity": severity, "measure": measure}
        return rows_with(self.rows, EFFECTS.file, **wanted).iloc[0]

    def decoys(self) -> pd.DataFrame:
        """Detector, condition and severity where no measure of `QUALITY` has an effect: columns of the names, `moves`.

        moves: the other measures that have an effect there, with which such a condition can look like a cause.
        """
        rows = self.rows.assign(seen=self.rows["q"] < LIMIT, quality=self.rows["measure"].isin(QUALITY))
        spared = []
        for names, condition_rows in rows.groupby(_NAMES[:3], sort=False):
            if not condition_rows.loc[condition_rows["quality"], "seen"].any():
                moves = ", ".join(condition_rows.loc[condition_rows["seen"], "measure"])
                spared.append(dict(zip(_NAMES[:3], names, strict=True)) | {"moves": moves})
        return pd.DataFrame(spared, columns=[*_NAMES[:3], "moves"])

    def shown_apart(self) -> pd.Series:
        return self.rows["change"].abs() >= self.rows["smallest_apart"]


def load_effects(folder: Path = DETECTIONS) -> Effects:
    """Read the table; raises EvidenceError with the file, the line, the column and what is wrong."""
    return Effects(EFFECTS.read(folder, "python -m campaigns.detections features"))


#: The last layer of the served detector before and after it is fitted to labelled frames of a condition, on other images.
REFITS = Table(
    "refits.csv",
    columns("detector condition severity frames images")
    | columns((f"{of}_{part}" for of in ("ap", "recall") for part in ("before", "after", "change", "low", "high")), CHANGE),
)


def load_refits(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read `REFITS`; raises EvidenceError with the file and the fault."""
    return REFITS.read(folder, "python -m campaigns.detections refits")
