"""Executor on the workers of a Dask scheduler: no point is lost or counted twice when a process ends on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

from simulator.errors import InputError
from simulator.processes import AT_ONCE

if TYPE_CHECKING:
    from distributed import Client

Found = TypeVar("Found")

#: Another address makes Dask's client print a traceback when it is dropped.
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/:]+:\d{1,5}")

#: How long a scheduler may be away before a sweep gives up, in s.
PATIENCE_S = 300.0

#: How long the number of workers counts as known, in s.
_COUNTED_S = 2.0


class ClusterError(InputError):
    """A cluster cannot be reached, or is gone for good; the message says which, and what would help."""


class Cluster(ThreadPoolExecutor):
    """Runs work on a Dask scheduler's workers.

    Dask itself runs again what a worker was at that ended. When the scheduler ends it forgets everything; then what had no
    answer yet is handed in again as soon as it is back. A thread waits for each answer and takes the first one there is.
    """

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        """Connect; raises ClusterError where no scheduler answers, or the extra `cluster` is not installed."""
        if not _ADDRESS.fullmatch(address):
            raise ClusterError(f"--scheduler {address}: write it as tcp://HOST:PORT, such as tcp://127.0.0.1:8786")
        super().__init__(AT_ONCE)
        self.address, self.patience_s = address, patience_s
        self._lock = Lock()
        self._client: Client | None = None
        self._ended = False
        self._known_threads, self._counted = 1, -_COUNTED_S
        try:
            self._connected()
            self._count()
        except (OSError, ValueError) as error:
            raise ClusterError(f"--scheduler {address}: no scheduler answers: {error}") from error

    def submit(self, work: Callable[..., Found], /, *given: Any, **named: Any) -> Future[Found]:
        return super().submit(self._answer, work, given, named)

    @property
    def threads(self) -> int:
        """The threads of all workers, as known since the last piece of work; 1 at least."""
        return self._known_threads

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Drop the work that has not begun, and the connection."""
        self._ended = True
        self.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close(timeout=2)

    def __enter__(self) -> Self:
        return self

    def _connected(self) -> Client:
        """Return the connection, made anew where it was lost; raises OSError while there is no scheduler."""
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"--scheduler needs {error.name}, which is not installed: pip install 'casesim[cluster]'"
            ) from error
        with self._lock:
            if self._client is None or self._client.status not in ("running", "connecting"):
                self._client = Client(self.address, timeout=5, name="casesim", set_as_default=False)
            return self._client

    def _count(self) -> None:
        """Ask for the number of threads, unless it is known."""
        if monotonic() - self._counted > _COUNTED_S:
            workers = self._connected().scheduler_info(n_workers=-1)["workers"]
            self._known_threads = min(max(sum(worker["nthreads"] for worker in workers.values()), 1), AT_ONCE)
            self._counted = monotonic()

    def _answer(self, work: Callable[..., Found], given: tuple[Any, ...], named: dict[str, Any]) -> Found:
        """Return a worker's result; submit the work again whenever the scheduler has forgotten it."""
        from distributed import CancelledError as Forgotten
        from distributed import KilledWorker

        since = monotonic()
        while True:
            try:
                client = self._connected()
                self._count()
                return client.submit(work, *given, **named, pure=False, retries=2).result()
            except KilledWorker as error:
                raise ClusterError(
                    f"--scheduler {self.address}: a point has ended several workers, perhaps for lack of memory"
                ) from error
            except (Forgotten, CancelledError, TimeoutError, OSError) as error:
                if self._ended:
                    raise
                if monotonic() - since > self.patience_s:
                    raise ClusterError(f"--scheduler {self.address}: has been away for {self.patience_s:g} s") from error
                sleep(0.5)
