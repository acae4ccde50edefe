"""Rows of measured latencies, and what a precision changes."""

import pytest

from simulator.sources.latency_rows import calls, cells, extremes, parted, speedups, surprise
from tests.profiles import profile, steady


def test_a_cell_holds_the_median_and_nine_calls_in_ten():
    times = [float(value) for value in range(1, 102)]  # 1 to 101: the median is 51, a twentieth lies below 6 and above 96
    row = cells([profile("net", b4=times)]).iloc[0]
    assert (row["median_ms"], row["p5_ms"], row["p95_ms"]) == (51, 6, 96)
    assert row["low_ms"] < 51 < row["high_ms"]
    assert row["item_ms"] == pytest.approx(51 / 4)
    assert row["items_per_s"] == pytest.approx(4000 / 51)
    assert (row["calls"], row["batch"], row["date"]) == (101, 4, "2026-01-02")


def test_few_calls_are_bounded_by_their_range():
    row = cells([profile("net", b1=[3.0, 1.0, 2.0])]).iloc[0]
    assert (row["low_ms"], row["median_ms"], row["high_ms"]) == (1, 2, 3)


def test_a_model_is_of_the_task_that_any_of_its_profiles_names():
    told = profile("net", "fp16", b1=[1.0]).model_copy(update={"task": "detection", "family": "yolox"})
    found = cells([profile("net", b1=[1.0]), told, profile("other", b1=[1.0])])
    assert found["task"].tolist() == ["detection", "detection", "other"]
    assert found["family"].tolist() == ["yolox", "yolox", "other"]


def test_what_may_be_noise_is_not_called_slower():
    wide = [float(value) for value in range(50, 151)]
    found = speedups(cells([profile("net", b1=wide), profile("net", "fp16", b1=[value + 1 for value in wide])]), 1)
    assert found["times"][0] < 1
    assert surprise(found).endswith("None is slower than fp32.")


def test_every_call_is_there():
    found = calls([profile("net", b1=[1.0, 2.0], b2=[3.0])])
    assert list(found["latency_ms"]) == [1.0, 2.0, 3.0]
    assert list(found["batch"]) == [1, 1, 2]


def test_without_profiles_there_are_no_rows():
    assert cells([]).empty
    assert calls([]).empty
    assert surprise(speedups(cells([]), batch=1)).startswith("No model")


QUICK = [profile("big", b1=steady(80), b2=steady(160)), profile("big", "int8_static", b1=steady(20), b2=steady(50))]
SLOW = [profile("small", b1=steady(2)), profile("small", "int8_static", b1=steady(3))]


def test_a_precision_is_held_against_fp32_at_the_same_batch_size():
    found = speedups(cells(QUICK + SLOW), batch=1).set_index("model")
    assert found["times"]["big"] == pytest.approx(4)
    assert found["times"]["small"] == pytest.approx(2 / 3)
    assert speedups(cells(QUICK + SLOW), batch=2)["times"].tolist() == pytest.approx([3.2])


def test_what_has_no_fp32_on_its_machine_is_left_out():
    assert speedups(cells([profile("net", device="there", b1=[1.0]), profile("net", "int8_static", b1=[1.0])]), 1).empty


def test_the_interval_of_a_ratio_holds_those_of_both_medians():
    times = [float(value) for value in range(50, 151)]
    row = speedups(cells([profile("net", b1=times), profile("net", "int8_static", b1=times)]), 1).iloc[0]
    medians = cells([profile("net", b1=times)]).iloc[0]
    assert row["times"] == pytest.approx(1)
    assert row["times_low"] == pytest.approx(medians["low_ms"] / medians["high_ms"])
    assert row["times_high"] == pytest.approx(medians["high_ms"] / medians["low_ms"])


def test_the_sentence_tells_who_gains_and_who_loses():
    found = speedups(cells(QUICK + SLOW), batch=1)
    assert surprise(found) == (
        "With 1 thread and batches of 1, int8 static is 4.0 times faster than fp32 for big, and 1.5 times slower for small. "
        "Slower than fp32: int8 static for 1 of 2 models."
    )
    assert extremes(found) == ["big", "small"]


def test_the_sentence_says_nothing_of_what_was_measured_on_a_disturbed_machine():
    disturbed = [profile("odd", b1=steady(1)), profile("odd", "int8_static", busy=0.4, b1=steady(9))]
    found = speedups(cells(QUICK + disturbed), batch=1)
    assert found.set_index("model")["disturbed"].to_dict() == {"odd": True, "big": False}
    assert "odd" not in surprise(found)
    assert extremes(found) == ["big"]


def test_steps_are_no_networks():
    networks, steps = parted(cells([profile("net", b1=[1.0]), profile("photo_decode", "jpeg", b1=[1.0])]))
    assert list(networks["model"]) == ["net"]
    assert list(steps["model"]) == ["photo_decode"]
