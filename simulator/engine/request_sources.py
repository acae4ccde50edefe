"""Sources of the requests of a run: a schedule, and clients that wait for answers."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.engine.arrivals.closed import think_times
from simulator.engine.contract import Stage
from simulator.engine.stages.stage import ServiceStage
from simulator.records.trace import as_memoryview

if TYPE_CHECKING:
    from simulator.engine.arrivals.closed import Loop
    from simulator.engine.contract import StageRun

#: Names that no stage of a scenario can have.
SCHEDULE, CLIENTS = "(schedule)", "(clients)"


class Schedule(Stage):
    """Every request comes when it was drawn to come."""

    @property
    def issued(self) -> int:
        return self.run.requests.n

    def start(self) -> None:
        self._sent = 0

    def sent_before(self, time: float) -> int:
        return int(np.searchsorted(self.run.requests.arrived, time))

    def send_before(self, time: float) -> None:
        """Hand those requests to the first stage that come before that time (s), each at its own time."""
        requests, first = self.run.requests, self._sent
        self._sent = self.sent_before(time) if time < self.run.plan.horizon_s else requests.n
        rows = np.arange(first, self._sent, dtype=np.int32)
        self.run.first.accept_block(rows, requests.arrived[first : self._sent])


class Clients(ServiceStage):
    """Clients in a closed loop: each thinks, sends a query, and thinks again once all of it is back.

    Every way through the stages leads from here and back here, by the ends: all stages take turns, as in any ring. Rows are
    issued in order of time, and the draws of a row belong to the request that gets it, whichever client sends it. A client
    that has used all its think times, which only a limit on requests allows, goes through them again.
    """

    def __init__(self, run: StageRun, spec: Loop) -> None:
        super().__init__(run, CLIENTS, spec)
        self.end = run.plan.arrivals_end_s
        self.clients = spec.loop
        thinks = think_times(spec, run.streams.named("arrivals"), self.end)
        self.thinks = [[0.0]] * self.clients.senders if thinks is None else thinks
        self.turns = [0] * self.clients.senders
        self.ready: list[tuple[float, int]] = []  # a heap: when the next query is due, client
        self.sender: dict[int, int] = {}  # row on its way to the client that waits for it
        self.missing = [0] * self.clients.senders
        self.back = [0.0] * self.clients.senders  # when the last of a client's query so far is back
        self.issued = 0
        requests = run.requests
        self.arrived, self.deadline = as_memoryview(requests.arrived), as_memoryview(requests.deadline)
        self.lasts = as_memoryview(requests.deadline - requests.arrived[: len(requests.deadline)])

    def start(self) -> None:
        for client in range(self.clients.senders):
            self._think(client, 0.0)
        self.alarm.set(self._next_time())

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that reach the end of their way at `time`, now or later."""
        for row in rows:
            client = self.sender.pop(row, None)
            if client is None:  # it has been back before
                continue
            self.missing[client] -= 1
            self.back[client] = max(self.back[client], time)
            if not self.missing[client]:
                self._think(client, self.back[client])
        self.alarm.set(self._next_time())

    def step(self, now: float) -> float:
        while self.ready and self.ready[0][0] <= now:
            time, client = heappop(self.ready)
            if self.issued < self.run.requests.n:
                self._send(client, time)
        return self._next_time()

    def _next_time(self) -> float:
        return self.ready[0][0] if self.ready else inf

    def sent_before(self, time: float) -> int:
        """Return the number of requests sent before `time` (s), the time that the run has reached."""
        return self.issued

    def send_before(self, time: float) -> None:
        """Do nothing: the clients send by themselves."""

    def _think(self, client: int, time: float) -> None:
        thinks, turn = self.thinks[client], self.turns[client]
        self.turns[client] = turn + 1
        due = time + float(thinks[turn % len(thinks)])
        if due < self.end:
            heappush(self.ready, (due, client))

    def _send(self, client: int, time: float) -> None:
        rows = range(self.issued, self.issued + self.clients.per_query)
        self.issued += self.clients.per_query
        self.missing[client] = self.clients.per_query
        for row in rows:
            self.arrived[row] = time
            if self.deadline:
                self.deadline[row] = time + self.lasts[row]
            self.sender[row] = client
        self.run.first.accept(rows, time)


def source_of(run: StageRun) -> Schedule | Clients:
    spec: Any = run.plan.scenario.arrivals
    return Clients(run, spec) if spec.waits_for_answers else Schedule(run, SCHEDULE, spec)
