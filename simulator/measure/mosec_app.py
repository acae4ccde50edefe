"""A model behind mosec, a batching HTTP server; run as a program by `http_server`, which sets the environment variable.

CASESIM_SERVED: {"file": ONNX file or null for no model at all, "shape": of one item, "max_batch": ..., "wait_ms": ...} as JSON
"""

from __future__ import annotations

import json
import os
from time import perf_counter
from typing import Any

from mosec import Server, Worker

from simulator.measure.batch_server import ServedModel
from simulator.processes import end_with_input

SERVED = json.loads(os.environ["CASESIM_SERVED"])


class Model(Worker):
    """Answers a sample's number with two times by `perf_counter`: its batch reached the model, and the model was done.

    That clock is the machine's: the client's readings of it can be compared.
    """

    def __init__(self) -> None:
        super().__init__()
        self.compute = ServedModel(SERVED["file"], SERVED["shape"]).compute if SERVED["file"] else lambda samples: samples
        for size in range(1, SERVED["max_batch"] + 1):
            self.compute(list(range(size)))

    def deserialize(self, data: bytes) -> int:
        return int(data)

    def serialize(self, data: tuple[float, float]) -> bytes:
        return json.dumps(data).encode()

    def forward(self, data: Any) -> Any:
        """Run one sample, or a list of them where the server batches."""
        samples = data if isinstance(data, list) else [data]
        began = perf_counter()
        self.compute(samples)
        times = began, perf_counter()
        return [times] * len(samples) if isinstance(data, list) else times


if __name__ == "__main__":
    end_with_input()
    server = Server()
    server.append_worker(Model, max_batch_size=SERVED["max_batch"], max_wait_time=SERVED["wait_ms"])
    server.run()
