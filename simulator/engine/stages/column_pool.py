"""A pool with policies at speed: its visits are columns, and one loop serves it together with the retries that it causes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from heapq import heapify
from math import inf, nextafter
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from simulator.engine.stages.device_batches import Dedicated, RunningBatch
from simulator.engine.stages.managed_pool import ManagedPoolStage, QueuedVisit
from simulator.engine.stages.pool_columns import SECOND, PoolColumns
from simulator.engine.stages.queues import Copy, QueuedRequest
from simulator.engine.stages.retry import Retry, RetryStage
from simulator.engine.stages.stage import Outbox
from simulator.records.trace import DONE, UNFINISHED

if TYPE_CHECKING:
    from simulator.engine.contract import StageRun
    from simulator.engine.stages.pool import Pool
    from simulator.records.trace import Fleet, VisitLog

#: From so many visits on the columns are made anew, without those that are finished.
ROOM = 50_000


class ColumnPoolStage(ManagedPoolStage):
    """A managed pool with one queue, batches of one and replicas that are always there.

    Between pauses no object stands for a request. The objects of a managed pool are made again from the columns where they are
    needed: when a pick changes, and where another stage hears at once of each request.
    """

    work: Dedicated

    @classmethod
    def fits(cls, spec: Pool) -> bool:
        """Return whether a pool has no policies but those that the loop knows."""
        others = ("balance", "scaling", "failures", "replaces", "preempts")
        usual = all(getattr(spec, field) is None for field in others) and not spec.sheds_late and spec.max_batch == 1
        return usual and (spec.timeout_s is None or spec.timeout_action == "reject")

    def __init__(self, run: StageRun, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.columns: PoolColumns | None = None
        self.fifo = spec.order == "fifo"

    def connect(self) -> None:
        """Look up where requests go on to."""
        self._unpack()
        super().connect()
        for answer in ("retry", "is_heard"):
            self.__dict__.pop(answer, None)

    @cached_property
    def retry(self) -> RetryStage | None:
        """The retry that gets requests from this pool alone, and sends them back here or away for good."""
        retries = {id(to): to for to in (self.on_full, self.on_timeout) if isinstance(to, RetryStage) and to.leaders == [self]}
        retry = next(iter(retries.values())) if len(retries) == 1 else None
        if retry is None or retry.to is not self or self.name in self.run.in_branches:
            return None
        return None if self.run.leads(retry.on_exhausted.name, self.name) else retry

    def _ends(self, to: Any) -> bool:
        return to is None or (self.is_end(to) and self.name not in self.run.in_branches)

    @cached_property
    def is_heard(self) -> bool:
        """Return whether another stage hears at once of each request that is served, or turned away."""
        ways = {("on_full",): self.on_full, ("on_timeout",): self.on_timeout}
        used = [to for path, to in ways.items() if path not in self.spec.idle_ways]
        away = all(to is self.retry or self._ends(to) for to in used)
        return not away or (self.loops and not self._ends(self.out) and not isinstance(self.out, Outbox))

    def advance(self, now: float, limit: float) -> float:
        """Let the loop go on until nothing is due before `limit`."""
        if self.is_heard:
            return super().advance(now, limit)
        if self.columns is not None and len(self.columns.row) > ROOM + 4 * len(self.columns.queue):
            self._unpack()
        if self.columns is None:
            self.columns = _columns_of(self, now)
        if self.columns is None:
            return super().advance(now, limit)
        go_on = self.columns.go_on if self.spec.breaker is None else self.columns.step_on
        return go_on(now, max(limit, nextafter(now, inf)))

    def _unpack(self) -> None:
        if self.columns is not None:
            _restore(self.columns, self)
            self.columns = None

    def queued(self) -> Iterator[tuple[QueuedVisit, float]]:
        columns = self.columns
        if columns is None:
            yield from super().queued()
            return
        served = {columns.visit(entry) for _, _, entry, _, _ in columns.running}
        for entry in columns.waiting():
            visit = columns.visit(entry)
            if not columns.fate[visit] and visit not in served:
                yield (visit, columns.row[visit], columns.entered[visit]), columns.entered[entry]

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        """Log the services that go on; of two of one visit the first one that ends is wanted."""
        if self.columns is None:
            return super().note_unfinished(log, until)
        columns, counted = self.columns, set[int]()
        for end, _, entry, replica, start in sorted(columns.running):
            visit = columns.visit(entry)
            wanted = not columns.fate[visit] and visit not in counted
            counted.add(visit)
            if not wanted:
                log.unwanted.append(len(log))
            log.add(columns.row[entry], columns.entered[visit if wanted else entry], start, end, replica)
        return None

    def settle(self, now: float) -> None:
        self._unpack()
        super().settle(now)


def feeds_back(run: StageRun, name: str, spec: Pool) -> bool:
    """Return whether a request that this pool turns away may go straight to a retry that sends it back here."""
    stages = run.plan.scenario.stages
    own = {spec.on_full, spec.on_timeout}
    retries = {to for to, stage in stages.items() if to in own and isinstance(stage, Retry) and stage.to == name}
    others = {to for other, stage in stages.items() if other != name for to in stage.targets().values()}
    return bool(retries - others) and not run.closed


def _restore(columns: PoolColumns, pool: ColumnPoolStage) -> None:
    """Make the objects of a managed pool again."""
    lane, stays = pool.lanes[0], dict[int, QueuedRequest]()

    def stay_of(visit: int) -> QueuedRequest:
        if visit not in stays:
            stays[visit] = QueuedRequest(columns.row[visit], columns.entered[visit], 0, columns.permits.get(visit, 0))
            stays[visit].open = not columns.fate[visit]
        return stays[visit]

    def copy_of(entry: int) -> Copy:
        visit = columns.visit(entry)
        return Copy(stay_of(visit), columns.entered[entry], second=visit != entry)

    keys = (0.0 for _ in columns.queue) if pool.fifo else (-key for key, _, _ in reversed(columns.queue))
    entries = zip(keys, columns.waiting(), strict=True)
    lane.queue.items = [(key, False, next(lane.queue.numbers), copy_of(entry)) for key, entry in entries]
    lane.surplus = []
    lane.free = columns.free + columns.busy
    heapify(lane.free)
    pool.work.running = []
    for end, number, entry, replica, start in columns.running:
        batch = RunningBatch([copy_of(entry)], lane, replica, start, (inf, inf), pool.scores)
        batch.end_at(end)
        pool.work.running.append((end, number, batch))
    lane.in_service = len(pool.work.running)
    for timer, first in ((pool.patience, columns.patient), (pool.hedging, columns.unhedged)):
        visits = range(first, len(columns.row)) if timer.after_s < inf else ()
        timer.stays = deque(stay_of(visit) for visit in visits if not columns.fate[visit])
    pool.touched, pool.serving = [lane], []


def _columns_of(pool: ColumnPoolStage, now: float) -> PoolColumns | None:
    """Return the state of a pool; None where something goes on that columns cannot hold, as after some changes of picks."""
    if not isinstance(pool.work, Dedicated):
        return None
    lane, running = pool.lanes[0], pool.work.running
    places = sorted(lane.queue.items, key=itemgetter(2))
    if any(copy.delayed for *_, copy in places) or not all(_is_simple(batch, pool) for *_, batch in running):
        return None
    columns = PoolColumns(pool)
    copies = [*(batch.copies[0] for *_, batch in running), *(copy for *_, copy in places)]
    entry_of = _add_all(columns, [*pool.patience.stays, *pool.hedging.stays], copies)
    queue = [(-key, -entry_of[id(copy)], entry_of[id(copy)]) for key, _, _, copy in places]
    columns.queue += [entry for *_, entry in queue] if pool.fifo else sorted(queue)
    columns.surplus = [entry_of[id(copy)] for copy in lane.surplus]
    columns.running = [
        (end, number, entry_of[id(batch.copies[0])], batch.replica, batch.started) for end, number, batch in running
    ]
    columns.busy = sorted((since, replica) for since, replica in lane.free if since > now)
    columns.free = sorted((since, replica) for since, replica in lane.free if since <= now)
    columns.unhedged = next((entry_of[id(stay)] for stay in pool.hedging.stays if stay.open), len(columns.row))
    return columns


def _add_all(columns: PoolColumns, stays: list[QueuedRequest], copies: list[Copy]) -> dict[int, int]:
    """Add entries for requests and their copies in the order in which they came; return them by identity."""
    entry_of: dict[int, int] = {}
    firsts = {id(copy.stay) for copy in copies if not copy.second}
    without = {id(stay): stay for stay in [*stays, *(copy.stay for copy in copies)] if id(stay) not in firsts}
    comers: list[tuple[float, QueuedRequest, Copy | None]] = [(stay.entered, stay, None) for stay in without.values()]
    for entered, stay, copy in sorted([*comers, *((copy.entered, copy.stay, copy) for copy in copies)], key=itemgetter(0)):
        fate = UNFINISHED if stay.open else DONE
        entry = columns.add(stay.row, entered, SECOND if copy is not None and copy.second else fate)
        visit = entry_of.setdefault(id(stay), entry)
        entry_of[id(copy)] = entry
        if visit == entry:
            columns.permits[visit] = stay.permit
        else:
            columns.visit_of[entry], columns.copies[visit] = visit, stay.copies
    return entry_of


def _is_simple(batch: RunningBatch, pool: ColumnPoolStage) -> bool:
    return len(batch.copies) == 1 and not batch.lost and batch.outage == (inf, inf) and batch.scores is pool.scores
