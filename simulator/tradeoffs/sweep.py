"""Runs of the points of a sweep: on any executor, with progress, to be cancelled and continued at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from simulator.case.document import ScenarioError
from simulator.engine.run import ENGINE_VERSION
from simulator.errors import InputError
from simulator.tradeoffs.design_outcomes import DesignOutcome, SweepTask, solve
from simulator.tradeoffs.design_space import DesignPoint
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sweep_request import SweepRequest

#: Hands a task to a process, as an executor's `submit` does.
Submit = Callable[[Callable[[SweepTask], DesignOutcome], SweepTask], "Future[DesignOutcome]"]

#: Hears what is under way: in words, how much of it is done, and of how much; 0 where that is not known.
Tell = Callable[[str, int, int], None]

#: Tasks that are handed out at a time: enough that no process waits, few enough that to cancel is quick.
AT_ONCE = 64


class Sweep:
    """Points under way. Those that are kept are read, the others are run, and kept as they end.

    outcomes: of the points that have ended, by their place; read: how many were kept already
    """

    def __init__(
        self,
        asked: SweepRequest,
        submit: Submit,
        kept: OutcomeCache | None = None,
        points: Sequence[DesignPoint] | None = None,
        *,
        seed: int | None = None,
        replications: int | None = None,
    ) -> None:
        """points, seed, replications: others than those of the sweep that is asked for"""
        self.asked, self.kept = asked, kept
        self.points = list(asked.points if points is None else points)
        self.seed, self.replications = asked.seed if seed is None else seed, replications or asked.replications
        self.outcomes: dict[int, DesignOutcome] = {}
        self.read = 0
        self.cancelled = False
        self._submit = submit
        self._running: dict[Future[DesignOutcome], tuple[int, SweepTask]] = {}
        self._waiting = list(range(len(self.points)))[::-1]

    @property
    def done(self) -> int:
        """How many points there is an outcome of."""
        return len(self.outcomes)

    @property
    def running(self) -> bool:
        """Whether some point is still to end."""
        return bool(self._running or self._waiting)

    def cancel(self) -> None:
        """Run no further point; those that have ended are kept."""
        self.cancelled, self._waiting = True, []
        for future in self._running:
            future.cancel()
        self._running = {}

    def step(self, timeout_s: float | None = None) -> None:
        """Hand out what there is to run, wait until some point ends, at most so long, and take what has ended.

        Raises what stopped a point.
        """
        for _ in range(AT_ONCE - len(self._running)):
            if self._waiting:
                self._hand_out(self._waiting.pop())
        self._take(timeout_s)

    def _take(self, timeout_s: float | None) -> None:
        ended, _ = wait(self._running, timeout_s, FIRST_COMPLETED)
        for future in ended:
            place, task = self._running.pop(future)
            self.outcomes[place] = self._checked(future.result())
            if self.kept:
                self.kept.put(task, self.outcomes[place])

    def _hand_out(self, place: int) -> None:
        try:
            task = self.asked.task(self.points[place], self.seed, self.replications)
        except ScenarioError as error:
            self.outcomes[place] = self.asked.refusal(self.points[place], self.seed, self.replications, error)
            return
        if self.kept and (found := self.kept.get(task)):
            self.outcomes[place] = found
            self.read += 1
        else:
            self._running[self._submit(solve, task)] = place, task

    def _checked(self, outcome: DesignOutcome) -> DesignOutcome:
        if outcome.engine != ENGINE_VERSION:
            told = f"a worker has version {outcome.engine} of the engine, this machine version {ENGINE_VERSION}"
            raise InputError(f"{told}: install the same CaseSim on both")
        return outcome

    def in_order(self) -> list[DesignOutcome]:
        """The outcomes in the order of the points, as far as there are any."""
        return [self.outcomes[place] for place in sorted(self.outcomes)]


def silent(what: str, done: int, total: int) -> None:
    """Nobody wants to hear."""


def swept(
    sweep: Sweep,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[DesignOutcome]:
    """The outcome of every point, in their order; progress: called with the number done and the number in all."""
    while sweep.running:
        sweep.step(0.2)
        progress(sweep.done, len(sweep.points))
    return sweep.in_order()
