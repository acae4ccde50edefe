"""A pool with policies: order of the queue, client time-outs, hedged requests, balancing, scaling, failing replicas.

Every batch completes in its own event, because its fate may change during service. The plain pool (`plain_pool`) needs none of
this; where both can serve a pool, they give the same trace. As there, the queue limit applies once the replicas that are free
at that instant have taken their batches.

Its parts stand in files of their own: queues, copies of requests, orders and balancing in `queues`; batches on a device of the
pool's own or on a shared one in `device_batches`; rules of batches in `batching`; fields of policies, outages and the breaker
in `pool_policies`; scaling in `replica_scaling`. `Timer`, for patience and second copies, is below.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf, nextafter
from typing import TYPE_CHECKING

import numpy as np

from simulator.engine.contract import Waiting
from simulator.engine.stages.device_batches import Dedicated, RunningBatch, Shared
from simulator.engine.stages.pool import AnyPool
from simulator.engine.stages.pool_policies import Outages, breaker_of
from simulator.engine.stages.queues import BALANCERS, ORDERS, Copy, Freshness, Queue, QueuedRequest, ReplicaQueue
from simulator.engine.stages.replica_scaling import scaling_of
from simulator.engine.stages.replicas import BATCHING
from simulator.engine.stages.stage import Outbox
from simulator.records.trace import FAILED, SHED, TIMED_OUT, Fleet, VisitLog, as_memoryview

if TYPE_CHECKING:
    from simulator.engine.contract import Stage, StageRun
    from simulator.engine.stages.device_batches import Work
    from simulator.engine.stages.pool import Pool


#: A visit that waits: what identifies it, its row, and when it entered (s).
QueuedVisit = tuple[int, int, float]


class ManagedPoolStage(AnyPool):
    """Replicas of one measured model, with policies."""

    def __init__(self, run: StageRun, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.rule = BATCHING[spec.batching].of(spec, self.latency)
        self.second_quantile = self.quantile if spec.hedge_after_s is None else self.quantiles("service.second")
        self.deadline = as_memoryview(run.requests.deadline)
        self.outages = Outages(run.conditions, name, spec.most_replicas)
        self.lanes = self._lanes()
        self.choose = BALANCERS[spec.balance](run, name) if spec.balance else lambda lanes, row: 0
        self.touched: list[ReplicaQueue] = []  # where something has changed
        self.serving: list[
            tuple[float, int, ReplicaQueue]
        ] = []  # a heap, by when a lane may be served though nothing else happens
        self._numbers = count()
        self.patience = Timer(spec.client_timeout_s, just_after=True)  # an answer at that very instant still reaches the client
        self.hedging = Timer(spec.hedge_after_s)
        self.breaker = breaker_of(spec.breaker)
        self.scaling = scaling_of(self)
        self.replaces = None if spec.replaces is None else Freshness(run.requests, spec.replaces)
        self.preempts = None if spec.preempts is None else Freshness(run.requests, spec.preempts)
        self.sheds_newest = spec.drops == "newest" and self.replaces is None and self.preempts is None
        device = None if spec.shares is None or run.is_alone(spec) else run.accelerators[spec.shares]
        self.work: Work = Dedicated() if device is None else Shared(device, self.alarm, spec.threads)

    def _lanes(self) -> list[ReplicaQueue]:
        replicas, key = range(self.spec.replicas), ORDERS[self.spec.order](self.run.requests).key
        each = [[replica] for replica in replicas] if self.spec.balance else [replicas]
        return [ReplicaQueue(Queue(key, self.deadline), own, self.outages) for own in each]

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.on_replaced = self.run.receiver(self.spec.on_replaced or self.spec.on_full)
        self.outbox = Outbox(self.run.receiver(self.spec.to))
        self.out = self.run.way_out(self.name, self.spec.to) if self.loops else self.outbox
        self.alarm.set(self.scaling.next_time)

    def step(self, now: float) -> float:
        """Do all that is due at `now`, in this order: completions, arrivals, copies, scaling, service, departures."""
        self.scaling.look(now)
        for batch in self.work.ended(now):
            self._complete(batch)
        self._take_in(now)
        if self.hedging.stays:
            self._send_copies(now)
        self.scaling.act(now)
        self._serve_all(now)
        for stay in self.patience.take(now) if self.patience.stays else ():
            if stay.open:
                self._close(stay, TIMED_OUT, self.patience.ends(stay), now, self.on_timeout)
        self.work.tell_others()
        self.lead(now)
        waiting = self.serving[0][0] if self.serving else inf
        policies = self.patience.next_time, self.hedging.next_time, self.scaling.next_time
        return min(self.inbox.head, self.work.next_end, waiting, *policies)

    def hand_over_since(self) -> None:
        self.outbox.flush()

    # Coming in

    def _take_in(self, now: float) -> None:
        while self.inbox.head <= now:
            self._admit(*self.inbox.pop(), now)

    def _admit(self, row: int, time: float, now: float) -> None:
        choice = self.choose(self.lanes, row)
        if not self.breaker.allows(time):
            self.turn_away(row, SHED, time, time, now, self.on_full)
            return
        if self._refuses(self.lanes[choice], now):
            self.breaker.note(self.breaker.period, now, failed=True)
            self.turn_away(row, SHED, time, now, now, self.on_full)
            return
        stay = QueuedRequest(row, time, choice, self.breaker.period)
        self._join(self.lanes[choice], Copy(stay, time), now)
        if stay.open:
            self.patience.add(stay)
            self.hedging.add(stay)

    def _refuses(self, lane: ReplicaQueue, now: float) -> bool:
        """Return whether a request that comes now would be shed at once."""
        full = len(lane.queue.items) >= self.max_queue and not lane.surplus
        return full and self.sheds_newest and not lane.available(now)

    def _join(self, lane: ReplicaQueue, copy: Copy, now: float) -> None:
        """Join a queue. One too many may stay until the replicas that are free at this instant have taken theirs."""
        if self._preempt(lane, copy, now) or self._replace(lane, copy, now):
            return
        lane.queue.push(copy, now)
        full = len(lane.queue) > self.max_queue
        if full:
            lane.surplus.append(copy)
        if full and not lane.available(now):
            self._keep_limit(lane, now)
            return
        self.touched.append(lane)

    def _send_copies(self, now: float) -> None:
        for stay in self.hedging.take(now):
            choice = self.choose(self.lanes, stay.row)
            lane = self.lanes[(choice + 1) % len(self.lanes) if choice == stay.choice else choice]
            if stay.open:
                self._join(lane, Copy(stay, now, second=True), now)

    # Going without an answer

    def _keep_limit(self, lane: ReplicaQueue, now: float) -> None:
        """Shed what is still beyond the limit: for each request that found the queue full the oldest, or the last that did."""
        queue = lane.queue
        for copy in reversed(lane.surplus):
            index = queue.oldest() if self.spec.drops == "oldest" else queue.index(copy)
            if index is not None and len(queue) > self.max_queue:
                self._give_up(queue.drop(index), SHED, now, now, self.on_full)
        lane.surplus.clear()

    def _replace(self, lane: ReplicaQueue, copy: Copy, now: float) -> bool:
        """Keep only the newest of a stream in the queue: the newer of two takes the place, and the other goes."""
        for index, other in enumerate(lane.queue.first(len(lane.queue)) if self.replaces else ()):
            if self.replaces and self.replaces.same(copy.stay.row, other.stay.row):
                newer = self.replaces.replaces(copy.stay.row, other.stay.row)
                self._give_up(lane.queue.replace(index, copy, now) if newer else copy, SHED, now, now, self.on_replaced)
                self.touched.append(lane)
                return True
        return False

    def _preempt(self, lane: ReplicaQueue, copy: Copy, now: float) -> bool:
        """Take the place of the oldest copy in service that tells less, if no replica is free; return whether there was one."""
        if self.preempts is None or lane.available(now):
            return False
        served = {batch.copies[0].stay.row: batch for batch in self.work.unfinished() if batch.lane is lane}
        older = [row for row in served if self.preempts.replaces(copy.stay.row, row)]
        if not older:
            return False
        batch = served[min(older, key=self.preempts.sent)]
        self.work.interrupt(batch, now)
        self._release(batch)
        self._give_up(batch.copies[0], SHED, now, now, self.on_replaced)
        self._start(lane, [copy], now)
        return True

    def _give_up(self, copy: Copy, outcome: int, due: float, now: float, to: Stage) -> None:
        copy.stay.copies -= 1
        if copy.stay.open and not copy.stay.copies:
            self._close(copy.stay, outcome, due, now, to)

    def _close(self, stay: QueuedRequest, outcome: int, due: float, now: float, to: Stage) -> None:
        stay.open = False
        self.breaker.note(stay.permit, now, failed=True)
        self.turn_away(stay.row, outcome, stay.entered, due, now, to)

    # Service

    def _serve_all(self, now: float) -> None:
        """Serve every lane where something has changed, or that was to be looked at again by now."""
        while self.serving and self.serving[0][0] <= now:
            self.touched.append(heappop(self.serving)[-1])
        for lane in self.touched:
            self._serve(lane, now)
            self._keep_limit(lane, now)
            if (upcoming := lane.next_time(self.rule, self.timeout, now)) < inf:
                heappush(self.serving, (upcoming, next(self._numbers), lane))
        self.touched.clear()

    def _serve(self, lane: ReplicaQueue, now: float) -> None:
        while lane.queue.items and lane.available(now):
            if self._drop_unserved(lane, now):
                self._take_in(now)  # a request that is sent back here at once goes along
                continue
            size = self.rule.size(lane.queue, now)
            if not size:
                return
            self._start(lane, lane.queue.take(size), now)

    def _drop_unserved(self, lane: ReplicaQueue, now: float) -> bool:
        """Take requests not to be served now out of the next batch; whether there were any."""
        for place, copy in enumerate(lane.queue.first(self.rule.max_batch)):
            stay = copy.stay
            if not stay.open and self.spec.cancels:
                lane.queue.drop(place)
                return True
            if copy.entered + self.timeout < now and not copy.delayed:
                self._expire(lane, lane.queue.drop(place), now)
                return True
            if self.spec.sheds_late and stay.open and now + self.latency.median_s > self.deadline[stay.row]:
                self._give_up(lane.queue.drop(place), SHED, now, now, self.on_full)
                return True
        return False

    def _expire(self, lane: ReplicaQueue, copy: Copy, now: float) -> None:
        if self.spec.timeout_action == "delay":
            copy.delayed = True
            lane.queue.push(copy, now)
        else:
            self._give_up(copy, TIMED_OUT, copy.entered + self.timeout, now, self.on_timeout)

    def _start(self, lane: ReplicaQueue, copies: list[Copy], now: float) -> None:
        free_at, replica = lane.take_replica()
        drawn = self.second_quantile if copies[0].second else self.quantile
        seconds = self.seconds[bisect_right(self.gaps, now - free_at)][len(copies)][drawn[copies[0].stay.row]]
        lane.in_service += len(copies)
        batch = RunningBatch(copies, lane, replica, now, self.outages.next(replica, now), self.scores)
        self.work.begin(batch, self.outages.slowed(replica, seconds, now), now)

    def _complete(self, batch: RunningBatch) -> None:
        self._release(batch)
        if batch.lost:
            for copy in batch.copies:
                self._lose(batch.lane, copy, batch.done)
        else:
            self._answer(batch)

    def _release(self, batch: RunningBatch) -> None:
        lane = batch.lane
        lane.in_service -= len(batch.copies)
        if not self.scaling.lets_go(batch.replica):
            heappush(lane.free, (batch.free_again, batch.replica))
        self.touched.append(lane)
        batch.note(self.log)

    def _answer(self, batch: RunningBatch) -> None:
        """Hand on the requests that still await an answer, each once."""
        rows = []
        for stay in (copy.stay for copy in batch.copies):
            stay.copies -= 1
            if stay.open:
                stay.open = False
                rows.append(stay.row)
                self.breaker.note(stay.permit, batch.done, failed=False)
        if rows:
            self.hand_over(rows, batch.done, batch.scores)

    def _lose(self, lane: ReplicaQueue, copy: Copy, now: float) -> None:
        if self.on_failure is not None:
            self._give_up(copy, FAILED, now, now, self.on_failure)
        elif copy.stay.open and not self._replace(lane, copy, now):
            lane.queue.push(copy, now)
            self.touched.append(lane)

    def waiting(self, time: float) -> Waiting:
        """Return the requests without a copy in service; one that waited too long has gone to an end."""
        joined: dict[QueuedVisit, float] = {}  # of each visit, when its last copy joined the queue
        for visit, since in self.queued():
            joined[visit] = max(joined.get(visit, -inf), since)
        rows, entered, gone = super().waiting(time)
        leaves = [max(last + self.timeout, self.since) if self.is_settled_late() else inf for last in joined.values()]
        return Waiting(
            np.concatenate([np.array([row for _, row, _ in joined], np.int32), rows]),
            np.concatenate([np.array([since for *_, since in joined]), entered]),
            np.concatenate([np.array(leaves), gone]),
        )

    def queued(self) -> Iterator[tuple[QueuedVisit, float]]:
        """Yield the copies that wait, in their order, of visits without a copy in service; and when each joined the queue."""
        served = {id(copy.stay) for batch in self.work.unfinished() for copy in batch.copies}
        for copy in (copy for lane in self.lanes for copy in lane.queue.first(len(lane.queue))):
            stay = copy.stay
            if stay.open and id(stay) not in served:
                yield (id(stay), stay.row, stay.entered), copy.entered

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        """Log batches at work, which are else logged when they are done, and return the replicas that came and went.

        Of two copies being served, the one done first is the wanted one.
        """
        counted: set[int] = set()
        for batch in self.work.unfinished():
            counted = batch.note(log, counted)
        return self.scaling.fleet(until)

    def settle(self, now: float) -> None:
        for lane in self.lanes if self.is_settled_late() else ():
            for copy in lane.queue.drop_all(lambda copy: copy.entered + self.timeout < now):
                self._give_up(copy, TIMED_OUT, copy.entered + self.timeout, now, self.on_timeout)

    def take_over(self, before: Stage, now: float) -> None:
        """Keep what waits and what is being served; replicas that are too many finish what they serve."""
        super().take_over(before, now)
        assert isinstance(before, AnyPool)
        self.lanes = self._lanes()
        if isinstance(before, ManagedPoolStage):
            self._keep_policies(before)
            self._keep_batches(before)
            self._keep_queue(before)
        self._keep_free(before.free_replicas)
        self.touched = list(self.lanes)

    def _keep_policies(self, before: ManagedPoolStage) -> None:
        """Keep what the breaker and the scaling remember, where they go on by the same rule."""
        if self.spec.breaker == before.spec.breaker:
            self.breaker = before.breaker
        else:
            self.breaker.period = before.breaker.period + 1  # what was let in before counts in no period of this one
        self.scaling = before.scaling.of(self)
        if self.scaling.keeps_replicas:
            for lane in self.lanes:
                lane.free = []

    def _keep_batches(self, before: ManagedPoolStage) -> None:
        before.work.goes_on(self.work)
        self.work = before.work
        for batch in self.work.unfinished():
            batch.lane = self._lane_of(batch.replica)
            batch.lane.in_service += len(batch.copies)
            batch.lane.free = [entry for entry in batch.lane.free if entry[1] != batch.replica]

    def _keep_queue(self, before: ManagedPoolStage) -> None:
        """Put waiting requests into the queue again, in their old order, with the time-outs that hold now."""
        places = sorted((place for lane in before.lanes for place in lane.queue.items), key=lambda place: place[-1].entered)
        for *_, copy in places:
            if len(self.lanes) != len(before.lanes) and not copy.second:
                copy.stay.choice = self.choose(self.lanes, copy.stay.row)
            lane = self.lanes[(copy.stay.choice + copy.second) % len(self.lanes)]
            lane.queue.push(copy, copy.entered)
            lane.surplus.append(copy)
        served = [copy for batch in self.work.unfinished() for copy in batch.copies]
        stays = {id(copy.stay): copy.stay for copy in [*served, *(place[-1] for place in places)] if copy.stay.open}
        hedged = {id(stay) for stay in before.hedging.stays}
        for stay in sorted(stays.values(), key=lambda stay: stay.entered):
            self.patience.add(stay)
            if id(stay) in hedged or before.spec.hedge_after_s is None:
                self.hedging.add(stay)

    def _keep_free(self, since: dict[int, float]) -> None:
        for lane in self.lanes:
            lane.free = [(since.get(replica, free), replica) for free, replica in lane.free]
            if self.scaling.keeps_replicas:
                lane.free += [(free, replica) for replica, free in since.items()]
            heapify(lane.free)

    def _lane_of(self, replica: int) -> ReplicaQueue:
        return self.lanes[replica if self.spec.balance and replica < len(self.lanes) else 0]

    @property
    def free_replicas(self) -> dict[int, float]:
        """Since when each replica that is not at work has been free (s)."""
        return {replica: since for lane in self.lanes for since, replica in lane.free}


class Timer:
    """Stays in the order in which they joined, each due `after_s` seconds later unless it is closed by then.

    after_s: None for never. just_after: whether it is due just after that instant, so that an answer at it still counts
    """

    def __init__(self, after_s: float | None, just_after: bool = False) -> None:
        self.after_s = inf if after_s is None else after_s
        self.just_after = just_after
        self.stays: deque[QueuedRequest] = deque()

    def add(self, stay: QueuedRequest) -> None:
        if self.after_s < inf:
            self.stays.append(stay)

    def ends(self, stay: QueuedRequest) -> float:
        """Return the instant that is `after_s` seconds after a request joined (s)."""
        return stay.entered + self.after_s

    @property
    def next_time(self) -> float:
        """When the next one is due (s); inf where none is."""
        while self.stays and not self.stays[0].open:
            self.stays.popleft()
        return self._due(self.stays[0]) if self.stays else inf

    def take(self, now: float) -> Iterator[QueuedRequest]:
        while self.stays and (not self.stays[0].open or self._due(self.stays[0]) <= now):
            yield self.stays.popleft()

    def _due(self, stay: QueuedRequest) -> float:
        return nextafter(self.ends(stay), inf) if self.just_after else self.ends(stay)
