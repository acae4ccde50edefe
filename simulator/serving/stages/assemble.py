"""Makes sets of frames, one of each sensor."""

from __future__ import annotations

from math import inf, nan, nextafter
from typing import TYPE_CHECKING

from simulator.scenario.stages import Assemble
from simulator.serving.columns import elements
from simulator.serving.requests import SHED, TIMED_OUT
from simulator.serving.stages.base import Outbox, ServiceStage
from simulator.serving.trace import VisitLog

if TYPE_CHECKING:
    from simulator.serving.engine import Run

#: A frame that is here: its row, and when it came.
Frame = tuple[int, float]


class AssembleStage(ServiceStage):
    """Every frame is a visit, and the frames of a set are a batch: the one that carries it first, those that are held last.

    In an instant, first the frames that come are taken in, then a set goes on if one is due. A frame is turned away when a
    newer one of its sensor comes before a set has taken it, or has been here already.
    """

    def __init__(self, run: Run, name: str, spec: Assemble) -> None:
        super().__init__(run, name, spec)
        known = run.plan.scenario.sensors
        self.sensors = [known.index(sensor) for sensor in spec.sensors or known]  # in the order of the file, by place in a set
        self.deadline = inf if spec.deadline_ms is None else spec.deadline_ms / 1000
        self.sensor, self.sent = elements(run.requests.sensor), elements(run.requests.arrived)
        self.log = VisitLog(largest=len(self.sensors))
        self.waiting: dict[int, Frame] = {}  # by sensor, what no set has taken yet
        self.last: dict[int, Frame] = {}  # by sensor, what the last set that had one took
        self.opened = inf  # when the first frame of the next set came

    def connect(self) -> None:
        """Look up where sets and frames go on to."""
        super().connect()
        self.to = self.run.receiver(self.spec.to)
        self.onward = self.to if self.loops else Outbox(self.to)
        self.rest_to = self.run.receiver(self.spec.rest_to)
        self.on_replaced = self.run.receiver(self.spec.on_replaced)
        self.on_incomplete = self.run.receiver(self.spec.on_incomplete)

    def step(self, now: float) -> float:
        """Take in the frames that have come, then let a set go that is due."""
        while self.inbox.head <= now:
            self._take(*self.inbox.pop(), now)
        if self._is_due(now):
            self._let_go(now)
        return min(self.inbox.head, self._deadline())

    def due(self, time: float) -> float:
        """A frame is taken in at once."""
        return time

    def _deadline(self) -> float:
        """When the next set goes on whatever it lacks: a frame that comes at the very deadline is in time."""
        return nextafter(self.opened + self.deadline, inf)

    def _is_due(self, now: float) -> bool:
        if self.spec.waits_for == "none":
            return self.sensors[0] in self.waiting
        return len(self.waiting) == len(self.sensors) or self._deadline() <= now

    def _take(self, row: int, time: float, now: float) -> None:
        """A frame waits unless a newer one of its sensor does, or has gone on; one that no set is made of passes by."""
        sensor = self.sensor[row]
        if sensor not in self.sensors:
            self.log.add(row, time, time, time)
            self.rest_to.accept((row,), time)
            return
        for known in (self.waiting.get(sensor), self.last.get(sensor)):
            if known is not None and self.sent[row] < self.sent[known[0]]:
                self.turn_away(row, SHED, time, time, now, self.on_replaced)
                return
        if sensor in self.waiting:
            older, entered = self.waiting[sensor]
            self.turn_away(older, SHED, entered, time, now, self.on_replaced)
        self.waiting[sensor] = row, time
        self.opened = min(self.opened, time)

    def _let_go(self, now: float) -> None:
        taken = [self.waiting[sensor] for sensor in self.sensors if sensor in self.waiting]
        lacking = [sensor for sensor in self.sensors if sensor not in self.waiting]
        held = [self.last[sensor] for sensor in lacking if sensor in self.last] if self.spec.holds else []
        self._log(taken, held, now)
        self.last |= self.waiting
        self.waiting, self.opened = {}, inf
        carrier, *rest = (row for row, _ in taken)
        if self.on_incomplete is None or len(taken) + len(held) == len(self.sensors):
            self.onward.accept((carrier,), now)
        else:
            self.on_incomplete.fall_back(carrier, TIMED_OUT, now)
        if rest:
            self.rest_to.accept(rest, now)

    def _log(self, taken: list[Frame], held: list[Frame], now: float) -> None:
        """Note a set; nobody waited for the frames that are held, whose own way is over."""
        rows, entered = (list(each) for each in zip(*taken, *held, strict=True))
        self.log.add_batch(rows, entered, 0, len(rows), now, now, 0)
        self.log.unwanted.extend(range(len(self.log) - len(held), len(self.log)))

    def hand_over_since(self) -> None:
        """Hand on the sets; the log would name all their frames."""
        self.onward.flush()

    def close(self, horizon: float) -> None:
        """What has come by the end of the run still waits for a set."""
        while self.inbox.head <= horizon:
            self._take(*self.inbox.pop(), horizon)
        for row, entered in self.waiting.values():
            self.log.add(row, entered, nan, nan)
