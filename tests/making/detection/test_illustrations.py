"""Drawn scenes: the same each time, of the stated sizes, and changed as their conditions say."""

import io

import numpy as np
import pytest
from PIL import Image

from simulator.making.detection.conditions import BUGS, OCCLUSION, WORLD, Setting
from simulator.making.detection.corruptions import corrupt
from simulator.making.detection.drawn_scenes import SCALE, SIZE, Figure, Scene, crowded, scene, with_animals
from simulator.making.detection.illustrations import (
    MOST_BYTES,
    SCENES,
    SEED,
    SETTINGS,
    as_picture,
    by_camera,
    by_network,
    encoded,
    make_illustrations,
    occluded,
)
from simulator.making.detection.images import Takes, prepare
from simulator.making.detection.networks import DETECTORS

CLEAN = Setting("clean", 0)


def struck(bug: str) -> Setting:
    return Setting(bug, 2)


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others() -> None:
    pictures = [scene(seed).pixels for seed in (0, 0, 3)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])
    assert pictures[0].shape == (SIZE[1], SIZE[0], 3) and pictures[0].dtype == np.uint8
    assert encoded(pictures[0]) == encoded(pictures[1])


@pytest.mark.parametrize("name", SCENES)
def test_a_figure_is_drawn_inside_its_box(name: str) -> None:
    one = SCENES[name]
    empty = type(one)(one.seed, tuple(figure for figure in one.figures if figure.kind in ("tree", "lamp")))
    changed = np.abs(one.pixels.astype(int) - empty.pixels).max(axis=2) > 60
    inside = np.zeros_like(changed)
    for left, top, right, bottom in one.boxes:
        assert changed[top:bottom, left:right].mean() > 0.15
        inside[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = True
    assert (changed & ~inside).sum() < 0.02 * changed.sum()


@pytest.mark.parametrize("severity", range(1, 6))
def test_a_patch_covers_the_stated_share_of_each_box_and_nothing_else(severity: int) -> None:
    share = WORLD[OCCLUSION].strengths[severity - 1]
    one = Scene(0, (Figure("car", 80, 40), Figure("person", 200, 20), Figure("crates", 270, 50)))
    changed = (occluded(one, share) != one.pixels).any(axis=2)
    for left, top, right, bottom in one.boxes:
        box = changed[top:bottom, left:right]
        rows, columns = (np.flatnonzero(box.any(axis=axis)) for axis in (1, 0))
        assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / box.size == pytest.approx(share, abs=0.04)
        assert box.mean() == pytest.approx(share, abs=0.06)
        box[:] = False
    assert not changed.any()


def test_a_larger_patch_covers_what_a_smaller_one_covers() -> None:
    one = SCENES["A"]
    small, large = ((occluded(one, share) != one.pixels).any(axis=2) for share in (0.15, 0.75))
    assert (small & large).sum() > 0.9 * small.sum()


def test_a_camera_gives_what_the_measured_corruption_makes() -> None:
    expected = corrupt(SCENES["B"].pixels, "fog", 3, "B", SEED)
    np.testing.assert_array_equal(by_camera(Setting("fog", 3), "B"), expected)
    np.testing.assert_array_equal(by_camera(CLEAN, "B"), SCENES["B"].pixels)


def test_animals_and_crowds_come_to_the_same_place() -> None:
    for one in SCENES.values():
        kinds = [figure.kind for figure in with_animals(one).figures]
        assert kinds.count("cow") == 2 and kinds.count("dog") == 1
        people = crowded(one)
        assert sum(figure.kind == "person" for figure in people.figures) == 46
        heights = people.boxes[:, 3] - people.boxes[:, 1]
        assert np.median(heights) < 0.2 * SIZE[1]
        sky = slice(0, 20)
        np.testing.assert_array_equal(people.pixels[sky], with_animals(one).pixels[sky])


def test_the_network_gets_the_swapped_channels_as_the_other_colours() -> None:
    np.testing.assert_array_equal(by_network(struck("bgr"), "A"), by_network(CLEAN, "A")[..., ::-1])


def test_the_mapping_of_the_training_gives_back_the_picture_that_went_in() -> None:
    trained = Takes(side=40, fit="stretch", bgr=True, largest=255, mean=(103.53, 116.28, 123.675), std=(57.4, 57.1, 58.4))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(as_picture(prepare(pixels, trained)[0], trained), pixels)


def test_each_bug_shows_in_what_the_network_gets() -> None:
    clean = by_network(CLEAN, "C")
    assert clean.shape == (round(DETECTORS["nanodet_m"].takes.side * SCALE),) * 2 + (3,)
    assert by_network(struck("input_scale"), "C").max() <= 1
    bars = by_network(struck("stretch"), "C")
    assert (bars[:19] == 114).all() and (bars[-19:] == 114).all() and not (bars[25:-25] == 114).all(axis=2).any(axis=1).all()
    sharp, smooth = (np.abs(np.diff(one.astype(int), axis=1)).mean() for one in (by_network(struck("nearest"), "C"), clean))
    assert sharp > 1.1 * smooth


def test_every_file_is_written_and_small(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {kind: settings[:2] for kind, settings in SETTINGS.items()}
    monkeypatch.setattr("simulator.making.detection.illustrations.SETTINGS", few)
    files = list(make_illustrations(tmp_path))
    assert sorted(files) == sorted(tmp_path.iterdir()) and len(files) == 4 * len(SCENES) + 1
    assert all(file.stat().st_size <= MOST_BYTES for file in files)


def test_noise_is_written_at_the_best_quality_that_is_small_enough() -> None:
    noisy = by_camera(Setting("noise", 5), "A")
    told = encoded(noisy)
    assert 0.85 * MOST_BYTES < len(told) <= MOST_BYTES
    read = np.asarray(Image.open(io.BytesIO(told)).convert("RGB"), float)
    assert np.corrcoef(read.ravel(), noisy.ravel())[0, 1] > 0.6


def test_every_bug_and_corruption_is_shown() -> None:
    shown = {kind: {one.condition for one in settings} for kind, settings in SETTINGS.items()}
    assert set(BUGS) <= shown["network"]
    assert {*WORLD, "crowded", "clean"} <= shown["camera"]
