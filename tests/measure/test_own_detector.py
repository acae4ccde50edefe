"""Average precision of boxes whose precision at each recall is worked out by hand."""

import numpy as np
import pytest

from simulator.measure.own_detector import coco_ap
from simulator.metrics.detection_quality import Boxes, ScoredBoxes

#: Two objects of one class, each alone on its image: squares of 100 pixels.
SQUARES = np.array([[0.0, 0, 100, 100], [50, 50, 150, 150]])
OBJECTS = Boxes(np.array([0, 1]), np.array([0, 0]), SQUARES)


def answers(image, box, score):
    return ScoredBoxes(np.array(image), np.zeros(len(image), int), np.array(box, float), np.array(score))


def test_boxes_that_are_right_have_an_ap_of_one():
    assert coco_ap(OBJECTS, answers([0, 1], SQUARES, [0.9, 0.4]), 2) == (1.0, 1.0)


def test_without_answers_it_is_zero():
    assert coco_ap(OBJECTS, answers([], np.empty((0, 4)), []), 2) == (0.0, 0.0)


def test_a_box_counts_at_the_overlaps_that_it_reaches():
    """Half as wide again: the overlap is 1 / 1.5, which is at least .5, .55, .6 and .65 of the ten overlaps."""
    wide = SQUARES + np.array([0, 0, 50, 0])
    assert coco_ap(OBJECTS, answers([0, 1], wide, [0.9, 0.4]), 2) == pytest.approx((0.4, 1.0))


def test_an_object_without_a_box_takes_the_recalls_beyond_the_half():
    """Of the 101 recalls from 0 to 1, those up to .5 are reached: 51."""
    assert coco_ap(OBJECTS, answers([0], SQUARES[:1], [0.9]), 2) == pytest.approx((51 / 101, 51 / 101))


def test_a_false_alarm_lowers_the_precision_of_what_scores_less():
    """Sorted by score: right, wrong, right. The precision is 1 up to a recall of .5, and 2 / 3 beyond."""
    found = answers([0, 0, 1], [SQUARES[0], [300, 300, 400, 400], SQUARES[1]], [0.9, 0.8, 0.7])
    assert coco_ap(OBJECTS, found, 2)[1] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_on_another_image_is_a_false_alarm():
    assert coco_ap(OBJECTS, answers([1], SQUARES[:1] + 500, [0.9]), 2) == (0.0, 0.0)
