"""What spoils a photo: AUC and sensitivity of the default network by condition, its quality check, and foreign photos.

A condition is *not worth scoring* where the network's AUC falls by LEAST_LOSS or more, and by more than zero beyond its
interval. A threshold stays where it was chosen on photos as taken, as it does in the field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.datalab.lab_studies import Tick, figures, quiet
from simulator.datalab.datalab_charts import COMPARED, LEAST_LOSS, OPERATING_POINT
from simulator.datalab.refit import lab_photos
from simulator.evidence.photo_checks import (
    CLEAN,
    DETECTORS,
    NOT_WORTH_SCORING,
    SpoiledAbout,
    SpoiledCondition,
    SpoiledPhotos,
    load_spoiled,
    sharp_and_lit,
    sharp_and_lit_foreign,
)
from simulator.intervals import bootstrap, percentile_interval
from simulator.metrics.roc import Roc, roc, share

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Shares of fine photos that a check may stop: what the case offers.
FALSE_ALARMS = (0.02, 0.05, 0.15)
RESAMPLES = 400


def spoiled(tick: Tick = quiet) -> pd.DataFrame:
    """Return AUC, sensitivity and referred share by precision and condition, with differences to the photos as taken.

    Differences are paired by patient; the threshold is the one at OPERATING_POINT on the photos as taken, at that precision.
    """
    found, rows = load_spoiled(), []
    for precision, logits in zip(found.about.precisions, found.skin["logits"], strict=True):
        for row in effects(found.about.conditions, precision, logits):
            rows.append(row)
            tick()
    return pd.DataFrame(rows)


def effects(conditions: Sequence[SpoiledCondition], precision: str, logits: Floats) -> Iterator[dict[str, Any]]:
    """Yield a row of that table for each condition of one network; logits: (conditions, photos), as taken first."""
    measures = _measures(logits[0])
    base = [_of_patients(logits[0], measure) for measure in measures.values()]
    for condition, changed in zip(conditions, logits, strict=True):
        row: dict[str, Any] = {"condition": condition.name, "severity": condition.severity, "label": condition.label}
        row |= {"strength": condition.strength, "precision": precision, "photos": len(changed)}
        for (name, measure), (before, drawn) in zip(measures.items(), base, strict=True):
            value, resampled = _of_patients(changed, measure)
            row |= figures(name, percentile_interval(value, resampled))
            row |= figures(f"{name}_gain", percentile_interval(value - before, resampled - drawn))
        yield row


Measure = Callable[[Floats, Floats], Floats]


def _measures(clean: Floats) -> dict[str, Measure]:
    """Return measures of logits (photos,) under weights (..., photos)."""
    malignant = lab_photos().malignant
    threshold = roc(malignant, clean).threshold_at(OPERATING_POINT)

    def reaching(among: Bools) -> Measure:
        return lambda logits, weights: share(logits[among] >= threshold, weights[..., among])

    return {
        "auc": lambda logits, weights: roc(malignant, logits, weights).auc,
        "sensitivity": reaching(malignant),
        "referred": reaching(~malignant),
    }


def _of_patients(logits: Floats, measure: Measure) -> tuple[float, Floats]:
    """Return a measure, and its value on each resample of the patients."""
    drawn = bootstrap(lab_photos().patients, lambda weights: measure(logits, weights), RESAMPLES)
    return float(measure(logits, np.ones(len(logits)))), drawn


def not_worth_scoring(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the conditions that are not worth scoring; rows: of `spoiled`."""
    falls = (rows["auc_gain"] <= -LEAST_LOSS) & (rows["auc_gain_high"] < 0)
    lost = rows[(rows["precision"] == "fp32") & falls]
    return tuple(f"{name}.{severity}" for name, severity in zip(lost["condition"], lost["severity"], strict=True))


def photo_check(tick: Tick = quiet) -> pd.DataFrame:
    """Return how the check of sharpness and light tells each condition from photos as taken.

    auc: area under its curve; detected: share that it stops where it stops COMPARED of the photos as taken
    """
    found, patients = load_spoiled(), lab_photos().patients
    values = sharp_and_lit(found.skin, found.skin, lab_photos().folds)
    rows = []
    for condition, changed in zip(found.about.conditions, values, strict=True):
        if condition.name != CLEAN:
            rows.append(
                _named(condition.label, condition.key, len(changed)) | _separated(values[0], changed[None], patients, patients)
            )
            tick()
    lost = values[[found.about.place(name) for name in NOT_WORTH_SCORING]]
    rows.append(
        _named("Not worth scoring, all", "not_worth_scoring", lost.size) | _separated(values[0], lost, patients, patients)
    )
    foreign = sharp_and_lit_foreign(found)[None]
    for one in found.about.foreign:
        of_set = foreign[:, photos_of_set(found.about, one.name)]
        rows.append(_named(one.label, one.name, of_set.size) | _separated(values[0], of_set, patients, _apart(of_set)))
    return pd.DataFrame(rows)


def false_alarms(tick: Tick = quiet) -> pd.DataFrame:
    """Return the share of photos as taken that each check stops, at thresholds chosen on the other folds, with intervals."""
    found, folds = load_spoiled(), lab_photos().folds
    checks = {"sharpness_and_light": sharp_and_lit(found.skin, found.skin, folds)[0]}
    checks |= {name: -found.skin[name][0] for name in DETECTORS}
    rows = []
    for check, values in checks.items():
        for aim in FALSE_ALARMS:
            stopped = np.empty(len(values))
            for fold in np.unique(folds):
                tested = folds == fold
                stopped[tested] = values[tested] < np.quantile(values[~tested], aim)
            value, drawn = _of_patients(stopped, share)
            rows.append(
                {"check": check, "aim": aim, "photos": len(values)} | figures("stopped", percentile_interval(value, drawn))
            )
        tick()
    return pd.DataFrame(rows)


def foreign(tick: Tick = quiet) -> pd.DataFrame:
    """Return how each detector tells foreign and spoiled photos from skin as taken, and what the network says of them.

    referred: share of the photos that reach the threshold of the default operating point
    """
    found, patients = load_spoiled(), lab_photos().patients
    rows = []
    for detector in DETECTORS:
        skin = -found.skin[detector]
        for label, key, values, groups in _sets(found, detector):
            row = {"detector": detector} | _named(label, key, values.shape[-1]) | _separated(skin[0], values, patients, groups)
            rows.append(row | {"referred": _referred(found, key)})
            tick()
    return pd.DataFrame(rows)


def _sets(found: SpoiledPhotos, detector: str) -> Iterator[tuple[str, str, Floats, NDArray[Any]]]:
    """Yield label, key, familiarity by fold (folds, photos) and groups of photos: of foreign sets, then of the worst damage."""
    for one in found.about.foreign:
        values = -found.foreign[detector][:, photos_of_set(found.about, one.name)]
        yield one.label, one.name, values, _apart(values)
    for condition, distances in zip(found.about.conditions, found.skin[detector], strict=True):
        if condition.severity == max(condition.severity for condition in found.about.conditions):
            yield condition.label, condition.key, -distances[None], lab_photos().patients


def photos_of_set(about: SpoiledAbout, name: str) -> slice:
    """Return the places of a set among the foreign photos."""
    ends = np.cumsum([0, *(photos.photos for photos in about.foreign)])
    place = [photos.name for photos in about.foreign].index(name)
    return slice(int(ends[place]), int(ends[place + 1]))


def _referred(found: SpoiledPhotos, key: str) -> float:
    threshold = roc(lab_photos().malignant, found.skin["logits"][0, 0]).threshold_at(OPERATING_POINT)
    foreign_sets = [one.name for one in found.about.foreign]
    logits = (
        found.foreign["logits"][:, photos_of_set(found.about, key)]
        if key in foreign_sets
        else found.skin["logits"][0, found.about.place(key)]
    )
    return float(np.mean(logits >= threshold))


def _named(label: str, key: str, photos: int) -> dict[str, Any]:
    return {"label": label, "key": key, "photos": photos}


def _apart(values: Floats) -> NDArray[Any]:
    """Return a group of its own for each photo."""
    return np.array([f"foreign {place}" for place in range(values.shape[-1])], object)


def _separated(fine: Floats, faulty: Floats, patients: NDArray[Any], groups: NDArray[Any]) -> dict[str, float]:
    """Return AUC and detection of a check with intervals that resample patients and foreign photos.

    fine: (photos,); faulty: (looks, others), a photo's looks counting as one photo; groups: behind each of the others
    """
    looks = len(faulty)
    values = np.concatenate([fine, faulty.ravel()])
    labels = np.repeat([1, 0], [len(fine), faulty.size])
    everyone = np.concatenate([patients, np.tile(groups, looks)])

    def measured(weights: Floats) -> Floats:
        curve = roc(labels, values, weights)
        return np.stack([curve.auc, _detected(curve)], axis=-1)

    drawn = bootstrap(everyone, measured, RESAMPLES)
    now = measured(np.ones(len(values)))
    intervals = (percentile_interval(float(now[place]), drawn[:, place]) for place in range(2))
    return figures("auc", next(intervals)) | figures("detected", next(intervals))


def _detected(curve: Roc) -> Floats:
    """Return the share of faulty photos below the threshold that the rest of the fine ones reaches."""
    return curve.specificity_at(1 - COMPARED)
