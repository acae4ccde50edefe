"""The advice for each objective that a run does not meet, under way: other processes try the steps, and it can be cancelled."""

from __future__ import annotations

from simulator.case.choices import Pick
from simulator.explain.advice import TRIED, Advice, AdviceTrials
from simulator.explain.design_changes import DesignChange
from simulator.explain.lever_search import LeverSearch, Submit
from simulator.explain.levers import Lever
from simulator.explain.result import reasons_of
from simulator.metrics.summary import Summary


class UntriedStepError(Exception):
    """A step that an advice rests on has not been tried yet."""


class AdviceSearch:
    """The trials of the steps that the advice of a run needs; each begins once `so_far` comes to it."""

    def __init__(self, run: Summary, submit: Submit) -> None:
        self._search = LeverSearch(run, submit, changes=[])
        self._places: dict[tuple[str, Pick], int] = {}
        self._reasons = reasons_of(run, AdviceTrials(run, self._lever))
        self._found: dict[int, Advice] = {}

    @property
    def tried(self) -> int:
        return self._search.settled

    @property
    def most(self) -> int:
        """The most steps that it tries."""
        return TRIED * len(self._reasons)

    @property
    def share(self) -> float:
        return min(self.tried / self.most, 1.0) if self.running else 1.0

    @property
    def arrived(self) -> int:
        """The number of trials that have ended, and of steps that are done with."""
        return self._search.arrived

    @property
    def cancelled(self) -> bool:
        return self._search.cancelled

    @property
    def running(self) -> bool:
        return not self.cancelled and len(self._found) < len(self._reasons)

    def cancel(self) -> None:
        self._search.cancel()

    def so_far(self) -> dict[int, Advice]:
        """Return the advices whose steps have all been tried, by the place of their objective; raises the error of a trial."""
        self._search.so_far()
        for place, reason in self._reasons.items():
            try:
                self._found[place] = reason.advice
            except UntriedStepError:
                continue
        return self._found

    def _lever(self, change: DesignChange) -> Lever:
        key = change.choice, change.pick
        if key not in self._places:
            self._places[key] = self._search.add(change)
        lever = self._search.settled_lever(self._places[key])
        if lever is None:
            raise UntriedStepError(change.words)
        return lever
