"""The same model behind an HTTP server that others wrote, in processes of its own."""

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
from pathlib import Path

from simulator.fidelity.generator import answer

#: Connections that are kept open: more requests than that are not on their way at one time.
CONNECTIONS = 32
#: Until a server has to be ready, in s.
_PATIENCE = 60.0
_ROUTE = "/inference"


class ServerError(RuntimeError):
    """The server did not start, or did not answer."""


@contextmanager
def serving(file: Path | None, shape: list[int], max_batch: int, wait_ms: int) -> Iterator[Client]:
    """A mosec server on a free port of this machine, and a client of it; without a file it answers at once.

    Raises ServerError with what the server said.
    """
    served = {"file": None if file is None else str(file), "shape": shape, "max_batch": max_batch, "wait_ms": wait_ms}
    port = _free_port()
    command = [sys.executable, "-m", "simulator.fidelity.mosec_app", "--address", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"CASESIM_SERVED": json.dumps(served)}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([*command, "--log-level", "warning"], env=environment, stdout=said, stderr=said)  # noqa: S603
        try:
            _wait_until_ready(port, process, said)
            with Client(port) as client:
                yield client
        finally:
            process.terminate()
            process.wait()


class Client:
    """Sends requests over connections that stay open, and tells LoadGen when they are answered; a context manager."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._requests: queue.SimpleQueue[tuple[int, int] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CONNECTIONS)]
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
        if self._error is not None:
            raise ServerError(str(self._error)) from self._error

    def submit(self, token: int, sample: int) -> None:
        """Send a request; never waits."""
        self._requests.put((token, sample))

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        while (request := self._requests.get()) is not None:
            token, sample = request
            try:
                _post(connection, sample)
            except (OSError, http.client.HTTPException, ServerError) as error:
                self._error = error
            answer([token])
        connection.close()


def _post(connection: http.client.HTTPConnection, sample: int) -> None:
    connection.request("POST", _ROUTE, body=str(sample))
    response = connection.getresponse()
    response.read()
    if response.status != http.client.OK:
        raise ServerError(f"the server answered {response.status} {response.reason}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], said: object) -> None:
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
    said.seek(0)  # type: ignore[attr-defined]
    raise ServerError(f"mosec did not start: {said.read().decode(errors='replace')[-500:]}")  # type: ignore[attr-defined]
