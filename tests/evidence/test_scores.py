"""Score tables: thresholds, the ROC curve and its area against another library; bad files are refused by name."""

import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.score_tables import check_paired, load_scores, other_precisions, score_names, score_rows, scores_at
from simulator.paths import SCORES
from tests.builders import score_table

SIDECAR = """\
kind: measured
model: tiny
precision: fp32
source: a test
dataset: a test
head: none
items: 4
positives: 2
patients: 3
attribution: nobody
date: '2026-01-01'
"""
TABLE = """\
item,patient,label,score
i1,p1,1,0.75
i2,p1,0,0.5
i3,p2,1,0.25
i4,p3,0,0.125
"""
PUBLISHED = """\
kind: published
model: other
precision: fp32
source: a vendor
sensitivity: 0.9
sensitivity_low: 0.85
sensitivity_high: 0.95
specificity: 0.8
"""


def folder(tmp_path, **files):
    for name, text in files.items():
        stem, _, ending = name.rpartition("_")
        (tmp_path / f"{stem}.{ending}").write_text(text, encoding="utf-8")
    return tmp_path


def changed(sidecar, **counts):
    """The same sidecar with other counts."""
    return re.sub(r"(items|positives|patients): (\d+)", lambda told: f"{told[1]}: {counts.get(told[1], told[2])}", sidecar)


scores = st.lists(st.integers(0, 20).map(lambda score: score / 20), min_size=1, max_size=30)


@given(scores, st.floats(0, 1, exclude_max=True))
def test_a_threshold_is_the_highest_that_at_least_the_share_reaches(positives, share):
    table = score_table(positives, [0.5])
    cut = table.threshold_at(share)
    assert table.sensitivity_at(cut) >= share - 1e-9
    higher = [score for score in positives if score > cut]
    assert all(table.sensitivity_at(score) < share for score in higher)


def test_at_a_share_of_1_nobody_is_left_out_not_even_below_the_lowest_labelled_score():
    assert score_table([0.5, 0.75], [0.1]).threshold_at(1.0) == -np.inf


@given(scores, scores)
def test_the_area_under_the_curve_is_that_of_scikit_learn(positives, negatives):
    labels, values = [1] * len(positives) + [0] * len(negatives), [*positives, *negatives]
    assert score_table(positives, negatives).auc == pytest.approx(roc_auc_score(labels, values))


@given(scores, scores, st.floats(0, 1))
def test_sensitivity_and_specificity_lie_on_the_curve_of_scikit_learn(positives, negatives, cut):
    table = score_table(positives, negatives)
    labels, values = [1] * len(positives) + [0] * len(negatives), [*positives, *negatives]
    points = zip(*(axis.tolist() for axis in roc_curve(labels, values, drop_intermediate=False)[:2]), strict=True)
    assert any(point == pytest.approx((1 - table.specificity_at(cut), table.sensitivity_at(cut))) for point in points)


def test_a_table_is_read_with_the_patient_behind_each_item(tmp_path):
    table = load_scores("tiny", folder(tmp_path, tiny_yaml=SIDECAR, tiny_csv=TABLE))
    assert (table.positives.tolist(), table.negatives.tolist()) == ([0.75, 0.25], [0.5, 0.125])
    assert table.positive_patients[0] == table.negative_patients[0]
    assert len({*table.positive_patients, *table.negative_patients}) == 3
    assert (table.positive_evidence, table.negative_evidence) == (2, 2)


def test_a_published_curve_passes_through_its_point_with_the_evidence_that_its_range_tells(tmp_path):
    table = load_scores("vendor", folder(tmp_path, vendor_yaml=PUBLISHED))
    cut = table.threshold_at(0.9)
    assert table.sensitivity_at(cut) == pytest.approx(0.9, abs=1e-3)
    assert table.specificity_at(cut) == pytest.approx(0.8, abs=1e-3)
    # A 95% range of +-5 points is that of 0.9 * 0.1 / (0.05 / 1.96)^2 independent positives.
    assert table.positive_evidence == pytest.approx(138.3, abs=0.1)


def test_the_area_under_a_published_curve_is_that_of_two_normals(tmp_path):
    table = load_scores("vendor", folder(tmp_path, vendor_yaml=PUBLISHED))
    draws = np.random.default_rng(0).standard_normal((2, 1_000_000))
    apart = 1.2816 + 0.8416  # the normal quantiles of 0.9 and 0.8
    assert table.auc == pytest.approx((draws[0] + apart > draws[1]).mean(), abs=0.001)


@pytest.mark.parametrize(
    ("table", "sidecar", "what"),
    [
        (TABLE.replace("0.75", "1.5"), SIDECAR, "between 0 and 1"),
        (TABLE.replace("0.75", ""), SIDECAR, "between 0 and 1"),
        (TABLE.replace("0.75", "high"), SIDECAR, "cannot be read"),
        (TABLE.replace("p1,1,", "p1,2,"), SIDECAR, "label should be 0 or 1"),
        (TABLE.replace("patient", "person"), SIDECAR, "lacks the column patient"),
        (TABLE.replace(",1,", ",0,"), SIDECAR, "one class only"),
        (TABLE, SIDECAR.replace("kind: measured", "kind: guessed"), "guessed"),
        (TABLE, SIDECAR.replace("head: none\n", ""), "head"),
        (TABLE, SIDECAR + "  - : [", "not YAML"),
        (TABLE, PUBLISHED.replace("sensitivity: 0.9\n", "sensitivity: 1\n"), "sensitivity"),
        (TABLE, "", "Input should be"),
    ],
)
def test_a_bad_file_is_refused_with_its_path(tmp_path, table, sidecar, what):
    with pytest.raises(EvidenceError, match=what) as caught:
        load_scores("tiny", folder(tmp_path, tiny_yaml=sidecar, tiny_csv=table))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("table", "what"),
    [
        (TABLE.replace("i4,p3,0,0.125\n", ""), "the number of items is 3, but tiny.yaml says 4"),
        (TABLE.replace("p2,1,", "p2,0,"), "the number of positives is 1, but tiny.yaml says 2"),
        (TABLE.replace("p3", "p2"), "the number of patients is 2, but tiny.yaml says 3"),
    ],
)
def test_a_table_that_is_not_the_one_its_sidecar_tells_of_is_refused(tmp_path, table, what):
    here = folder(tmp_path, tiny_yaml=SIDECAR, tiny_csv=table)
    for read in (load_scores, score_rows):
        with pytest.raises(EvidenceError) as caught:
            read("tiny", here)
        assert str(caught.value) == f"{tmp_path / 'tiny.csv'}: {what}"


def test_a_table_without_its_csv_is_refused(tmp_path):
    with pytest.raises(EvidenceError, match=r"is missing; tiny\.yaml describes its rows"):
        load_scores("tiny", folder(tmp_path, tiny_yaml=SIDECAR))


def test_an_unknown_table_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(EvidenceError, match="no score table 'big'; expected one of: tiny"):
        load_scores("big", folder(tmp_path, tiny_yaml=SIDECAR, tiny_csv=TABLE))


def test_a_precision_that_was_not_scored_has_the_scores_of_full_precision(tmp_path):
    both = {f"tiny.{precision}_{ending}": text.replace("fp32", precision)
            for precision in ("fp32", "int8_static") for ending, text in (("yaml", SIDECAR), ("csv", TABLE))}  # fmt: skip
    here = folder(tmp_path, **both)
    assert scores_at("tiny", "int8_static", here).about.precision == "int8_static"
    assert scores_at("tiny", "int8_dynamic", here).about.precision == "fp32"


def test_tables_of_the_same_items_in_the_same_order_may_stand_together(tmp_path):
    other = TABLE.replace("0.75", "0.5")
    here = folder(tmp_path, a_yaml=SIDECAR, a_csv=TABLE, b_yaml=SIDECAR, b_csv=other, c_yaml=SIDECAR,
                  c_csv=TABLE.replace("i3", "i5"), d_yaml=changed(SIDECAR, items=5, patients=4),
                  d_csv=TABLE + "i5,p4,0,0.1\n", e_yaml=PUBLISHED)  # fmt: skip
    a, b, c, d, e = (load_scores(name, here) for name in "abcde")
    check_paired(a, b)
    for strange, why in ((c, "'i5' where that has 'i3'"), (d, "'i5' where that has nothing"), (e, "'e' is published")):
        with pytest.raises(EvidenceError, match=why):
            check_paired(a, strange)
    with pytest.raises(EvidenceError, match="'e' is published"):
        check_paired(e, a)


@pytest.mark.parametrize("name", score_names(SCORES))
def test_every_table_that_is_shipped_holds_what_its_sidecar_says(name):
    table = load_scores(name, SCORES)
    assert name.partition("@")[0].endswith(table.about.precision)
    if table.about.kind == "measured":
        assert len(table.positives) == table.about.positives
        assert len(table.positives) + len(table.negatives) == table.about.items
        assert len({*table.positive_patients, *table.negative_patients}) == table.about.patients


def test_rows_hold_every_column_and_what_is_not_told_is_missing(tmp_path):
    rows = score_rows("tiny", folder(tmp_path, tiny_yaml=SIDECAR, tiny_csv=TABLE))
    assert rows.columns.tolist() == [
        "item",
        "patient",
        "label",
        "diagnosis",
        "fitzpatrick",
        "predicted",
        "fold",
        "model",
        "precision",
        "score",
    ]
    assert rows["item"].tolist() == ["i1", "i2", "i3", "i4"]
    assert rows["score"].tolist() == [0.75, 0.5, 0.25, 0.125]
    assert rows[["fitzpatrick", "fold"]].isna().all(axis=None)
    assert rows.loc[0, ["diagnosis", "model", "precision"]].tolist() == ["", "tiny", "fp32"]


def test_what_a_row_tells_is_read_and_a_text_is_never_taken_for_nothing(tmp_path):
    told = "item,patient,label,diagnosis,fitzpatrick,fold,model,precision,score\n"
    told += "NA,p1,1,NA,3,0,net,int8,0.5\nb,p2,0,,,1,net,int8,0.1\n"
    sidecar = changed(SIDECAR, items=2, positives=1, patients=2)
    rows = score_rows("tiny", folder(tmp_path, tiny_yaml=sidecar, tiny_csv=told))
    assert rows.loc[0].tolist() == ["NA", "p1", 1, "NA", 3, "", 0, "net", "int8", 0.5]
    assert rows["fitzpatrick"].isna().tolist() == [False, True]


def test_a_published_curve_has_no_rows(tmp_path):
    with pytest.raises(EvidenceError, match="'vendor' is a published curve; it has no labelled items"):
        score_rows("vendor", folder(tmp_path, vendor_yaml=PUBLISHED))


def test_what_a_person_imported_is_found_beside_what_is_shipped_which_goes_first(tmp_path, monkeypatch):
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    for place, source in ((shipped, "a test"), (own, "a person")):
        place.mkdir()
        folder(place, tiny_yaml=SIDECAR.replace("a test", source), tiny_csv=TABLE)
    folder(own, **{"mine.fp32_yaml": SIDECAR, "mine.fp32_csv": TABLE, "mine.int8_yaml": SIDECAR, "mine.int8_csv": TABLE})
    monkeypatch.setattr("simulator.evidence.score_tables.FOLDERS", (shipped, own))
    assert score_names() == ["mine.fp32", "mine.int8", "tiny"]
    assert load_scores("tiny").about.source == "a test"
    assert scores_at("mine", "int8").name == "mine.int8"
    assert other_precisions("mine.fp32") == ["mine.int8"]


def test_a_table_that_was_written_again_is_read_again(tmp_path):
    here = folder(tmp_path, tiny_yaml=SIDECAR, tiny_csv=TABLE)
    assert load_scores("tiny", here).about.source == "a test"
    folder(tmp_path, tiny_yaml=SIDECAR.replace("a test", "another test"))
    os.utime(tmp_path / "tiny.yaml", ns=(1, 1))
    assert load_scores("tiny", here).about.source == "another test"
    folder(tmp_path, tiny_csv=TABLE.replace("0.75", "0.8125"))  # under the same sidecar
    assert load_scores("tiny", here).positives.tolist() == [0.8125, 0.25]
