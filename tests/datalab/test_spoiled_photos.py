"""The studies of spoiled and of foreign photos: scikit-learn's figures, and what the evidence takes from them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from campaigns.datalab.spoiled_studies import photos_of_set
from simulator.datalab.datalab_charts import COMPARED, OPERATING_POINT, check_table, foreign_photos, spoiling
from simulator.datalab.lab_evidence import SPOILED_STUDIES, study_rows
from simulator.datalab.refit import lab_photos
from simulator.evidence.photo_checks import NOT_WORTH_SCORING, load_spoiled, sharp_and_lit
from simulator.paths import DATALAB, ROOT

PAGE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
#: The networks of the page's table of spoiled photos at static int8, by their heading.
NETWORKS = {
    "pruned": "efficientnet_lite0_pruned_even",
    "distilled": "efficientnet_lite0_distilled",
    "trained for int8": "efficientnet_lite0_distilled_qat",
    "fine-tuned": "efficientnet_lite0_finetuned",
}
LABELS = {
    "blur": "focus",
    "jpeg": "JPEG",
    "white_balance": "white balance",
    "exposure": "exposure",
    "shadow": "a thumb's shadow",
}


@pytest.mark.parametrize("name", SPOILED_STUDIES)
def test_every_figure_of_spoiled_photos_lies_in_its_interval(name):
    rows = study_rows(name)
    for low in (column for column in rows if column.endswith("_low")):
        value, high = (rows[low.removesuffix("_low") + end] for end in ("", "_high"))
        assert (rows[low] <= value + 1e-4).all() and (value <= high + 1e-4).all()


def test_areas_and_sensitivities_are_those_of_scikit_learn_and_of_a_count():
    found, malignant = load_spoiled(), lab_photos().malignant
    for row in study_rows("spoiled").to_dict("records"):
        logits = found.skin["logits"][found.about.precisions.index(row["precision"])]
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
        fine = -found.skin[row["detector"]][0]
        faulty = -found.foreign[row["detector"]][:, photos_of_set(found.about, row["key"])].ravel()
        labels = np.repeat([1, 0], [len(fine), len(faulty)])
        assert row["auc"] == pytest.approx(roc_auc_score(labels, np.concatenate([fine, faulty])), abs=1e-4)


def test_every_chart_has_a_row_for_each_figure():
    rows, others, checks = (study_rows(name) for name in ("spoiled", "foreign", "photo_check"))
    assert len(spoiling(rows).table) == len(rows) and len(foreign_photos(others).table) == len(others)
    assert "of 100 cancers" in spoiling(rows).takeaway and "the network refers" in foreign_photos(others).takeaway
    worth = check_table(checks, NOT_WORTH_SCORING)["Worth scoring"]
    assert (worth == "no").sum() == len(NOT_WORTH_SCORING) + 1


def _networks() -> pd.DataFrame:
    return pd.read_csv(DATALAB / "compression_spoiled.csv").query("severity > 0")


def _cell(row: pd.Series) -> str:
    gain, low, high = 100 * row[["auc_gain", "auc_gain_low", "auc_gain_high"]].astype(float)
    return f"{gain:.1f} ({low:.1f} to {high:.1f}); {100 * row['sensitivity']:.0f}%"


@pytest.mark.parametrize(
    ("condition", "severity"), [*((name, 2) for name in LABELS), ("blur", 3), ("jpeg", 3), ("exposure", 3)]
)
def test_a_row_of_the_page_on_spoiled_photos_is_that_of_the_study(condition, severity):
    frozen = study_rows("spoiled").query("precision == 'fp32'").set_index(["condition", "severity"]).loc[(condition, severity)]
    rows = _networks().query("precision == 'int8_static'").set_index(["network", "condition", "severity"])
    cells = [_cell(frozen), *(_cell(rows.loc[(name, condition, severity)]) for name in NETWORKS.values())]
    assert f"| {LABELS[condition]}, {severity} | {' | '.join(cells)} |" in PAGE


def test_the_page_says_how_8_bits_change_the_loss_on_spoiled_photos():
    gains = _networks().pivot_table(index=["condition", "severity"], columns=["network", "precision"], values="auc_gain")
    changes = {name: 100 * (gains[net, "int8_static"] - gains[net, "fp32"]) for name, net in NETWORKS.items()}
    others = max(float(abs(changes[name]).max()) for name in NETWORKS if name != "distilled")
    assert f"by {others:.1f} points at most" in PAGE
    assert (changes["distilled"] > 0).all() and f"up to {changes['distilled'].max():.1f} points less" in PAGE
    areas = (
        _networks()
        .query("precision == 'int8_static'")
        .pivot_table(index=["condition", "severity"], columns="network", values="auc")
    )
    ahead = 100 * (areas[NETWORKS["trained for int8"]] - areas[NETWORKS["distilled"]])
    assert f"in all {len(areas)} conditions, by {ahead.min():.1f} to {ahead.max():.1f} points" in " ".join(PAGE.split())
