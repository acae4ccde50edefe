"""Fair turns: next comes the person who was served least, with that person's most urgent task.

Each person has an account of the seconds of work that they were given. Next comes the task whose person has been served least;
a task that is less urgent lets others go first, as if its person had been served `PATIENCE_S` more for each step of urgency. So
first results come before later ones as long as the accounts lie close together, and no person waits for ever: time given to
others counts, and so does work on a design that was dropped meanwhile.

First results come in tasks too, and are worth nothing until the last of them is done. Were they given one at a time to each
person in turn, then none of many people who change something every few seconds would see a result. So first results that were
begun go on before others' turn, as if their person had been served `KEPT_S` less.

A person who comes back after a while begins at the others' account (start-time fair queueing: Goyal, Vin, Cheng 1996): time
away earns nothing, and a large account stays until the others have caught up.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Any, NamedTuple

from cachetools import LRUCache

#: Worth of a step of urgency, in seconds of work.
PATIENCE_S = 2.0

#: Worth of first results that are begun, in seconds of work: about as much as they take.
KEPT_S = 4.0

#: Urgency of work that nobody waits for.
IDLE = 100

#: Number of runs whose mean task time is remembered.
PACES = 512

#: Number of idle people whose account is remembered.
REMEMBERED = 256


class Submitter(NamedTuple):
    """Person, run and urgency of a task; a lower urgency comes first."""

    person: str
    run: str
    urgency: int = 0


class Ahead(NamedTuple):
    """Work before a run: the number of other people's runs, and their seconds, approximately."""

    runs: int
    seconds: float


class TaskReply(Future[Any]):
    """Future of a task.

    again: whether it was restarted because its first process was killed; seconds: the time that it took, once it has ended
    """

    again = False
    seconds = 0.0


@dataclass(order=True)
class QueuedTask:
    """A piece of work that waits for a process; among equally urgent tasks of one person the first comes first."""

    urgency: int
    order: int
    behalf: Submitter = field(compare=False)
    work: partial[Any] = field(compare=False)
    future: TaskReply = field(default_factory=TaskReply, compare=False)
    attempts: int = field(default=0, compare=False)
    expected_s: float = field(default=0.0, compare=False)


@dataclass
class _Account:
    """Seconds of work that a person was given; tasks under way count with their expected time.

    begun: the run whose first results are under way, or were begun last; latest: the run of the last task
    """

    served_s: float
    waiting: list[QueuedTask] = field(default_factory=list)
    under_way: int = 0
    begun: str = ""
    latest: str = ""

    def add(self, task: QueuedTask) -> None:
        """Add a task; with the first of a run, forget cancelled ones: each holds a plan, and may never come to the front."""
        if task.behalf.run != self.latest:
            self.latest = task.behalf.run
            self.waiting = [waiting for waiting in self.waiting if not waiting.future.cancelled()]
            heapify(self.waiting)
        heappush(self.waiting, task)

    @property
    def first(self) -> QueuedTask | None:
        while self.waiting and self.waiting[0].future.cancelled():
            heappop(self.waiting)
        return self.waiting[0] if self.waiting else None


def _turn(behalf: Submitter, served_s: float, begun: str) -> float:
    """Return the turn of a submitter's next task, in seconds of work: the lowest comes first.

    served_s, begun: of its person's account
    """
    advance = KEPT_S if behalf.urgency == 0 and behalf.run == begun else 0.0
    return served_s + PATIENCE_S * behalf.urgency - advance


class Turns:
    """Tasks that wait for a process, by person. Not for several threads at once."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}
        self._under_way: list[QueuedTask] = []
        self._served_s = 0.0  # the account of the person served last, before that
        self._order = count()
        self._paces: LRUCache[str, float] = LRUCache(PACES)
        self._pace_s = 1.0

    def add(self, behalf: Submitter, work: partial[Any]) -> QueuedTask:
        task = QueuedTask(behalf.urgency, next(self._order), behalf, work)
        account = self._accounts.setdefault(behalf.person, _Account(self._served_s))
        if account.first is None and not account.under_way:
            account.served_s = max(account.served_s, self._served_s)
        account.add(task)
        return task

    def next(self, before: float = inf) -> QueuedTask | None:
        """Return the next task, which can no longer be cancelled; None if nothing waits.

        before: tasks of this urgency, and less urgent ones, stay where they are
        """
        while found := min((first for first in self._firsts() if first[-1].urgency < before), default=None):
            account = self._accounts[found[-1].behalf.person]
            task = heappop(account.waiting)
            task.attempts += 1
            if task.future.running() or task.future.set_running_or_notify_cancel():
                self._begin(account, task)
                return task
        return None

    def put_back(self, task: QueuedTask) -> None:
        self._end(task, 0.0)
        heappush(self._accounts[task.behalf.person].waiting, task)

    def done(self, task: QueuedTask, seconds: float | None) -> None:
        """End a task that was under way; seconds: the time it took, None where it is not known."""
        if seconds is not None:
            before = self._paces.get(task.behalf.run)
            self._paces[task.behalf.run] = seconds if before is None else (3 * before + seconds) / 4
            self._pace_s = (15 * self._pace_s + seconds) / 16
        self._end(task, task.expected_s if seconds is None else seconds)
        self._forget()

    def sooner(self, first: Submitter, second: Submitter) -> bool:
        return self._comes_at(first) < self._comes_at(second)

    def ahead(self, run: str, processes: int) -> Ahead | None:
        """Return the work before the first task of a run; None once it is under way, or without others' work."""
        if any(task.behalf.run == run for task in self._under_way):
            return None
        before, seconds = [task.behalf for task in self._under_way], sum(task.expected_s / 2 for task in self._under_way)
        for task in self._order_of_all():
            if task.behalf.run == run:
                others = {submitter.run for submitter in before if submitter.person != task.behalf.person}
                return Ahead(len(others), seconds / processes) if others else None
            before.append(task.behalf)
            seconds += self._expected_s(task)
        return None

    def _firsts(self) -> Iterator[tuple[float, int, QueuedTask]]:
        for account in self._accounts.values():
            if task := account.first:
                yield _turn(task.behalf, account.served_s, account.begun), task.order, task

    def _comes_at(self, behalf: Submitter) -> float:
        account = self._accounts.get(behalf.person, _Account(self._served_s))
        return _turn(behalf, account.served_s, account.begun)

    def _begin(self, account: _Account, task: QueuedTask) -> None:
        self._served_s = max(self._served_s, account.served_s)
        task.expected_s = self._expected_s(task)
        account.served_s += task.expected_s
        account.under_way += 1
        if task.urgency == 0:
            account.begun = task.behalf.run
        self._under_way.append(task)

    def _end(self, task: QueuedTask, seconds: float) -> None:
        account = self._accounts[task.behalf.person]
        account.served_s += seconds - task.expected_s
        account.under_way -= 1
        self._under_way.remove(task)

    def _expected_s(self, task: QueuedTask) -> float:
        return self._paces.get(task.behalf.run, self._pace_s)

    def _forget(self) -> None:
        """Drop idle accounts: all when every account is idle, else those that would start like a newcomer's."""
        idle = {
            name: account.served_s
            for name, account in self._accounts.items()
            if account.first is None and not account.under_way
        }
        if len(idle) == len(self._accounts):
            self._served_s = max(idle.values())
        most = sorted(idle, key=idle.__getitem__)[-REMEMBERED:]
        for name in idle:
            if idle[name] <= self._served_s or name not in most:
                del self._accounts[name]

    def _order_of_all(self) -> Iterator[QueuedTask]:
        """Yield all waiting tasks in their order if each took its expected time."""
        waiting = {name: sorted(account.waiting) for name, account in self._accounts.items()}
        queues = {name: iter([task for task in tasks if not task.future.cancelled()]) for name, tasks in waiting.items()}
        served = {name: account.served_s for name, account in self._accounts.items()}
        begun = {name: account.begun for name, account in self._accounts.items()}
        firsts: list[tuple[float, int, QueuedTask]] = []

        def enter(person: str) -> None:
            if task := next(queues[person], None):
                heappush(firsts, (_turn(task.behalf, served[person], begun[person]), task.order, task))

        for person in queues:
            enter(person)
        while firsts:
            *_, task = heappop(firsts)
            yield task
            if task.urgency == 0:
                begun[task.behalf.person] = task.behalf.run
            served[task.behalf.person] += self._expected_s(task)
            enter(task.behalf.person)
