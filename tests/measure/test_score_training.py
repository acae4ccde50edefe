from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from simulator.evidence.score_import import write_table
from simulator.evidence.score_tables import load_scores
from simulator.measure import score_training as tables
from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.score_training import Fitted, Mean, Trainer, describe, features, new_head, read_pad_ufes20

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("one_process")]

PRECISIONS = ("fp32", "int8_static")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where fitted networks are kept for the tests that ask what they answer, and not how they are fitted."""
    return tmp_path_factory.mktemp("fitted")


@pytest.fixture
def trainer(tiny_lite: str, labelled: Callable[[int], Path], fitted: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    monkeypatch.setattr(tables, "FITTED", {"tiny": Fitted(tiny_lite), "tiny_tuned": Fitted(tiny_lite, tuned=True)})
    models = {"tiny": Mean(("tiny",)), "tuned": Mean(("tiny_tuned",)), "both": Mean(("tiny", "tiny_tuned"))}
    monkeypatch.setattr(tables, "MODELS", models | {"views": Mean(("tiny",), 4)})
    return Trainer(read_pad_ufes20(labelled(30)), fitted)


def logit(score: np.ndarray) -> np.ndarray:
    return np.log(score / (1 - score))


@pytest.mark.long
def test_every_photo_is_scored_by_a_network_that_never_saw_its_patient(trainer: Trainer) -> None:
    ((model, precision, table),) = trainer.tables(["tiny"], ("fp32",))
    takes, dataset = ARCHITECTURES["tiny"], trainer.dataset
    seen = features(takes, dataset.squares(takes.input_size))
    split = PredefinedSplit(dataset.folds)
    expected = cross_val_predict(new_head(), seen, dataset.labels, cv=split, method="predict_proba")[:, 1]
    assert (model, precision) == ("tiny", "fp32")
    np.testing.assert_allclose(table["score"], expected, atol=2e-5)


@pytest.mark.long
def test_means_are_taken_of_logits_over_networks_and_views(trainer: Trainer) -> None:
    found = {model: table["score"].to_numpy() for model, _, table in trainer.tables(["tiny", "both", "views"], ("fp32",))}
    kept = {name: np.empty((30, 4)) for name in ("tiny", "tiny_tuned")}
    for name, logits in kept.items():
        for fold in range(5):
            made = np.load(trainer.cache_folder / f"{name}.fp32.{fold}.npy")
            logits[trainer.dataset.folds == fold, : made.shape[1]] = made
    np.testing.assert_allclose(logit(found["tiny"]), kept["tiny"][:, 0], atol=1e-3)
    np.testing.assert_allclose(logit(found["views"]), kept["tiny"].mean(axis=1), atol=1e-3)
    np.testing.assert_allclose(logit(found["both"]), (kept["tiny"][:, 0] + kept["tiny_tuned"][:, 0]) / 2, atol=1e-3)


@pytest.mark.long
def test_what_is_finished_is_not_done_again(trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    trainer = replace(trainer, cache=tmp_path / "cache", report=lambda words, done: heard.append(done))
    before = list(trainer.tables(["tuned"], PRECISIONS))
    assert sum(heard) == trainer.work(["tuned"])

    def refuse(*given: object) -> None:
        raise AssertionError("nothing is left to do")

    heard.clear()
    monkeypatch.setattr(tables, "logits_by_precision", refuse)
    after = list(trainer.tables(["tuned"], PRECISIONS))
    assert sum(heard) == trainer.work(["tuned"])
    for (_, _, one), (_, _, other) in zip(before, after, strict=True):
        assert one.equals(other)


@pytest.mark.long
def test_a_table_is_read_back_as_evidence(trainer: Trainer, tmp_path: Path) -> None:
    for model, precision, table in trainer.tables(["views"], PRECISIONS):
        name = f"pad_ufes20.views.{precision}"
        write_table(table, describe(trainer.dataset, model, precision), tmp_path / "out" / name)
        read = load_scores(name, tmp_path / "out")
        assert read.auc == pytest.approx(roc_auc_score(table["label"], table["score"]), abs=1e-4)
        assert (read.about.items, read.about.positives, read.about.patients) == (30, 15, 30)
        columns = ["item", "patient", "label", "diagnosis", "fitzpatrick", "fold", "model", "precision", "score"]
        assert list(table.columns) == columns
