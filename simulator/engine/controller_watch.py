"""Controllers of a case while it runs: each watches a signal, and decides once to change picks."""

from __future__ import annotations

from math import inf, nan

import numpy as np

from simulator.case.choices import Controller
from simulator.engine.contract import StageRun
from simulator.records.trace import FAILED, SHED, TIMED_OUT

_OUTCOMES = {"shed_share": SHED, "timed_out_share": TIMED_OUT, "failed_share": FAILED}


class ControllerWatch:
    """One controller in a run. It acts once.

    since: from when on (s) its signal has been out of bounds; inf while it is not
    """

    def __init__(self, run: StageRun, spec: Controller) -> None:
        self.run = run
        self.spec = spec
        self.next_time = spec.every_s
        self.since = inf
        self._first = 0  # requests before this row were answered too long ago to count

    def look(self, now: float) -> bool:
        """Check the signal; whether the controller decides to act."""
        self.next_time = now + self.spec.every_s
        self.since = min(self.since, now) if self.spec.acts_on(self.signal(now)) else inf
        if now - self.since < self.spec.lasts_s:
            return False
        self.next_time = inf
        return True

    def signal(self, now: float) -> float:
        """Return its signal, as known before `now`; NaN if nothing was answered in the window."""
        if self.spec.queue_of is not None:
            waiting = self.run.stages[self.spec.queue_of].waiting(now)
            return float(np.count_nonzero(waiting.gone >= now))
        requests, sent = self.run.requests, self.run.source.sent_before(now)
        here = slice(self._first, sent)
        answered = np.fmin(requests.answered[here], requests.finished[here])  # the end of its way answers what had no answer
        since = now - self.spec.window_s
        rows = self._first + np.flatnonzero((answered >= since) & (answered < now))
        still = ~(answered < since)
        self._first += int(np.argmax(still)) if still.any() else len(answered)
        gone = self._gone_unnoticed(now)
        if not len(rows) + gone:
            return nan
        if self.spec.watches == "latency_mean_s":
            return float(np.mean(np.fmin(requests.answered[rows], requests.finished[rows]) - requests.sent[rows]))
        if self.spec.watches == "escalated_share":
            escalated = np.array([end.escalated for end in self.run.plan.scenario.ends.values()] + [False])
            return float(np.mean(escalated[requests.end[rows]] & (requests.finished[rows] < now)))
        outcome = _OUTCOMES[self.spec.watches]
        count = np.count_nonzero(requests.outcome[rows] == outcome) + (gone if outcome == TIMED_OUT else 0)
        return float(count / (len(rows) + gone))

    def _gone_unnoticed(self, now: float) -> int:
        times = [stage.waiting(now).gone for stage in self.run.stages.values()]
        return sum(int(np.count_nonzero((gone >= now - self.spec.window_s) & (gone < now))) for gone in times)
