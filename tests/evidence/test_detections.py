"""Detection tables: those that come along are whole, and each fault gets its sentence."""

import pandas as pd
import pytest

from simulator.evidence.detection_tables import CLEAN, DetectionTables, coco_c, load_detections
from simulator.evidence.evidence_files import EvidenceError
from simulator.paths import DETECTIONS
from tests.detections import write_tables


@pytest.fixture(scope="module")
def shipped():
    return load_detections()


def test_what_comes_along_is_whole(shipped):
    settings = shipped.summary[["detector", "precision", "condition", "severity"]]
    assert not settings.duplicated().any()
    assert len(shipped.outcomes) == len(settings) * len(shipped.boxes)
    assert len(shipped.answers) == len(settings) * shipped.about.images
    assert set(shipped.summary["precision"]) == set(shipped.about.precisions)
    corruptions = [told for told in shipped.about.conditions.values() if told.kind == "corruption"]
    assert len(corruptions) >= 10
    assert all({1, 3, 5} <= set(told.strengths) <= set(range(1, 6)) for told in corruptions)
    for name, told in shipped.about.conditions.items():
        assert shipped.severities("yolox_nano", "fp32", name) == list(told.strengths)
        assert set(shipped.severities("yolox_nano", "int8_all", name)) == set(told.strengths) & (
            {2} if told.kind == "bug" else {1, 3, 5}
        )
    assert (shipped.summary["ap_low"] <= shipped.summary["ap_high"]).all()


def test_it_holds_no_photo_and_a_few_mebibytes():
    files = list(DETECTIONS.iterdir())
    assert {file.suffix or file.name for file in files} == {".yaml", ".csv", ".parquet", "LICENSE"}
    assert sum(file.stat().st_size for file in files) < 5 * 2**20


def test_scores_are_those_of_one_network_under_one_condition_in_the_order_of_the_boxes(shipped):
    scores = shipped.scores("yolox_nano", "fp32", CLEAN, 0)
    rows = shipped.of("outcomes", "yolox_nano", "fp32", CLEAN, 0)
    assert rows["box"].tolist() == shipped.boxes["box"].tolist()
    assert scores.shape == (shipped.about.boxes,)


def rewrite(folder, name, change):
    path = folder / f"{name}.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)


FAULTS = {
    "no folder": (
        lambda folder: (folder / "about.yaml").unlink(),
        "about.yaml: is missing; `python -m campaigns.detections tables` writes it",
    ),
    "no table": (lambda folder: (folder / "images.parquet").unlink(), "images.parquet: is missing"),
    "no yaml": (lambda folder: (folder / "about.yaml").write_text("a: [1"), "about.yaml: is not YAML"),
    "field": (lambda folder: (folder / "about.yaml").write_text("date: x"), "about.yaml: processor: Field required"),
    "no parquet": (lambda folder: (folder / "boxes.parquet").write_text("x"), "boxes.parquet: cannot be read"),
    "column": (
        lambda folder: rewrite(folder, "outcomes", lambda rows: rows.drop(columns="score")),
        "outcomes.parquet: lacks the column score",
    ),
    "score": (
        lambda folder: rewrite(folder, "outcomes", lambda rows: rows.assign(score=2.0)),
        "outcomes.parquet: row 0: score: expected a number from 0 to 1, got 2.0",
    ),
    "rows": (
        lambda folder: rewrite(folder, "boxes", lambda rows: rows[1:]),
        "boxes.parquet: has 23 rows, but about.yaml says 24",
    ),
    "outcomes": (lambda folder: rewrite(folder, "outcomes", lambda rows: rows[1:]), "outcomes.parquet: has 479 rows"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_file_and_field(fault, tmp_path):
    spoil, sentence = FAULTS[fault]
    spoil(write_tables(tmp_path))
    with pytest.raises(EvidenceError, match=sentence.replace("[", r"\[")):
        load_detections(tmp_path)


def test_every_column_is_there(tmp_path):
    tables = load_detections(write_tables(tmp_path))
    for name, table in DetectionTables.tables().items():
        assert list(getattr(tables, name).columns) == table.names


def test_published_figures_are_whole(tmp_path):
    found = coco_c()
    assert len(found.models) == 2
    for model in found.models.values():
        assert all(len(figures) == 5 and max(figures) < model.clean for figures in model.corrupted.values())
    (tmp_path / "x.yaml").write_text("source: x")
    with pytest.raises(EvidenceError, match=r"x\.yaml: caution: Field required"):
        coco_c(tmp_path / "x.yaml")
