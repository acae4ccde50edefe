"""Feedback: clients that give up, are refused, send again or send a second copy, in CaseSim and as processes in SimPy.

Both get the same arrivals, services, priorities and jitter, so that each request must end at the same time in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from benchmarks.workloads import Times, exponential
from simulator.case.load import loads
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import Run
from simulator.engine.run_trace import Trace

SCENARIO = """
id: feedback
version: 1
title: Feedback
summary: A pool whose clients do not wait for ever.
brief: Clients that send again.
run: {{days: {days}, drain_days: 0.01}}
arrivals: {{kind: poisson, rate_per_s: {{value: {rate}, assumed: for the benchmark}}}}
{classes}
start: server
stages:
  server: {{kind: pool, label: Server, model: any, precision: any, device: any, replicas: {replicas}, {policies}, to: done}}
  again:
    kind: retry
    label: Again
    backoff_ms: {{value: {backoff_ms}, assumed: for the benchmark}}
    jitter: full
    max_tries: {tries}
    to: server
    on_exhausted: lost
ends:
  done: {{label: Done, escalated: false, detected: {{value: 1, assumed: none}}, usd: {{value: 0, assumed: it is free}}}}
  lost: {{label: Lost, escalated: true, detected: {{value: 1, assumed: none}}, usd: {{value: 0, assumed: it is free}}}}
"""

CLASSES = """
classes:
  urgent: {label: Urgent, share: {value: 0.3, assumed: for the benchmark}, priority: 1}
  patient: {label: Patient, share: {value: 0.7, assumed: for the benchmark}, priority: 2}
"""

SERVICE_S, BACKOFF_MS, TRIES, REPLICAS = 1 / 13, 500, 4, 2


@dataclass(frozen=True)
class Feedback:
    """A load in requests a second at servers for 26 a second, and what clients and server do.

    patience_s: how long a client waits; limit: requests that may wait; hedge_s: when it sends a second copy
    told: whether the server hears of clients that have left, and of answers to the other copy
    """

    title: str
    rate: float
    patience_s: float | None = None
    limit: int | None = None
    hedge_s: float | None = None
    priorities: bool = False
    told: bool = False

    def plan(self, requests: int) -> Plan:
        fields = {
            "client_timeout_s": self.patience_s,
            "on_timeout": self.patience_s and "again",
            "max_queue": self.limit,
            "on_full": self.limit and "again",
            "hedge_after_s": self.hedge_s,
            "order": "priority" if self.priorities else None,
            "cancels": str(self.told).lower(),
        }
        policies = ", ".join(f"{name}: {value}" for name, value in fields.items() if value is not None)
        scenario = loads(
            SCENARIO.format(
                days=requests / self.rate / 86_400,
                rate=self.rate,
                classes=CLASSES if self.priorities else "",
                replicas=REPLICAS,
                policies=policies,
                backoff_ms=BACKOFF_MS,
                tries=TRIES,
            )
        )
        return Plan(scenario, {}, "", {"server": exponential(SERVICE_S)})


#: Cases with one policy each, and then with several; at their loads every policy acts often.
WORKLOADS = [
    Feedback("time-outs, served in vain", 22.0, patience_s=1.0),
    Feedback("time-outs", 28.0, patience_s=2.0, told=True),
    Feedback("drops", 28.0, limit=40),
    Feedback("priorities, time-outs", 28.0, patience_s=2.0, priorities=True, told=True),
    Feedback("second copies, time-outs", 24.0, patience_s=4.0, hedge_s=0.5, told=True),
    Feedback("priorities, time-outs, drops", 28.0, patience_s=2.0, limit=40, priorities=True),
]


class FeedbackDrawn:
    """The draws of a run of CaseSim: columns, an element a request, and the jitter of each retry."""

    def __init__(self, run: Run) -> None:
        pool: Any = run.stages["server"]
        again: Any = run.stages["again"]
        self.arrived = run.requests.arrived.tolist()
        table = run.plan.latencies["server"].seconds[0, 1]
        self.services = table[np.asarray(pool.quantile)].tolist()
        self.second_services = table[np.asarray(pool.second_quantile)].tolist() if hasattr(pool, "second_quantile") else []
        self.priorities = run.requests.priority.tolist() or [0] * len(self.arrived)
        self.backoffs = [np.asarray(column).tolist() for column in again.backoffs]


def visits_of(trace: Trace) -> int:
    """Return how often requests were sent: once each, and with each retry."""
    return trace.columns.n + int(np.count_nonzero(~np.isnan(np.array(trace.logs["again"].started))))


def ends_of(trace: Trace) -> tuple[Times, Times]:
    """Return when each request ended (s), and whether it had an answer."""
    return trace.columns.finished, trace.columns.end == 0


def textbook(workload: Feedback, drawn: FeedbackDrawn) -> tuple[Times, Times]:
    """The textbook way in SimPy: a process for each request, and a resource.

    Return when each request ended (s), and whether it had an answer.
    """
    env = simpy.Environment()
    server: Any = (simpy.PriorityResource if workload.priorities else simpy.Resource)(env, REPLICAS)
    ended, answered = np.zeros(len(drawn.arrived)), np.zeros(len(drawn.arrived), bool)
    one_process = workload.told and workload.hedge_s is None
    visit = (_told if one_process else _alone)(env, server, workload, drawn)

    def client(row: int) -> Iterator[Any]:
        for attempt in range(TRIES):
            if workload.limit is None or len(server.queue) < workload.limit or server.count < REPLICAS:
                answered[row] = yield from visit(row)
                if answered[row]:
                    break
            if attempt < TRIES - 1:
                yield env.timeout(drawn.backoffs[attempt][row])
        ended[row] = env.now

    def arrivals() -> Iterator[Any]:
        for row, time in enumerate(drawn.arrived):
            yield env.timeout(time - env.now)
            env.process(client(row))

    env.process(arrivals())
    env.run()
    return ended, answered


Visiting = Callable[[int], Generator[Any, Any, bool]]


def _told(env: simpy.Environment, server: Any, workload: Feedback, drawn: FeedbackDrawn) -> Visiting:
    """The client queues up by itself, and leaves the queue; a service that it does not wait for goes on in a process."""

    def go_on(turn: Any, service: Any) -> Iterator[Any]:
        yield service
        server.release(turn)

    def visit(row: int) -> Generator[Any, Any, bool]:
        gone = env.timeout(workload.patience_s)
        turn = server.request(drawn.priorities[row]) if workload.priorities else server.request()
        yield turn | gone
        if not turn.triggered:
            turn.cancel()
            return False
        service = env.timeout(drawn.services[row])
        yield service | gone
        if not service.processed:
            env.process(go_on(turn, service))
            return False
        server.release(turn)
        return True

    return visit


def _alone(env: simpy.Environment, server: Any, workload: Feedback, drawn: FeedbackDrawn) -> Visiting:
    """A visit is a process of its own: it may be served though its client has gone, or beside a second one."""

    def serve(row: int, seconds: list[float], answer: simpy.Event) -> Iterator[Any]:
        with server.request(drawn.priorities[row]) if workload.priorities else server.request() as turn:
            yield turn | answer if workload.told else turn
            if turn.triggered and not (workload.told and answer.triggered):
                yield env.timeout(seconds[row])
                if not answer.triggered:
                    answer.succeed(True)

    def visit(row: int) -> Generator[Any, Any, bool]:
        answer = env.event()
        env.process(serve(row, drawn.services, answer))
        if workload.patience_s is None:
            yield answer
            return True
        if workload.hedge_s is not None:
            yield answer | env.timeout(workload.hedge_s)
            if not answer.triggered:
                env.process(serve(row, drawn.second_services, answer))
        if not answer.triggered:
            yield answer | env.timeout(workload.patience_s - (workload.hedge_s or 0.0))
        if answer.triggered:
            return True
        answer.succeed(False)
        return False

    return visit
