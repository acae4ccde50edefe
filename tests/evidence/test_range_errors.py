"""Errors of distances from a table that is known, and the committed ones in their order."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from simulator.evidence.drive_tables import DRAWS, ERROR_PERCENTS, DriveError, Misses
from simulator.evidence.range_errors import NORMALS, RangeError, ranging_of

PARTS = Misses(*(np.zeros(1 + DRAWS) for _ in range(3)))


def error(*rows, x=(10.0, 40.0)):
    """The same in every resample."""
    return RangeError(np.array(x), np.repeat([rows], 1 + DRAWS, axis=0), PARTS)


def test_a_normal_error_comes_back_as_one():
    """Quantiles of 1 + 0.1 z at 10 m and of 1 + 0.3 z at 40 m: halfway between, by the logarithm, 1 + 0.2 z at 20 m."""
    found = error(1 + 0.1 * NORMALS, 1 + 0.3 * NORMALS).drawn_at(
        np.array([10.0, 20.0, 40.0, 20.0]), np.array([1.0, 1.0, -1.5, 0.0]), np.array([0, 3])
    )
    assert found == pytest.approx(np.tile([1.1, 1.2, 0.55, 1.0], (2, 1)))


def test_beyond_the_table_it_stays_as_at_its_edge():
    found = error(1 + 0.1 * NORMALS, 1 + 0.3 * NORMALS)
    largest = norm.ppf(0.99)
    assert found.drawn_at(np.array([2.0, 500.0]), np.array([9.0, -9.0]), np.array([0]))[0] == pytest.approx(
        [1 + 0.1 * largest, 1 - 0.3 * largest]
    )


def test_one_distance_alone_holds_everywhere():
    found = error(np.arange(7.0), x=(10.0,)).drawn_at(np.array([1.0, 100.0]), NORMALS[[2, 5]], np.array([0]))
    assert found.tolist() == [[2.0, 5.0]]


def test_a_lidar_knows_distances_better_than_a_camera():
    """From 20 to 40 m, nine of ten of its distances are within 2%; those of one or two cameras are not within 10%."""
    middle = ERROR_PERCENTS.index(5), ERROR_PERCENTS.index(95)

    def widest(method):
        table = ranging_of(method, "car").distance
        between = (table.x > 20) & (table.x < 40)
        return float(np.abs(table.quantiles[0][between][:, middle] - 1).max())

    assert widest("kitti.pointrcnn") < 0.02
    assert min(widest(name) for name in ("kitti.yolox_x.height", "kitti.yolox_x.road", "kitti.ciwt_stereo")) > 0.1


def test_a_way_to_measure_that_is_not_there_is_named():
    told = "distances by 'kitti.yolox_x.hight' were not measured; did you mean 'kitti.yolox_x.height'"
    with pytest.raises(DriveError, match=re.escape(told)):
        ranging_of("kitti.yolox_x.hight", "car")
