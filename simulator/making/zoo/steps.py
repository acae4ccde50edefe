"""The steps before and after a network, each measured as a stage of its own: one image at a time, on one thread.

They are what a server written in Python does with Pillow and numpy. Their sizes: a full-HD video frame and a phone's photo
come in; 224, 416 and 640 pixels are the sides that classifiers and detectors take.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.evidence.files import in_one_step
from simulator.making.zoo.photo import PHONE_SIZE, Channels, normalize

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

FULL_HD = (1920, 1080)
IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
_imagenet = partial(normalize, mean=IMAGENET_MEAN, std=IMAGENET_STD)
#: The grey that YOLO's family pads with.
_PADDING = 114
#: Above this intersection over union two boxes of a class are taken for one object.
_OVERLAP = 0.45
_SIDE = 640
_CLASSES = 80


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """(h, w, 3) to (height, width, 3): bilinear, averaging over what it shrinks."""
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def letterbox(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) to (side, side, 3): the whole image in its own proportions, in the middle of grey."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    inner = resize(pixels, round(width * scale), round(height * scale))
    top, left = (side - inner.shape[0]) // 2, (side - inner.shape[1]) // 2
    boxed = np.full((side, side, 3), _PADDING, np.uint8)
    boxed[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return boxed


def suppress(candidates: Floats, overlap: float = _OVERLAP) -> NDArray[np.int64]:
    """Greedy non-maximum suppression within each class, in numpy; the rows that stay, by falling score.

    candidates: (n, 6) rows of left, top, right, bottom, score, class
    """
    # Boxes of different classes are moved apart, so that one pass serves all classes.
    boxes = candidates[:, :4] + candidates[:, 5:6] * (candidates[:, :4].max(initial=0) + 1)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    waiting = np.argsort(-candidates[:, 4], kind="stable")
    kept = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[waiting, :2])
        high = np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        waiting = waiting[shared <= overlap * (areas[best] + areas[waiting] - shared)]
    return np.array(kept, np.int64)


def segment(logits: Floats, width: int, height: int) -> Pixels:
    """(classes, h, w) to (height, width): the likeliest class of each pixel, at the size of the image."""
    classes = Image.fromarray(logits.argmax(axis=0).astype(np.uint8))
    return np.asarray(classes.resize((width, height), Image.Resampling.NEAREST))


def top(logits: Floats, count: int = 5) -> tuple[NDArray[np.int64], Floats]:
    """(classes,) to the `count` likeliest classes and their probabilities, likeliest first."""
    powers = np.exp(logits - logits.max())
    likeliest = np.argpartition(-logits, count - 1)[:count]
    likeliest = likeliest[np.argsort(-logits[likeliest])]
    return likeliest, powers[likeliest] / powers.sum()


def image(width: int, height: int) -> Pixels:
    """Noise, (height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def logits(*shape: int) -> Floats:
    """Normal numbers of this shape."""
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def candidates(count: int) -> Floats:
    """What a detector leaves to be suppressed: twenty boxes around each object, (count, 6), in 640 by 640 pixels.

    How many there are: of 128 photos of COCO val2017, a YOLOX-nano at 416 pixels left 138 boxes a photo above a score of
    0.01 (the median; 395 in one photo of ten), and up to 1,377 above 0.001. At 640 pixels it has 2.4 times as many places.
    """
    rng = np.random.default_rng(0)
    of = rng.integers(0, max(count // 20, 1), count)
    middles, sides = rng.uniform(0, _SIDE, (count, 2))[of], rng.uniform(20, 200, (count, 2))[of]
    middles += 0.1 * sides * rng.standard_normal((count, 2))
    sides *= rng.uniform(0.8, 1.25, (count, 2))
    classes = rng.integers(0, _CLASSES, count)[of]
    columns = middles - sides / 2, middles + sides / 2, rng.uniform(0.01, 1, count), classes
    return np.column_stack(columns).astype(np.float32)


@dataclass(frozen=True)
class TimedStep:
    """A step at one size: what it gets, what it does with it, and the same in words."""

    given: Callable[[], NDArray[np.generic]]
    work: Callable[..., object]
    words: str


_frame, _phone = partial(image, *FULL_HD), partial(image, *PHONE_SIZE)

#: Steps by name, and by the variant that stands in a profile as its precision.
STEPS: dict[str, dict[str, TimedStep]] = {
    "step_resize": {
        "1080p_to_224": TimedStep(_frame, partial(resize, width=224, height=224), "Pillow, bilinear, 1920 x 1080 to 224 x 224"),
        "1080p_to_640": TimedStep(_frame, partial(resize, width=640, height=640), "Pillow, bilinear, 1920 x 1080 to 640 x 640"),
        "12mp_to_224": TimedStep(_phone, partial(resize, width=224, height=224), "Pillow, bilinear, 4032 x 3024 to 224 x 224"),
    },
    "step_letterbox": {
        "1080p_to_416": TimedStep(_frame, partial(letterbox, side=416), "Pillow, bilinear, 1920 x 1080 into 416 x 416"),
        "1080p_to_640": TimedStep(_frame, partial(letterbox, side=640), "Pillow, bilinear, 1920 x 1080 into 640 x 640"),
    },
    "step_normalize": {
        "224": TimedStep(partial(image, 224, 224), _imagenet, "numpy, 224 x 224 bytes to float32, channels first"),
        "640": TimedStep(partial(image, 640, 640), _imagenet, "numpy, 640 x 640 bytes to float32, channels first"),
    },
    "step_nms": {
        f"{count}_boxes": TimedStep(
            partial(candidates, count), suppress, f"greedy in numpy, {count} boxes of {_CLASSES} classes, twenty an object"
        )
        for count in (100, 300, 1000, 3000)
    },
    "step_segmentation": {
        "2_classes_512_to_1080p": TimedStep(
            partial(logits, 2, 512, 512), partial(segment, width=1920, height=1080), "numpy argmax, Pillow nearest, to full HD"
        ),
        "21_classes_520_to_1080p": TimedStep(
            partial(logits, 21, 520, 520),
            partial(segment, width=1920, height=1080),
            "numpy argmax, Pillow nearest, to full HD",
        ),
    },
    "step_softmax": {
        "1000_classes_top5": TimedStep(partial(logits, 1000), top, "numpy softmax, the five likeliest of a thousand")
    },
}


def start_step(name: str, variant: str) -> Callable[[int], object]:
    """A call that does the step as often as the batch is large, as a server's worker would."""
    step = STEPS[name][variant]
    given = step.given()
    return lambda batch: [step.work(given) for _ in range(batch)]


def write_given(name: str, variant: str, file: Path) -> list[int]:
    """Write what the step gets to a .npy file, for its checksum; returns its shape."""
    given = STEPS[name][variant].given()
    with in_one_step(file) as part, part.open("wb") as stream:
        np.save(stream, given)
    return list(given.shape)
