"""Work in a process of its own: it starts with nothing loaded, and a crash of a native library ends it alone."""

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class CrashError(RuntimeError):
    """The process ended before it answered."""


def in_fresh_process(work: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Answer:
    """What `work` answers; it and what it is given are pickled. Raises what `work` raises, or CrashError."""
    context = multiprocessing.get_context("spawn")
    # An interrupt reaches the whole process group; the child leaves it to its parent.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(1, mp_context=context, initializer=signal.signal, initargs=ignore) as pool:
        try:
            return pool.submit(work, *given, **named).result()
        except BrokenProcessPool as error:
            raise CrashError("its process crashed, or was ended for want of memory") from error
