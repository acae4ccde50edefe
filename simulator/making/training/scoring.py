"""What a network, written as an ONNX file at a precision, answers on photos."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from torch import nn

from simulator.making.training.dataset import SEED, Pixels
from simulator.making.zoo.architectures import Architecture
from simulator.making.zoo.export import INPUT, export
from simulator.making.zoo.photo import normalize
from simulator.making.zoo.quantize import quantize

#: Ways to look at a photo. A lesion has no up and down, so that each is as good as the photo itself.
VIEWS = (
    (slice(None), slice(None)),
    (slice(None), slice(None, None, -1)),
    (slice(None, None, -1), slice(None)),
    (slice(None, None, -1), slice(None, None, -1)),
)
CALIBRATION_PHOTOS = 64
_BATCH = 16

Floats = NDArray[np.float32]


def logits_by_precision(
    network: nn.Module, takes: Architecture, precisions: tuple[str, ...], learnt: Pixels, tested: Pixels, views: int
) -> dict[str, Floats]:
    """The logits of the photos `tested` at each precision, each of shape (photos, views).

    An 8-bit network is calibrated on some of the photos `learnt`, those that the network was fitted on. Raises RefusedError.
    """
    with TemporaryDirectory() as folder:
        source = Path(folder) / "fp32.onnx"
        export(network, takes.input_shape, source)
        found = {}
        for precision in precisions:
            file = Path(folder) / f"{precision}.onnx"
            if precision != "fp32":
                quantize(source, file, precision, _calibration(takes, learnt), _images(takes, learnt[:2]))
            found[precision] = answers(file, takes, tested, views)
        return found


def answers(file: Path, takes: Architecture, pixels: Pixels, views: int = 1) -> Floats:
    """The logits of photos (n, size, size, 3) in the first `views` of VIEWS, shape (n, views)."""
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    found = np.empty((len(pixels), views), np.float32)
    for view, (rows, columns) in enumerate(VIEWS[:views]):
        for start in range(0, len(pixels), _BATCH):
            batch = pixels[start : start + _BATCH, rows, columns]
            found[start : start + _BATCH, view] = session.run(None, {INPUT: _images(takes, batch)})[0][:, 0]
    return found


def _calibration(takes: Architecture, learnt: Pixels) -> Iterator[Floats]:
    chosen = np.random.default_rng(SEED).choice(len(learnt), min(CALIBRATION_PHOTOS, len(learnt)), replace=False)
    return (_images(takes, learnt[number]) for number in chosen)


def _images(takes: Architecture, pixels: Pixels) -> Floats:
    return normalize(pixels, takes.mean, takes.std)
