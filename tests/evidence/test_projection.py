"""Projection: it refuses what nothing supports, and its errors are those of hidden networks."""

import json
import shutil

import pandas as pd
import pytest

from campaigns.projection.holdout import ASKED
from simulator.evidence.catalogue import hardware
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.projection import fingerprint, latencies, latency, networks, power, published
from simulator.evidence.projection_accuracy import BARS, COVERS, basis_of, held_out
from simulator.paths import CATALOGUE
from simulator.sources.source_commands import projection_record


def test_every_point_names_a_network_a_device_and_a_source():
    points = published()
    assert (points["seconds"] > 0).all()
    assert points[["family", "gmac"]].notna().all(axis=None)
    assert points["source"].str.len().gt(10).all()
    assert set(points["device"]) <= set(hardware())
    assert power()["source"].str.len().gt(10).all()
    assert not points.duplicated(["device", "precision", "protocol", "model", "batch"]).any()


def test_a_published_table_that_was_changed_is_read_again(tmp_path):
    shutil.copytree(CATALOGUE, tmp_path, dirs_exist_ok=True)
    before, table = published(tmp_path), tmp_path / "published.csv"
    table.write_text("\n".join(table.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    assert len(published(tmp_path)) == len(before) - 1


def test_a_measured_network_has_the_multiply_adds_that_were_counted_when_it_was_exported():
    """Convolutions and linear layers alone are counted in both places, but for attention, which the table takes from timm."""
    from simulator.evidence.profiles import profiles

    counted = {profile.model: profile.multiply_adds for profile in profiles() if profile.multiply_adds}
    known = networks().dropna(subset="profile").set_index("profile")["gmac"]
    both = [name for name in known.index if name in counted and name not in ("swin_t", "vit_b_16")]
    assert len(both) >= 5
    for name in both:
        assert known[name] == pytest.approx(counted[name] / 1e9, rel=0.08)


def test_the_same_network_under_another_name_is_hidden_with_it():
    kinds = networks().groupby("architecture").groups
    assert {"resnet50@224", "resnet50@288"} <= set(kinds["resnet50"])
    assert {"yolo11n@640", "yolo11n_seg@640", "yolo11n_cls@224"} <= set(kinds["yolo11n"])
    assert "tf_efficientnet_b4@380" in kinds["efficientnet_b4"]


def test_what_the_evidence_holds_decides_which_errors_are_quoted():
    seen = pd.DataFrame({"device": ["a", "a"], "precision": ["int8", "int8"], "family": ["resnet", "vit"]})
    assert basis_of(seen, "a", "int8", "vit") == "family"
    assert basis_of(seen, "a", "int8", "swin") == "elsewhere"
    assert basis_of(seen, "a", "fp16", "vit") == "precision"
    assert basis_of(seen, "b", "int8", "vit") == "precision"


def test_the_committed_findings_are_of_the_committed_tables_and_meet_the_bars():
    found = held_out()
    assert found.fingerprint == fingerprint()
    assert {errors.basis for errors in found.overall} == set(BARS)
    assert all(errors.median <= BARS[errors.basis] and errors.covered >= COVERS for errors in found.overall)
    assert [(one.device, one.batch) for one in found.comparisons] == ASKED
    assert len(ASKED) == 13
    assert found.comparison_median < 0.24


def test_the_comparisons_are_held_against_what_was_published():
    rows = published().query("model == 'resnet50@224' and protocol == 'mlperf'").set_index(["device", "batch"])["seconds"]
    assert [one.published for one in held_out().comparisons] == [rows[asked] for asked in ASKED]


def test_a_latency_has_a_band_around_it_and_a_larger_batch_takes_longer():
    found = latencies("efficientnet_lite0", "int8_static", (1, 4, 16), "nvidia-t4")
    assert all(0 < point.low < point.value < point.high for point in found)
    assert [point.value for point in found] == sorted(point.value for point in found)
    assert found[0].computed == "int8"
    assert all(word in found[0].source for word in ("NVIDIA T4", "held out", "median error"))


def test_a_published_network_comes_back_close_to_what_was_published():
    row = published().query("device == 'nvidia-t4' and model == 'resnet50@224' and batch == 1")["seconds"].iloc[0]
    assert latency("resnet50", "int8_static", 1, "nvidia-t4").value == pytest.approx(row, rel=0.1)


def test_an_fp32_model_is_computed_in_half_precision_where_nothing_else_is_published_and_says_so():
    found = latency("resnet50", "fp32", 1, "nvidia-l4")
    assert (found.computed, found.basis) == ("fp16", "precision")
    assert "computed in fp16" in found.source


@pytest.mark.parametrize(
    ("model", "precision", "batch", "device", "told"),
    [
        ("resnet50", "int8_dynamic", 1, "nvidia-t4", "never timed at int8_dynamic"),
        ("abacus", "fp32", 1, "nvidia-t4", "abacus is not among the networks .* convnext_base"),
        ("resnet50", "fp32", 1, "aws-c7i-large", "no latency is published of 2 vCPU, c7i.large"),
        ("resnet50", "fp32", 4, "galaxy-s25-npu", "only single requests are published"),
        ("resnet50", "fp32", 4, "rtx-4090", "only large batches are published"),
        ("resnet50", "fp32", 1, "coral-edge-tpu", "nothing supports fp32"),
        ("resnet50", "fp32", 5000, "nvidia-t4", "batch 5000 cannot be projected"),
    ],
)
def test_what_nothing_supports_is_refused_with_the_reason(model, precision, batch, device, told):
    with pytest.raises(EvidenceError, match=told):
        latency(model, precision, batch, device)


def test_an_unknown_device_is_answered_with_those_there_are():
    with pytest.raises(EvidenceError, match="no machine 'abacus'"):
        latency("resnet50", "fp32", 1, "abacus")


def test_the_command_prints_the_table_and_one_object(casesim):
    shown = casesim("projection")
    assert shown.status == 0
    assert all(word in shown.out for word in ("NVIDIA T4", "median", "band covers", "mlsysim 0.3.0", "Energy"))
    told = casesim("projection", "--json")
    assert json.loads(told.out) == json.loads(json.dumps(projection_record(held_out())))
    assert {"device", "family", "median", "p90", "covered", "bar", "met"} <= set(json.loads(told.out)["rows"][0])


def test_a_network_that_was_not_measured_is_named_without_its_only_size():
    """Published on a Galaxy S25: 0.214 ms as TFLite and 0.223 ms as QNN, in 8 bits (quic/ai-hub-models)."""
    found = latency("mobilenet_v2", "int8_static", 1, "galaxy-s25-npu")
    assert found.low <= 0.000223 <= found.high
    assert "multiply-adds" in found.source
    assert "measured here" in latency("efficientnet_lite0", "int8_static", 1, "galaxy-s25-npu").source
