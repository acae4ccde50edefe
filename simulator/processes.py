"""Worker processes: they end with their parent, however it ends, and the work of a killed worker is restarted once."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing import get_context, parent_process
from multiprocessing.resource_tracker import ensure_running
from threading import Thread
from time import monotonic, sleep
from typing import Any, NamedTuple, TypeVar

from simulator.errors import InputError

Given = TypeVar("Given")
Found = TypeVar("Found")

#: The exit status of a process whose parent has gone, equal to that of SIGTERM.
ORPHANED = 143
#: The signals that end a command.
_ENDING = {signal.SIGINT, signal.SIGTERM}
#: Attempts in all at a piece of work whose process is killed.
ATTEMPTS = 2
#: Tasks that are handed out at a time: enough to keep every process busy, few enough for a quick cancel.
AT_ONCE = 64
#: Time for a process to end by itself, in s.
_GRACE_S = 10.0


class TimedCall(NamedTuple):
    """A result and its time (s)."""

    result: Any
    seconds: float


def timed(work: Callable[[], Any]) -> TimedCall:
    """Call `work`, and take its time."""
    began = monotonic()
    result = work()
    release_memory()
    return TimedCall(result, monotonic() - began)


#: The least time from one release of memory to the next (s).
RELEASE_S = 5.0

_released_s = [0.0]


def release_memory() -> None:
    """Give the free pages of the heap back to the system, once in `RELEASE_S`; with the C library of GNU alone.

    Arrays that live long lie between short ones, so that its heap would grow with every run: it frees its end by itself.
    """
    if monotonic() - _released_s[0] >= RELEASE_S:
        _released_s[0] = monotonic()
        _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    return getattr(ctypes.CDLL(None), "malloc_trim", int) if os.name == "posix" else int


class KilledError(InputError):
    """A worker process was killed twice at one piece of work."""

    def __init__(self) -> None:
        super().__init__("a worker process was killed twice, perhaps for lack of memory; run less at once")


def end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.join, 0.0), name="ends with its parent", daemon=True).start()


def end_with_input() -> None:
    Thread(target=_end_after, args=(_input_ends, _GRACE_S), name="ends with its input", daemon=True).start()


def _input_ends() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not by `sys.stdin`, which could not be closed any more
        pass


def _end_after(wait: Callable[[], object], grace_s: float) -> None:
    wait()
    if grace_s:
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(grace_s)
    os._exit(ORPHANED)


def is_running(pid: int) -> bool:
    """Return whether a process with this number runs; True where the system does not tell."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        pass
    return True


def begin_worker(prepare: Callable[..., object] | None = None, *given: Any) -> None:
    """Set up a worker: its parent handles interrupts, and the worker ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    end_with_parent()
    if prepare:
        prepare(*given)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back signals that end a command; a process started meanwhile holds them back until `begin_worker`.

    Otherwise it would be interrupted while it imports what it needs, and print a traceback.
    """
    if os.name != "posix":
        yield
        return
    ensure_running()  # multiprocessing's helper: starting it lets signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def lone_worker(prepare: Callable[..., object] | None = None, *given: Any) -> ProcessPoolExecutor:
    """Start a process that calls `prepare(*given)` and then does one piece of work after the other.

    If it is killed, its work raises BrokenProcessPool. Several processes of one executor would not do: they share a
    pipe for their answers, and a worker that is killed while it sends leaves the others, and the caller, waiting without end.
    """
    worker = ProcessPoolExecutor(1, get_context("spawn"), initializer=begin_worker, initargs=(prepare, *given))
    with undisturbed():
        worker.submit(int)  # this starts it
    worker._result_queue._writer.close()  # type: ignore[attr-defined]  # an answer that a kill cuts off ends then
    return worker


def kill_worker(worker: ProcessPoolExecutor) -> None:
    for process in list((worker._processes or {}).values()):  # from Python 3.14 on `worker.kill_workers()`
        process.kill()
    worker.shutdown(cancel_futures=True)


class ProcessPool(ThreadPoolExecutor):
    """Worker processes of a command, for as long as the context lasts.

    The work of a killed process is restarted in another, once; then it raises KilledError. Work that has not ended when the
    context ends is dropped.
    """

    def __init__(self, count: int | None = None, prepare: Callable[..., object] | None = None, *given: Any) -> None:
        count = count or os.cpu_count() or 1
        super().__init__(count)  # a thread waits for each process
        self._ended = False
        self._start = partial(lone_worker, prepare, *given)
        self._idle = [self._start() for _ in range(count)]
        self._all = set(self._idle)

    def submit(self, work: Callable[..., Found], /, *given: Any, **named: Any) -> Future[Found]:
        return super().submit(self._answer, partial(work, *given, **named))

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self.shutdown(wait=False, cancel_futures=True)
        for worker in list(self._all):
            kill_worker(worker)
        self.shutdown()

    def _answer(self, work: Callable[[], Found], attempts: int = ATTEMPTS) -> Found:
        worker = self._idle.pop()
        try:
            return worker.submit(work).result()
        except BrokenProcessPool as error:
            if self._ended:
                raise
            worker = self._another(worker)
            if attempts == 1:
                raise KilledError from error
        finally:
            self._idle.append(worker)
        print("a worker process was killed, perhaps for lack of memory; its work was restarted", file=sys.stderr)
        return self._answer(work, attempts - 1)

    def _another(self, killed: ProcessPoolExecutor) -> ProcessPoolExecutor:
        worker = self._start()
        self._all = self._all - {killed} | {worker}
        if self._ended:
            kill_worker(worker)
        return worker


def over_threads(work: Callable[[Given], Found], wanted: Sequence[Given], count: int) -> Iterator[Found]:
    """Yield each result in order, from `count` threads that wait for processes.

    An error, or a signal, leaves the threads behind: they end with the processes that they wait for, and not before.
    """
    threads = ThreadPoolExecutor(count)
    try:
        yield from threads.map(work, wanted)
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        raise
    threads.shutdown()
