"""Processes that do a part of the work: they end with whoever started them, however that ends, and work begins again, once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from time import sleep
from typing import Any, Literal, TypeVar

from simulator.errors import InputError

Given = TypeVar("Given")
Found = TypeVar("Found")

#: The exit status of a process whose parent has gone, as of one that was asked to end.
ORPHANED = 143
#: What a process may still take to end by itself, in s.
_GRACE_S = 10.0


class KilledError(InputError):
    """A process that did a part of the work was killed, and so was one that began again."""

    def __init__(self) -> None:
        super().__init__("a worker process was killed, twice, perhaps for lack of memory; ask for less at once")


def end_with_parent() -> None:
    """In a process of multiprocessing: end at once when the parent has gone, by `kill -9` too."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent.join, 0.0), name="ends with its parent", daemon=True).start()


def end_with_input() -> None:
    """In a command that a program has started with a pipe as standard input: end when that pipe is closed, as if asked to."""
    Thread(target=_end_after, args=(_input_ends, _GRACE_S), name="ends with its input", daemon=True).start()


def _input_ends() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not by `sys.stdin`, which nobody could close any more
        pass


def _end_after(wait: Callable[[], object], grace_s: float) -> None:
    wait()
    if grace_s:
        os.kill(os.getpid(), signal.SIGTERM)
        sleep(grace_s)
    os._exit(ORPHANED)


def is_running(pid: int) -> bool:
    """Whether there is a process of that number; where that cannot be asked, as if there were."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True


def begin_worker(prepare: Callable[..., object] | None = None, *given: Any) -> None:
    """The first that a worker does: an interrupt, which reaches it too, is left to its parent, with which it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    if prepare:
        prepare(*given)


@contextmanager
def workers(
    count: int | None = None,
    prepare: Callable[..., object] | None = None,
    given: tuple[Any, ...] = (),
    start: Literal["fork", "spawn"] | None = None,
) -> Iterator[ProcessPoolExecutor]:
    """Processes for as long as the context lasts, one a core by default; what they are at is dropped if it ends in an error.

    prepare: called in each with what is `given`; start: how they are started, by default as Python does
    """
    context = get_context(start)
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=begin_worker, initargs=(prepare, *given))
    try:
        yield executor
    except BaseException:
        for process in list((executor._processes or {}).values()):  # from Python 3.14 on `executor.kill_workers()`
            process.kill()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def again_if_killed(work: Callable[[], Found]) -> Found:
    """What `work` comes to; where a worker of its own is killed it begins again, once. Raises KilledError the second time."""
    try:
        return work()
    except BrokenProcessPool:
        _say_again()
    try:
        return work()
    except BrokenProcessPool as error:
        raise KilledError from error


def over_processes(work: Callable[[Given], Found], wanted: Sequence[Given], count: int) -> Iterator[Found]:
    """What comes of each, in order; on so many processes, or in this one.

    Where a process is killed, those begin again, once, that were not told yet; raises KilledError the second time.
    """
    if count == 1:
        yield from map(work, wanted)
        return
    told = 0
    for again in (False, True):
        try:
            with workers(count, start="spawn") as pool:
                for found in pool.map(work, wanted[told:], chunksize=4):
                    yield found
                    told += 1
            return
        except BrokenProcessPool as error:
            if again:
                raise KilledError from error
            _say_again()


def _say_again() -> None:
    print("a worker process was killed, perhaps for lack of memory; its work begins again", file=sys.stderr)
