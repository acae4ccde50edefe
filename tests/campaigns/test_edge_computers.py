"""Computers on board: every figure says where it comes from, and watts, energy and memory are those of a hand calculation."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from campaigns.edge_computers import EDGE, SourcedFigure, edge, memory, module
from simulator.evidence.catalogue import machine
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.projection import latency, power

SMALL = """
modules:
  jetson-orin-nano-8gb:
    sold_as: kit
    usd: {value: 249, published: a list}
    reserved_gb: {value: 2, assumed: Linux}
    idle_w: {value: 5, assumed: none}
    modes:
      fast: {label: Fast, slower: {value: 1, published: as timed}, busy_w: {value: 15, assumed: none}}
      slow: {label: Slow, slower: {value: 2, assumed: half}, busy_w: {value: 9, assumed: none}}
sensors: {}
vehicle: {wh_per_km: {value: 200, published: a study}}
"""


def figures(record: BaseModel) -> Iterator[SourcedFigure]:
    """Every figure inside a record, however deep."""
    for value in dict(record).values():
        for part in value.values() if isinstance(value, dict) else [value]:
            if isinstance(part, SourcedFigure):
                yield part
            elif isinstance(part, BaseModel):
                yield from figures(part)


def test_every_figure_says_where_it_comes_from() -> None:
    found = list(figures(edge()))
    assert len(found) >= 40
    assert all(len(figure.source) > 10 for figure in found)
    assert {figure.evidence for figure in found} == {"published", "projected", "assumed"}


def test_every_module_can_be_projected_on_and_has_a_memory() -> None:
    for name in edge().modules:
        assert machine(name).memory_gb
        assert latency("yolox_x", "fp32", 1, name).value > 0


def test_the_frugal_modes_are_as_fast_and_draw_as_much_as_mlperf_published() -> None:
    """Single-stream p90 of RetinaNet: 26.5513 against 13.9231 ms, 19.85 W; of ResNet-50: 0.9203 against 0.6948 ms, 27.7 W."""
    modes = module("jetson-agx-orin-64gb").modes
    assert modes["maxq_v3"].slower.value == pytest.approx(26.5513 / 13.9231, rel=0.01)
    assert modes["maxq_v2"].slower.value == pytest.approx(0.9203 / 0.6948, rel=0.01)
    assert modes["w50"].slower.value == pytest.approx(171 / 109, rel=0.01)
    assert modes["w15"].slower.value == pytest.approx(171 / 14, rel=0.01)
    runs = power().query("device == 'jetson-agx-orin-64gb' and batch == 1").set_index("model")["watts"]
    assert modes["maxq_v3"].busy_w.value == runs["retinanet_resnext50@800"]
    assert module("jetson-agx-orin-64gb").idle_w.value < runs.min()


def test_the_fastest_mode_takes_at_least_the_joules_of_the_frugal_one() -> None:
    """Watts times how long: 38 W for one unit of time against 19.85 W for 1.91 of them."""
    modes = module("jetson-agx-orin-64gb").modes
    frugal = modes["maxq_v3"].busy_w.value * modes["maxq_v3"].slower.value
    assert modes["maxn"].busy_w.value == pytest.approx(frugal, rel=0.02)


def test_watts_lie_between_idle_and_busy_and_a_frame_takes_its_part_of_them() -> None:
    it = module("jetson-agx-orin-64gb")
    assert it.mean_watts(0, "maxn") == it.idle_w.value == 10
    assert it.mean_watts(1, "maxn") == it.modes["maxn"].busy_w.value == 38
    assert it.mean_watts(0.25, "maxn") == 10 + 0.25 * 28
    assert it.joules_per_frame(0.25, 34, "maxn") == pytest.approx(0.5)


@pytest.mark.parametrize("busy", [-0.1, 1.2])
def test_a_share_of_time_outside_0_to_1_is_refused(busy: float) -> None:
    with pytest.raises(ValueError, match="busy is a share of the time"):
        module("jetson-agx-orin-64gb").mean_watts(busy, "maxn")


def test_no_frames_take_no_energy_each() -> None:
    with pytest.raises(ValueError, match="frames_per_s must be above 0"):
        module("jetson-agx-orin-64gb").joules_per_frame(0.5, 0, "maxn")


def test_a_hundred_watts_at_50_km_per_h_are_one_part_in_105_of_driving() -> None:
    """210 Wh/km at 50 km/h are 10.5 kW."""
    assert edge().vehicle.share_of_driving(100, 50) == pytest.approx(100 / 10_500)


def test_memory_is_two_copies_of_the_file_and_all_activations_of_a_batch() -> None:
    """YOLOX-nano: a file of 3,730,638 bytes and 8.6841e6 activations of 4 bytes an image; 8 GB less 2."""
    found = memory("jetson-orin-nano-8gb", [("yolox_nano", "fp32", 3)])
    assert found.needed_gb == pytest.approx((2 * 3_730_638 + 3 * 4 * 8.6841e6) / 1e9)
    assert found.free_gb == pytest.approx(6)
    assert found.fits
    both = memory("jetson-orin-nano-8gb", [("yolox_nano", "fp32", 3), ("yolox_nano", "fp32", 3)])
    assert both.needed_gb == pytest.approx(2 * found.needed_gb)


def test_activations_that_were_not_counted_are_as_many_as_is_typical() -> None:
    """YOLOX-x: 140.7e9 multiply-adds with 3.3e-3 activations each; its file has 396,081,077 bytes."""
    found = memory("jetson-orin-nano-8gb", [("yolox_x", "fp32", 1)])
    assert found.needed_gb == pytest.approx((2 * 396_081_077 + 4 * 140.7e9 * 3.3e-3) / 1e9)
    assert found.fits
    assert not memory("jetson-orin-nano-8gb", [("yolox_x", "fp32", 4)]).fits
    assert memory("jetson-agx-orin-64gb", [("yolox_x", "fp32", 16)]).fits


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (("yolox_x", "int9", 1), "how large yolox_x is at int9 is not known; it was measured at fp32"),
        (("abacus", "fp32", 1), "how large abacus is at fp32 is not known; it was not measured"),
        (("step_nms", "100_boxes", 1), "models.csv has no network with the profile step_nms"),
    ],
)
def test_a_network_whose_size_is_not_known_is_told(subject: tuple[str, str, int], told: str) -> None:
    with pytest.raises(EvidenceError, match=told):
        memory("jetson-orin-nano-8gb", [subject])


def test_what_is_not_there_is_answered_with_what_there_is() -> None:
    with pytest.raises(EvidenceError, match=r"nothing is known of 'abacus' on board a vehicle; .*jetson-agx-orin-64gb"):
        module("abacus")
    with pytest.raises(EvidenceError, match=r"there is no power mode 'eco'; .*maxn"):
        module("jetson-agx-orin-64gb").mode("eco")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("usd: {value: 249, published: a list}", "usd: {value: 249}", r"usd: .*exactly one of published, projected, assumed"),
        ("usd: {value: 249, published: a list}", "usd: {value: 0, published: a list}", r"usd\.value: .*greater than 0, got 0"),
        ("{value: 1, published: as timed}", "{value: 3, published: as timed}", "slower must be 1, got 3"),
        ("{value: 2, assumed: half}", "{value: 0.5, assumed: half}", "slower must be at least 1"),
        ("{value: 9, assumed: none}", "{value: 4, assumed: none}", "busy_w must be at least idle_w"),
        ("jetson-orin-nano-8gb:", "jetson-orin-pico:", "no machine 'jetson-orin-pico'"),
        ("jetson-orin-nano-8gb:", "galaxy-s25-npu:", r"modules\.galaxy-s25-npu: hardware\.yaml has no memory_gb"),
        (
            "sensors: {}",
            "sensors: {camera: {label: C, usd: {value: 1, assumed: x}}}",
            r"sensors\.camera\.watts: Field required",
        ),
        (
            "    modes:",
            "    hot: {above_c: {value: 87, assumed: x}, falls_to: ice, why: none}\n    modes:",
            r"hot\.falls_to: .*fast, slow",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path, old: str, new: str, told: str) -> None:
    path = tmp_path / EDGE.name
    path.write_text(SMALL, encoding="utf-8")
    assert edge(path).modules
    path.write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(EvidenceError, match=told):
        edge(path)
