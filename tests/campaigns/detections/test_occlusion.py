"""Boxes pasted over boxes: how much is covered, that more covers what less did, and where patches come from."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from campaigns.detections.conditions import WORLD
from campaigns.detections.occlusion import Occluder, covered
from simulator.measure.labelled_images import read_dataset

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)]
SHARES = WORLD["occlusion"].strengths


@pytest.fixture
def occluder(yolo: Path) -> Occluder:
    """Images 0 and 1 in one half, 2 and 3 in the other, each of one colour."""
    for number, colour in enumerate(COLOURS):
        Image.new("RGB", (96, 64), colour).save(yolo / "images" / f"{number}.png")
    return Occluder(read_dataset(yolo), np.array([0, 0, 1, 1]), seed=1)


def test_a_share_of_each_box_is_covered_and_the_next_share_covers_it_too(occluder: Occluder) -> None:
    boxes = np.array([[10, 10, 110, 90], [150, 20, 190, 150], [200.4, 100.7, 260.1, 130.2]])
    blank, before = np.zeros((160, 300, 3), np.uint8), np.zeros((160, 300), bool)
    for share in SHARES:
        seen = occluder.occlude(blank, "scene", boxes, share, parents=[0], half=0)
        mask = seen.any(axis=2)
        for left, top, right, bottom in boxes:
            counted = mask[round(top) - 1 : round(bottom) + 1, round(left) - 1 : round(right) + 1].sum()
            sides = right - left, bottom - top
            # Either side is rounded to whole pixels.
            assert abs(counted - share * sides[0] * sides[1]) <= sum(sides)
        assert mask[before].all() and mask.sum() > before.sum()
        before = mask
    assert not blank.any()


def test_smaller_shares_lie_inside_larger_ones() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        first = rng.uniform(0, 50, 2)
        box, lean = np.concatenate([first, first + rng.uniform(2, 80, 2)]), rng.random(2)
        sides = np.array([covered(box, share, lean) for share in SHARES])
        assert (np.diff(sides[:, :2], axis=0) <= 0).all() and (np.diff(sides[:, 2:], axis=0) >= 0).all()


@pytest.mark.parametrize(("parents", "half", "source"), [([0], 0, 1), ([1], 0, 0), ([3], 1, 2)])
def test_patches_are_boxes_of_other_images_of_the_same_half(
    occluder: Occluder, parents: list[int], half: int, source: int
) -> None:
    blank, boxes = np.zeros((64, 96, 3), np.uint8), np.array([[0.0, 0, 40, 30], [50, 30, 96, 64]])
    seen = occluder.occlude(blank, "scene", boxes, 0.75, parents, half)
    assert {tuple(colour) for colour in seen.reshape(-1, 3).tolist()} == {(0, 0, 0), COLOURS[source]}
