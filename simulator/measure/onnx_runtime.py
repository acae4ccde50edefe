"""ONNX Runtime: its execution providers by the names that the command takes, and sessions without its advice."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from simulator.measure.guarded import CannotMeasureError
from simulator.phrases import phrase

# Silence for the tools that export and quantize; importable without torch.

#: Severities of ONNX Runtime's log.
_WARNINGS, _ERRORS_ONLY = 2, 3


@contextmanager
def quiet_tools() -> Iterator[None]:
    """Silence the exporters' and quantizers' advice, which is not for the user."""
    logging.disable(logging.WARNING)
    ort.set_default_logger_severity(_ERRORS_ONLY)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
        ort.set_default_logger_severity(_WARNINGS)


# Execution providers: what ONNX Runtime lets a model run on, by the short names that the command takes.

CPU = "cpu"
PROVIDERS = {
    CPU: "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
#: Which build of ONNX Runtime brings a provider along.
_BUILDS = {
    "cuda": "the package onnxruntime-gpu, on a machine with an NVIDIA GPU",
    "tensorrt": "the package onnxruntime-gpu, with TensorRT installed",
    "openvino": "the package onnxruntime-openvino",
    "coreml": "the package onnxruntime on macOS",
}


def check_provider(name: str) -> str:
    """Return the name where this machine's ONNX Runtime has it; raises CannotMeasureError that lists the others."""
    here = [short for short, full in PROVIDERS.items() if full in ort.get_available_providers()]
    if name in here:
        return name
    if name not in PROVIDERS:
        raise CannotMeasureError(f"there is no provider '{name}'; there are: {', '.join(PROVIDERS)}; here: {', '.join(here)}")
    build = _BUILDS.get(name, "every build")
    raise CannotMeasureError(phrase("onnx.not_offered", version=ort.__version__, provider=name, here=here, build=build))


def provider_list(name: str) -> list[str]:
    return list(dict.fromkeys([PROVIDERS[name], PROVIDERS[CPU]]))


# Whether a file still answers as the file that it was made from.

#: Error of an answer relative to its size (L2 norms) from which a network of zeros would do as well.
_FARTHEST = 1.0


def quiet_session() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return options


def fault(source: Path, made: Path, probe: NDArray[np.float32] | None, trained: bool) -> str | None:
    """Compare the answers of `made` with those of `source`; return a sentence on a fault, or None.

    Both answer `probe`, images (batch, channels, height, width), or noise. The answers of a network that is not `trained`
    only have to be finite: layer upon layer of random weights magnifies any rounding.
    """
    farthest = _FARTHEST if trained else math.inf
    for exact, answer in zip(_answers_to_probe(source, probe), _answers_to_probe(made, probe), strict=True):
        if not np.isfinite(answer).all():
            return "its answers are not finite numbers"
        error = float(np.linalg.norm(answer - exact) / np.linalg.norm(exact))
        if error >= farthest:
            return phrase("onnx.off", error=error)
    return None


def _answers_to_probe(file: Path, probe: NDArray[np.float32] | None) -> list[NDArray[np.float64]]:
    session = ort.InferenceSession(str(file), quiet_session(), providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    images = np.random.default_rng(0).standard_normal((2, *image.shape[1:]), np.float32) if probe is None else probe
    return [np.asarray(output, dtype=np.float64) for output in session.run(None, {image.name: images})]
