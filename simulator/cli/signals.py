"""Effects of the signals that end a command: SIGINT (Ctrl+C) and SIGTERM.

The first signal raises KeyboardInterrupt in the main thread, so that children end and nothing is left half done. A library may
swallow the exception, or the main thread may wait for a call that takes long. So the system also writes the signal into a
socket, and a thread that sees it ends the process after GRACE_S. A second signal ends the process at once. No thread runs while
a call holds the interpreter's lock: a server has a process beside it, which sees the signal too and then kills the server.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from types import FrameType
from typing import NoReturn

from simulator.cli import watchdog
from simulator.cli.watchdog import ENDING

#: The exit statuses of a command that a signal ended, as shells report them.
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM

#: Time for a command to end by itself after a signal, in s.
GRACE_S = 1.2

#: Parts of that time. A machine that stands still, or is very busy, takes one of them and not the whole.
_NAPS = 24

#: What a command says of its results where it names none.
_NOTHING = "nothing is kept; the same command begins again"


class _Stop:
    """State of a stop.

    number: of the signal, None before one; signals: hold the numbers of signals, to look at; None where the system has no such
    kept: a sentence on the results that are kept; said: whether it has been printed
    """

    number: int | None = None
    signals: socket.socket | None = None
    kept: str | Callable[[], str] = _NOTHING
    said: bool = False


def was_stopped() -> bool:
    """Return whether a signal has come that ends the command."""
    return _Stop.number is not None


def leave(status: int) -> NoReturn:
    """End the process: at once after a signal, since large libraries take seconds to take themselves down."""
    if was_stopped():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)


def stopped_status() -> int:
    """Return the exit status of a command that a signal has stopped."""
    return TERMINATED if _Stop.number == signal.SIGTERM else INTERRUPTED


@contextmanager
def keeping(kept: str | Callable[[], str]) -> Iterator[None]:
    """Name the results that a stopped command keeps, and how to go on from there.

    kept: a clause, or a function that returns one and is called after the signal
    """
    before, _Stop.kept = _Stop.kept, kept
    yield
    _Stop.kept = before  # not after an interrupt: the command still has to say it


def stop_line() -> str:
    """Return the line that a stopped command prints; empty where it has been printed."""
    if _Stop.said:
        return ""
    _Stop.said = True
    kept = _Stop.kept
    if callable(kept):
        with suppress(Exception):  # it reads what the interrupted work was changing
            return f"stopped: {kept()}"
        kept = _NOTHING
    return f"stopped: {kept}"


@contextmanager
def at_once() -> Iterator[None]:
    """Let a signal end the process at once, for while modules are imported.

    Nothing is begun then that could be left half done, and a module interrupted while it is imported may raise anything.
    """
    before = {number: signal.getsignal(number) for number in ENDING}
    from_now_at_once("stopped: nothing has begun\n")
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def from_now_at_once(line: str = "") -> None:
    """Let a signal end the process at once; line: printed on standard error first."""

    def end(number: int, _frame: FrameType | None) -> None:
        _write_error(line)
        os._exit(128 + number)

    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


@contextmanager
def unwinding() -> Iterator[None]:
    """Let SIGINT and SIGTERM unwind the command as an error does, and end the process where it does not unwind in time.

    An interrupt that the parent ignores, as a shell does for a job in the background, stays ignored.
    """
    _Stop.number, _Stop.kept, _Stop.said = None, _NOTHING, False
    heeded = [number for number in ENDING if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _stop) for number in heeded}
    hook, sys.unraisablehook = sys.unraisablehook, _print_all_but_interrupts
    with _watching_signals():
        try:
            yield
        finally:
            sys.unraisablehook = hook
            for number, handler in before.items():
                signal.signal(number, handler)


def _print_all_but_interrupts(swallowed: sys.UnraisableHookArgs) -> None:
    """Print no traceback of an interrupt that a library swallowed: the thread that watches ends the process all the same."""
    if not isinstance(swallowed.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(swallowed)


def _stop(number: int, _frame: FrameType | None) -> None:
    if _Stop.number is not None:
        os._exit(128 + number)
    _Stop.number = number
    raise KeyboardInterrupt


@contextmanager
def _watching_signals() -> Iterator[None]:
    """Watch for signals in a thread, while the context lasts and after a signal until the process ends."""
    if os.name != "posix":
        yield
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    Thread(target=_end_after_a_signal, args=(reading,), name="ends with a signal", daemon=True).start()
    before, _Stop.signals = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False), reading
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        _Stop.signals = None
        writing.close()


@contextmanager
def killed_if_stuck() -> Iterator[None]:
    """Have a process beside this one kill it after a signal, if no thread of this one runs any more."""
    if _Stop.signals is None:
        yield
        return
    from subprocess import DEVNULL, Popen

    from simulator.processes import undisturbed

    number = _Stop.signals.fileno()
    words = [sys.executable, "-I", "-S", watchdog.__file__, str(number), str(os.getpid())]
    with undisturbed():  # the process holds back the signals for good: it ends with this one
        beside = Popen(words, pass_fds=[number], stdin=DEVNULL, stdout=DEVNULL)  # noqa: S603
    try:
        yield
    finally:
        if not was_stopped():
            beside.kill()
            beside.wait()


def _end_after_a_signal(signals: socket.socket) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # the main thread takes them, and may hold them back
    while number := signals.recv(1, socket.MSG_PEEK):  # it stays there for the process beside this one
        if number[0] in ENDING:
            for _ in range(_NAPS):
                time.sleep(GRACE_S / _NAPS)
            line = stop_line()
            _write_error(f"{line}\n" if line else "")
            os._exit(128 + number[0])
        signals.recv(1)
    signals.close()


def _write_error(text: str) -> None:
    with suppress(OSError, AttributeError, ValueError):  # standard error is closed: there is no other place to say it
        os.write(sys.stderr.fileno(), text.encode(errors="backslashreplace"))
