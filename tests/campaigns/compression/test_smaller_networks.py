from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from campaigns.compression import smaller_networks
from campaigns.compression.smaller_networks import PRECISIONS, SMALL, TEACHERS, Study, Training, headed, taught
from simulator.arrays import Pixels
from simulator.measure.score_training import LabelledPhotos


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Features that say nothing but which photo it is, so that a head that saw a photo knows its label."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    patients = [f"p{number // 2}" for number in range(200)]
    rows = pd.DataFrame({"item": range(200), "patient": patients, "label": labels, "diagnosis": "NEV", "fitzpatrick": 2})
    noise = {name: rng.normal(size=(200, 400)).astype(np.float32) for name in TEACHERS}
    monkeypatch.setattr(Study, "features", lambda _self, name: noise[name])
    return Study(LabelledPhotos("noise", "ours", [], rows), tmp_path, lambda words: None)


def test_the_teacher_of_a_fold_has_seen_neither_the_photo_nor_the_fold(study: Study) -> None:
    labels, folds = study.dataset.labels, study.dataset.folds
    found = taught(study, 0)
    assert (found[folds == 0] == 0).all()
    learnt = folds != 0
    assert roc_auc_score(labels[learnt], found[learnt]) == pytest.approx(0.5, abs=0.13)
    # Labels of the fold that is scored change nothing.
    flipped = study.dataset.rows["label"].where(folds != 0, 1 - study.dataset.rows["label"])
    study.dataset.__dict__["labels"] = flipped.to_numpy(np.int64)
    np.testing.assert_array_equal(taught(study, 0), found)


def test_the_networks_of_a_finished_fold_are_read_from_the_cache(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def made(_study: Study, fold: int) -> smaller_networks.Networks:
        asked.append(fold)
        return {"net": torch.nn.Identity()}

    def files(_network: object, _takes: object, precisions: tuple[str, ...], learnt: Pixels, folder: Path) -> None:
        assert len(learnt) == np.sum(study.dataset.folds != 4)
        for precision in ("fp32", *precisions):
            (folder / f"{precision}.onnx").write_text(precision)

    monkeypatch.setattr(Study, "pixels", lambda _self, size: np.zeros((200, 1, 1, 3), np.uint8))
    monkeypatch.setattr(smaller_networks, "network_files", files)
    for _ in range(2):
        found = study.files("any", 4, Training(SMALL, made))
        assert {key: file.read_text() for key, file in found.items()} == {("net", one): one for one in PRECISIONS}
    assert asked == [4]


def test_an_even_head_keeps_its_order_when_it_is_rounded_to_8_bits() -> None:
    """One feature tells the classes and varies by a thousandth of the others: its weight takes the whole step of 8 bits."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    seen = rng.normal(size=(400, 20)) + labels[:, None]
    seen[:, 0] *= 1e-4
    areas = {}
    for even in (False, True):
        weights = headed(torch.nn.Module(), seen.astype(np.float32), labels, even)._fc.weight.detach().numpy()[0]  # type: ignore[union-attr]
        step = np.abs(weights).max() / 127
        areas[even] = [roc_auc_score(labels, seen @ one) for one in (weights, np.round(weights / step) * step)]
    assert areas[True][1] == pytest.approx(areas[True][0], abs=0.01)
    assert areas[False][1] < areas[False][0] - 0.1
