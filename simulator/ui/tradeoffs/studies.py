"""Studies that go on while their page is drawn again: each a series of runs, which the processes of all people do in turn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Event, Thread
from typing import Any, Generic, TypeVar

import streamlit as st

from simulator.analysis.sweeps.outcomes import Outcome, Task
from simulator.analysis.sweeps.sweep import Submit, Tell
from simulator.ui.jobs import BESIDE, registry
from simulator.ui.turns import Behalf
from simulator.ui.visitor import person

Found = TypeVar("Found")

#: What a study does: it hands runs out, and says how far it is.
Work = Callable[[Submit, Tell], Found]

#: So many studies are remembered in a session; the oldest is dropped, and ends if it is under way.
KEPT = 12

#: How often a study is looked at while it goes on (s).
LOOK_S = 0.5


def submitting(of: str) -> Submit:
    """Hands runs to the server's processes on this person's account, after what people wait for."""
    return partial(registry().workers.submit, Behalf(person(), of, BESIDE))


class Study(Generic[Found]):
    """Work that decides run by run what to run next, in a thread that does nothing but wait for runs.

    runs: how many have ended; phase: what is under way, how much of it is done, and of how much, 0 where that is not known
    found: what came of it; error: what stopped it
    """

    def __init__(self, work: Work[Found], submit: Submit) -> None:
        self.runs = 0
        self.phase = ("beginning", 0, 0)
        self.found: Found | None = None
        self.error: Exception | None = None
        self._stop = Event()
        self._submit = submit
        self._thread = Thread(target=self._do, args=(work,), name="study", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped before its end."""
        return self._stop.is_set() and self.found is None

    def cancel(self) -> None:
        """Ask for no further run; it ends with those that are under way."""
        self._stop.set()

    def _do(self, work: Work[Found]) -> None:
        try:
            self.found = work(self._handed, self._told)
        except CancelledError:
            pass
        except Exception as error:
            self.error = error

    def _handed(self, work: Callable[[Task], Outcome], task: Task) -> Future[Outcome]:
        if self._stop.is_set():
            raise CancelledError
        future = self._submit(work, task)
        future.add_done_callback(self._ended)
        return future

    def _told(self, what: str, done: int, total: int) -> None:
        self.phase = what, done, total

    def _ended(self, _: Future[Outcome]) -> None:
        self.runs += 1


def studies() -> dict[str, Study[Any]]:
    """The studies of this session, by what identifies them."""
    kept: dict[str, Study[Any]] = st.session_state.setdefault("studies", {})
    for name in list(kept)[:-KEPT]:
        kept.pop(name).cancel()
    return kept


def begin(name: str, work: Work[Any]) -> None:
    """Begin a study under a name, in place of one that was cancelled or failed."""
    studies()[name] = Study(work, submitting(name))
