"""A pool with policies: order of the queue, impatient clients, copies, balancing, scaling, failing replicas.

Every batch is completed by an event of its own, because what becomes of it may change on the way. The plain pool, which needs
none of this, is in `pool`; on what both can do they give the same trace. As there, a queue is measured when the replicas that
are free at that instant have taken theirs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush, heapreplace
from itertools import count
from math import inf, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.scenario.stages import Pool
from simulator.serving.balancing import BALANCERS
from simulator.serving.batching import BatchRule
from simulator.serving.breaker import CircuitBreaker
from simulator.serving.columns import elements
from simulator.serving.orders import ORDERS, Key
from simulator.serving.requests import FAILED, SHED, TIMED_OUT
from simulator.serving.stages.base import Outbox, Receiver, Rows, Times, Waiting
from simulator.serving.stages.pool_kind import PoolKind
from simulator.serving.stages.scaling import Scaling
from simulator.serving.trace import Fleet, VisitLog

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class Stay:
    """One request at this pool, from joining to leaving.

    open: until it has its answer or has left; choice: its lane; copies: how many wait or are being served; permit: what the
    breaker let it in by
    """

    __slots__ = ("choice", "copies", "entered", "open", "permit", "row")

    def __init__(self, row: int, entered: float, choice: int, permit: int) -> None:
        self.row = row
        self.entered = entered
        self.choice = choice
        self.permit = permit
        self.copies = 0
        self.open = True


class Copy:
    """What lies in a queue: a stay, or a second copy of it. `delayed`: it waited too long and is served after the others."""

    __slots__ = ("delayed", "entered", "second", "stay")

    def __init__(self, stay: Stay, entered: float, second: bool = False) -> None:
        self.stay = stay
        self.entered = entered
        self.second = second
        self.delayed = False
        stay.copies += 1


#: Where a copy lies in a queue: by key, the delayed after the others, then in order of arrival.
Place = tuple[float, bool, int, Copy]


class Queue:
    """Copies by key, those of equal key in order of arrival."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.items: list[Place] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self.items)

    def push(self, copy: Copy, now: float) -> Place:
        """Join the queue; returns the place there."""
        place = self.key(copy.stay.row, now), copy.delayed, next(self._numbers), copy
        insort(self.items, place)
        return place

    def first(self, size: int) -> list[Copy]:
        """Those who would be served next."""
        return [item[-1] for item in self.items[:size]]

    def take(self, size: int) -> list[Copy]:
        """Take those out who are served next."""
        copies = self.first(size)
        del self.items[:size]
        return copies

    def drop(self, index: int) -> Copy:
        """Take one out."""
        return self.items.pop(index)[-1]

    def index(self, place: Place) -> int | None:
        """How many are before that place; None if it is empty by now."""
        index = bisect_left(self.items, place)
        return index if index < len(self.items) and self.items[index] is place else None

    def oldest(self) -> int:
        """The index of the one who has waited longest."""
        return min(range(len(self.items)), key=lambda index: self.items[index][-1].entered)


class Lane:
    """A queue and the replicas that serve it; `free` is a heap of (since when, replica).

    surplus: who has found the queue full at this instant, in that order
    """

    def __init__(self, key: Key, replicas: Sequence[int]) -> None:
        self.queue = Queue(key)
        self.surplus: list[Place] = []
        self.free = [(-inf, replica) for replica in replicas]
        self.in_service = 0

    @property
    def outstanding(self) -> int:
        """Requests that wait here or are being served."""
        return len(self.queue) + self.in_service


class Batch:
    """Copies in service on one replica of a lane; `lost` if the replica fails before it is done.

    outage: when that replica fails next, and is up again; inf and inf if it does not
    """

    __slots__ = ("copies", "done", "free_again", "lane", "lost", "outage", "pool", "replica", "started")

    def __init__(
        self, pool: ManagedPoolStage, copies: list[Copy], lane: Lane, replica: int, started: float, outage: tuple[float, float]
    ) -> None:
        self.pool, self.copies, self.lane, self.replica = pool, copies, lane, replica
        self.started, self.outage = started, outage

    def end_at(self, time: float) -> None:
        """It would be done at `time`, if the replica did not fail before."""
        fails, repaired = self.outage
        self.lost = fails < time
        self.done, self.free_again = (fails, repaired) if self.lost else (time, time)


class ManagedPoolStage(PoolKind):
    """Replicas of one measured model, with policies."""

    spec: Pool

    def __init__(self, run: Run, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.log = VisitLog(spec.most_replicas, spec.max_batch)
        self.rule = BatchRule(spec.max_batch, spec.max_queue_delay_ms / 1000, tuple(spec.preferred_batches))
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        latency = run.plan.latencies[name]
        self.seconds, self.gaps, self.usual_s = latency.seconds.tolist(), latency.gaps_s, latency.median_s
        self.quantile = self._quantiles("service")
        self.second_quantile = self.quantile if spec.hedge_after_s is None else self._quantiles("service.second")
        self.deadline = elements(run.requests.deadline)
        key = ORDERS[spec.order](run.requests)
        each = [[replica] for replica in range(spec.replicas)] if spec.balance else [range(spec.replicas)]
        self.lanes = [Lane(key, replicas) for replicas in each]
        self.choose = BALANCERS[spec.balance](run, name) if spec.balance else lambda lanes, row: 0
        self.running: list[tuple[float, int, Batch]] = []  # a heap, by when they are done
        self.serving: list[tuple[float, int, Lane]] = []  # a heap, by when a lane may be served though nothing else happens
        self.touched: list[Lane] = []  # where something has changed
        self.leaving: deque[Stay] = deque()  # clients by when they lose patience
        self.hedging: deque[Stay] = deque()  # by when a second copy is due
        self.breaker = CircuitBreaker(spec.breaker) if spec.breaker else None
        self.scaling = Scaling(self, spec.scaling) if spec.scaling else None
        self.accelerator = run.accelerator(spec.shares)
        conditions, replicas = run.conditions, range(spec.most_replicas)
        self.outages = {one: spans for one in replicas if (spans := conditions.outages(name, one))}
        self.slowdowns = {one: slower for one in replicas if not (slower := conditions.slowdown(name, one)).steady}
        self._numbers = count()

    def _quantiles(self, stream: str) -> Any:
        """The service time that each request draws, as a place in the table."""
        return elements(self.run.plan.latencies[self.name].cell_of(self.run.uniform(f"{self.name}.{stream}")))

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.to = self.run.receiver(self.spec.to)
        self.out = self.to if self.loops else Outbox(self.to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)
        self.on_failure = self.run.receiver(self.spec.on_failure)
        if self.scaling:
            self.alarm.set(self.scaling.next_time)
        if self.accelerator:
            self.accelerator.pools.append(self)

    def due(self, time: float) -> float:
        """Whoever comes may change what is due."""
        return time

    def step(self, now: float) -> float:
        """Do all that is due at `now`, in this order: what is done, who has come, copies, scaling, service, who leaves."""
        if self.scaling:
            self.scaling.look(now)
        while self.running and self.running[0][0] <= now:
            self._complete(heappop(self.running)[-1])
        for batch in self.accelerator.ended(self, now) if self.accelerator else ():
            self._complete(batch)
        self._take_in(now)
        self._send_copies(now)
        if self.scaling:
            self.scaling.act(now)
        while self.serving and self.serving[0][0] <= now:
            self.touched.append(heappop(self.serving)[-1])
        for lane in self.touched:
            self._serve(lane, now)
            if lane.surplus:
                self._keep_limit(lane, now)
            if (upcoming := self._batch_time(lane, now)) < inf:
                heappush(self.serving, (upcoming, next(self._numbers), lane))
        self.touched.clear()
        self._let_leave(now)
        if self.accelerator:
            self.accelerator.tell_others(self)
        return self._next_time()

    def hand_over_since(self) -> None:
        """Hand on who is done: what was begun may still be lost."""
        if isinstance(self.out, Outbox):
            self.out.flush()

    def _next_time(self) -> float:
        times = [self.inbox.head]
        times += [events[0][0] for events in (self.running, self.serving) if events]
        if self.accelerator:
            times.append(self.accelerator.next_end(self))
        for stays in (self.leaving, self.hedging):
            while stays and not stays[0].open:
                stays.popleft()
        if self.leaving:
            times.append(nextafter(self._patience_ends(self.leaving[0]), inf))
        if self.hedging:
            times.append(self._hedge_time(self.hedging[0]))
        if self.scaling:
            times.append(self.scaling.next_time)
        return min(times)

    # Coming in

    def _take_in(self, now: float) -> None:
        while self.inbox.head <= now:
            self._admit(*self.inbox.pop(), now)

    def _admit(self, row: int, time: float, now: float) -> None:
        choice = self.choose(self.lanes, row)
        lane = self.lanes[choice]
        if self.breaker and not self.breaker.allows(time):
            self.turn_away(row, SHED, time, time, now, self.on_full)
            return
        stay = Stay(row, time, choice, self.breaker.period if self.breaker else 0)
        self._join(lane, Copy(stay, time), now)
        if not stay.open:
            return
        if self.spec.client_timeout_s is not None:
            self.leaving.append(stay)
        if self.spec.hedge_after_s is not None:
            self.hedging.append(stay)

    def _join(self, lane: Lane, copy: Copy, now: float) -> None:
        """Join a queue. One too many may stay until the replicas that are free at this instant have taken theirs."""
        place = lane.queue.push(copy, now)
        full = len(lane.queue) > self.max_queue
        if full and not self._available(lane, now):
            self._drop_for(place, lane, now)
            return
        if full:
            lane.surplus.append(place)
        self.touched.append(lane)

    def _keep_limit(self, lane: Lane, now: float) -> None:
        """The replicas have taken theirs: those who came last are too many."""
        for place in reversed(lane.surplus):
            self._drop_for(place, lane, now)
        lane.surplus.clear()

    def _drop_for(self, place: Place, lane: Lane, now: float) -> None:
        """If one who has just come still waits in a queue that is too long: refuse it, or drop whoever has waited longest."""
        queue = lane.queue
        index = queue.index(place)
        if index is not None and len(queue) > self.max_queue:
            gone = queue.drop(queue.oldest() if self.spec.drops == "oldest" else index)
            self._give_up(gone, SHED, now, now, self.on_full)

    def _give_up(self, copy: Copy, outcome: int, due: float, now: float, to: Receiver) -> None:
        """A copy has left the queue unserved; so has the request where that was its last one."""
        copy.stay.copies -= 1
        if copy.stay.open and not copy.stay.copies:
            self._close(copy.stay, outcome, due, now, to)

    def _close(self, stay: Stay, outcome: int, due: float, now: float, to: Receiver) -> None:
        """A request leaves without an answer."""
        stay.open = False
        if self.breaker:
            self.breaker.note(stay.permit, now, failed=True)
        self.turn_away(stay.row, outcome, stay.entered, due, now, to)

    # Service

    def _serve(self, lane: Lane, now: float) -> None:
        while lane.queue.items and self._available(lane, now):
            if self._drop_unserved(lane, now):
                self._take_in(now)  # whoever is sent back here at once goes along
                continue
            pending = lane.queue.first(self.rule.max_batch)
            oldest = min(copy.entered for copy in pending)
            size = self.rule.take(len(lane.queue), oldest + self.rule.delay_s <= now)
            if not size:
                return
            self._start(lane, lane.queue.take(size), now)

    def _available(self, lane: Lane, now: float) -> bool:
        """Whether a replica may serve now: it is there, and it is up."""
        while lane.free and lane.free[0][0] <= now:
            replica = lane.free[0][1]
            down, repaired = self._next_outage(replica, now)
            if down > now:
                return True
            heapreplace(lane.free, (repaired, replica))
        return False

    def _next_outage(self, replica: int, now: float) -> tuple[float, float]:
        """The outage of a replica that goes on now or comes next: from when, until when."""
        outages = self.outages.get(replica, [])
        upcoming = bisect_right(outages, now, key=lambda outage: outage[1])
        return outages[upcoming] if upcoming < len(outages) else (inf, inf)

    def _drop_unserved(self, lane: Lane, now: float) -> bool:
        """Take out of the next batch who is not to be served now; whether there was anybody."""
        for place, copy in enumerate(lane.queue.first(self.rule.max_batch)):
            stay = copy.stay
            if not stay.open and self.spec.cancels:
                lane.queue.drop(place)
                return True
            if copy.entered + self.timeout < now and not copy.delayed:
                lane.queue.drop(place)
                if self.spec.timeout_action == "delay":
                    copy.delayed = True
                    lane.queue.push(copy, now)
                else:
                    self._give_up(copy, TIMED_OUT, copy.entered + self.timeout, now, self.on_timeout)
                return True
            if self.spec.sheds_late and stay.open and now + self.usual_s > self.deadline[stay.row]:
                self._give_up(lane.queue.drop(place), SHED, now, now, self.on_full)
                return True
        return False

    def _start(self, lane: Lane, copies: list[Copy], now: float) -> None:
        free_at, replica = heappop(lane.free)
        drawn = self.second_quantile if copies[0].second else self.quantile
        seconds = self.seconds[bisect_right(self.gaps, now - free_at)][len(copies)][drawn[copies[0].stay.row]]
        if replica in self.slowdowns:
            seconds *= self.slowdowns[replica].at(now)
        batch = Batch(self, copies, lane, replica, now, self._next_outage(replica, now))
        lane.in_service += len(copies)
        if self.accelerator:
            self.accelerator.begin(batch, seconds, now)
        else:
            batch.end_at(now + seconds)
            heappush(self.running, (batch.done, next(self._numbers), batch))

    def _complete(self, batch: Batch) -> None:
        lane, now = batch.lane, batch.done
        lane.in_service -= len(batch.copies)
        if self.scaling is None or not self.scaling.lets_go(batch.replica):
            heappush(lane.free, (batch.free_again, batch.replica))
        self.touched.append(lane)
        self._log(batch, self.log)
        if batch.lost:
            for copy in batch.copies:
                self._lose(lane, copy, now)
            return
        rows = []
        for stay in (copy.stay for copy in batch.copies):
            stay.copies -= 1
            if stay.open:
                stay.open = False
                rows.append(stay.row)
                if self.breaker:
                    self.breaker.note(stay.permit, now, failed=False)
        if rows:
            if self.spec.scores:
                self.run.score(self.name, np.array(rows), now)
            self.out.accept(rows, now)

    def _log(self, batch: Batch, log: VisitLog) -> None:
        """Note the visits; nobody waited for those copies that were lost, or whose requester had left or been answered.

        Whoever is answered has waited since joining the queue, whichever of the copies was served.
        """
        first, copies = len(log), batch.copies
        answered: set[int] = set()
        entered = []
        for place, copy in enumerate(copies):
            if batch.lost or not copy.stay.open or id(copy.stay) in answered:
                log.unwanted.append(first + place)
                entered.append(copy.entered)
            else:
                answered.add(id(copy.stay))
                entered.append(copy.stay.entered)
        rows = [copy.stay.row for copy in copies]
        log.add_batch(rows, entered, 0, len(rows), batch.started, batch.done, batch.replica)

    def _lose(self, lane: Lane, copy: Copy, now: float) -> None:
        """The replica failed under this copy."""
        if self.on_failure is not None:
            self._give_up(copy, FAILED, now, now, self.on_failure)
        elif copy.stay.open:
            lane.queue.push(copy, now)
            self.touched.append(lane)

    # Impatience

    def _patience_ends(self, stay: Stay) -> float:
        assert self.spec.client_timeout_s is not None
        return stay.entered + self.spec.client_timeout_s

    def _let_leave(self, now: float) -> None:
        """Clients leave whose patience has passed; an answer at that very instant still reaches them."""
        while self.leaving and (not self.leaving[0].open or self._patience_ends(self.leaving[0]) < now):
            stay = self.leaving.popleft()
            if stay.open:
                self._close(stay, TIMED_OUT, self._patience_ends(stay), now, self.on_timeout)

    def _hedge_time(self, stay: Stay) -> float:
        assert self.spec.hedge_after_s is not None
        return stay.entered + self.spec.hedge_after_s

    def _send_copies(self, now: float) -> None:
        """A second copy, for another queue if there is one, of who has waited long enough; a full queue does without it."""
        while self.hedging and (not self.hedging[0].open or self._hedge_time(self.hedging[0]) <= now):
            stay = self.hedging.popleft()
            choice = self.choose(self.lanes, stay.row)
            lane = self.lanes[(choice + 1) % len(self.lanes) if choice == stay.choice else choice]
            if stay.open:
                self._join(lane, Copy(stay, now, second=True), now)

    def _batch_time(self, lane: Lane, now: float) -> float:
        """When a lane's queue may be served next, given that nobody comes and no batch is done before."""
        if not lane.queue.items or not lane.free:
            return inf
        if lane.free[0][0] > now:
            return lane.free[0][0]
        pending = lane.queue.first(self.rule.max_batch)
        due = min(copy.entered for copy in pending) + self.rule.delay_s
        expires = min((copy.entered for copy in pending if not copy.delayed), default=inf) + self.timeout
        return min(due, nextafter(expires, inf))

    # The model's answer

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        """Requests go on."""
        self.out.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        self.out.accept_block(rows, times)

    def waiting(self, time: float) -> Waiting:
        """Requests of which no copy is being served; one that waited too long has gone to an end then."""
        served = {id(copy.stay) for batch in self.at_work() for copy in batch.copies}
        stays: dict[int, tuple[Stay, float]] = {}  # with the time at which its last copy joined the queue
        for copy in (item[-1] for lane in self.lanes for item in lane.queue.items):
            if copy.stay.open and id(copy.stay) not in served:
                last = stays.get(id(copy.stay), (copy.stay, -inf))[1]
                stays[id(copy.stay)] = copy.stay, max(last, copy.entered)
        rows, entered, gone = super().waiting(time)
        rejects = self.is_end(self.on_timeout) and self.spec.timeout_action == "reject"
        leaves = [last + self.timeout if rejects else inf for _, last in stays.values()]
        return Waiting(
            np.concatenate([np.array([stay.row for stay, _ in stays.values()], np.int32), rows]),
            np.concatenate([np.array([stay.entered for stay, _ in stays.values()]), entered]),
            np.concatenate([np.array(leaves), gone]),
        )

    def note_at_work(self, log: VisitLog) -> None:
        """Batches are in the log only when they are done."""
        for batch in self.at_work():
            if self.accelerator:
                batch.end_at(self.accelerator.time_of(batch))
            self._log(batch, log)

    def at_work(self) -> list[Batch]:
        """The batches that are being served, by when they are done; on a shared device, by when they began."""
        if self.accelerator:
            return [batch for batch in self.accelerator.left if batch.pool is self]
        return [batch for _, _, batch in sorted(self.running, key=lambda entry: entry[:2])]

    def fleet(self, until: float) -> Fleet | None:
        """How many replicas there were, where that changed."""
        return self.scaling.fleet(until) if self.scaling else None
