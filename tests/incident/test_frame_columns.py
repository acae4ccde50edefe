"""Settings of frames from where a change enters, and the rules by which detections count."""

import numpy as np
import pytest

from simulator.incident.frame_columns import CountingRules, FrameSettings


def settings():
    return FrameSettings(*(np.zeros(3, int) for _ in range(3)))


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
    frames = settings()
    for column in frames.from_entry(enters, by_mistake):
        column[1] = 7
    changed = [name for name in ("raw", "seen", "given") if getattr(frames, name).tolist() == [0, 7, 0]]
    assert changed == columns


def test_a_setting_is_put_on_the_frames_that_are_named_alone():
    frames = settings()
    frames.put(np.array([1, 2, 3]), np.array([True, False, True]))
    assert [frames.raw.tolist(), frames.seen.tolist(), frames.given.tolist()] == [[1, 0, 3]] * 3


#: Detections from each bin of scores on, of two frames.
TAILS = np.array([[9, 5, 2, 0], [3, 3, 1, 1]], np.float32)


def test_as_tested_every_detection_from_the_bin_on_counts():
    assert CountingRules.tested(2).capped(np.array([1, 0]), TAILS).tolist() == [1, 0]


def test_a_frame_keeps_at_most_so_many_detections():
    """Two: the first frame has them from bin 2 on. The second one has one from bin 2 on, and three from bin 1 on."""
    rules = CountingRules.tested(2)
    rules.put(np.array([True, True]), floor=0, most=2)
    assert rules.capped(np.array([0, 0]), TAILS).tolist() == [2, 2]
    assert rules.capped(np.array([3, 3]), TAILS).tolist() == [3, 3]  # a higher bin stays
    assert rules.floor.tolist() == [-1, -1]


def test_of_two_limits_the_lower_one_holds_and_a_floor_is_put_where_it_is_said():
    rules = CountingRules.tested(2)
    rules.put(np.array([True, False]), floor=4, most=5)
    rules.put(np.array([True, True]), floor=0, most=9)
    assert (rules.floor.tolist(), rules.most.tolist()) == ([4, -1], [5, 9])


def test_where_even_the_last_bin_has_too_many_the_last_one_is_taken():
    rules = CountingRules.tested(2)
    rules.put(np.array([True, True]), floor=0, most=0)
    assert rules.capped(np.array([0, 0]), TAILS).tolist() == [3, 3]
