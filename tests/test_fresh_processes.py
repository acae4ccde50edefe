"""Work on a stranger's input ends at its bounds of memory and time, in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from simulator.fresh_processes import ExceededError, in_bounds
from simulator.limits import MIB, Limit

MEMORY, SECONDS = Limit("a test", 200 * MIB, "bytes of memory", "a test"), Limit("a test", 60, "seconds", "a test")


def greedy(count: int) -> int:
    return len(b"1" * count)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="the system refuses memory on Linux alone")
def test_more_memory_than_allowed_is_refused() -> None:
    assert in_bounds(MEMORY, SECONDS, greedy, 50 * MIB) == 50 * MIB
    with pytest.raises(ExceededError, match="takes more than 209,715,200 bytes of memory, the limit"):
        in_bounds(MEMORY, SECONDS, greedy, 300 * MIB)


def test_work_without_an_end_is_ended() -> None:
    with pytest.raises(ExceededError, match="is not done within 1 seconds, the limit"):
        in_bounds(MEMORY, Limit("a test", 1, "seconds", "a test"), time.sleep, 300)


def test_a_crash_is_told_and_an_error_is_raised() -> None:
    with pytest.raises(ExceededError, match="ended its process, most likely for lack of memory; it may take 209,715,200 bytes"):
        in_bounds(MEMORY, SECONDS, killed)
    with pytest.raises(ZeroDivisionError):
        in_bounds(MEMORY, SECONDS, divmod, 7, 0)
