"""Reading outputs: one anchor of each layout worked out by hand, and telling layouts apart by shape."""

import numpy as np
import pytest

from simulator.measure.detector_io import LAYOUTS, boxes_of, layout_for
from simulator.measure.guarded import CannotMeasureError

CLASSES = 80


def best(layout: str, outputs: list[np.ndarray], side: int) -> list[float]:
    found = boxes_of(LAYOUTS[layout], outputs, side, 0.2)
    assert len(found) == 1
    return [float(value) for value in found[0]]


def test_yolox_by_hand() -> None:
    raw = np.zeros((3549, 5 + CLASSES), np.float32)
    # The second row and third column of the cells of stride 16, which come after the 52 x 52 of stride 8.
    raw[52 * 52 + 26 + 2, :] = [0.5, 0.25, np.log(2), np.log(3), 0.8, *([0] * 7), 0.5, *([0] * 72)]
    # Middle ((2 + .5) * 16, (1 + .25) * 16) = (40, 20), size (32, 48).
    assert best("yolox", [raw], 416) == pytest.approx([24, -4, 56, 44, 0.4, 7], abs=1e-4)


def test_fastestdet_by_hand() -> None:
    raw = np.zeros((5 + CLASSES, 22, 22), np.float32)
    raw[0, 3, 5], raw[5 + 9, 3, 5] = 0.5, 1.0
    raw[1, 3, 5], raw[3, 3, 5], raw[4, 3, 5] = np.arctanh(0.5), -np.log(3), 0
    # Middle ((5 + .5) * 16, 3 * 16) = (88, 48), size a quarter and a half of 352 = (88, 176); score 0.5 ^ 0.6.
    assert best("fastestdet", [raw], 352) == pytest.approx([44, -40, 132, 136, 0.5**0.6, 9], abs=1e-3)


def test_nanodet_by_hand() -> None:
    shapes = [(52 * 52, 80), (52 * 52, 32), (26 * 26, 80), (26 * 26, 32), (13 * 13, 80), (13 * 13, 32)]
    outputs = [np.zeros(shape, np.float32) for shape in shapes]
    outputs[4][13 + 2, 4] = 0.9
    bins = np.full((4, 8), -50.0)
    bins[0, 1] = bins[1, 0] = bins[2, 2] = bins[3, 3] = 50
    bins[0, 2] = 50  # half at 1 and half at 2: a distance of 1.5 strides to the left
    outputs[5][13 + 2] = bins.ravel()
    # Middle ((2 + .5) * 32, (1 + .5) * 32) = (80, 48).
    assert best("nanodet", outputs, 416) == pytest.approx([32, 48, 144, 144, 0.9, 4], abs=1e-3)


def test_decoded_layouts_by_hand() -> None:
    five = np.zeros((25200, 85), np.float32)
    five[7, :5], five[7, 5 + 3] = [100, 60, 20, 40, 0.5], 0.8
    assert best("yolov5", [five], 640) == pytest.approx([90, 40, 110, 80, 0.4, 3])
    eight = np.zeros((84, 8400), np.float32)
    eight[:4, 7], eight[4 + 3, 7] = [100, 60, 20, 40], 0.8
    assert best("yolov8", [eight], 640) == pytest.approx([90, 40, 110, 80, 0.8, 3])


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("whole", [np.int64, np.float32])
def test_finished_boxes_in_pixels_and_in_parts(swapped: bool, whole: type) -> None:
    boxes, labels, scores = np.array([[0.1, 0.2, 0.5, 0.5]], np.float32), np.array([2], whole), np.array([0.7], np.float32)
    columns = [scores, labels] if swapped else [labels, scores]
    assert best("boxes", [boxes, *columns], 100) == pytest.approx([10, 20, 50, 50, 0.7, 2], abs=1e-4)
    assert best("boxes", [boxes * 100, *columns], 100) == pytest.approx([10, 20, 50, 50, 0.7, 2], abs=1e-4)


def test_what_overlaps_is_suppressed_within_its_class_only() -> None:
    raw = np.zeros((84, 8400), np.float32)
    raw[:4, :4] = np.array([[50, 50, 20, 20], [51, 50, 20, 20], [51, 50, 20, 20], [-90, 50, 20, 20]]).T
    raw[4, [0, 1, 3]], raw[5, 2] = [0.9, 0.8, 0.7], 0.6
    found = boxes_of(LAYOUTS["yolov8"], [raw], 640, 0.2)
    assert found[:, 4].tolist() == pytest.approx([0.9, 0.7, 0.6])


SHAPES = {
    "yolox": ([(3549, 85)], 416),
    "fastestdet": ([(85, 22, 22)], 352),
    "nanodet": ([(2704, 80), (2704, 32), (676, 80), (676, 32), (169, 80), (169, 32)], 416),
    "yolov5": ([(25200, 85)], 640),
    "yolov8": ([(84, 8400)], 640),
    "boxes": ([(100, 4), (100,), (100,)], 320),
}


@pytest.mark.parametrize("layout", SHAPES)
def test_a_layout_is_told_by_its_shapes(layout: str) -> None:
    assert layout_for(*SHAPES[layout]) is LAYOUTS[layout]


def test_shapes_that_fit_nothing_name_the_option_and_the_choices() -> None:
    with pytest.raises(
        CannotMeasureError, match=r"shapes \(7, 7\) for 640 x 640 pixels is ambiguous; name it with --layout: yolox .*, boxes"
    ):
        layout_for([(7, 7)], 640)
    with pytest.raises(CannotMeasureError, match="--layout detr: there is no such layout"):
        layout_for([(7, 7)], 640, "detr")
    assert layout_for([(7, 7)], 640, "yolov8") is LAYOUTS["yolov8"]
