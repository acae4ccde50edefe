"""Each step against a library that does the same."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision import ops
from torchvision.transforms import functional

from simulator.making.zoo import steps

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
    np.testing.assert_array_equal(steps.letterbox(pixels, 64), np.asarray(other))


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
    kept = steps.suppress(rows, overlap)
    assert kept.tolist() == ops.batched_nms(boxes, scores, classes, overlap).tolist()
    assert count == 1 or len(kept) < count / 2


def test_nothing_to_suppress_is_no_fault() -> None:
    assert steps.suppress(np.empty((0, 6), np.float32)).tolist() == []


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
