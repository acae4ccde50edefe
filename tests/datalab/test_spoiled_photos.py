"""The studies of spoiled and of foreign photos: scikit-learn's figures, and what the evidence takes from them."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from simulator.datalab.datalab_charts import COMPARED, OPERATING_POINT, check_table, foreign_photos, spoiling
from simulator.datalab.lab_evidence import SPOILED_STUDIES, study_rows
from simulator.datalab.refit import lab_photos
from simulator.evidence.photo_checks import NOT_WORTH_SCORING, load_spoiled, sharp_and_lit


@pytest.mark.parametrize("name", SPOILED_STUDIES)
def test_every_figure_of_spoiled_photos_lies_in_its_interval(name):
    rows = study_rows(name)
    for low in (column for column in rows if column.endswith("_low")):
        value, high = (rows[low.removesuffix("_low") + end] for end in ("", "_high"))
        assert (rows[low] <= value + 1e-4).all() and (value <= high + 1e-4).all()


def test_areas_and_sensitivities_are_those_of_scikit_learn_and_of_a_count():
    found, malignant = load_spoiled(), lab_photos().malignant
    for row in study_rows("spoiled").to_dict("records"):
        logits = found.skin.logits[found.about.precisions.index(row["precision"])]
        changed = logits[found.about.place(f"{row['condition']}.{row['severity']}")]
        assert row["auc"] == pytest.approx(roc_auc_score(malignant, changed), abs=1e-4)
        assert row["auc_gain"] == pytest.approx(row["auc"] - roc_auc_score(malignant, logits[0]), abs=1e-4)
        threshold = np.sort(logits[0, malignant])[::-1][int(np.ceil(OPERATING_POINT * malignant.sum())) - 1]
        assert row["sensitivity"] == pytest.approx((changed[malignant] >= threshold).mean(), abs=1e-4)
        assert row["referred"] == pytest.approx((changed[~malignant] >= threshold).mean(), abs=1e-4)


def test_the_check_stops_what_scikit_learns_curve_says():
    values = sharp_and_lit(load_spoiled().skin, load_spoiled().skin, lab_photos().folds)
    [row] = study_rows("photo_check").query("key == 'exposure.2'").to_dict("records")
    changed = values[load_spoiled().about.place("exposure.2")]
    labels, both = np.repeat([1, 0], len(changed)), np.concatenate([values[0], changed])
    passing, fine, _ = roc_curve(labels, both, drop_intermediate=False)
    assert row["auc"] == pytest.approx(roc_auc_score(labels, both), abs=1e-4)
    assert row["detected"] == pytest.approx(1 - passing[np.argmax(fine >= 1 - COMPARED)], abs=2e-3)


def test_false_alarms_hold_on_photos_that_the_threshold_was_not_chosen_on():
    rows = study_rows("false_alarms")
    assert ((rows["stopped_low"] <= rows["aim"]) & (rows["aim"] <= rows["stopped_high"])).all()


def test_a_detector_of_foreign_photos_is_judged_as_scikit_learn_does():
    found = load_spoiled()
    for row in study_rows("foreign").query("key in ['objects', 'groceries']").to_dict("records"):
        fine = -found.skin.distances[row["detector"]][0]
        faulty = -found.foreign.distances[row["detector"]][:, found.of_set(row["key"])].ravel()
        labels = np.repeat([1, 0], [len(fine), len(faulty)])
        assert row["auc"] == pytest.approx(roc_auc_score(labels, np.concatenate([fine, faulty])), abs=1e-4)


def test_every_chart_has_a_row_for_each_figure():
    rows, others, checks = (study_rows(name) for name in ("spoiled", "foreign", "photo_check"))
    assert len(spoiling(rows).table) == len(rows) and len(foreign_photos(others).table) == len(others)
    assert "of 100 cancers" in spoiling(rows).takeaway and "the network refers" in foreign_photos(others).takeaway
    worth = check_table(checks, NOT_WORTH_SCORING)["Worth scoring"]
    assert (worth == "no").sum() == len(NOT_WORTH_SCORING) + 1
