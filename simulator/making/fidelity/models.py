"""Making a model of the zoo ready to be served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from platformdirs import user_cache_path

from simulator.files import make_folders
from simulator.making.fidelity.served_model import ServedModel
from simulator.making.zoo.subjects import Photos, Subject, make_ready

_PIXELS = 256


def ready(model: str, precision: str) -> ServedModel:
    """A session on one thread; raises RefusedError where the model cannot be made."""
    cache = user_cache_path("casesim")
    made = make_ready(Subject(model, precision), cache / "models", Photos(_noise(cache / "noise"), "noise"))
    return ServedModel(made.file, made.input_shape)


def _noise(folder: Path, pictures: int = 16) -> Path:
    """A folder of noise to calibrate on: how long a quantized model takes does not depend on its scales."""
    make_folders(folder)
    rng = np.random.default_rng(0)
    for number in range(pictures):
        file = folder / f"{number}.png"
        if not file.is_file():
            Image.fromarray(rng.integers(0, 256, (_PIXELS, _PIXELS, 3), dtype=np.uint8)).save(file)
    return folder
