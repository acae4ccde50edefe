"""False answers under a condition: counted on spoilt images beside clean ones."""

import pytest

from simulator.evidence.detection_tables import DetectionError
from simulator.evidence.weather_alarms import load_weather, times_of
from simulator.paths import DETECTIONS


def test_a_detector_has_its_own_times_at_every_precision():
    rows = load_weather(DETECTIONS)
    (own,) = rows.query("seen_by == 'coco.yolox_nano.fp32' and condition == 'fog' and severity == 2").itertuples()
    found = times_of("coco.yolox_nano.int8_static", "fog", 2)
    assert (found.value, found.low, found.high) == (own.times, own.times_low, own.times_high)
    assert found.value == pytest.approx((own.spoilt + 0.5) / (own.clean + 0.5), rel=0.001)


def test_one_that_was_not_measured_changes_as_the_others_do():
    each = [times_of(f"coco.{name}.fp32", "rain", 2) for name in ("yolox_nano", "nanodet_m", "fastestdet")]
    found = times_of("kitti.yolox_x", "rain", 2)
    assert found.value == pytest.approx((each[0].value * each[1].value * each[2].value) ** (1 / 3))
    assert (found.low, found.high) == (min(one.low for one in each), max(one.high for one in each))


def test_what_was_not_counted_is_named():
    with pytest.raises(DetectionError, match="were not counted under 'snow' at severity 2"):
        times_of("kitti.yolox_x", "snow", 2)
