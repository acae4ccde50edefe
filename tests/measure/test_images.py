"""Preparing an image: boxes come back to where they were, and each bug changes what its name says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.measure.detector_conditions import BUGS
from simulator.measure.detector_io import FITS, GREY, Takes, fit, prepare


@given(st.integers(20, 300), st.integers(20, 300), st.sampled_from(FITS), st.integers(32, 128))
def test_the_corners_of_the_image_come_back_from_the_square(width: int, height: int, how: str, side: int) -> None:
    _, placed = fit(np.zeros((height, width, 3), np.uint8), Takes(side, how))  # type: ignore[arg-type]
    corner = np.array(placed.moved)
    there = np.array([[*corner, *(corner + np.array([width, height]) * placed.scale)]])
    np.testing.assert_allclose(placed.back(there), [[0, 0, width, height]], atol=1e-6)
    inside = np.array([[width * 0.25, height * 0.25, width * 0.75, height * 0.5]])
    scaled = inside * np.array(placed.scale * 2) + np.array(placed.moved * 2)
    np.testing.assert_allclose(placed.back(scaled), inside, atol=1e-6)


def test_each_fit_puts_the_image_where_it_says() -> None:
    white = np.full((20, 40, 3), 255, np.uint8)
    letterbox, corner, stretch = (fit(white, Takes(32, how))[0][..., 0] for how in FITS)
    assert (letterbox[8:24] == 255).all() and (letterbox[:8] == GREY).all() and (letterbox[24:] == GREY).all()
    assert (corner[:16] == 255).all() and (corner[16:] == GREY).all()
    assert (stretch == 255).all()


def test_values_are_scaled_and_normalised_in_the_order_of_the_channels() -> None:
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    takes = Takes(8, "stretch", bgr=True, largest=255, mean=(1, 2, 3), std=(2, 2, 2))
    tensor, _ = prepare(red, takes)
    assert tensor.shape == (3, 8, 8)
    assert tensor[:, 0, 0].tolist() == [-0.5, -1, 126]
    assert prepare(red, Takes(8, "stretch"))[0][:, 0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("takes", [Takes(32), Takes(32, "stretch", bgr=True, largest=255)], ids=["0-1", "0-255"])
def test_each_bug_changes_what_its_name_says(takes: Takes) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    right = prepare(pixels, takes)[0]
    wrong = {name: prepare(pixels, bug.change(takes))[0] for name, bug in BUGS.items()}
    np.testing.assert_array_equal(wrong["bgr"], right[::-1])
    np.testing.assert_allclose(wrong["input_scale"] * (255 if takes.largest == 255 else 1 / 255), right, rtol=1e-5)
    other = replace(takes, fit="letterbox" if takes.fit == "stretch" else "stretch")
    np.testing.assert_array_equal(wrong["stretch"], prepare(pixels, other)[0])
    assert not np.array_equal(wrong["nearest"], right)
