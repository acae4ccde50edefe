"""The state of a pool as columns: an element for each visit, and no object."""

from __future__ import annotations

from array import array
from collections import deque
from heapq import heapify
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from simulator.engine.stages.device_batches import Dedicated, RunningBatch
from simulator.engine.stages.queues import Copy, QueuedRequest
from simulator.records.trace import DONE, UNFINISHED

if TYPE_CHECKING:
    from simulator.engine.stages.column_pool import ColumnPoolStage
    from simulator.engine.stages.retry import RetryStage
    from simulator.records.trace import VisitLog


class Ways(NamedTuple):
    """The ways out of a pool, for requests with an answer and for those without.

    retry: the stage that decides about them in this pool's own loop, if there is one
    full, gone: of the refused and of those whose time is up: "retry", "end" or "stage"
    exhausted, onward: of those that are not retried, and of the served: "end" or "stage"
    """

    retry: RetryStage | None
    full: str
    gone: str
    exhausted: str
    onward: str

    @property
    def refuses_alone(self) -> bool:
        """Return whether no other stage hears of a refusal before the next pause."""
        return self.retry is not None and self.full == "retry" and "stage" not in self


#: Noted in place of a visit that is refused while nothing else happens; no other column holds it.
AT_ONCE = 1 << 40

#: A second copy has no fate of its own: that of its request counts.
SECOND = -1


class PoolColumns:
    """The state of a pool between two instants. An entry is a visit, or a second copy of one; it is a place in the columns.

    row, entered: of each entry; fate: UNFINISHED while its client waits, then the outcome; permit: as the breaker gave it
    first: the visit that an entry is a copy of; copies: how many of a visit wait or are being served
    queue: in order of arrival a deque of entries; by any other key a list of (-key, -number, entry), the next one at its end
    running: a heap of (end, number, entry, replica, start); the entry is -1 where a replica is only coming free
    free: a heap of (since when, replica) of those that are free now
    patient, unhedged: the first visits whose client may still leave, and may still get a second copy

    What happened since the last pause: noted, left: visits that ended, inverted (~) if they were served, and when; began,
    server: of the served; unwanted: places among the noted that no client waited for; sent: when the retry sends each visit
    again that it has got, NaN for never; away: the rows of visits that are noted as AT_ONCE. failed: those that it gets at this
    instant.
    """

    def __init__(self) -> None:
        self.row = array("i")
        self.entered = array("d")
        self.fate = array("b")
        self.permit: list[int] = []
        self.first: list[int] = []
        self.copies: list[int] = []
        self.queue: Any = deque()
        self.surplus: list[int] = []
        self.running: list[tuple[float, int, int, int, float]] = []
        self.free: list[tuple[float, int]] = []
        self.patient = self.unhedged = 0
        self.hedged = False
        self.pushed = count()
        self.noted = array("q")
        self.left = array("d")
        self.began = array("d")
        self.server = array("i")
        self.unwanted: list[int] = []
        self.away = array("i")
        self.failed: list[int] = []
        self.sent = array("d")
        self.since_pause: list[array[Any] | list[int]] = [
            self.noted,
            self.left,
            self.began,
            self.server,
            self.unwanted,
            self.away,
            self.sent,
        ]

    def open_from(self, visit: int) -> int:
        """Return the first visit from this one on whose client still waits; the number of entries if there is none."""
        while visit < len(self.fate) and self.fate[visit]:
            visit += 1
        return visit

    def add(self, stay: QueuedRequest) -> int:
        self.row.append(stay.row)
        self.entered.append(stay.entered)
        self.fate.append(UNFINISHED if stay.open else DONE)
        self.permit.append(stay.permit)
        self.first.append(len(self.first))
        self.copies.append(stay.copies)
        return len(self.row) - 1

    def add_second(self, visit: int, entered: float) -> int:
        self.row.append(self.row[visit])
        self.entered.append(entered)
        self.fate.append(SECOND)
        if len(self.permit) == len(self.fate) - 1:  # without a breaker new visits have no permit
            self.permit.append(0)
        self.first.append(visit)
        self.copies.append(0)
        return len(self.row) - 1

    @classmethod
    def of(cls, pool: ColumnPoolStage, now: float) -> Self | None:
        """Return the state of a pool; None where something goes on that columns cannot hold, as after some changes of picks."""
        if not isinstance(pool.work, Dedicated):
            return None
        lane, columns = pool.lanes[0], cls()
        places = sorted(lane.queue.items, key=lambda place: place[2])
        batches = [batch for *_, batch in pool.work.running]
        waiting = [place[-1] for place in places]
        if any(copy.delayed for copy in waiting) or not all(_is_simple(batch, pool) for batch in batches):
            return None
        copies = [*waiting, *(batch.copies[0] for batch in batches)]
        stays = [*pool.patience.stays, *pool.hedging.stays, *(copy.stay for copy in copies)]
        visits = {id(stay): columns.add(stay) for stay in sorted({id(one): one for one in stays}.values(), key=_entered)}
        columns.hedged = pool.hedging.after_s < inf or any(copy.second for copy in copies)
        entries = {
            id(copy): columns.add_second(visits[id(copy.stay)], copy.entered) if copy.second else visits[id(copy.stay)]
            for copy in copies
        }
        queue = [(-key, -next(columns.pushed), entries[id(copy)]) for key, _, _, copy in places]
        columns.queue = deque(entry for *_, entry in queue) if pool.fifo else sorted(queue)
        columns.surplus = [entries[id(copy)] for copy in lane.surplus]
        columns.running = [
            (end, number, entries[id(batch.copies[0])], batch.replica, batch.started)
            for end, number, batch in pool.work.running
        ]
        columns.running += [(since, next(pool.work.numbers), -1, replica, since) for since, replica in lane.free if since > now]
        columns.free = [(since, replica) for since, replica in lane.free if since <= now]
        heapify(columns.running)
        heapify(columns.free)
        columns.unhedged = next((visits[id(stay)] for stay in pool.hedging.stays if stay.open), len(columns.row))
        return columns

    def still_waiting(self, fifo: bool) -> dict[int, float]:
        """Return the visits that wait, without an entry in service, and when the last entry of each joined the queue (s)."""
        served = {self._visit_of(entry) for _, _, entry, _, _ in self.running if entry >= 0}
        still: dict[int, float] = {}
        for entry in self.queue if fifo else [entry for *_, entry in reversed(self.queue)]:
            visit = self._visit_of(entry)
            if not self.fate[visit] and visit not in served:
                still[visit] = max(still.get(visit, -inf), self.entered[entry])
        return still

    def note_running(self, log: VisitLog) -> None:
        """Log the services that go on; of two of one visit the first one that ends is wanted."""
        counted: set[int] = set()
        for end, _, entry, replica, start in sorted(self.running):
            if entry < 0:
                continue
            visit = self._visit_of(entry)
            wanted = not self.fate[visit] and visit not in counted
            counted.add(visit)
            if not wanted:
                log.unwanted.append(len(log))
            log.add(self.row[entry], self.entered[visit if wanted else entry], start, end, replica)

    def _visit_of(self, entry: int) -> int:
        return self.first[entry] if self.hedged else entry

    def restore(self, pool: ColumnPoolStage) -> None:
        """Make the objects of a managed pool again."""
        lane, stays = pool.lanes[0], dict[int, QueuedRequest]()

        def stay_of(visit: int) -> QueuedRequest:
            if visit not in stays:
                permit = self.permit[visit] if visit < len(self.permit) else 0
                stays[visit] = QueuedRequest(self.row[visit], self.entered[visit], 0, permit)
                stays[visit].open = not self.fate[visit]
            return stays[visit]

        def copy_of(entry: int) -> Copy:
            visit = self._visit_of(entry)
            return Copy(stay_of(visit), self.entered[entry], second=visit != entry)

        queue = [(0.0, 0, entry) for entry in self.queue] if pool.fifo else sorted(self.queue, key=lambda one: -one[1])
        lane.queue.items = sorted((-key, False, next(lane.queue.numbers), copy_of(entry)) for key, _, entry in queue)
        lane.surplus = []
        lane.free = self.free + [(end, replica) for end, _, entry, replica, _ in self.running if entry < 0]
        heapify(lane.free)
        running = []
        for end, number, entry, replica, start in self.running:
            if entry >= 0:
                batch = RunningBatch([copy_of(entry)], lane, replica, start, (inf, inf), pool.scores)
                batch.end_at(end)
                running.append((end, number, batch))
        pool.work.running = running
        lane.in_service = len(running)
        opened = [visit for visit, fate in enumerate(self.fate) if fate == UNFINISHED]
        pool.patience.stays = deque(stay_of(visit) for visit in opened if pool.patience.after_s < inf)
        pool.hedging.stays = deque(stay_of(visit) for visit in opened if visit >= self.unhedged and pool.hedging.after_s < inf)
        pool.touched, pool.serving = [lane], []


def _is_simple(batch: RunningBatch, pool: ColumnPoolStage) -> bool:
    return len(batch.copies) == 1 and not batch.lost and batch.outage == (inf, inf) and batch.scores is pool.scores


def _entered(stay: QueuedRequest) -> float:
    return stay.entered
