"""Settings that the campaign alone knows: those at every precision, and answers without some classes."""

import numpy as np
import pytest

from campaigns.detections.conditions import is_coarse, without
from simulator.measure.detector_conditions import CORRUPTIONS, SETTINGS
from simulator.measure.detector_io import LAYOUTS, boxes_of
from simulator.measure.guarded import CannotMeasureError


def test_three_severities_of_a_corruption_and_the_whole_of_a_bug_are_measured_at_every_precision() -> None:
    assert sum(map(is_coarse, SETTINGS)) == 1 + 3 * len(CORRUPTIONS) + 4


def test_without_a_class_the_best_of_the_others_is_chosen() -> None:
    yolox, fastest = np.zeros((3549, 85), np.float32), np.zeros((85, 22, 22), np.float32)
    yolox[9, 4], yolox[9, 5 + 3], yolox[9, 5 + 7] = 0.8, 0.5, 0.9
    fastest[0, 1, 1], fastest[5 + 3, 1, 1], fastest[5 + 7, 1, 1] = 1, 0.5, 0.9
    shapes = [(2704, 80), (2704, 32), (676, 80), (676, 32), (169, 80), (169, 32)]
    nanodet = [np.zeros(shape, np.float32) for shape in shapes]
    nanodet[2][9, 3], nanodet[2][9, 7] = 0.5, 0.9
    for name, outputs, score in (("yolox", [yolox], 0.4), ("fastestdet", [fastest], 0.5**0.4), ("nanodet", nanodet, 0.5)):
        side = 352 if name == "fastestdet" else 416
        assert boxes_of(LAYOUTS[name], outputs, side, 0.2)[0][5] == 7
        [found] = boxes_of(LAYOUTS[name], without(LAYOUTS[name], outputs, [7, 8]), side, 0.2)
        assert found[4:].tolist() == pytest.approx([score, 3])
        assert boxes_of(LAYOUTS[name], outputs, side, 0.2)[0][5] == 7  # the outputs themselves are as they were
        assert not len(boxes_of(LAYOUTS[name], without(LAYOUTS[name], outputs, [3, 7]), side, 0.2))
    with pytest.raises(CannotMeasureError, match="cannot be read without some classes, since the network chooses the class"):
        without(LAYOUTS["boxes"], [], [7])
