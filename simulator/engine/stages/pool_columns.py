"""The visits of a pool as columns, and the loop that serves them together with the retries that they cause."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf, nan, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.records.trace import DONE, SHED, TIMED_OUT, UNFINISHED, as_memoryview

if TYPE_CHECKING:
    from simulator.arrays import Rows, Times
    from simulator.engine.stages.column_pool import ColumnPoolStage

#: Logged of a service that no client waited for; and the fate of a second copy, whose request has one.
UNWANTED, SECOND = 5, 6


class PoolColumns:
    """The state of a pool between two instants, and the loop that goes on from there.

    An entry is a visit, or a second copy of one; it is a place in the columns.

    row, entered: of each entry; fate: UNFINISHED while its client waits, then the outcome; it has one more, UNFINISHED
    permits: of visits, as the breaker gave them; visit_of: the visit that a second copy is of; copies: of each such visit, how
    many wait or are being served
    queue: in order of arrival a deque of entries; by any other key a list of (-key, -entry, entry), the next one at its end
    surplus, failed: entries that found the queue full at this instant, and the rows that the retry gets at its end
    running: a heap of (end, number, entry, replica, start); free: a heap of (since when, replica); busy: a heap of (until when,
    replica) of those that serve what is noted already
    patient, unhedged: the first visits whose client may still leave, and may still get a second copy
    Since the last pause, fates: the outcome of each visit of the log, or UNWANTED; began, server: of each that was served;
    sent: when the retry sends each again that it has got, NaN for never
    """

    def __init__(self, pool: ColumnPoolStage) -> None:
        self.pool = pool
        self.row: list[int] = []
        self.entered: list[float] = []
        self.fate = [UNFINISHED]
        self.permits: dict[int, int] = {}
        self.visit_of: dict[int, int] = {}
        self.copies: dict[int, int] = {}
        self.queue: Any = deque() if pool.fifo else []
        self.surplus: list[int] = []
        self.failed: list[int] = []
        self.running: list[tuple[float, int, int, int, float]] = []
        self.free: list[tuple[float, int]] = []
        self.busy: list[tuple[float, int]] = []
        self.patient = self.unhedged = 0
        self.fates: list[int] = []
        self.began: list[float] = []
        self.server: list[int] = []
        self.sent: list[float] = []
        self.newest = pool.spec.drops == "newest"
        self.patience, self.hedge_after = pool.patience.after_s, pool.hedging.after_s
        self.resend = self._resender() if pool.retry is not None else _nothing
        self.push, self.pop = self._line()

    def _line(self) -> tuple[Callable[[int], None], Callable[[], int]]:
        """Return the functions that put an entry into the queue, and take the next one out."""
        queue, key, row, entered = self.queue, self.pool.lanes[0].queue.key, self.row, self.entered
        if self.pool.fifo:
            return queue.append, queue.popleft
        return lambda entry: insort(queue, (-key(row[entry], entered[entry]), -entry, entry)), lambda: queue.pop()[2]

    def _resender(self) -> Callable[[int, float], None]:
        """Return the function that sends a request again at its time, unless it has had its tries or the budget is spent."""
        retry, inbox, sent = self.pool.retry, self.pool.inbox, self.sent
        assert retry is not None
        tries, backoffs, most, budget, late = retry.tries, retry.backoffs, retry.spec.max_tries, retry.budget, inbox.late
        outcome, resets, numbers = as_memoryview(self.pool.run.requests.outcome), not retry.in_branch, inbox.numbers

        def resend(row: int, now: float) -> None:
            tried = tries[row]
            if tried < most and (budget is None or budget.spend(now)):
                time = now + backoffs[tried - 1][row]
                tries[row] = tried + 1
                if resets:
                    outcome[row] = UNFINISHED
                heappush(late, (time, next(numbers), row))
                sent.append(time)
            else:
                sent.append(nan)

        return resend

    def go_on(self, now: float, limit: float) -> float:
        """Do all that is due before `limit`; return the time of what is due next.

        At an instant when services end, replicas take requests. Between two such instants clients leave, and requests come
        that can only wait or be refused. Of several at one instant, and of all that is not usual, `_step` takes care. This loop
        is where runs with feedback take most of their time, so it calls little.

        done, gone, coming, other: when the next service ends, the next client has left, the next request comes, and anything
        else is due
        """
        pool, inbox, log = self.pool, self.pool.inbox, self.pool.log
        row_of, entered, fate, visit_of = self.row, self.entered, self.fate, self.visit_of
        add_row, add_time, add_fate, opened = row_of.append, entered.append, fate.append, fate.index
        queue, running, free, late, push, pop = self.queue, self.running, self.free, inbox.late, self.push, self.pop
        log_row, log_entered, log_left, note = log.request.append, log.entered.append, log.left.append, self.fates.append
        note_began, note_server, replicas, spare = self.began.append, self.server.append, pool.spec.replicas, list[Any]()
        gaps, quantile, second, numbers = pool.gaps, pool.quantile, pool.second_quantile, pool.work.numbers
        seconds, cancels, timeout = [of_size[1] for of_size in pool.seconds], pool.spec.cancels, pool.timeout
        most, newest, since, patience = pool.max_queue, self.newest, pool.since, self.patience
        impatient, hedges, quiet = patience < inf, self.hedge_after < inf, min(patience, self.hedge_after)
        expires, ends = timeout < inf, pool.on_timeout is not pool.retry
        refused, left = (self.resend if to is pool.retry else _nothing for to in (pool.on_full, pool.on_timeout))
        base, at, patient, count = inbox.at, 0, self.patient, len(row_of)
        rows, times = inbox.listed(limit)
        done = gone = coming = inf
        other = -inf  # a pick may have changed at the first instant
        while now < limit:
            while done <= now:
                end, _, entry, replica, start = heappop(running)
                visit = visit_of[entry] if fate[entry] == SECOND else entry
                wanted = not fate[visit]
                log_row(row_of[visit])
                log_entered(entered[visit if wanted else entry])
                log_left(end)
                note_began(start)
                note_server(replica)
                note(DONE if wanted else UNWANTED)
                fate[visit] = fate[visit] or DONE
                heappush(free if replica < replicas else spare, (end, replica))
                done = running[0][0] if running else inf
            while coming <= now or other <= now:
                inbox.at, self.patient = base + at, patient
                (self._step if coming <= now or other < now or self.busy else self._send_second)(now)
                at, patient, count = inbox.at - base, self.patient, len(row_of)
                fresh, again = times[at], late[0][0] if late else inf
                done, gone, other = running[0][0] if running else inf, self._gone_time(), self._other(limit)
                coming = fresh if fresh < again else again
            while free and queue:
                entry = pop()
                visit = visit_of[entry] if fate[entry] == SECOND else entry
                if (cancels and fate[visit]) or (expires and entered[entry] + timeout < now):
                    other = other if fate[visit] else self._drop(entry, now, limit)
                else:
                    idle_since, replica = heappop(free)
                    drawn = quantile if entry == visit else second
                    end = now + seconds[bisect_right(gaps, now - idle_since)][drawn[row_of[entry]]]
                    heappush(running, (end, next(numbers), entry, replica, now))
                    done = running[0][0]
            other = self._other(limit) if hedges and other == limit else other
            until = done if done < other else other
            until = until if until < now + quiet else now + quiet
            renewed = fate[patient] if gone < until else gone == inf and impatient
            patient = opened(UNFINISHED, patient) if renewed else patient
            gone = (nextafter(entered[patient] + patience, inf) if patient < count else inf) if renewed else gone
            now = until if until > now else now
            while coming < until or gone < until:
                if gone < coming:
                    fate[patient] = TIMED_OUT
                    log_row(row_of[patient])
                    log_entered(entered[patient])
                    log_left(max(entered[patient] + patience, since) if ends else gone)
                    note(TIMED_OUT)
                    left(row_of[patient], gone)
                    patient = opened(UNFINISHED, patient + 1)
                    gone = nextafter(entered[patient] + patience, inf) if patient < count else inf
                elif len(queue) < most:
                    add_row(rows[at] if fresh <= again else heappop(late)[2])
                    add_time(coming)
                    at += 1 if fresh <= again else 0
                    add_fate(UNFINISHED)
                    push(count)
                    count += 1
                    now = coming if free else now
                    until = -inf if free else until
                elif newest and not free:
                    row = rows[at] if fresh <= again else heappop(late)[2]
                    at += 1 if fresh <= again else 0
                    log_row(row)
                    log_entered(coming)
                    log_left(coming)
                    note(SHED)
                    refused(row, coming)
                else:
                    now, until = coming, -inf
                fresh, again = times[at], late[0][0] if late else inf
                coming = fresh if fresh < again else again
        inbox.at, self.patient = base + at, patient
        self._hand_on()
        return self._upcoming()

    def visit(self, entry: int) -> int:
        return self.visit_of.get(entry, entry)

    def waiting(self) -> list[int]:
        """Return the entries that wait, in the order of the queue."""
        return [*self.queue] if self.pool.fifo else [entry for *_, entry in reversed(self.queue)]

    # What is not usual

    def step_on(self, now: float, limit: float) -> float:
        """Do what `go_on` does, instant by instant, where a breaker hears at once of each request."""
        while now < limit:
            self._step(now)
            now = self._upcoming()
        self._hand_on()
        return now

    def _upcoming(self) -> float:
        """Return when anything is due next (s)."""
        end = self.running[0][0] if self.running else inf
        return min(self.pool.inbox.head, end, self._gone_time(), self._other(inf))

    def _other(self, limit: float) -> float:
        """Return when a second copy is due, or anything else that is not usual; at most `limit` (s)."""
        if self.surplus or self.failed:
            return -inf
        due = self.entered[self.unhedged] + self.hedge_after if self.unhedged < len(self.row) else inf
        due = min(due, self.busy[0][0]) if self.busy else due
        return due if due < limit else limit

    def _gone_time(self) -> float:
        """Return when the next client has left, just after the last instant at which it takes an answer (s)."""
        return nextafter(self.entered[self.patient] + self.patience, inf) if self.patient < len(self.row) else inf

    def _step(self, now: float) -> None:
        """Do all that is due at an instant, as a managed pool does."""
        inbox = self.pool.inbox
        while self.busy and self.busy[0][0] <= now:
            heappush(self.free, heappop(self.busy))
        while self.running and self.running[0][0] <= now:
            self._complete()
        while inbox.head <= now:
            self._admit(now)
        while self.unhedged < len(self.row) and self.entered[self.unhedged] + self.hedge_after <= now:
            self._send_second(now)
        while self.free and self.queue:
            self._take(now)
        if self.surplus:
            self._keep_limit(now)
        while self._gone_time() <= now:
            self._leave(now)
        for row in self.failed:
            self.resend(row, now)
        self.failed.clear()

    def _take(self, now: float) -> None:
        """Let a replica take the next request, or turn one away that is not to be served."""
        entry, pool = self.pop(), self.pool
        visit = self.visit(entry)
        if (pool.spec.cancels and self.fate[visit]) or self.entered[entry] + pool.timeout < now:
            self._give_up(entry, TIMED_OUT, self.entered[entry] + pool.timeout, now)
            while pool.inbox.head <= now:  # a request that is sent back here at once goes along
                self._admit(now)
            return
        idle_since, replica = heappop(self.free)
        drawn = pool.quantile if entry == visit else pool.second_quantile
        seconds = pool.seconds[bisect_right(pool.gaps, now - idle_since)][1][drawn[self.row[entry]]]
        heappush(self.running, (now + seconds, next(pool.work.numbers), entry, replica, now))

    def _complete(self) -> None:
        end, _, entry, replica, start = heappop(self.running)
        visit = self.visit(entry)
        wanted = not self.fate[visit]
        self._log(entry, self.entered[visit if wanted else entry], end, DONE if wanted else UNWANTED)
        self.began.append(start)
        self.server.append(replica)
        if replica < self.pool.spec.replicas:
            heappush(self.free, (end, replica))
        if wanted:
            self.fate[visit] = DONE
            self.pool.breaker.note(self.permits.get(visit, 0), end, failed=False)

    def _log(self, entry: int, entered: float, left: float, fate: int) -> None:
        log = self.pool.log
        log.request.append(self.row[entry])
        log.entered.append(entered)
        log.left.append(left)
        self.fates.append(fate)

    def _admit(self, now: float) -> None:
        row, time = self.pool.inbox.pop()
        let_in = self.pool.breaker.allows(time)
        visit = self.add(row, time, UNFINISHED)
        self.permits[visit] = self.pool.breaker.period if let_in else -1
        if not let_in or self._refuses():
            self._turn_away(visit, SHED, now, now)
        else:
            self._join(visit, now)

    def add(self, row: int, entered: float, fate: int) -> int:
        """Add an entry at the end; return its place."""
        self.row.append(row)
        self.entered.append(entered)
        self.fate[-1] = fate
        self.fate.append(UNFINISHED)
        return len(self.row) - 1

    def _refuses(self) -> bool:
        """Return whether an entry would be shed at once."""
        return len(self.queue) >= self.pool.max_queue and self.newest and not self.free and not self.surplus

    def _join(self, entry: int, now: float) -> None:
        """Join the queue. One too many may stay until the replicas that are free at this instant have taken theirs."""
        self.push(entry)
        if len(self.queue) > self.pool.max_queue:
            self.surplus.append(entry)
            if not self.free:
                self._keep_limit(now)

    def _send_second(self, now: float) -> None:
        """Let a second copy join the queue, unless the first is answered or the copy would be shed at once."""
        visit, fate = self.unhedged, self.fate
        if not fate[visit] and not self._refuses():
            entry = self.add(self.row[visit], now, SECOND)
            self.visit_of[entry], self.copies[visit] = visit, 2
            self._join(entry, now)
        self.unhedged = fate.index(UNFINISHED, visit + 1)

    def _keep_limit(self, now: float) -> None:
        """Shed entries beyond the limit, as a managed pool does."""
        queue = self.queue
        for entry in reversed(self.surplus):
            if len(queue) <= self.pool.max_queue:
                break
            place = self._place(entry) if self.newest else self._oldest()
            if place is not None:
                gone = queue[place] if self.pool.fifo else queue[place][2]
                del queue[place]
                self._give_up(gone, SHED, now, now)
        self.surplus.clear()

    def _oldest(self) -> int:
        if self.pool.fifo:
            return 0
        return min(reversed(range(len(self.queue))), key=lambda place: self.entered[self.queue[place][2]])

    def _place(self, entry: int) -> int | None:
        places = reversed(range(len(self.queue))) if self.pool.fifo else range(len(self.queue))
        return next(
            (place for place in places if (self.queue[place] if self.pool.fifo else self.queue[place][2]) == entry), None
        )

    def _leave(self, now: float) -> None:
        if not self.fate[self.patient]:
            self._turn_away(self.patient, TIMED_OUT, self.entered[self.patient] + self.patience, now)
        self.patient += 1

    def _drop(self, entry: int, now: float, limit: float) -> float:
        """Let an entry go that has waited too long; return when something unusual is due next (s)."""
        self._give_up(entry, TIMED_OUT, self.entered[entry] + self.pool.timeout, now)
        return self._other(limit)

    def _give_up(self, entry: int, outcome: int, due: float, now: float) -> None:
        """Turn a request away if this was the last entry of a visit whose client waits."""
        visit = self.visit(entry)
        if visit in self.copies:
            self.copies[visit] -= 1
        if not self.fate[visit] and not self.copies.get(visit):
            self._turn_away(visit, outcome, due, now)

    def _turn_away(self, visit: int, outcome: int, due: float, now: float) -> None:
        self.fate[visit] = outcome
        self.pool.breaker.note(self.permits.get(visit, 0), now, failed=True)
        again = self._way_of(outcome) is self.pool.retry
        self._log(visit, self.entered[visit], now if again else max(due, self.pool.since), outcome)
        if again:
            self.failed.append(self.row[visit])

    def _way_of(self, outcome: int) -> Any:
        return self.pool.on_full if outcome == SHED else self.pool.on_timeout

    # Handing on

    def _hand_on(self) -> None:
        """Complete the log since the last pause, and hand on what may go on together."""
        if not self.fates:
            return
        pool, log, fates = self.pool, self.pool.log, np.array(self.fates, np.int8)
        first = len(log) - len(fates)
        rows, left = np.array(log.request[first:], np.int32), np.array(log.left[-len(fates) :])
        served, began, server = (fates == DONE) | (fates == UNWANTED), np.full(len(fates), nan), np.full(len(fates), -1)
        began[served], server[served] = self.began, self.server
        log.size.frombytes(np.ones(len(fates), log.size.typecode).tobytes())
        log.started.frombytes(began.tobytes())
        log.server.frombytes(server.astype(log.server.typecode).tobytes())
        log.unwanted.extend((first + np.flatnonzero(fates == UNWANTED)).tolist())
        retried = np.zeros(len(rows), bool)
        for fate in (SHED, TIMED_OUT):
            away, to = fates == fate, self._way_of(fate)
            if to is pool.retry:
                retried |= away
            elif away.any():
                to.fall_back_block(rows[away], fate, left[away])
        if self.sent:
            self._write_tries(rows[retried], fates[retried], left[retried], np.array(self.sent))
        served = fates == DONE
        if served.any():
            pool.hand_over_block(rows[served], left[served])
        for column in (self.fates, self.began, self.server, self.sent):
            column.clear()

    def _write_tries(self, rows: Rows, fates: NDArray[np.integer[Any]], times: Times, sent: Times) -> None:
        retry, given_up = self.pool.retry, np.isnan(sent)
        assert retry is not None
        retry.log.add_block(rows, times, np.where(given_up, nan, times), np.where(given_up, times, sent))
        if given_up.any():
            retry.on_exhausted.fall_back_block(rows[given_up], fates[given_up], times[given_up])


def _nothing(row: int, now: float) -> None:
    """Do nothing about a request that goes to an end."""
