"""A study of many designs: a thread that hands runs to the workers of the server, and reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Event, Thread
from typing import Generic, TypeVar

from simulator.app.jobs import BESIDE, registry
from simulator.app.studies import note_pace
from simulator.app.turns import Submitter
from simulator.app.visitors import person
from simulator.case.designs import TRAFFIC
from simulator.sweeps.outcome_cache import DesignOutcome, SweepTask
from simulator.sweeps.sweep import ReportProgress, Submit

StudyOutput = TypeVar("StudyOutput")

#: The work of a study: it hands runs out and reports its progress.
Work = Callable[[Submit, ReportProgress], StudyOutput]


def submitting(of: str, case: str) -> Submit:
    """Return the `submit` of a study; the time of each design tells the next visitor how long a study takes."""
    behalf = Submitter(person(), of, BESIDE)

    def submit(work: Callable[[SweepTask], DesignOutcome], task: SweepTask) -> Future[DesignOutcome]:
        future = registry().workers.submit(behalf, work, task)
        future.add_done_callback(partial(note, task.replications))
        return future

    def note(replications: int, future: Future[DesignOutcome]) -> None:
        if not future.cancelled() and not future.exception() and TRAFFIC not in future.result().figures:
            note_pace(case, getattr(future, "seconds", 0.0), replications)

    return submit


class Study(Generic[StudyOutput]):
    """Work in a thread that does nothing but wait for runs, and picks the next run by the last.

    runs: number that have ended; phase: the name of the work under way, the number done, and the total, 0 where unknown
    result: its outcome; error: the exception that stopped it
    """

    def __init__(self, work: Work[StudyOutput], submit: Submit) -> None:
        self.runs = 0
        self.phase = ("beginning", 0, 0)
        self.result: StudyOutput | None = None
        self.error: Exception | None = None
        self._stop = Event()
        self._submit = submit
        self._thread = Thread(target=self._do, args=(work,), name="study", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set() and self.result is None

    def cancel(self) -> None:
        self._stop.set()

    def _do(self, work: Work[StudyOutput]) -> None:
        try:
            self.result = work(self._handed, self._set_phase)
        except CancelledError:
            pass
        except Exception as error:
            self.error = error

    def _handed(self, work: Callable[[SweepTask], DesignOutcome], task: SweepTask) -> Future[DesignOutcome]:
        if self._stop.is_set():
            raise CancelledError
        future = self._submit(work, task)
        future.add_done_callback(self._ended)
        return future

    def _set_phase(self, what: str, done: int, total: int) -> None:
        self.phase = what, done, total

    def _ended(self, _: Future[DesignOutcome]) -> None:
        self.runs += 1
