"""Whether a file still answers as the file that it was made from."""

import math
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

#: Severity from which ONNX Runtime's log is shown.
_ERRORS_ONLY = 3
#: Error of an answer relative to its size (L2 norms) from which a network of zeros would do as well.
_FARTHEST = 1.0


def quiet_session() -> ort.SessionOptions:
    """Options of a session that is opened to check a file, without the runtime's advice on it."""
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return options


def fault(source: Path, made: Path, probe: NDArray[np.float32] | None, trained: bool) -> str | None:
    """What is wrong with the answers of `made`, seen beside those of `source`; None if nothing is.

    Both answer `probe`, images (batch, channels, height, width), or noise. The answers of a network that is not `trained`
    only have to be finite: layer upon layer of random weights magnifies any rounding.
    """
    farthest = _FARTHEST if trained else math.inf
    for exact, answer in zip(_answers(source, probe), _answers(made, probe), strict=True):
        if not np.isfinite(answer).all():
            return "its answers are not finite numbers"
        error = float(np.linalg.norm(answer - exact) / np.linalg.norm(exact))
        if error >= farthest:
            return f"its answers are off by {error:.0%} of their size: they say nothing any more"
    return None


def _answers(file: Path, probe: NDArray[np.float32] | None) -> list[NDArray[np.float64]]:
    session = ort.InferenceSession(str(file), quiet_session(), providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    images = np.random.default_rng(0).standard_normal((2, *image.shape[1:]), np.float32) if probe is None else probe
    return [np.asarray(output, dtype=np.float64) for output in session.run(None, {image.name: images})]
