"""Controllers at work: what they see when they check, and when they act."""

from __future__ import annotations

from math import inf, nan
from typing import TYPE_CHECKING

import numpy as np

from simulator.case.controllers import Controller
from simulator.engine.requests import FAILED, SHED, TIMED_OUT

if TYPE_CHECKING:
    from simulator.engine.run import Run

_OUTCOMES = {"shed_share": SHED, "timed_out_share": TIMED_OUT, "failed_share": FAILED}


class ControllerWatch:
    """One controller in a run. It acts once.

    since: from when on (s) its signal has been out of bounds; inf while it is not
    """

    def __init__(self, run: Run, spec: Controller) -> None:
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
        """Its signal, as known before `now`; NaN if nothing was answered in the window."""
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
        """Requests that left a queue in the window because they had waited too long, though no server has come free since."""
        times = [stage.waiting(now).gone for stage in self.run.stages.values()]
        return sum(int(np.count_nonzero((gone >= now - self.spec.window_s) & (gone < now))) for gone in times)
