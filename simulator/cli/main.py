"""The command `casesim`: where it starts, and how it ends. Nothing heavy is imported before that is settled."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from simulator.cli.signals import at_once, from_now_at_once, leave, unwinding, was_stopped


def main() -> None:
    """Run the command; exit with one of `Status`, and print a sentence unless it is DONE or NO. Never print a traceback."""
    _take_every_text()
    with at_once():
        from simulator.cli.commands import call
    try:
        with unwinding():
            status = call(sys.argv[1:])
            sys.stdout.flush()
    except BaseException as error:
        unread = isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)
        if isinstance(error, SystemExit) and not unread and not was_stopped():
            raise
        from_now_at_once()
        from simulator.cli.exits import tell

        # A library may have turned a signal into another error; help is printed by a console that ends with 1 if unread.
        status = tell(KeyboardInterrupt() if was_stopped() else BrokenPipeError() if unread else error)
    else:
        from_now_at_once("stopped: the work was done\n")
    leave(status)


def _take_every_text() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
