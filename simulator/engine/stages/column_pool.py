"""A pool with policies at speed: its visits are columns, and one loop serves it together with the retries that it causes."""

from __future__ import annotations

from bisect import bisect_right, insort
from heapq import heappop, heappush, heapreplace
from math import inf, nan, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.engine.contract import Waiting
from simulator.engine.stages.column_notes import write_down
from simulator.engine.stages.device_batches import Dedicated
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.engine.stages.pool_columns import AT_ONCE, PoolColumns, Ways
from simulator.engine.stages.pool_policies import CircuitBreaker
from simulator.engine.stages.retry import Retry, RetryStage
from simulator.engine.stages.stage import ServiceStage
from simulator.records.trace import DONE, SHED, TIMED_OUT, UNFINISHED, as_memoryview

if TYPE_CHECKING:
    from simulator.engine.contract import StageRun
    from simulator.engine.stages.pool import Pool
    from simulator.records.trace import Fleet, VisitLog

#: From so many finished visits on the columns are rebuilt without them.
ROOM = 50_000


class ColumnPoolStage(ManagedPoolStage):
    """A managed pool with one queue, batches of one and replicas that are always there.

    Between pauses no object stands for a request. What the other methods of a managed pool go by is made again from the columns
    where they are needed: when a pick changes, when the run is looked at, and at its end.
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
        # As a plain pool, which it is but for the retries, it logs and hands on a request when its service begins.
        before = run.stages.get(name)
        self.settles_at_start = spec.is_plain and getattr(before, "settles_at_start", not isinstance(before, ManagedPoolStage))

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.ways: Ways | None = None

    def _find_ways(self) -> Ways:
        found = {one for one in (self.on_full, self.on_timeout) if isinstance(one, RetryStage) and one.leader is self}
        retry = next(iter(found)) if len(found) == 1 else None
        retry = retry if retry is not None and retry.to is self else None
        exhausted = "stage" if retry is None else self._way(retry.on_exhausted, None)
        onward = "end" if not self.loops or self._way(self.out, None) == "end" else "stage"
        return Ways(retry, self._way(self.on_full, retry), self._way(self.on_timeout, retry), exhausted, onward)

    def _way(self, to: Any, retry: RetryStage | None) -> str:
        if to is not None and to is retry:
            return "retry"
        return "end" if to is None or (self.is_end(to) and self.name not in self.run.in_branches) else "stage"

    def advance(self, now: float, limit: float) -> float:  # noqa: C901
        """Run from instant to instant: completions, arrivals, second copies, service, departures, retries.

        This loop is where runs with feedback take most of their time, so it calls little.
        """
        columns = self._columns_at(now)
        if columns is None:
            return super().advance(now, limit)
        ways = self.ways = self.ways or self._find_ways()

        row_of, entered, fate, permit, first, copies = (
            columns.row,
            columns.entered,
            columns.fate,
            columns.permit,
            columns.first,
            columns.copies,
        )
        queue, surplus, running, free, pushed = columns.queue, columns.surplus, columns.running, columns.free, columns.pushed
        noted, began, left, server = columns.noted.append, columns.began.append, columns.left.append, columns.server.append
        add_row, add_time, add_fate = row_of.append, entered.append, fate.append
        failed, numbers, followers = columns.failed, self.work.numbers, self.followers_due
        inbox = self.inbox
        late, base, at = inbox.late, inbox.at, 0
        rows, times = inbox.listed(max(limit, nextafter(now, inf)))

        fifo, most, key = self.fifo, self.max_queue, self.lanes[0].queue.key
        at_start = self.settles_at_start
        replicas, cancels, timeout = self.spec.replicas, self.spec.cancels, self.timeout
        sheds_newest = self.spec.drops == "newest"
        gaps, quantile, second_quantile = self.gaps, self.quantile, self.second_quantile
        seconds = [of_size[1] for of_size in self.seconds]
        patience, hedge_after = self.patience.after_s, self.hedging.after_s
        hedged = columns.hedged
        breaker = self.breaker if isinstance(self.breaker, CircuitBreaker) else None
        full_way, gone_way, hands_over = ways.full, ways.gone, ways.onward == "stage"
        retry, away = ways.retry, columns.away.append
        joins = breaker is None and not hedged and hedge_after == inf
        rushes = joins and ways.refuses_alone and sheds_newest
        if retry is not None:
            tries, backoffs, most_tries, budget = retry.tries, retry.backoffs, retry.spec.max_tries, retry.budget
            outcome = as_memoryview(self.run.requests.outcome) if "stage" in ways and not retry.in_branch else None
            resent = columns.sent.append
        sequence = inbox.numbers

        fresh, again = times[0], late[0][0] if late else inf
        done = running[0][0] if running else inf
        patient, unhedged = columns.open_from(columns.patient), columns.open_from(columns.unhedged)
        leave = nextafter(entered[patient] + patience, inf) if patient < len(fate) else inf
        hedge = entered[unhedged] + hedge_after if unhedged < len(fate) else inf

        while True:
            while done <= now:
                end, _, entry, replica, start = heappop(running)
                done = running[0][0] if running else inf
                if replica < replicas:
                    heappush(free, (end, replica))
                if entry < 0:
                    continue
                visit = entry
                if hedged:
                    visit = first[entry]
                    copies[visit] -= 1
                began(start)
                left(end)
                server(replica)
                if fate[visit]:
                    columns.unwanted.append(len(columns.noted))
                    noted(~entry)
                    continue
                noted(~visit)
                fate[visit] = DONE
                if breaker:
                    breaker.note(permit[visit], end, failed=False)
                if hands_over:
                    inbox.at = base + at
                    self.hand_over((row_of[visit],), end)
                    again = late[0][0] if late else inf

            while True:
                while fresh <= now or again <= now:
                    if fresh <= again:
                        row, time = rows[at], fresh
                        at += 1
                        fresh = times[at]
                    else:
                        time, _, row = heappop(late)
                        again = late[0][0] if late else inf
                    visit = len(row_of)
                    add_row(row)
                    add_time(time)
                    if hedged:
                        first.append(visit)
                        copies.append(1)
                    refused = len(queue) >= most and not free and sheds_newest and not surplus
                    if breaker is not None:
                        let_in = breaker.allows(time)
                        permit.append(breaker.period)
                        if let_in and refused:
                            breaker.note(breaker.period, now, failed=True)
                        refused = refused or not let_in
                    if refused:
                        add_fate(SHED)
                        noted(visit)
                        left(now)
                        if full_way == "retry":
                            failed.append(visit)
                        elif full_way == "stage":
                            inbox.at = base + at
                            self.on_full.fall_back(row, SHED, now)
                            again = late[0][0] if late else inf
                        continue
                    add_fate(UNFINISHED)
                    if leave == inf and patience < inf:
                        patient, leave = visit, nextafter(time + patience, inf)
                    if hedge == inf and hedge_after < inf:
                        unhedged, hedge = visit, time + hedge_after
                    if fifo:
                        queue.append(visit)
                    else:
                        insort(queue, (-key(row, now), -next(pushed), visit))
                    if len(queue) > most:
                        surplus.append(visit)
                        if not free:
                            inbox.at = base + at
                            self._keep_limit_of(columns, now)
                            again = late[0][0] if late else inf

                while hedge <= now:
                    inbox.at = base + at
                    self._send_second(columns, unhedged, now)
                    again = late[0][0] if late else inf
                    unhedged = columns.open_from(unhedged + 1)
                    hedge = entered[unhedged] + hedge_after if unhedged < len(fate) else inf

                while free and queue:
                    entry = queue.popleft() if fifo else queue.pop()[2]
                    visit = first[entry] if hedged else entry
                    if cancels and fate[visit]:
                        continue
                    if entered[entry] + timeout < now:
                        inbox.at = base + at
                        self._give_up_entry(columns, entry, TIMED_OUT, entered[entry] + timeout, now)
                        again = late[0][0] if late else inf
                        if again <= now:  # a request that is sent back here at once goes along
                            break
                        continue
                    since, replica = heappop(free)
                    drawn = quantile if entry == visit else second_quantile
                    end = now + seconds[bisect_right(gaps, now - since)][drawn[row_of[entry]]]
                    if at_start:
                        noted(~visit)
                        began(now)
                        left(end)
                        server(replica)
                        fate[visit] = DONE
                        heappush(running, (end, next(numbers), -1, replica, now))
                        done = running[0][0]
                        if hands_over:
                            inbox.at = base + at
                            self.hand_over((row_of[visit],), end)
                            again = late[0][0] if late else inf
                        continue
                    heappush(running, (end, next(numbers), entry, replica, now))
                    done = running[0][0]
                else:
                    break
            if surplus:
                inbox.at = base + at
                self._keep_limit_of(columns, now)
                again = late[0][0] if late else inf

            while leave <= now:
                if not fate[patient]:
                    fate[patient] = TIMED_OUT
                    if breaker:
                        breaker.note(permit[patient], now, failed=True)
                    noted(patient)
                    if gone_way == "end":
                        left(max(entered[patient] + patience, self.since))
                    else:
                        left(now)
                    if gone_way == "retry":
                        failed.append(patient)
                    elif gone_way == "stage":
                        inbox.at = base + at
                        self.on_timeout.fall_back(row_of[patient], TIMED_OUT, now)
                        again = late[0][0] if late else inf
                patient += 1
                while patient < len(fate) and fate[patient]:
                    patient += 1
                leave = nextafter(entered[patient] + patience, inf) if patient < len(fate) else inf

            if retry is not None and failed:
                for visit in failed:
                    row = row_of[visit]
                    tried = tries[row]
                    if tried < most_tries and (budget is None or budget.spend(now)):
                        sent = now + backoffs[tried - 1][row]
                        tries[row] = tried + 1
                        if outcome:
                            outcome[row] = UNFINISHED
                        heappush(late, (sent, next(sequence), row))
                        resent(sent)
                    else:
                        resent(nan)
                        if ways.exhausted == "stage":
                            inbox.at = base + at
                            retry.on_exhausted.fall_back(row, fate[visit], now)
                failed.clear()
                again = late[0][0] if late else inf
            if followers:
                inbox.at = base + at
                self.lead(now)
                again = late[0][0] if late else inf

            if joins and not free and (rushes or len(queue) < most):
                # Until a replica or a client is done, who comes waits, or is refused, and nothing else happens.
                until = done if done < leave else leave
                if limit < until:
                    until = limit
                while True:
                    if fresh <= again:
                        if fresh >= until:
                            break
                        time, row, is_fresh = fresh, rows[at], True
                        at += 1
                        fresh = times[at]
                    elif again < until:
                        time, _, row = late[0]
                        is_fresh = False
                    else:
                        break
                    if len(queue) < most:
                        if not is_fresh:
                            heappop(late)
                            again = late[0][0] if late else inf
                        visit = len(row_of)
                        add_row(row)
                        add_time(time)
                        add_fate(UNFINISHED)
                        if fifo:
                            queue.append(visit)
                        else:
                            insort(queue, (-key(row, time), -next(pushed), visit))
                        if leave == inf and patience < inf:
                            patient, leave = visit, nextafter(time + patience, inf)
                            until = leave if leave < until else until
                        if len(queue) >= most and not rushes:
                            break
                        continue
                    noted(AT_ONCE)
                    away(row)
                    left(time)
                    tried = tries[row]
                    if tried < most_tries and (budget is None or budget.spend(time)):
                        sent = time + backoffs[tried - 1][row]
                        tries[row] = tried + 1
                        (heappush if is_fresh else heapreplace)(late, (sent, next(sequence), row))
                        again = late[0][0]
                        resent(sent)
                    else:
                        resent(nan)
                        if not is_fresh:
                            heappop(late)
                            again = late[0][0] if late else inf

            now = fresh if fresh < again else again
            if done < now:
                now = done
            if leave < now:
                now = leave
            if hedge < now:
                now = hedge
            if now >= limit:
                break
        inbox.at = base + at
        columns.patient, columns.unhedged = columns.open_from(patient), columns.open_from(unhedged)
        write_down(self, columns, ways)
        # A client that has gone by now is no reason to wake.
        leave = nextafter(entered[columns.patient] + patience, inf) if columns.patient < len(fate) else inf
        hedge = entered[columns.unhedged] + hedge_after if columns.unhedged < len(fate) else inf
        return min(fresh, again, done, leave, hedge)

    def _columns_at(self, now: float) -> PoolColumns | None:
        """Return the columns, rebuilt where most of their visits are finished; None where the pool cannot have them now."""
        if self.columns is not None and len(self.columns.row) > ROOM + 4 * len(self.columns.queue):
            self._unpack()
        if self.columns is None:
            self.columns = PoolColumns.of(self, now)
        return self.columns

    def _send_second(self, columns: PoolColumns, visit: int, now: float) -> None:
        """Let a second copy join the queue, unless the first is answered or the copy would be shed at once."""
        queue, free, surplus = columns.queue, columns.free, columns.surplus
        if columns.fate[visit] or (len(queue) >= self.max_queue and not free and not surplus and self.spec.drops == "newest"):
            return
        columns.copies[visit] += 1
        entry = columns.add_second(visit, now)
        if self.fifo:
            queue.append(entry)
        else:
            insort(queue, (-self.lanes[0].queue.key(columns.row[visit], now), -next(columns.pushed), entry))
        if len(queue) > self.max_queue:
            surplus.append(entry)
            if not free:
                self._keep_limit_of(columns, now)

    def _keep_limit_of(self, columns: PoolColumns, now: float) -> None:
        """Shed entries beyond the limit, as `_keep_limit` does."""
        queue = columns.queue
        if self.settles_at_start:  # a plain pool refuses those that came at an instant in the order in which they came
            for entry in [queue.pop() for _ in range(len(queue) - int(min(self.max_queue, len(queue))))][::-1]:
                self._give_up_entry(columns, entry, SHED, now, now)
        for entry in reversed(columns.surplus):
            if len(queue) <= self.max_queue:
                break
            place = self._oldest(columns) if self.spec.drops == "oldest" else self._place(queue, entry)
            if place is not None:
                gone = queue[place] if self.fifo else queue[place][2]
                del queue[place]
                self._give_up_entry(columns, gone, SHED, now, now)
        columns.surplus.clear()

    def _oldest(self, columns: PoolColumns) -> int:
        if self.fifo:
            return 0
        entered, queue = columns.entered, columns.queue
        return min(reversed(range(len(queue))), key=lambda place: entered[queue[place][2]])

    def _place(self, queue: Any, entry: int) -> int | None:
        places = reversed(range(len(queue))) if self.fifo else range(len(queue))
        return next((place for place in places if (queue[place] if self.fifo else queue[place][2]) == entry), None)

    def _give_up_entry(self, columns: PoolColumns, entry: int, outcome: int, due: float, now: float) -> None:
        """Turn a request away if this was the last entry of a visit whose client waits."""
        visit = entry
        if columns.hedged:
            visit = columns.first[entry]
            columns.copies[visit] -= 1
            if columns.copies[visit]:
                return
        if columns.fate[visit]:
            return
        columns.fate[visit] = outcome
        if isinstance(self.breaker, CircuitBreaker):
            self.breaker.note(columns.permit[visit], now, failed=True)
        assert self.ways is not None
        way, to = (self.ways.full, self.on_full) if outcome == SHED else (self.ways.gone, self.on_timeout)
        columns.noted.append(visit)
        columns.left.append(max(due, self.since) if way == "end" else now)
        if way == "retry":
            columns.failed.append(visit)
        elif way == "stage":
            to.fall_back(columns.row[visit], outcome, now)

    def _unpack(self) -> None:
        if self.columns is not None:
            self.columns.restore(self)
            self.columns = None

    def waiting(self, time: float) -> Waiting:
        if self.columns is None:
            return super().waiting(time)
        columns, still = self.columns, self.columns.still_waiting(self.fifo)
        rows, entered, gone = ServiceStage.waiting(self, time)
        leaves = [max(last + self.timeout, self.since) if self.is_settled_late() else inf for last in still.values()]
        return Waiting(
            np.concatenate([np.array([columns.row[visit] for visit in still], np.int32), rows]),
            np.concatenate([np.array([columns.entered[visit] for visit in still]), entered]),
            np.concatenate([np.array(leaves), gone]),
        )

    def note_unfinished(self, log: VisitLog, until: float) -> Fleet | None:
        if self.columns is None:
            return super().note_unfinished(log, until)
        self.columns.note_running(log)
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
