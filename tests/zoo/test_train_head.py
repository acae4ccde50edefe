from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from simulator.evidence.scores import load_scores
from simulator.zoo.train_head import (
    Dataset,
    LabelError,
    describe,
    fold_of,
    frozen_features,
    new_head,
    out_of_fold,
    read_pad_ufes20,
    write_scores,
)

pytestmark = pytest.mark.zoo

LABELS = "file,patient_id,malignant,diagnostic,fitspatrick\n"


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    patients = rng.integers(0, 80, 200)
    return pd.DataFrame(
        {
            "item": [f"photo{number}" for number in range(200)],
            "patient": [f"p{patient}" for patient in patients],
            "label": patients % 2,
            "diagnosis": "NEV",
            "fitzpatrick": pd.array([2, None] * 100, dtype="Int64"),
        }
    )


def test_all_photos_of_a_patient_share_a_fold_and_folds_share_the_labels(rows: pd.DataFrame) -> None:
    folded = rows.assign(fold=fold_of(rows))
    assert folded.groupby("patient")["fold"].nunique().max() == 1
    assert folded["fold"].nunique() == 5
    assert folded.groupby("fold")["label"].mean().between(0.35, 0.65).all()


def test_scores_are_those_of_scikit_learn_out_of_fold(rows: pd.DataFrame) -> None:
    features = np.random.default_rng(1).standard_normal((200, 6), dtype=np.float32)
    folds, labels = fold_of(rows), rows["label"].to_numpy()
    expected = cross_val_predict(new_head(), features, labels, cv=PredefinedSplit(folds), method="predict_proba")[:, 1]
    np.testing.assert_allclose(out_of_fold(features, features, labels, folds), expected)


def test_knowing_the_patient_does_not_help(rows: pd.DataFrame) -> None:
    # Features that name the patient decide the label wherever a head has met the patient.
    features = pd.get_dummies(rows["patient"]).to_numpy(np.float32)
    folds, labels = fold_of(rows), rows["label"].to_numpy()
    assert roc_auc_score(labels, out_of_fold(features, features, labels, folds)) < 0.6
    by_photo = np.arange(200) % 5
    assert roc_auc_score(labels, out_of_fold(features, features, labels, by_photo)) > 0.7


def test_labels_are_read_and_an_unknown_skin_type_stays_unknown(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a_1.jpg")
    (tmp_path / "labels.csv").write_text(LABELS + "a_1.jpg,A,1,MEL,\n")
    dataset = read_pad_ufes20(tmp_path)
    assert dataset.rows.to_csv(index=False) == "item,patient,label,diagnosis,fitzpatrick\na_1,A,1,MEL,\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, r"labels\.csv: there is no such file"),
        ("file,patient_id\n", "lacks the column diagnostic"),
        (LABELS + "b.jpg,B,0,NEV,2\n", r"names b\.jpg, which is not in"),
    ],
)
def test_faults_in_labels_are_named(tmp_path: Path, text: str | None, fault: str) -> None:
    if text is not None:
        (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(LabelError, match=fault):
        read_pad_ufes20(tmp_path)


def test_features_at_8_bits_resemble_those_at_32(photos: Path) -> None:
    found = frozen_features("efficientnet_lite0", sorted(photos.iterdir()), ["fp32", "int8_static"])
    assert found["fp32"].shape == found["int8_static"].shape == (3, 1280)
    similarity = np.corrcoef(found["fp32"].ravel(), found["int8_static"].ravel())[0, 1]
    assert 0.9 < similarity < 1


def test_a_table_is_read_back_as_evidence(rows: pd.DataFrame, tmp_path: Path) -> None:
    dataset = Dataset("some_set", "someone, CC BY 4.0", [], rows)
    scores = np.linspace(0, 1, 200)
    name = write_scores(rows.assign(fold=0, score=scores), describe(dataset, "net", "fp32"), tmp_path)
    table = load_scores(name, tmp_path)
    assert name == "some_set.net.fp32"
    assert table.auc == pytest.approx(roc_auc_score(rows["label"], scores), abs=1e-4)
    assert table.about.items == len(np.unique(rows["item"])) == 200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["some_set.net.fp32.csv", "some_set.net.fp32.yaml"]
