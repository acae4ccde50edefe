"""Crops and mixtures: pixels and labelled boxes against examples worked out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from campaigns.detections.scenes import KEPT, Piece, all_scenes, crop, dataset_of, mixture
from simulator.measure.labelled_images import Dataset, read_dataset
from simulator.metrics.detection_quality import Boxes


def two_images() -> Dataset:
    """Images of 96 x 64 and 60 x 80 pixels, with one box each."""
    labels = Boxes(np.array([0, 1]), np.array([5, 6]), np.array([[10.0, 20, 30, 40], [10, 20, 30, 40]]))
    return Dataset(Path(), (Path("a.jpg"), Path("b.jpg")), ((96, 64), (60, 80)), ("x",) * 8, tuple(range(8)), labels)


def test_a_crop_keeps_what_has_half_of_its_area_inside_and_clips_it() -> None:
    piece = Piece(0, window=(10, 20, 70, 60), size=(60, 40))
    boxes = np.array([[20, 30, 40, 50], [0, 20, 20, 40], [0, 20, 18, 40], [60, 50, 80, 70]], float)
    kept, moved = piece.boxes(boxes)
    assert kept.tolist() == [True, True, False, False]
    assert moved.tolist() == [[10, 10, 30, 30], [0, 0, 10, 20]]


def test_a_mixture_stacks_images_where_that_is_nearer_to_a_square_and_moves_the_boxes_of_the_second() -> None:
    scene = mixture(two_images(), 0, 1)
    # Side by side they would be 144 by 64; stacked the first is drawn at 60 of its 96 columns, and 40 rows high.
    assert (scene.name, scene.size, scene.parents) == ("a+b", (60, 40 + 80), [0, 1])
    labels = dataset_of(two_images(), [scene]).labels
    assert labels.box.tolist() == [[6.25, 12.5, 18.75, 25], [10, 40 + 20, 30, 40 + 40]]
    assert (labels.image.tolist(), labels.category.tolist()) == ([0, 0], [5, 6])


def test_a_mixture_of_two_tall_images_has_them_side_by_side() -> None:
    data = replace(two_images(), sizes=((40, 80), (30, 64)))
    scene = mixture(data, 0, 1)
    # The first is drawn at 64 of its 80 rows.
    assert (scene.size, scene.stacked) == ((32 + 30, 64), False)
    assert dataset_of(data, [scene]).labels.box.tolist() == [[8, 16, 24, 32], [32 + 10, 20, 32 + 30, 40]]


def test_a_crop_is_a_window_of_its_image_of_the_stated_sides(yolo: Path) -> None:
    source = read_dataset(yolo)
    scenes = [crop(source, image, seed=1) for image in range(4)]
    assert scenes == [crop(source, image, seed=1) for image in range(4)]
    assert len({scene.pieces[0].window for scene in scenes}) == 4
    data = dataset_of(source, scenes)
    for image, scene in enumerate(scenes):
        left, top, right, bottom = scene.pieces[0].window
        np.testing.assert_array_equal(data.pixels(image), source.pixels(image)[top:bottom, left:right])
        for side, whole in ((right - left, 96), (bottom - top, 64)):
            assert KEPT[0] - 0.01 <= side / whole <= KEPT[1] + 0.01


def test_a_labelled_box_shows_the_same_thing_in_every_scene(yolo: Path) -> None:
    Image.fromarray(read_dataset(yolo).pixels(1)).resize((192, 128)).save(yolo / "images" / "1.png")
    source = read_dataset(yolo)
    data = dataset_of(source, all_scenes(source, np.array([0, 0, 1, 1]), seed=1))
    for image, box in zip(data.labels.image, np.round(data.labels.box).astype(int), strict=True):
        left, top, right, bottom = box
        inside = data.pixels(int(image))[top + 1 : bottom - 1, left + 1 : right - 1]
        np.testing.assert_allclose(inside.mean(axis=(0, 1)), (230, 60, 20), atol=6)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_image_is_in_one_mixture_with_another_of_its_half(seed: int) -> None:
    data, half = many(22), np.arange(22) % 2
    scenes = all_scenes(data, half, seed)
    mixtures = [scene.parents for scene in scenes if scene.kind == "mixture"]
    # Eleven a half, of which one is left over.
    assert len(mixtures) == 10 and len({parent for pair in mixtures for parent in pair}) == 20
    assert all(half[first] == half[second] for first, second in mixtures)
    assert [scene.kind for scene in scenes[:44]] == ["image"] * 22 + ["crop"] * 22


def many(count: int) -> Dataset:
    files = tuple(Path(f"{number}.jpg") for number in range(count))
    labels = Boxes(np.array([0]), np.array([0]), np.array([[0.0, 0, 1, 1]]))
    return Dataset(Path(), files, ((100, 80),) * count, ("x",), (0,), labels)
