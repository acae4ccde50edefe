"""Corruptions: repeatable, stronger with severity, and doing what their names say."""

import numpy as np
import pytest

from campaigns.detections.signals import of_image
from simulator.measure.detector_conditions import CORRUPTIONS, SETTINGS, SEVERITIES, corrupt, read_settings
from simulator.measure.guarded import CannotMeasureError
from tests.pictures import picture

PHOTO = picture(0, 192, 128)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_damage_grows_with_severity_and_the_seed_repeats_it(name: str) -> None:
    photo = picture(0, 512, 341)
    spoilt = [corrupt(photo, name, severity, "a", 1) for severity in SEVERITIES]
    apart = [np.abs(one.astype(float) - photo).mean() for one in spoilt]
    assert apart[0] > 0.1 and apart == sorted(set(apart))
    assert all(one.shape == photo.shape and one.dtype == np.uint8 for one in spoilt)
    np.testing.assert_array_equal(spoilt[1], corrupt(photo, name, 2, "a", 1))


@pytest.mark.parametrize("name", ["fog", "rain", "snow", "night", "noise", "motion_blur"])
def test_another_image_or_seed_draws_other_numbers(name: str) -> None:
    one = corrupt(PHOTO, name, 2, "a", 1)
    assert not np.array_equal(one, corrupt(PHOTO, name, 2, "b", 1))
    assert not np.array_equal(one, corrupt(PHOTO, name, 2, "a", 2))


@pytest.mark.parametrize("name", ["defocus", "motion_blur", "zoom_blur", "contrast", "jpeg", "pixelate"])
def test_what_only_blurs_or_flattens_leaves_a_grey_image_as_it_is(name: str) -> None:
    grey = np.full((60, 90, 3), 128, np.uint8)
    assert np.abs(corrupt(grey, name, 5, "a", 1).astype(int) - 128).max() <= 1


def statistic(name: str, of: str) -> float:
    return of_image(corrupt(PHOTO, name, 3, "a", 1))[of] - of_image(PHOTO)[of]


def test_each_does_what_its_name_says() -> None:
    assert statistic("fog", "contrast") < 0 < statistic("fog", "brightness")
    assert statistic("night", "brightness") < 0 < statistic("night", "noise")
    assert statistic("brightness", "brightness") > 0.1
    assert statistic("contrast", "contrast") < -0.05
    assert statistic("noise", "noise") > 0.1
    for blur in ("defocus", "motion_blur", "zoom_blur"):
        assert statistic(blur, "sharpness") < 0
    assert statistic("snow", "brightness") > 0 and statistic("rain", "sharpness") > 0


def test_noise_has_the_stated_standard_deviation() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    assert corrupt(grey, "noise", 1, "a", 1).std() / 255 == pytest.approx(0.08, rel=0.02)
    assert of_image(corrupt(grey, "noise", 1, "a", 1))["noise"] == pytest.approx(
        0.08 * np.sqrt(0.299**2 + 0.587**2 + 0.114**2), rel=0.05
    )


def test_a_point_becomes_a_disc_of_the_stated_radius() -> None:
    spoilt = np.zeros((1001, 1001, 3), np.uint8)
    spoilt[500, 500] = 255
    radius = CORRUPTIONS["defocus"].strengths[0] * 1001
    disc = CORRUPTIONS["defocus"].apply(spoilt / np.float32(255), CORRUPTIONS["defocus"].strengths[0], np.random.default_rng(0))
    rows, columns = np.nonzero(disc[..., 0] > 1e-4)
    assert np.hypot(rows - 500, columns - 500).max() <= radius
    assert len(rows) == pytest.approx(np.pi * radius**2, rel=0.1)
    assert disc[..., 0].sum() == pytest.approx(1, rel=1e-3)


def test_there_are_at_least_ten_at_five_severities_and_the_bugs_at_two() -> None:
    assert len(CORRUPTIONS) >= 10
    assert len(SETTINGS) == len(set(SETTINGS)) == 1 + 5 * len(CORRUPTIONS) + 2 * 4


def test_conditions_are_read_from_a_list() -> None:
    assert [str(one) for one in read_settings("clean, fog:2,bgr,jpeg")] == [
        "clean:0",
        "fog:2",
        "bgr:1",
        "bgr:2",
        *(f"jpeg:{severity}" for severity in range(1, 6)),
    ]
    for text, sentence in {
        "mist": "there is no condition 'mist'; there are: clean, bgr",
        "fog:6": "no severity '6'",
        ",": "names none",
    }.items():
        with pytest.raises(CannotMeasureError, match=sentence):
            read_settings(text)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_dirt_covers_the_stated_part_and_leaves_the_rest_as_it_is(severity: int) -> None:
    share = CORRUPTIONS["dirty_lens"].strengths[severity - 1]
    touched = []
    for number in range(30):
        spoilt = corrupt(PHOTO, "dirty_lens", severity, str(number), 1).astype(float)
        touched.append((np.abs(spoilt - PHOTO).max(axis=2) > 2).mean())
        # Far out of focus, dirt darkens what it covers: nothing gets much lighter, and nothing turns black.
        assert spoilt.mean() < PHOTO.mean() and spoilt.min() >= 0.5 * PHOTO.min()
    # A soft edge is touched on both sides of the line that cuts off the share.
    assert share < np.mean(touched) < share + 0.25


def test_dirt_grows_from_the_same_patches() -> None:
    little, much = (
        np.abs(corrupt(PHOTO, "dirty_lens", severity, "a", 1).astype(int) - PHOTO).max(axis=2) for severity in (1, 5)
    )
    assert (much[little > 20] > 10).mean() > 0.95


@pytest.mark.parametrize("severity", SEVERITIES)
def test_rain_at_night_is_darker_than_rain_and_lighter_than_a_dry_night(severity: int) -> None:
    names = "night", "rain_at_night", "rain"
    dry, both, rain = (corrupt(PHOTO, name, severity, "a", 1).mean() for name in names)
    assert dry < both < 0.8 * rain
