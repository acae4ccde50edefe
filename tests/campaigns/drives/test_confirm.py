"""Three hits among four frames on end confirm, at the frame of the third."""

import numpy as np
import pytest

from campaigns.drives.confirm import first_confirmed


@pytest.mark.parametrize(
    ("hits", "first"),
    [
        ("1110000", 2),
        ("1101000", 3),
        ("1011000", 3),
        ("1100100", -1),
        ("1001100", -1),
        ("0011011", 5),
        ("0000111", 6),
        ("11", -1),
        ("111", 2),
    ],
)
def test_the_first_frame_that_confirms(hits, first):
    assert first_confirmed(np.array([[mark == "1" for mark in hits]])).tolist() == [first]


def test_each_copy_for_itself():
    hits = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 1, 1]], bool)
    assert first_confirmed(hits).tolist() == [2, -1, 4]
