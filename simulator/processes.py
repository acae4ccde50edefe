"""Processes that do a part of the work end with whoever started them, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing import parent_process
from threading import Thread

#: The exit status of a process whose parent has gone.
ORPHANED = 143


def end_with_parent() -> None:
    """In a process of multiprocessing: end at once when the parent has gone, by `kill -9` too."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_ending_after, args=(parent.join,), name="ends with its parent", daemon=True).start()


def end_with_input() -> None:
    """In a command that a program has started with a pipe as standard input: end at once when that pipe is closed."""
    Thread(target=_ending_after, args=(sys.stdin.buffer.read,), name="ends with its input", daemon=True).start()


def _ending_after(wait: Callable[[], object]) -> None:
    wait()
    os._exit(ORPHANED)
