"""Shifts of the recall with a smaller picture: a detector's own where it was measured, else those of the others."""

import numpy as np
import pytest

from simulator.evidence.detection_tables import DetectionError
from simulator.evidence.input_sizes import DRAWS, input_shift_of, load_inputs
from simulator.paths import DETECTIONS


def test_a_detector_has_its_own_shift_at_every_precision():
    (row,) = load_inputs(DETECTIONS).query("seen_by == 'coco.yolox_nano.fp32' and part == 0.5 and against == 'played'").index
    own = load_inputs(DETECTIONS).loc[row]
    found = input_shift_of("coco.yolox_nano.int8_mixed", 0.5)
    assert found.tolist() == [own["shift"], *own[DRAWS]]


def test_one_that_was_not_measured_changes_as_the_others_do_and_its_draws_take_turns():
    rows = load_inputs(DETECTIONS).query("part == 0.75 and against == 'natural'")
    found = input_shift_of("kitti.yolox_x.restored", 0.75)
    assert found[0] == pytest.approx(rows["shift"].mean())
    assert found[1:4].tolist() == [rows[DRAWS[place]].iloc[place] for place in range(3)]
    assert np.ptp(found[1:]) > rows[DRAWS].std(axis=1).mean()


def test_networks_see_a_smaller_object_as_a_smaller_one():
    """Where the interval of the shift holds zero, the height times the part is all that changes."""
    rows = load_inputs(DETECTIONS).query("against == 'played'")
    assert ((rows["shift_low"] < 0) & (rows["shift_high"] > 0)).all()


def test_a_size_that_was_not_measured_is_named():
    with pytest.raises(DetectionError, match=r"no detector was measured with 0\.3 of its picture"):
        input_shift_of("kitti.yolox_x", 0.3)
