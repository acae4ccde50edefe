"""The committed table of the refitted last layer: against the detection tables, and that a faulty one is named."""

from pathlib import Path

import pytest

from campaigns.detections.condition_effects import load_refits
from simulator.evidence.detection_tables import FP32, load_detections
from simulator.evidence.evidence_files import EvidenceError


def test_the_served_layer_has_the_precision_of_the_detection_tables() -> None:
    """Those were computed by pycocotools, from the answers of the whole network."""
    summary = load_detections().summary
    known = summary[summary["precision"] == FP32].set_index(["detector", "condition", "severity"])["ap"]
    rows = load_refits()
    there = rows[rows["condition"] != "occlusion"]  # a condition of the scenes, which have no AP by pycocotools
    assert len(there) >= 16
    for row in there.itertuples(index=False):
        assert row.ap_before == pytest.approx(known[row.detector, row.condition, row.severity], abs=0.002)


def test_each_change_lies_in_its_interval() -> None:
    rows = load_refits()
    for name in ("ap", "recall"):
        assert rows[f"{name}_change"].between(rows[f"{name}_low"], rows[f"{name}_high"]).all()
        assert (rows[f"{name}_after"] - rows[f"{name}_before"] - rows[f"{name}_change"]).abs().max() < 2e-4


def test_a_figure_out_of_range_is_named(tmp_path: Path) -> None:
    rows = load_refits()
    rows.loc[0, "ap_after"] = 3
    rows.to_csv(tmp_path / "refits.csv", index=False)
    with pytest.raises(EvidenceError, match="ap_after"):
        load_refits(tmp_path)
