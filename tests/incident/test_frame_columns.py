"""Settings of frames from where a change enters, and the rules by which detections count."""

import numpy as np
import pytest

from simulator.incident.frame_columns import FrameSide, capped


def as_tested(frames=3):
    return FrameSide.tested(np.zeros(frames), np.zeros(frames, int), 0)


@pytest.mark.parametrize(
    ("enters", "by_mistake", "columns"),
    [
        ("camera", False, ["raw", "seen", "given"]),
        ("client", False, ["seen", "given"]),
        ("server", False, ["given"]),
        ("camera", True, ["given"]),
    ],
)
def test_a_change_is_seen_from_where_it_enters(enters, by_mistake, columns):
    frames = as_tested()
    for column in frames.from_entry(enters, by_mistake):
        column[1] = 7
    changed = [name for name in ("raw", "seen", "given") if getattr(frames, name).tolist() == [0, 7, 0]]
    assert changed == columns


def test_a_setting_is_put_on_the_frames_that_are_named_alone():
    frames = as_tested()
    frames.put(np.array([1, 2, 3]), np.array([True, False, True]))
    assert [frames.raw.tolist(), frames.seen.tolist(), frames.given.tolist()] == [[1, 0, 3]] * 3


#: Detections from each bin of scores on, of two frames.
TAILS = np.array([[9, 5, 2, 0], [3, 3, 1, 1]], np.float32)


def capped_at(most, bins):
    return capped(np.array(bins), np.full(2, most), TAILS).tolist()


def test_as_tested_every_detection_from_the_bin_on_counts():
    assert capped_at(as_tested(2).most[0], [1, 0]) == [1, 0]


def test_a_frame_keeps_at_most_so_many_detections():
    """Two: the first frame has them from bin 2 on. The second one has one from bin 2 on, and three from bin 1 on."""
    assert capped_at(2, [0, 0]) == [2, 2]
    assert capped_at(2, [3, 3]) == [3, 3]  # a higher bin stays


def test_of_two_limits_the_lower_one_holds_and_a_floor_is_put_where_it_is_said():
    frames = as_tested(2)
    frames.count(np.array([True, False]), floor=4, most=5)
    frames.count(np.array([True, True]), floor=0, most=9)
    assert (frames.bin.tolist(), frames.most.tolist()) == ([4, -1], [5, 9])


def test_where_even_the_last_bin_has_too_many_the_last_one_is_taken():
    assert capped_at(0, [0, 0]) == [3, 3]
