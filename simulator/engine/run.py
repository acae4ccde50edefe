"""Runs a plan: SimPy keeps the time, a schedule or clients send requests, stages hand each other row numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from math import inf, nan, nextafter
from operator import itemgetter
from typing import Any

import numpy as np

from simulator.case.choices import Pick
from simulator.engine.actions import Action, Airlock, ControllerWatch, changed, with_actions
from simulator.engine.arrivals.closed import Loop, think_times
from simulator.engine.compiled_plan import Conditions, Plan
from simulator.engine.contract import CLIENTS, Stage, StageRun
from simulator.engine.run_trace import Requests, Trace
from simulator.engine.stages import STAGES
from simulator.engine.stages.device_batches import SharedDevice
from simulator.engine.stages.stage import EndStage, Outbox, ReturningEnd, ServiceStage
from simulator.records.streams import Streams
from simulator.records.trace import TIMED_OUT, Fleet, VisitLog, as_memoryview

#: Part of every run hash: raise it when a plan and a seed give another trace than before.
ENGINE_VERSION = 5

#: The name of the source of requests that do not wait for each other.
SCHEDULE = "(schedule)"


def simulate(plan: Plan, seed: int = 0, replication: int = 0, actions: Sequence[Action] = ()) -> Trace:
    """Run one replication. Plan, seed, replication and engine version determine the trace.

    actions: picks that change on the way, each behind its time in seconds. They leave the trace before that time as it is.
    Raises ScenarioError for a pick that cannot change during the run.
    """
    return Run(with_actions(plan, actions) if actions else plan, Streams(seed, replication)).trace()


class Run(StageRun):
    """One replication while it runs, with the stages that stand for its plan.

    A run that stops goes on to a time (`advance`), is looked at as it is known then (`look`), has a pick changed (`act`), and
    goes on. No stage runs ahead of `barrier`, its next stop (s); `now` is the time that it has reached (s).
    """

    source: Schedule | Clients

    def __init__(self, plan: Plan, streams: Streams, stops: bool = False) -> None:
        """Set up a run; stops: whether the caller stops it on the way (a plan whose picks change stops in any case)."""
        super().__init__(plan, streams, stops or plan.changes)
        self.began_as = plan
        self.now = 0.0
        self.scheduled = deque(plan.later)
        self.decided: list[tuple[float, dict[str, Pick]]] = []  # what controllers will change, and when
        self.watches = [ControllerWatch(self, spec) for spec in plan.scenario.controllers.values()]
        self.phases = [(0.0, plan)]
        self.expected = plan  # the plan that would run now with scheduled changes alone
        shared = plan.scenario.accelerators.items()
        self.accelerators = {name: SharedDevice(spec.stretch) for name, spec in shared}
        self.stages = {name: STAGES[spec.kind].of(self, name, spec) for name, spec in plan.scenario.stages.items()}
        self.airlocks = {name: Airlock(self, name) for name in self.stages} if self.stops else {}
        self.source = source_of(self)
        kind = ReturningEnd if self.closed else EndStage
        self.ends = {name: kind(self, name, spec, index) for index, (name, spec) in enumerate(plan.scenario.ends.items())}
        self.outboxes: list[Outbox] = []
        self._connect()
        self.source.start()

    def _connect(self) -> None:
        self.outboxes = []
        for graph in ("graph", "_ahead"):
            self.__dict__.pop(graph, None)  # a pick may have changed where requests go on to
        for stage in self.stages.values():
            stage.connect()
        self.source.connect()

    def trace(self) -> Trace:
        """Run to the end, and return the trace."""
        self.advance(self.plan.horizon_s)
        # Events at the very end of the run are part of it.
        return self._trace_before(
            nextafter(self.plan.horizon_s, inf), self.requests, {name: stage.log for name, stage in self.stages.items()}
        )

    def look(self) -> Trace:
        """Return the trace as known by now, as if the run had ended here, without events at this time or later."""
        logs = {name: stage.log.copy() for name, stage in self.stages.items()}
        trace = self._trace_before(self.now, self.requests.known(self.source.sent_before(self.now), self.now), logs)
        for log in logs.values():
            log.hide_from(self.now)
        return trace

    def advance(self, to: float) -> None:
        """Run up to the time `to` (s), without it; picks that are due on the way change."""
        to = min(to, self.plan.horizon_s)
        while self.now < to:
            self._change_what_is_due()
            changes = [at_s for at_s, _ in [*self.decided, *list(self.scheduled)[:1]]]
            self._go_on(min([to, *changes, *(watch.next_time for watch in self.watches)]))
            for watch in self.watches:
                if watch.next_time <= self.now and watch.look(self.now):
                    self.decided.append((self.now + watch.spec.delay_s, watch.spec.set))

    def _change_what_is_due(self) -> None:
        while self.scheduled and self.scheduled[0][0] <= self.now:
            self._change(self._on_top(self.scheduled.popleft()[1]))
        for at_s, picks in sorted(self.decided, key=itemgetter(0)):
            if at_s <= self.now:
                self.decided.remove((at_s, picks))
                self.act(picks)

    def _on_top(self, after: Plan) -> Plan:
        before = self.expected
        self.expected = after
        if self.plan is before:
            return after
        return changed(self.plan, {name: pick for name, pick in after.design.items() if pick != before.design.get(name)})

    def act(self, picks: Mapping[str, Pick]) -> None:
        self._change(changed(self.plan, picks))

    def _go_on(self, to: float) -> None:
        if not self.stops and to < self.barrier:
            raise ValueError("stages of this run look ahead to its end; let it begin with stops=True to stop it on the way")
        if self.stops:
            self.barrier = to
            # Nothing stops after the end: later deliveries pass, as in a run that never stops.
            self.holds_from = to if to < self.plan.horizon_s else inf
            self.requests.wait_until(self.holds_from)
        self.source.send_before(to)
        for airlock in self.airlocks.values():
            airlock.release()
        self.flush()
        self.env.run(until=to)
        self.now = to

    def _change(self, plan: Plan) -> None:
        """Run another plan from now on: a stage whose part of it differs is replaced by one that goes on in its place."""
        before, self.plan = self.plan, plan
        self.phases.append((self.now, plan))
        self.conditions = Conditions(plan, self.streams)
        if not plan.looks_alike(before):
            self.requests.follow(plan, self.streams, self.conditions)
        for name, spec in plan.scenario.stages.items():
            if not plan.is_alike(before, name):
                self.stages[name].settle(self.now)
                stage = STAGES[spec.kind].of(self, name, spec)
                stage.take_over(self.stages[name], self.now)
                self.stages[name] = stage
        self._connect()

    def _trace_before(self, time: float, requests: Requests, logs: dict[str, VisitLog]) -> Trace:
        last = nextafter(time, 0)
        fleets = self._end_visits(time, requests, logs)
        if time > self.plan.horizon_s:
            requests.cut(self.source.issued)
        # A request without an answer is answered at the end of its way, unless its client gave up waiting.
        waited = np.flatnonzero(~requests.gave_up).astype(np.int32)
        requests.answer(waited, requests.finished[waited])
        detected = np.array([end.detected.value for end in self.plan.scenario.ends.values()])
        requests.settle(last, detected, self.uniform("ends.caught"))
        scaled = {name: fleet for name, fleet in fleets.items() if fleet is not None}
        began, until = self.began_as, inf if time > self.plan.horizon_s else time
        phases = [(at_s, replace(plan, until=until, later=())) for at_s, plan in self.phases if at_s < time]
        plan = replace(began, until=until, later=()) if until < inf else began
        return Trace(plan, self.streams.seed, self.streams.replication, requests, logs, self.conditions, scaled, phases)

    def _end_visits(self, time: float, requests: Requests, logs: dict[str, VisitLog]) -> dict[str, Fleet | None]:
        """Log the visits that go on, turn away who waited too long by `time` (s), and return the servers that came and went."""
        names, fleets = list(self.ends), {}
        for name, stage in self.stages.items():
            fleets[name] = stage.note_unfinished(logs[name], nextafter(time, 0))
            rows, entered, gone = stage.waiting(time)
            gave_up = gone < min(time, self.plan.horizon_s)
            if gave_up.any():
                end = names.index(stage.spec.on_timeout)
                requests.turn_away(rows[gave_up], TIMED_OUT, gone[gave_up], end)
            logs[name].add_block(rows, entered, np.full(len(rows), nan), np.where(gave_up, gone, nan))
        return fleets

    def receiver(self, name: str | None) -> Any:
        """Return the stage or end called `name`; None for no name."""
        if name is None or name in self.ends:
            return None if name is None else self.ends[name]
        stage = self.stages[name]
        return self.airlocks[name] if self.stops and not isinstance(stage, ServiceStage) else stage

    def way_out(self, start: str, name: str) -> Any:
        """Return the receiver `name` for the stage `start`: where no route leads back, it may be served in blocks."""
        receiver = self.receiver(name)
        if name in self.stages and start in self.ahead_of(start) and start not in self.ahead_of(name):
            receiver = Outbox(receiver)
            self.outboxes.append(receiver)
        return receiver

    def flush(self) -> None:
        while any(outbox.rows for outbox in self.outboxes):
            for outbox in self.outboxes:
                outbox.flush()


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
