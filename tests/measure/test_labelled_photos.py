from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from simulator.measure.guarded import CannotMeasureError
from simulator.measure.score_training import fold_of, read_pad_ufes20

pytestmark = pytest.mark.zoo

LABELS = "file,patient_id,malignant,diagnostic,fitspatrick\n"


def test_all_photos_of_a_patient_share_a_fold_and_folds_share_the_labels(rows: pd.DataFrame) -> None:
    folded = rows.assign(fold=fold_of(rows))
    assert folded.groupby("patient")["fold"].nunique().max() == 1
    assert folded["fold"].nunique() == 5
    assert folded.groupby("fold")["label"].mean().between(0.35, 0.65).all()


def test_labels_are_read_and_an_unknown_skin_type_stays_unknown(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a_1.jpg")
    (tmp_path / "labels.csv").write_text(LABELS + "a_1.jpg,A,1,MEL,\n")
    dataset = read_pad_ufes20(tmp_path)
    assert dataset.rows.to_csv(index=False) == "item,patient,label,diagnosis,fitzpatrick\na_1,A,1,MEL,\n"
    assert dataset.squares(4).shape == (1, 4, 4, 3)


def test_other_labels_have_another_fingerprint(labelled) -> None:
    folder = labelled(4)
    before = read_pad_ufes20(folder).fingerprint
    assert read_pad_ufes20(folder).fingerprint == before
    (folder / "labels.csv").write_text((folder / "labels.csv").read_text().replace("P0", "P9"))
    assert read_pad_ufes20(folder).fingerprint != before


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
    with pytest.raises(CannotMeasureError, match=fault):
        read_pad_ufes20(tmp_path)
