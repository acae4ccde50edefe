"""A model behind mosec, a batching HTTP server, in processes of its own."""

from __future__ import annotations

import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from simulator.errors import InputError
from simulator.measure.batch_server import SAMPLES, Batch, Pending, answer
from simulator.measure.forecast import Call

#: Open connections, and so the most requests under way at one time.
CONNECTIONS = 32
#: Until a server has to be ready, in s, and a request answered, in ms.
_PATIENCE, _PATIENCE_MS = 60.0, 60_000
_ROUTE = "/inference"


class ServerError(InputError):
    """The server did not start, or did not answer."""


@contextmanager
def serving(file: Path | None, shape: list[int], max_batch: int, wait_ms: int) -> Iterator[Client]:
    """Start a mosec server on a free port, and a client of it; without a file it answers at once.

    Raises ServerError with the server's output.
    """
    served = {"file": None if file is None else str(file), "shape": shape, "max_batch": max_batch, "wait_ms": wait_ms}
    port = _free_port()
    command = [sys.executable, "-m", "simulator.measure.mosec_app", "--address", "127.0.0.1", "--port", str(port)]
    command += ["--timeout", str(_PATIENCE_MS), "--log-level", "warning"]  # on a busy machine a request may wait for long
    environment = os.environ | {"CASESIM_SERVED": json.dumps(served)}
    with (
        tempfile.TemporaryFile() as output,
        # A pipe is its input, whose end is its own end: it does not outlive this process, however that ends.
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output) as process,  # noqa: S603
    ):
        try:
            _wait_until_ready(port, process, output)
            with Client(port) as client:
                yield client
        finally:
            process.terminate()


@dataclass(frozen=True)
class Answered:
    """Times of an answered request, in s by `time.perf_counter`.

    sent: handed to the client; reached: its batch reached the model; done: the model was done; answered: back at the client
    """

    token: int
    sample: int
    sent: float
    reached: float
    done: float
    answered: float


class Client:
    """Sends requests over connections that stay open, and reports answers to LoadGen; a context manager."""

    def __init__(self, port: int) -> None:
        self.log: list[Answered] = []
        self._port = port
        self._requests: queue.SimpleQueue[tuple[int | None, int, float] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CONNECTIONS)]
        self._changed, self._under_way = threading.Condition(), 0
        self._error: Exception | None = None

    def __enter__(self) -> Client:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in self._threads:
            self._requests.put(None)
        for thread in self._threads:
            thread.join()
        self.check()

    def check(self) -> None:
        if self._error is not None:
            raise ServerError(str(self._error)) from self._error

    def submit(self, token: int | None, sample: int) -> None:
        self._requests.put((token, sample, time.perf_counter()))

    def serve_calls(self, calls: list[Call]) -> list[Batch]:
        """Send these batches in this order; a call without a gap is sent while the one before it is served.

        The server batches as it will: what is returned are the batches that it made.
        """
        first, before = len(self.log), 0
        for size, gap_s in calls:
            self._wait_until_under_way(0 if gap_s else before)
            if gap_s:
                time.sleep(gap_s)
            with self._changed:
                self._under_way += size
            for number in range(size):
                self.submit(None, number % SAMPLES)
            before = size
        self._wait_until_under_way(0)
        self.check()
        return batches(self.log[first:])

    def _wait_until_under_way(self, most: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._under_way <= most or self._error is not None)

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        while (request := self._requests.get()) is not None:
            token, sample, sent = request
            try:
                reached, done = _post(connection, sample)
                self.log.append(Answered(token or 0, sample, sent, reached, done, time.perf_counter()))
            except (OSError, http.client.HTTPException, ServerError) as error:
                self._error = error
            if token is not None:
                answer([token])
                continue
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()
        connection.close()


def batches(log: list[Answered]) -> list[Batch]:
    """Return the batches that the server made of these requests.

    The worker counts as free once the model is done with a batch, and as busy from then on where requests had been sent by
    then, otherwise from the first request of its next batch on: all that server and client do between two batches is a part
    of the service of the second, for it delays all that come after.
    """
    made: dict[float, list[Answered]] = {}
    for request in sorted(log, key=lambda request: (request.reached, request.sent)):
        made.setdefault(request.reached, []).append(request)
    formed, free = [], -inf
    for requests in made.values():
        pending = [Pending(request.token, request.sample, request.sent) for request in requests]
        done = requests[0].done
        formed.append(Batch(pending, max(free, pending[0].entered), done, free))
        free = done
    return formed


def _post(connection: http.client.HTTPConnection, sample: int) -> tuple[float, float]:
    connection.request("POST", _ROUTE, body=str(sample))
    response = connection.getresponse()
    output = response.read()
    if response.status != http.client.OK:
        raise ServerError(f"the server answered {response.status} {response.reason}")
    reached, done = json.loads(output)
    return reached, done


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], output: object) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            _post(connection, 0)
        except (OSError, http.client.HTTPException, ServerError):
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    output.seek(0)  # type: ignore[attr-defined]
    raise ServerError(f"mosec did not start: {output.read().decode(errors='replace')[-500:]}")  # type: ignore[attr-defined]
