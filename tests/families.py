"""Processes and those that they start: whether any is left once the first is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from tests.patience import PATIENCE_S

#: The command, as a program starts it.
CASESIM = (sys.executable, "-m", "simulator.cli")


def heed_interrupts() -> None:
    """End on SIGINT, and have all children do so: a shell starts a job in the background with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _usual_signals() -> None:
    """Heed the signals that end a program, whatever the parent of the tests ignores."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def started(command: Sequence[object], **how: Any) -> psutil.Popen:
    """A program that says nothing here."""
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | how
    if os.name == "posix":
        quiet |= {"preexec_fn": _usual_signals}
    return psutil.Popen([*map(str, command)], **quiet)


def until(true: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait for something; fails with what it was."""
    deadline = monotonic() + within_s
    while not true():
        assert monotonic() < deadline, f"not within {within_s:g} s: {what}"
        sleep(0.02)


def family(first: psutil.Process) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [first]


def busy_family(first: psutil.Process, members: int) -> list[psutil.Process]:
    """A process and all below it, once there are so many."""
    until(lambda: len(family(first)) >= members or not first.is_running(), f"{members} processes")
    return family(first)


def spins(process: psutil.Process) -> None:
    """Wait until a process has had a processor for a while, as one has that is stuck at a call."""
    begun = sum(process.cpu_times()[:2])
    until(lambda: sum(process.cpu_times()[:2]) > begun + 0.3, "a process at a call that does not return")


def left(processes: Sequence[psutil.Process], within_s: float = 30.0) -> list[psutil.Process]:
    """Those that are still there after so long; they are then killed."""
    deadline = monotonic() + within_s
    while (alive := [one for one in processes if _is_alive(one)]) and monotonic() < deadline:
        sleep(0.02)
    for one in alive:
        one.kill()
    return alive


def _is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that has ended may stay in the list of processes for as long as nobody asks for its status."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def environment(folder: object) -> dict[str, str]:
    """Where data and caches of a program belong that is started on trial."""
    own = {"XDG_DATA_HOME": f"{folder}/data", "XDG_CACHE_HOME": f"{folder}/cache"}
    return os.environ | own | {"CASESIM_DATABASE": f"sqlite:///{folder}/casesim.db"}


def kept_designs(folder: Path) -> list[Path]:
    """The files of finished designs of a program with `environment(folder)`."""
    return [*folder.rglob("sweeps/*/[!.]*")]  # a name with a dot before it is still written
