"""What others promised and what the field gave: each with its source, and nothing half filled in."""

import pytest

from simulator.evidence.catalogue import field_drops
from simulator.evidence.evidence_files import EvidenceError


def test_every_promise_stands_beside_what_the_field_gave():
    first = field_drops()[0]
    assert first.bench.sensitivity == (0.91, 0.96)
    assert first.field.sensitivity == (0.413, 0.833)
    for drop in field_drops():
        for found in (drop.bench, drop.field):
            assert found.source
            assert found.sensitivity[0] <= found.sensitivity[1]
            assert found.specificity[0] <= found.specificity[1]
        assert drop.field.sensitivity[1] < drop.bench.sensitivity[1]


def test_a_product_stands_beside_scores_of_the_same_thing_alone():
    assert all(drop.stands_beside("pad_ufes20.efficientnet_lite0.fp32") for drop in field_drops())
    assert not any(drop.stands_beside("posts.resnet50.fp32") for drop in field_drops())


def test_a_fault_is_told_with_its_field(tmp_path):
    file = tmp_path / "field.yaml"
    file.write_text("- what: x\n  bench: {sensitivity: [0.9, 1.2], specificity: [0, 1], source: y}\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"field\.yaml: 0\.bench\.sensitivity\.1: "):
        field_drops(file)
