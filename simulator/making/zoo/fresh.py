"""Work in a process of its own: it starts with nothing loaded, and a crash of a native library ends it alone."""

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from simulator.processes import workers

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class CrashError(RuntimeError):
    """The process ended before it answered."""


def in_fresh_process(work: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs) -> Answer:
    """What `work` answers; it and what it is given are pickled. Raises what `work` raises, or CrashError."""
    with workers(1, start="spawn") as pool:
        try:
            return pool.submit(work, *given, **named).result()
        except BrokenProcessPool as error:
            raise CrashError("its process crashed, or was ended for want of memory") from error
