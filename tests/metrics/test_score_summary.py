"""A table in figures: those of scikit-learn, with intervals; a published curve has none."""

import pytest
from sklearn.metrics import roc_auc_score

from simulator.evidence.score_tables import load_scores, score_rows
from simulator.metrics.roc import TARGETS, roc_band, score_summary, summary_rows
from simulator.paths import SCORES

NAME = "pad_ufes20.efficientnet_lite0.fp32"
PUBLISHED = "published.skinvision_resnet50x3.fp32"


@pytest.fixture(scope="module")
def found():
    return score_summary(NAME, SCORES)


def test_the_figures_are_those_of_the_table(found):
    rows, table = score_rows(NAME, SCORES), load_scores(NAME, SCORES)
    assert found.auc.value == pytest.approx(roc_auc_score(rows["label"], rows["score"]))
    for target in TARGETS:
        assert found.specificity_at[target].value == pytest.approx(table.specificity_at(table.threshold_at(target)))
    assert (found.size.rows, found.size.positives, found.size.patients) == (1071, 452, 810)


def test_every_figure_lies_within_its_interval(found):
    for interval in (found.auc, *found.specificity_at.values()):
        assert interval.low < interval.value < interval.high


def test_plain_data_names_every_sensitivity_and_leaves_out_what_is_not_there(found):
    assert list(found.to_json()["specificity_at"]) == ["0.90", "0.95", "0.99"]
    published = score_summary(PUBLISHED, SCORES).to_json()
    assert published["kind"] == "published"
    assert published["auc"].keys() == {"value"}
    assert "rows" not in published


def test_a_row_a_table(found):
    rows = summary_rows([found, score_summary(PUBLISHED, SCORES)])
    assert rows["name"].tolist() == [NAME, PUBLISHED]
    assert rows.loc[0, "specificity at 95% (%)"] == pytest.approx(100 * found.specificity_at[0.95].value)


def test_the_band_passes_through_the_figures_of_the_table(found):
    band = roc_band(score_rows(NAME, SCORES))
    row = band[(band["sensitivity"] - 0.9).abs() < 1e-9].iloc[0]
    assert 1 - row["false"] == pytest.approx(found.specificity_at[0.9].value)
    assert 1 - row["low"] == pytest.approx(found.specificity_at[0.9].high)
    assert (band["low"] <= band["high"]).all()
