"""A model that a server can serve: samples at hand, copied into one batch as a server does with its requests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from simulator.making.fidelity.generator import SAMPLES


class ServedModel:
    """An ONNX Runtime session on one thread, and SAMPLES pre-processed images."""

    def __init__(self, file: Path, input_shape: list[int]) -> None:
        self.file, self.input_shape = file, input_shape
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._name = self._session.get_inputs()[0].name
        self._samples = np.random.default_rng(0).standard_normal((SAMPLES, *input_shape), dtype=np.float32)

    def compute(self, samples: list[int]) -> object:
        """Run the model on a batch of these samples."""
        return self._session.run(None, {self._name: self._samples[samples]})
