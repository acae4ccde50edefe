import math

import pytest
import torch
from torchvision.ops import MultiScaleRoIAlign

from simulator.measure.architectures import OneStage, TwoStage, level_of, pool, regions_of

pytestmark = pytest.mark.zoo


def test_regions_lie_inside_the_image_and_are_the_same_each_time() -> None:
    regions = regions_of(500, 320)
    assert regions == regions_of(500, 320)
    assert all(0 <= left < right <= 320 and 0 <= top < bottom <= 320 for left, top, right, bottom in regions)
    areas = sorted((right - left) * (bottom - top) for left, top, right, bottom in regions)
    assert areas[0] < 32**2
    assert areas[-1] > 200**2


@pytest.mark.parametrize(("side", "level"), [(224, 4), (223, 3), (448, 5), (112, 3), (56, 2), (5, 2), (4000, 5)])
def test_a_region_is_read_from_the_level_that_suits_its_size(side: float, level: int) -> None:
    assert level_of((10, 20, 10 + side, 20 + side), finest=2, coarsest=5) == level


def test_regions_are_pooled_as_torchvision_pools_them() -> None:
    random = torch.Generator().manual_seed(0)
    image = torch.zeros(2, 3, 800, 800)
    levels = [torch.randn(2, 4, 800 // stride, 800 // stride, generator=random) for stride in (4, 8, 16, 32)]
    everywhere = [*regions_of(40, 800), (10.0, 20.0, 700.0, 790.0)]
    regions = sorted(everywhere, key=lambda region: level_of(region, 2, 5))
    found = pool(levels, regions, image, (7, 7))
    boxes = [torch.tensor(regions)] * 2
    names = ["0", "1", "2", "3"]
    theirs = MultiScaleRoIAlign(names, 7, 2)(dict(zip(names, levels, strict=True)), boxes, [(800, 800)] * 2)
    # Ours come by level, then image; theirs by image.
    counts = [[level_of(region, 2, 5) for region in regions].count(level) for level in (2, 3, 4, 5)]
    starts = [sum(counts[:place]) for place in range(4)]
    order = [
        image_number * len(regions) + start + place
        for start, count in zip(starts, counts, strict=True)
        for image_number in range(2)
        for place in range(count)
    ]
    assert min(counts) > 0
    torch.testing.assert_close(found, theirs[order])


def test_one_stage_answers_for_every_anchor() -> None:
    # SSDLite: grids of 20, 10, 5, 3, 2 and 1 cells a side, 6 anchors a cell
    anchors = 6 * sum(side**2 for side in (20, 10, 5, 3, 2, 1))
    with torch.device("meta"):
        boxes, scores = OneStage("ssdlite320_mobilenet_v3_large").eval()(torch.zeros(2, 3, 320, 320))
    assert (boxes.shape, scores.shape) == ((2, anchors, 4), (2, anchors, 91))


def test_two_stages_answer_for_every_anchor_and_for_as_many_regions_as_at_inference() -> None:
    with torch.device("meta"):
        detector = TwoStage("fasterrcnn_mobilenet_v3_large_320_fpn", 320).eval()
        answers = detector(torch.zeros(2, 3, 320, 320))
    *stages, scores, boxes = [tuple(answer.shape) for answer in answers]
    # strides 32, 32 and 64, 15 anchors a cell
    sides = [math.ceil(320 / stride) for stride in (32, 32, 64)]
    assert stages == [(2, 15, side, side) for side in sides] + [(2, 60, side, side) for side in sides]
    assert (scores, boxes) == ((2 * 150, 91), (2 * 150, 4 * 91))
