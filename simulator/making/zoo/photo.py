"""Photos: finding them, preparing them for a network, and a phone-sized one to time that preparation on."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulator.errors import InputError
from simulator.limits import IMAGE_PIXELS

Channels = tuple[float, float, float]

PHONE_SIZE = (4032, 3024)
#: A mosaic of this many columns and rows: photos near their own size keep the fine texture that fills a phone's file.
_MOSAIC = (8, 6)
_JPEG_QUALITY = 92
_THUMBNAIL = 224
_ENDINGS = {".jpg", ".jpeg", ".png"}


class PhotoError(InputError):
    """A folder of photos cannot be used; the message says which and why."""


def find_photos(folder: Path, most: int) -> list[Path]:
    """The first `most` photos in `folder` by name; raises PhotoError if it is absent or holds none."""
    if not folder.is_dir():
        raise PhotoError(f"{folder}: there is no such folder of photos; --photos takes a folder of JPEG or PNG files")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    if not found:
        raise PhotoError(f"{folder}: holds no photo; --photos takes a folder of JPEG or PNG files")
    return found[:most]


def load_photo(path: Path) -> Image.Image:
    """The photo in RGB; raises PhotoError if the file cannot be decoded."""
    try:
        with Image.open(path) as image:
            check_pixels(path, image)
            return image.convert("RGB")
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{path}: has more than {IMAGE_PIXELS}, the most that are decoded; make it smaller") from error
    except OSError as error:
        raise PhotoError(f"{path}: is not a photo that can be decoded") from error


def check_pixels(path: Path, image: Image.Image) -> None:
    """Raise PhotoError for a picture of which too many pixels would be decoded."""
    if image.width * image.height > IMAGE_PIXELS.most:
        raise PhotoError(
            f"{path}: has {image.width:,} x {image.height:,} pixels; at most {IMAGE_PIXELS} are decoded; make it smaller"
        )


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
    """(..., height, width, channels) in 0 to 255, to (..., channels, height, width): in [0, 1], less `mean`, by `std`."""
    scaled = np.asarray(pixels, dtype=np.float32) / np.float32(255)
    normal = (scaled - np.array(mean, np.float32)) / np.array(std, np.float32)
    return np.ascontiguousarray(np.moveaxis(normal, -1, -3))


def phone_photo(folder: Path) -> bytes:
    """A 12-megapixel JPEG made of photos in `folder`, the same each time; raises PhotoError."""
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
    """A call that decodes `jpeg` and prepares it for a network, as often as the batch is large."""
    return lambda batch: [_decode(jpeg, reduced) for _ in range(batch)]


#: Name of a way to decode, as it stands in a profile, and whether it decodes at reduced resolution.
DECODINGS: dict[str, bool] = {"jpeg_12mp": False, "jpeg_12mp_draft": True}
