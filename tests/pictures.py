"""A picture to prepare, to spoil and to find something on."""

import numpy as np
from PIL import Image

#: Where its bright rectangle is: left, top, right, bottom.
BOX = (8, 8, 40, 32)


def picture(seed: int = 0, width: int = 96, height: int = 64) -> np.ndarray:
    """A smooth colour field with a bright rectangle, (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(40, 200, (4, 6, 3), dtype=np.uint8))
    pixels = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))
    left, top, right, bottom = BOX
    pixels[top:bottom, left:right] = (230, 60, 20)
    return pixels
