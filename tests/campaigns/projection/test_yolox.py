"""YOLOX is told close to what others publish of it, also by a fit that has seen none of that."""

import numpy as np
import pytest

from campaigns.projection.curves import _protocol
from campaigns.projection.form import all_points, design_of, fit
from simulator.evidence.projection import OWN, latency, published
from simulator.evidence.projection_accuracy import held_out


def test_with_every_published_yolox_hidden_the_projection_is_off_by_a_tenth_at_the_median() -> None:
    points = all_points()
    hidden = (points["architecture"].str.startswith("yolox") & (points["protocol"] != OWN)).to_numpy()
    design, seconds = design_of(points), points["seconds"].to_numpy()
    value, spread = fit(design.take(~hidden), seconds[~hidden]).predict(design.take(hidden))
    error = np.abs(np.exp(value) / seconds[hidden] - 1)
    assert hidden.sum() == 11
    assert np.median(error) < 0.1
    assert error.max() < 0.3
    assert (np.abs(value - np.log(seconds[hidden])) <= held_out().widths["family"] * spread).all()


@pytest.mark.parametrize("device", ["jetson-agx-orin-64gb", "jetson-orin-nx-16gb", "jetson-orin-nano-8gb", "nvidia-t4"])
def test_a_detector_is_projected_close_to_what_is_published_of_it_there(device: str) -> None:
    """A network's own points are told back as they were taken, not as another load generator would have taken them."""
    rows = published().query("device == @device and family == 'yolo' and batch == 1")
    found = [latency(row.model, row.precision, 1, device).value for row in rows.itertuples()]
    assert len(rows) >= 9
    assert np.abs(np.array(found) / rows["seconds"] - 1).max() < 0.2


def test_a_family_is_asked_for_as_its_own_points_were_taken() -> None:
    there = published().query("device == 'jetson-orin-nx-16gb'")
    assert _protocol(there, "yolo") == "jetson_guide"
    assert _protocol(there, "resnet") == "mlperf"
    assert _protocol(there, "swin") == "mlperf"
    assert _protocol(published().query("device == 'galaxy-s25-npu'"), "swin") == "ai_hub"


def test_a_family_that_mlperf_never_timed_follows_its_own_engines() -> None:
    """On an L4, which only MLPerf timed, YOLOX-x is near T4's time by MLPerf's ratio of the two cards, within its band."""
    points = published()
    there = points.query("device == 'nvidia-l4'")
    assert (_protocol(there, "yolo"), _protocol(there, "resnet"), _protocol(there, "swin")) == (
        "ultralytics",
        "mlperf",
        "mlperf",
    )
    best = points.query("model == 'resnet50@224' and batch == 0 and precision == 'int8'").set_index("device")["seconds"]
    ratio = best["nvidia-t4"] / best["nvidia-l4"]
    found, other = (latency("yolox_x", "fp16", 1, device) for device in ("nvidia-l4", "nvidia-t4"))
    assert ratio == pytest.approx(2.15, abs=0.01)
    assert found.low < other.value / ratio < found.value < 0.01


def test_a_network_with_some_layers_in_float_is_projected_as_at_fp16() -> None:
    mixed, half = (latency("coco_yolox_nano", precision, 1, "nvidia-t4") for precision in ("int8_mixed", "fp16"))
    assert mixed.value == half.value
    assert "computed in fp16 as no int8_mixed is published" in mixed.source


@pytest.mark.parametrize("model", ["yolox_nano", "yolox_tiny", "yolox_s", "yolox_m", "yolox_l", "yolox_x"])
def test_every_yolox_can_be_projected_on_every_module_at_every_precision(model: str) -> None:
    for device in ("jetson-agx-orin-64gb", "jetson-orin-nx-16gb", "jetson-orin-nano-8gb", "nvidia-t4", "nvidia-l4"):
        times = [latency(model, precision, 1, device) for precision in ("fp32", "fp16", "int8_static")]
        assert times[0].value >= times[1].value > times[2].value
        assert all(0 < time.low < time.value < time.high for time in times)


def test_trained_networks_of_coco_are_projected_as_their_architecture() -> None:
    own, trained = (latency(name, "fp32", 1, "jetson-orin-nano-8gb").value for name in ("yolox_nano", "coco_yolox_nano"))
    assert own == pytest.approx(trained)
    assert latency("coco_fastestdet", "fp32", 1, "jetson-orin-nano-8gb").value < own
    assert latency("coco_nanodet_m", "fp32", 1, "jetson-orin-nano-8gb").value < 1.2 * own
