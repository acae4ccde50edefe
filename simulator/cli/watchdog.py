"""A process that kills its parent, with the processes below it, where a signal ought to end them and does not.

A thread of the parent cannot do that while a long call, such as one of `re`, holds the interpreter's lock. This file imports
nothing of the package, so that the process starts quickly and stays small.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

ENDING = (signal.SIGINT, signal.SIGTERM)

#: Time for the parent to end by itself after a signal, and then for its other children (s).
GRACE_S, CHILDREN_S = 2.5, 2.0

#: Time between two looks (s).
_NAP_S = 0.02


def watch(signals: socket.socket, parent: int) -> None:
    """Wait for a signal that ends the parent, or for the parent's end; kill what runs GRACE_S after the signal.

    signals: the system writes the number of each signal there; the parent reads them too, so they are looked at and left
    """
    while set(numbers := signals.recv(4096, socket.MSG_PEEK)).isdisjoint(ENDING):
        if not numbers:
            return
        time.sleep(0.1)
    others = children(parent) - {os.getpid()}
    if _remains(lambda: os.getppid() == parent, GRACE_S):
        print("stopped: the process was at a call that did not return, and was killed", file=sys.stderr, flush=True)
        _kill(parent)
    if _remains(lambda: any(Path(f"/proc/{child}").exists() for child in others), CHILDREN_S):
        for child in others:
            _kill(child)


def children(process: int) -> set[int]:
    """Return the numbers of the processes that this one has started; none where the system is not Linux."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return {int(number) for numbers in lists for number in numbers.read_text(encoding="ascii").split()}


def _remains(still: Callable[[], bool], seconds: float) -> bool:
    for _ in range(round(seconds / _NAP_S)):  # not by the clock: a machine that stands still for seconds takes one nap
        if not still():
            return False
        time.sleep(_NAP_S)
    return still()


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    watch(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
