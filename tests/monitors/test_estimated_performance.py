"""Estimates without labels: against formulas, against labels that are known, and where the assumption breaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from simulator.intervals import share_interval
from simulator.monitors.drift_report import MonitorError, ReportRequest
from simulator.monitors.estimated_performance import (
    AS_GIVEN,
    METRICS,
    Calibrator,
    PerformanceEstimator,
    PerformanceRequest,
    calibrator_of,
    expected,
)
from simulator.monitors.monitor_tables import MonitoredTable, TableError

ASKED = PerformanceRequest("label", "score")
#: Of calibrated scores that are uniform from 0 to 1, at a threshold of a half: integrals of p and 1 - p.
UNIFORM = {
    "accuracy": 3 / 4,
    "sensitivity": 3 / 4,
    "specificity": 3 / 4,
    "precision": 3 / 4,
    "positives": 1 / 2,
    "auc": 5 / 6,
}


def labelled(rng: np.random.Generator, rows: int, middle: float, meaning: float = 0.0, sure: float = 1.0) -> pd.DataFrame:
    """Scores about a middle; the label is 1 with the score's chance, moved by `meaning` in logits, times `sure`."""
    logits = rng.normal(middle, 1.5, rows)
    label = rng.random(rows) < expit(sure * logits + meaning)
    return pd.DataFrame({"score": expit(logits), "label": label.astype(int)})


def course(reference: pd.DataFrame, production: pd.DataFrame, metric="accuracy"):
    tables = MonitoredTable("reference.csv", reference), MonitoredTable("production.csv", production)
    return PerformanceEstimator(tables, ASKED, ReportRequest()).course(metric)


@pytest.mark.parametrize("metric", METRICS)
def test_of_uniform_scores_a_metric_is_its_integral(metric):
    chance = (np.arange(2000) + 0.5) / 2000
    assert expected(metric, chance, chance, 0.5) == pytest.approx(UNIFORM[metric], abs=1e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_of_labels_a_metric_is_its_count(metric):
    """Said and true: 3 of 4 positives and 1 of 2 negatives; of 8 pairs a positive is above in 5, and level in 1."""
    scores, labels = np.array([0.9, 0.8, 0.5, 0.2, 0.5, 0.1]), np.array([1.0, 1, 1, 1, 0, 0])
    counted = {
        "accuracy": 4 / 6,
        "sensitivity": 3 / 4,
        "specificity": 1 / 2,
        "precision": 3 / 4,
        "positives": 4 / 6,
        "auc": (2 + 2 + 1.5 + 1) / 8,
    }
    assert expected(metric, labels, scores, 0.5) == pytest.approx(counted[metric])


def test_scores_that_mean_too_much_are_calibrated_as_scikit_learn_does_and_right_ones_stay():
    isotonic = pytest.importorskip("sklearn.isotonic")
    rng = np.random.default_rng(0)
    frame = labelled(rng, 4000, 0.0, sure=0.4)
    scores, labels = frame["score"].to_numpy(), frame["label"].to_numpy(float)
    peer = isotonic.IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    grid = np.linspace(0.1, 0.9, 50)
    assert Calibrator.fitted(scores, labels)(grid) == pytest.approx(peer.predict(grid), abs=1e-9)
    fitted = calibrator_of(scores, labels)
    assert fitted(grid) == pytest.approx(expit(0.4 * logit(grid)), abs=0.12)
    right = labelled(rng, 4000, 0.0)
    assert calibrator_of(right["score"].to_numpy(), right["label"].to_numpy(float)) is AS_GIVEN


def coverage(weeks: int, meaning: float = 0.0, sure: float = 1.0, rows: int = 600) -> tuple[int, int]:
    """The windows whose interval holds the accuracy that labels show, and all windows: scores move, their meaning may."""
    held = windows = 0
    for seed in range(weeks):
        rng = np.random.default_rng([seed, 35])
        found = course(labelled(rng, 2000, 0.0, sure=sure), labelled(rng, rows, 0.8, meaning, sure))
        inside = (found.low <= found.realised) & (found.realised <= found.high)
        held, windows = held + int(inside.sum()), windows + len(inside)
    return held, windows


def test_intervals_hold_the_truth_where_a_score_keeps_its_meaning_and_not_where_it_changes():
    held, windows = coverage(4)
    assert held / windows >= 0.9
    held, windows = coverage(2, meaning=-3.0)
    assert held / windows < 0.3


@pytest.mark.long
@pytest.mark.parametrize("sure", [1.0, 0.5])
def test_intervals_hold_the_truth_in_95_of_100_windows(sure):
    """Windows of 20 rows move in steps of 5 points of accuracy, so their intervals hold it more often."""
    held, windows = coverage(150, sure=sure)
    found = share_interval(held, windows)
    print(f"sure {sure}: {found}")
    assert 0.935 <= found.value <= 0.99


def test_a_less_decisive_production_leaves_the_band_and_a_quiet_one_does_not():
    rng = np.random.default_rng(1)
    reference = labelled(rng, 4000, 4.0)
    quiet, unsure = (course(reference, labelled(rng, 6000, middle)) for middle in (4.0, 0.0))
    assert not quiet.outside.any()
    assert quiet.reference == pytest.approx(quiet.whole.value, abs=0.03)
    assert unsure.whole.high < quiet.whole.low
    assert unsure.outside.mean() > 0.3


def test_production_needs_no_labels():
    rng = np.random.default_rng(2)
    production = labelled(rng, 200, 0.0)
    bare, empty = production.drop(columns="label"), production.assign(label=None)
    found = [course(labelled(rng, 500, 0.0), frame) for frame in (bare, empty)]
    assert all(np.isnan(one.realised).all() for one in found)
    assert np.isfinite(found[0].value).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"score": 1.2}, "reference.csv, row 1, column 'score': expected a probability from 0 to 1, got 1.2"),
        ({"score": np.nan}, "reference.csv, row 1, column 'score': expected a probability from 0 to 1, got nothing"),
        ({"label": 2}, "reference.csv, row 1, column 'label': expected a label, 1 or 0, got '2'"),
        ({"label": None}, "reference.csv, row 1, column 'label': expected a label, 1 or 0, got nothing"),
        ({"label": 1}, "reference.csv: 'label' needs 20 rows with 1 and 20 with 0; the rarer has 0"),
    ],
)
def test_files_without_scores_or_labels_are_refused(change, said):
    frame = labelled(np.random.default_rng(3), 100, 0.0)
    with pytest.raises(TableError) as refused:
        course(frame.assign(**change), frame)
    assert str(refused.value) == said


def test_a_missing_column_and_a_threshold_beyond_1_are_refused():
    frame = labelled(np.random.default_rng(3), 100, 0.0)
    with pytest.raises(TableError, match=r"reference\.csv: there is no column 'label'"):
        course(frame.drop(columns="label"), frame)
    with pytest.raises(MonitorError, match="threshold: expected a score between 0 and 1, got 7"):
        PerformanceRequest("label", "score", 7)
