"""Photos, and the steps before and after a network, each measured as a stage of its own: one image at a time, on one thread.

A server written in Python does these steps with Pillow and numpy; the library trackers follows objects. Their
sizes: a full-HD video frame and a phone's photo come in; 224, 416 and 640 pixels are the sides that classifiers and
detectors take.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.arrays import Pixels
from simulator.evidence.evidence_files import in_one_step
from simulator.limits import IMAGE_PIXELS
from simulator.measure.detector_io import Channels, Floats, Takes, fit, suppress
from simulator.measure.guarded import CannotMeasureError

# Photos: finding them, preparing them for a network, and a phone-sized one to time that preparation on.

PHONE_SIZE = (4032, 3024)
#: A mosaic of this many columns and rows: photos near their own size keep the fine texture that fills a phone's file.
_MOSAIC = (8, 6)
_JPEG_QUALITY = 92
_THUMBNAIL = 224
_ENDINGS = {".jpg", ".jpeg", ".png"}


def find_photos(folder: Path, most: int) -> list[Path]:
    """Return the first `most` photos in `folder` by name; raises CannotMeasureError if there are none."""
    if not folder.is_dir():
        raise CannotMeasureError(f"{folder}: there is no such folder of photos; --photos takes a folder of JPEG or PNG files")
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    if not photos:
        raise CannotMeasureError(f"{folder}: holds no photo; --photos takes a folder of JPEG or PNG files")
    return photos[:most]


@contextmanager
def opened(path: Path, damaged: str) -> Iterator[Image.Image]:
    """Open a picture for as long as the context lasts; raises CannotMeasureError, with the words `damaged` if it is."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > IMAGE_PIXELS.most:
                size = f"{image.width:,} x {image.height:,} pixels"
                raise CannotMeasureError(f"{path}: has {size}; at most {IMAGE_PIXELS} are decoded; make it smaller")
            yield image
    except Image.DecompressionBombError as error:
        raise CannotMeasureError(f"{path}: has more than {IMAGE_PIXELS}, the most that are decoded; make it smaller") from error
    except OSError as error:
        raise CannotMeasureError(f"{path}: {damaged}") from error


def load_photo(path: Path, damaged: str = "is not a photo that can be decoded") -> Image.Image:
    """Read a photo in RGB; raises CannotMeasureError as `opened` does."""
    with opened(path, damaged) as image:
        return image.convert("RGB")


def prepare(image: Image.Image, size: int, mean: Channels, std: Channels) -> NDArray[np.float32]:
    """Centre-crop to a square, resize to `size`, normalise; float32 (channels, height, width)."""
    return normalize(square(image, size), mean, std)


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Centre-crop to a square and resize it; (size, size, 3) in 0 to 255."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def normalize(pixels: NDArray[np.uint8], mean: Channels, std: Channels) -> NDArray[np.float32]:
    scaled = np.asarray(pixels, dtype=np.float32) / np.float32(255)
    normal = (scaled - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(np.moveaxis(normal, -1, -3))


def phone_photo(folder: Path) -> bytes:
    """Make a fixed 12-megapixel JPEG of photos in `folder`; raises CannotMeasureError."""
    columns, rows = _MOSAIC
    width, height = PHONE_SIZE[0] // columns, PHONE_SIZE[1] // rows
    photos = find_photos(folder, most=columns * rows)
    mosaic = Image.new("RGB", PHONE_SIZE)
    for cell in range(columns * rows):
        tile = load_photo(photos[cell % len(photos)]).resize((width, height), Image.Resampling.BICUBIC)
        mosaic.paste(tile, (cell % columns * width, cell // columns * height))
    buffer = io.BytesIO()
    mosaic.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _decode(jpeg: bytes, reduced: bool) -> NDArray[np.float32]:
    image = Image.open(io.BytesIO(jpeg))
    if reduced:
        # The decoder then skips the high frequencies that a thumbnail would throw away.
        image.draft("RGB", (_THUMBNAIL, _THUMBNAIL))
    return prepare(image, _THUMBNAIL, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def start_decoder(jpeg: bytes, reduced: bool) -> Callable[[int], object]:
    return lambda batch: [_decode(jpeg, reduced) for _ in range(batch)]


#: Name of a way to decode, as it stands in a profile, and whether it decodes at reduced resolution.
DECODINGS: dict[str, bool] = {"jpeg_12mp": False, "jpeg_12mp_draft": True}


FULL_HD = (1920, 1080)
IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)
_imagenet = partial(normalize, mean=IMAGENET_MEAN, std=IMAGENET_STD)
_SIDE = 640
_CLASSES = 80
#: Frames of moving objects, and the number that a tracker has seen before it is timed.
_FRAMES, _SEEN = 60, 10


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """Resize (h, w, 3) to (height, width, 3): bilinear, averaging where it shrinks."""
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def convert_nv12(planes: Pixels) -> Pixels:
    """Convert a camera's frame in NV12, (3 h / 2, w), to (h, w, 3) red, green and blue; h and w are even.

    Above, (h, w) of luma; below, (h / 2, w) of blue and red chroma in turns, one of each for four pixels, between which it is
    interpolated. All in full range, as JFIF 1.02 has it.
    """
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    chroma = planes[height:].reshape(height // 2, width // 2, 2)
    blue, red = (Image.fromarray(np.ascontiguousarray(chroma[..., part])) for part in (0, 1))
    whole = [part.resize((width, height), Image.Resampling.BILINEAR) for part in (blue, red)]
    return np.asarray(Image.merge("YCbCr", [Image.fromarray(planes[:height]), *whole]).convert("RGB"))


def follow(frames: Floats) -> Callable[[], object]:
    """Return a call that shows a tracker the next of (n, objects, 6) frames in a loop; its answer has a `tracker_id` a box.

    frames: rows as `suppress` takes them. ByteTrack (Zhang et al. 2022): a Kalman filter moves each track on, then boxes are
    given to tracks so that together they overlap most, first those of high scores, then the rest.
    """
    tracker = import_module("trackers").ByteTrackTracker()
    detections = import_module("supervision").Detections
    boxes = cycle([detections(frame[:, :4], confidence=frame[:, 4], class_id=frame[:, 5].astype(int)) for frame in frames])

    def step() -> object:
        return tracker.update(next(boxes))

    for _ in range(_SEEN):
        step()
    return step


def segment(logits: Floats, width: int, height: int) -> Pixels:
    """Return the likeliest class of each pixel: (classes, h, w) to (height, width), the size of the image."""
    classes = Image.fromarray(logits.argmax(axis=0).astype(np.uint8))
    return np.asarray(classes.resize((width, height), Image.Resampling.NEAREST))


def top(logits: Floats, count: int = 5) -> tuple[NDArray[np.int64], Floats]:
    """Return the `count` likeliest of (classes,) and their probabilities, likeliest first."""
    powers = np.exp(logits - logits.max())
    likeliest = np.argpartition(-logits, count - 1)[:count]
    likeliest = likeliest[np.argsort(-logits[likeliest])]
    return likeliest, powers[likeliest] / powers.sum()


def image(width: int, height: int) -> Pixels:
    """Draw noise, (height, width, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def logits(*shape: int) -> Floats:
    """Draw normal numbers of this shape."""
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def candidates(count: int) -> Floats:
    """Draw boxes as a detector leaves them to suppression: twenty around each object, (count, 6), in 640 by 640 pixels.

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


def camera_frame(width: int, height: int) -> Pixels:
    return image(width, height * 3 // 2)[..., 0].copy()


def moving(objects: int) -> Floats:
    """Draw boxes of a full-HD video, (60, objects, 6): each circles in its own cell, its score differs from frame to frame.

    The last frame leads to the first. One score in three is below 0.6, which ByteTrack takes for a doubtful find.
    """
    rng = np.random.default_rng(0)
    across = int(np.ceil(np.sqrt(objects)))
    cell = np.array(FULL_HD) / across
    middles = (np.column_stack(np.divmod(np.arange(objects), across)[::-1]) + 0.5) * cell
    angles = 2 * np.pi * (np.arange(_FRAMES)[:, None] / _FRAMES + rng.random(objects))
    places = middles + 0.15 * cell * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    scores = rng.uniform(0.4, 1, (_FRAMES, objects, 1))
    classes = np.broadcast_to(rng.integers(0, _CLASSES, objects)[:, None], (_FRAMES, objects, 1))
    return np.concatenate([places - 0.25 * cell, places + 0.25 * cell, scores, classes], axis=2).astype(np.float32)


@dataclass(frozen=True)
class TimedStep:
    """A step at one size: its input, its work, and its description.

    remembers: it goes on from where it stopped; `work` then gives the call that does the step
    """

    given: Callable[[], NDArray[np.generic]]
    work: Callable[..., object]
    words: str
    remembers: bool = False
    libraries: tuple[str, ...] = ("pillow", "numpy")

    def start(self) -> Callable[[], object]:
        given = self.given()
        return cast(Callable[[], object], self.work(given)) if self.remembers else partial(self.work, given)


_frame, _phone = partial(image, *FULL_HD), partial(image, *PHONE_SIZE)

#: Steps by name, and by the variant that stands in a profile as its precision.
STEPS: dict[str, dict[str, TimedStep]] = {
    "step_resize": {
        "1080p_to_224": TimedStep(_frame, partial(resize, width=224, height=224), "Pillow, bilinear, 1920 x 1080 to 224 x 224"),
        "1080p_to_640": TimedStep(_frame, partial(resize, width=640, height=640), "Pillow, bilinear, 1920 x 1080 to 640 x 640"),
        "12mp_to_224": TimedStep(_phone, partial(resize, width=224, height=224), "Pillow, bilinear, 4032 x 3024 to 224 x 224"),
    },
    "step_convert": {
        "1080p_nv12": TimedStep(
            partial(camera_frame, *FULL_HD), convert_nv12, "Pillow, NV12 of 1920 x 1080 to RGB, chroma interpolated"
        ),
    },
    "step_letterbox": {
        "1080p_to_416": TimedStep(_frame, partial(fit, takes=Takes(416)), "Pillow, bilinear, 1920 x 1080 into 416 x 416"),
        "1080p_to_640": TimedStep(_frame, partial(fit, takes=Takes(640)), "Pillow, bilinear, 1920 x 1080 into 640 x 640"),
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
    "step_track": {
        f"{count}_objects": TimedStep(
            partial(moving, count),
            follow,
            f"ByteTrack of trackers, {count} boxes a frame, one in three with a score below 0.6",
            remembers=True,
            libraries=("numpy", "scipy", "supervision", "trackers"),
        )
        for count in (5, 20, 50, 100)
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
    once = STEPS[name][variant].start()
    return lambda batch: [once() for _ in range(batch)]


def write_given(name: str, variant: str, file: Path) -> list[int]:
    """Write the step's input to a .npy file, for its checksum; return its shape."""
    given = STEPS[name][variant].given()
    with in_one_step(file) as part, part.open("wb") as stream:
        np.save(stream, given)
    return list(given.shape)
