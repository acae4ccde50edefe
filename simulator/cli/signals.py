"""Effects of the signals that end a command."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: The exit statuses of a command that a signal ended, as shells report them.
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


@contextmanager
def at_once() -> Iterator[None]:
    """Let an interrupt end the process at once, for while modules are imported.

    Nothing is begun then that could be left half done, and a module interrupted while it is imported may raise anything.
    """
    before = signal.getsignal(signal.SIGINT)
    from_now_at_once()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def from_now_at_once() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))


@contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGTERM unwind the command as an error does: children end, nothing is left half done."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
