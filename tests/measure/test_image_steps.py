"""Each step against a library that does the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision import ops
from torchvision.transforms import functional

from simulator.measure import image_steps as steps
from simulator.measure.detector_io import Takes, fit, suppress

pytestmark = pytest.mark.zoo


def test_resize_is_torchvisions_antialiased_one() -> None:
    pixels = steps.image(160, 90)
    other = functional.resize(torch.from_numpy(pixels.transpose(2, 0, 1).copy()), [30, 40], antialias=True)
    ours = steps.resize(pixels, width=40, height=30)
    assert ours.shape == (30, 40, 3)
    assert np.abs(ours.astype(int) - other.numpy().transpose(1, 2, 0)).max() <= 1


@pytest.mark.parametrize(("width", "height"), [(160, 90), (90, 160), (64, 64), (97, 31)])
def test_letterbox_is_pillows_padding_in_grey(width: int, height: int) -> None:
    pixels = steps.image(width, height)
    other = ImageOps.pad(Image.fromarray(pixels), (64, 64), Image.Resampling.BILINEAR, color=(114, 114, 114))
    np.testing.assert_array_equal(fit(pixels, Takes(64))[0], np.asarray(other))


def test_a_camera_frame_has_the_colours_that_jfif_works_out() -> None:
    """JFIF 1.02: R = Y + 1.402 (Cr - 128), G = Y - 0.344136 (Cb - 128) - 0.714136 (Cr - 128), B = Y + 1.772 (Cb - 128)."""
    luma = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6) * 9 + 20
    planes = np.vstack([luma, np.tile(np.array([90, 160], np.uint8), (2, 3))])  # everywhere the same chroma
    y = luma.astype(float)
    red, green, blue = y + 1.402 * 32, y - 0.344136 * -38 - 0.714136 * 32, y + 1.772 * -38
    expected = np.clip(np.stack([red, green, blue], axis=-1), 0, 255)
    found = steps.convert_nv12(planes)
    assert found.shape == (4, 6, 3)
    assert np.abs(found - expected).max() <= 1


def test_blue_chroma_comes_first_and_belongs_to_its_four_pixels() -> None:
    planes = np.full((6, 4), 128, np.uint8)
    planes[4, 0] = 255  # blue of the four pixels above on the left
    found = steps.convert_nv12(planes).astype(int)
    assert (found[0, 0, 2] - found[0, 0, 0]) > 100
    assert (found[3, 3] == 128).all()


def test_normalize_is_torchvisions() -> None:
    pixels = steps.image(8, 6)
    other = functional.normalize(functional.to_tensor(pixels), steps.IMAGENET_MEAN, steps.IMAGENET_STD)
    np.testing.assert_allclose(
        steps.normalize(pixels, steps.IMAGENET_MEAN, steps.IMAGENET_STD), other.numpy(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("count", [1, 100, 1000])
@pytest.mark.parametrize("overlap", [0.3, 0.45, 0.7])
def test_suppression_keeps_what_torchvision_keeps(count: int, overlap: float) -> None:
    rows = steps.candidates(count)
    boxes, scores, classes = (torch.from_numpy(rows[:, part]) for part in (slice(0, 4), 4, 5))
    kept = suppress(rows, overlap)
    assert kept.tolist() == ops.batched_nms(boxes, scores, classes, overlap).tolist()
    assert count == 1 or len(kept) < count / 2


def test_nothing_to_suppress_is_no_fault() -> None:
    assert suppress(np.empty((0, 6), np.float32)).tolist() == []


@pytest.mark.parametrize("count", [5, 20, 100])
def test_a_tracker_keeps_the_name_of_each_object_all_around(count: int) -> None:
    """The objects stay in cells of their own, so that it is known which box is whose."""
    frames = steps.moving(count)
    call = steps.follow(frames)
    names: dict[int, set[int]] = {number: set() for number in range(count)}
    for turn in range(120):
        found = call()
        boxes = frames[(10 + turn) % 60, :, :4]
        whose = [int(np.flatnonzero((boxes == box).all(axis=1))[0]) for box in found.xyxy]
        assert sorted(whose) == list(range(count))
        for number, name in zip(whose, found.tracker_id, strict=True):
            names[number].add(int(name))
    assert all(len(own) == 1 for own in names.values())
    assert len(set.union(*names.values())) == count


def test_moving_objects_end_where_they_began_and_never_touch() -> None:
    frames = steps.moving(20)
    assert frames.shape == (60, 20, 6)
    assert np.abs(frames[0, :, :4] - frames[-1, :, :4]).max() < 1.5 * np.abs(frames[1, :, :4] - frames[0, :, :4]).max()
    boxes = torch.from_numpy(frames[7, :, :4])
    assert torch.equal(ops.box_iou(boxes, boxes) > 0, torch.eye(20, dtype=torch.bool))
    assert 0.25 < (frames[..., 4] < 0.6).mean() < 0.42


def test_the_likeliest_class_of_each_pixel_is_enlarged() -> None:
    logits = steps.logits(5, 4, 6)
    likeliest = torch.from_numpy(logits).argmax(dim=0)
    enlarged = torch.nn.functional.interpolate(likeliest[None, None].float(), scale_factor=3, mode="nearest")[0, 0]
    np.testing.assert_array_equal(steps.segment(logits, width=18, height=12), enlarged.numpy())


def test_the_five_likeliest_are_torchs() -> None:
    logits = steps.logits(1000)
    probabilities, classes = torch.from_numpy(logits).softmax(dim=0).topk(5)
    found, parts = steps.top(logits)
    assert found.tolist() == classes.tolist()
    np.testing.assert_allclose(parts, probabilities.numpy(), rtol=1e-5)


@pytest.mark.parametrize(("name", "variant"), [(name, variant) for name in steps.STEPS for variant in steps.STEPS[name]])
def test_every_step_works_once_an_item(name: str, variant: str) -> None:
    answers = steps.start_step(name, variant)(2)
    assert isinstance(answers, list)
    assert len(answers) == 2


def test_what_a_step_gets_is_the_same_each_time(tmp_path: Path) -> None:
    for name, variant in (("step_track", "20_objects"), ("step_convert", "1080p_nv12")):
        files = [tmp_path / f"{number}.npy" for number in range(2)]
        shapes = [steps.write_given(name, variant, file) for file in files]
        assert shapes[0] == list(np.load(files[0]).shape)
        assert files[0].read_bytes() == files[1].read_bytes()
