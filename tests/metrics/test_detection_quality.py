"""Average precision against pycocotools, the bootstrap against images that are really repeated, recall by hand."""

import contextlib
import io

import numpy as np
import pytest

from simulator.metrics.detection_quality import (
    Boxes,
    ScoredBoxes,
    average_precision,
    best_scores,
    bootstrapped,
    overlap,
    recall_by_height,
    resamples,
    taken,
)

IMAGES, CLASSES = 12, 4


def example(seed, labelled=60, answered=400, images=IMAGES):
    """Labelled boxes, and detections of which half lie near one of them; scores are rounded, so that some are equal."""
    rng = np.random.default_rng(seed)
    corners, sides = rng.uniform(0, 200, (labelled, 2)), rng.uniform(5, 80, (labelled, 2))
    labels = Boxes(rng.integers(0, images, labelled), rng.integers(0, CLASSES, labelled), np.hstack([corners, corners + sides]))
    near = rng.integers(0, labelled, answered)
    box = labels.box[near] + rng.normal(0, 6, (answered, 4))
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    stray = rng.random(answered) < 0.3
    image = np.where(stray, rng.integers(0, images, answered), labels.image[near])
    category = np.where(rng.random(answered) < 0.2, rng.integers(0, CLASSES + 1, answered), labels.category[near])
    return labels, ScoredBoxes(image, category, box, rng.random(answered).round(2))


def by_pycocotools(labels, found, images):
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    def rows(boxes):
        for place in range(len(boxes)):
            left, top, right, bottom = boxes.box[place]
            size = right - left, bottom - top
            yield {
                "image_id": int(boxes.image[place]),
                "category_id": int(boxes.category[place]),
                "bbox": [left, top, *size],
                "area": size[0] * size[1],
            }

    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(images)],
            "categories": [{"id": category} for category in range(CLASSES + 1)],
            "annotations": [row | {"id": place + 1, "iscrowd": 0} for place, row in enumerate(rows(labels))],
        }
        truth.createIndex()
        scores = found.score.tolist()
        answers = truth.loadRes([row | {"score": score} for row, score in zip(rows(found), scores, strict=True)])
        judged = COCOeval(truth, answers, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged.stats[0], judged.stats[1]


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_that_of_pycocotools(seed):
    labels, found = example(seed)
    [levels] = average_precision(labels, found, IMAGES)
    assert (levels.mean(), levels[0]) == pytest.approx(by_pycocotools(labels, found, IMAGES), abs=1e-9)


def test_more_than_a_hundred_detections_of_a_class_on_an_image_are_cut_as_there():
    labels, found = example(1, labelled=10, answered=600, images=2)
    [levels] = average_precision(labels, found, 2)
    assert (levels.mean(), levels[0]) == pytest.approx(by_pycocotools(labels, found, 2), abs=1e-9)


def test_a_weight_counts_an_image_as_often_as_repeating_it():
    labels, found = example(3)
    weights = resamples(IMAGES, 5, seed=0)
    drawn = average_precision(labels, found, IMAGES, weights)
    for row, weight in zip(drawn, weights, strict=True):
        repeated = np.repeat(np.arange(IMAGES), weight.astype(int))
        more = Boxes(*drawn_again(labels, repeated))
        answers = ScoredBoxes(
            *drawn_again(found, repeated), np.concatenate([found.score[found.image == one] for one in repeated])
        )
        [expected] = average_precision(more, answers, len(repeated))
        np.testing.assert_allclose(row, expected, atol=0.02)  # equal scores may stand in another order
        assert abs(row.mean() - expected.mean()) < 0.005


def drawn_again(boxes, images):
    rows = [np.flatnonzero(boxes.image == image) for image in images]
    place = np.concatenate([np.full(len(mine), at) for at, mine in enumerate(rows)]).astype(np.int64)
    mine = np.concatenate(rows)
    return place, boxes.category[mine], boxes.box[mine]


def test_each_box_is_taken_once_and_by_the_best_score():
    labels = Boxes(np.array([0, 0]), np.array([0, 0]), np.array([[0, 0, 10, 10], [20, 0, 30, 10]], float))
    box = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 5], [50, 50, 60, 60]], float)
    found = ScoredBoxes(np.zeros(4, int), np.zeros(4, int), box, np.array([0.6, 0.9, 0.5, 0.99]))
    assert taken(labels, found, np.array([0.5, 0.75])).tolist() == [[-1, 0, 1, -1], [-1, 0, -1, -1]]
    assert best_scores(labels, found).tolist() == [0.9, 0.5]


def test_overlap_by_hand():
    assert overlap([[0, 0, 2, 2]], [[1, 1, 3, 3], [2, 2, 3, 3], [0, 0, 2, 2]]).tolist() == [[pytest.approx(1 / 7), 0, 1]]


def test_nothing_found_is_zero_and_nothing_labelled_is_no_number():
    labels, found = example(0)
    none = ScoredBoxes(*(column[:0] for column in (found.image, found.category, found.box, found.score)))
    assert average_precision(labels, none, IMAGES).tolist() == [[0.0] * 10]
    unlabelled = Boxes(*(column[:0] for column in (labels.image, labels.category, labels.box)))
    assert np.isnan(average_precision(unlabelled, found, IMAGES)).all()


@pytest.mark.long
def test_an_interval_covers_what_the_images_came_from():
    """A bootstrap by image of AP covers the AP of the many images that its images were drawn from, most of the time."""
    labels, found = example(5, labelled=2000, answered=6000, images=400)
    truth = average_precision(labels, found, 400)[0].mean()
    rng, covered = np.random.default_rng(0), 0
    for sample in range(20):
        images = rng.choice(400, 100, replace=False)
        some = Boxes(*drawn_again(labels, images))
        answers = ScoredBoxes(*drawn_again(found, images), np.concatenate([found.score[found.image == one] for one in images]))
        value = average_precision(some, answers, 100)[0].mean()
        drawn = average_precision(some, answers, 100, resamples(100, 100, sample)).mean(axis=1)
        interval = bootstrapped(value, drawn)
        covered += interval.low <= truth <= interval.high
    assert covered >= 16


def test_recall_by_height_is_the_local_share_and_its_band_narrows_with_images():
    heights = np.tile([16.0, 256.0], 400)
    found = np.tile([False, True], 400)
    image = np.repeat(np.arange(100), 8)
    curve = recall_by_height(heights, found, image, np.array([16.0, 256.0]), resamples(100, 200, 0))
    assert curve.recall == pytest.approx([0, 1], abs=1e-6)
    assert curve.boxes == pytest.approx([400, 400], rel=1e-3)
    mixed = recall_by_height(np.full(800, 32.0), np.arange(800) % 2 == 0, image, np.array([32.0]), resamples(100, 200, 0))
    assert mixed.recall == pytest.approx([0.5])
    assert mixed.low[0] <= 0.5 <= mixed.high[0]


def test_a_curve_less_itself_is_nothing_for_sure():
    rng = np.random.default_rng(0)
    heights, found, image = rng.uniform(8, 300, 200), rng.random(200) < 0.5, rng.integers(0, 20, 200)
    curve = recall_by_height(heights, found, image, np.array([32.0, 64.0]), resamples(20, 100, 0))
    none = curve.less(curve)
    assert none.recall.tolist() == none.low.tolist() == none.high.tolist() == [0, 0]
