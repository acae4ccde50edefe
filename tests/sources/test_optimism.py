"""Thresholds on patients that they were not chosen on, against the theory of ranks."""

import numpy as np
import pytest

from simulator.intervals import folds_of
from simulator.sources.threshold_transfer import NEXT, REST, SAME, optimism_rows
from tests.builders import binormal, score_frame


def of(rows, promise, way):
    return rows[(rows["promise"] == promise) & (rows["way"] == way)].iloc[0]


def test_where_it_was_chosen_a_threshold_always_keeps_its_promise():
    labels, scores = binormal(0, 100, 100)
    rows = optimism_rows(score_frame(labels, scores, fold=np.arange(200) % 5))
    assert (rows[rows["way"] == SAME]["reached"] >= rows[rows["way"] == SAME]["promise"]).all()


@pytest.mark.long
def test_on_the_next_fold_it_reaches_what_ranks_say_on_average():
    # Folds of 20 positives: at 95% the 19th is the threshold, which a stranger reaches with chance 19 / 21.
    reached = {NEXT: [], REST: []}
    for seed in range(150):
        labels, scores = binormal(seed, 100, 50)
        order = np.argsort(-labels, kind="stable")
        rows = optimism_rows(score_frame(labels[order], scores[order], fold=np.arange(150) % 5))
        for way, found in reached.items():
            found.append(of(rows, 0.95, way)["reached"])
    for way, expected in ((NEXT, 19 / 21), (REST, 76 / 81)):
        error = np.std(reached[way]) / np.sqrt(150)
        assert np.mean(reached[way]) == pytest.approx(expected, abs=4 * error)


def test_two_folds_worked_out_by_hand():
    # Fold 0 has positives 0.8, 0.4; fold 1 has 0.6, 0.2. For 90% the lowest positive is the threshold.
    rows = optimism_rows(score_frame([1, 1, 1, 1, 0, 0], [0.8, 0.4, 0.6, 0.2, 0.1, 0.1], fold=[0, 0, 1, 1, 0, 1]))
    found = of(rows, 0.9, NEXT)
    assert (found["reached"], found["least"], found["most"]) == (0.75, 0.5, 1.0)
    assert found["low"] < 0.75 < found["high"]


def test_without_folds_patients_are_dealt_and_stay_together():
    patients = [f"p{number // 4}" for number in range(400)]
    rows = score_frame([0, 1] * 200, [0.5] * 400, patient=patients)
    folds = folds_of(rows)
    assert np.bincount(folds).tolist() == [80] * 5
    assert rows.assign(fold=folds).groupby("patient")["fold"].nunique().max() == 1
    assert (folds_of(rows) == folds).all()


def test_the_folds_of_a_table_are_kept():
    assert folds_of(score_frame([0, 1, 0], [0.1, 0.2, 0.3], fold=[3, 7, 3])).tolist() == [0, 1, 0]
