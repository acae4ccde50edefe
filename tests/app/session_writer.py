"""A process that appends to a session until it is killed, and says each place that the log has confirmed."""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random

from simulator.app.store.session_log import SessionLog
from simulator.session.session_events import AssumptionWritten

#: A writer appends no more, so that twenty of them stay below the limit of a log.
MOST = 190


def append_until_killed(url: str, session: str, pipe: Connection) -> None:
    log = SessionLog(url)
    for number in range(MOST):
        text = f"{os.getpid()}-{number}"
        pipe.send((log.append(session, "candidate", AssumptionWritten(text=text)), text))
    signal.pause()


def killed_writers(url: str, session: str, times: int, seed: int) -> dict[int, str]:
    """Run a writer and kill it at a random moment, several times; return the confirmed texts by their places."""
    context, rng, confirmed = get_context("forkserver"), Random(seed), {}
    context.set_forkserver_preload([__name__])
    for _ in range(times):
        ours, theirs = context.Pipe()
        process = context.Process(target=append_until_killed, args=(url, session, theirs), daemon=True)
        process.start()
        theirs.close()
        place, text = ours.recv()  # the first confirmation: it is at work
        confirmed[place] = text
        process.join(rng.uniform(0, 0.15))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        try:
            while True:
                place, text = ours.recv()
                confirmed[place] = text
        except (EOFError, OSError):
            ours.close()
    return confirmed
