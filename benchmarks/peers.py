"""The same two queues in other simulators, each in the style that its own documentation teaches, kept as light as it allows.

A peer takes what was drawn and returns the wait of every request in s, in the order of arrival.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import ciw
import numpy as np
import simpy

from benchmarks.workloads import Drawn, Times

try:
    import happysimulator as happy
except ImportError:  # it needs Python 3.13
    happy = None
try:
    import salabim
except ImportError:
    salabim = None

Peer = Callable[[Drawn], Times]


def simpy_one_by_one(drawn: Drawn) -> Times:
    """The textbook way: a process for each request, a resource."""
    env = simpy.Environment()
    server = simpy.Resource(env)
    waits: list[float] = []

    def request(service: float) -> Iterator[Any]:
        arrived = env.now
        with server.request() as turn:
            yield turn
            waits.append(env.now - arrived)
            yield env.timeout(service)

    def arrivals() -> Iterator[Any]:
        for gap, service in zip(drawn.gaps.tolist(), drawn.services.tolist(), strict=True):
            yield env.timeout(gap)
            env.process(request(service))

    env.process(arrivals())
    env.run()
    return np.array(waits)


def simpy_batches(drawn: Drawn) -> Times:
    """A process for each request, which queues up and waits to be told that it is done, and a process that serves batches."""
    env = simpy.Environment()
    queue: deque[tuple[float, simpy.Event]] = deque()
    waits: list[float] = []
    bell = env.event()

    def request() -> Iterator[Any]:
        done = env.event()
        queue.append((env.now, done))
        if not bell.triggered:
            bell.succeed()
        yield done

    def server() -> Iterator[Any]:
        nonlocal bell
        while True:
            if not queue:
                bell = env.event()
                yield bell
            batch = [queue.popleft() for _ in range(min(len(queue), drawn.max_batch))]
            waits.extend(env.now - arrived for arrived, _ in batch)
            yield env.timeout(drawn.by_size[len(batch)])
            for _, done in batch:
                done.succeed()

    def arrivals() -> Iterator[Any]:
        for gap in drawn.gaps.tolist():
            yield env.timeout(gap)
            env.process(request())

    env.process(arrivals())
    env.process(server())
    env.run()
    return np.array(waits)


def ciw_one_by_one(drawn: Drawn) -> Times:
    """Ciw, until as many have been served. It has no batches of what waits."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*drawn.gaps.tolist(), float("inf")])],
        service_distributions=[ciw.dists.Sequential(drawn.services.tolist())],
        number_of_servers=[1],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(drawn.gaps), method="Finish")
    records = sorted(simulation.get_all_records(), key=lambda record: record.arrival_date)
    return np.array([record.waiting_time for record in records])


def salabim_one_by_one(drawn: Drawn) -> Times:
    """A component for each request, a resource, without monitors; the style without `yield`."""
    env = salabim.Environment(yieldless=True)
    server = salabim.Resource(env=env, monitor=False)
    services = iter(drawn.services.tolist())
    waits: list[float] = []

    class Request(salabim.Component):
        def process(self) -> None:
            arrived = env.now()
            self.request(server)
            waits.append(env.now() - arrived)
            self.hold(next(services))
            self.release(server)

    _salabim_arrivals(drawn, env, Request)
    env.run()
    return np.array(waits)


def salabim_batches(drawn: Drawn) -> Times:
    """A component for each request, which sleeps until a component that serves batches wakes it."""
    env = salabim.Environment(yieldless=True)
    queue: deque[tuple[float, Any]] = deque()
    waits: list[float] = []

    class Server(salabim.Component):
        def process(self) -> None:
            while True:
                if not queue:
                    self.passivate()
                batch = [queue.popleft() for _ in range(min(len(queue), drawn.max_batch))]
                waits.extend(env.now() - arrived for arrived, _ in batch)
                self.hold(drawn.by_size[len(batch)])
                for _, request in batch:
                    request.activate()

    class Request(salabim.Component):
        def process(self) -> None:
            queue.append((env.now(), self))
            if server.ispassive():
                server.activate()
            self.passivate()

    server = Server(env=env)
    _salabim_arrivals(drawn, env, Request)
    env.run()
    return np.array(waits)


def _salabim_arrivals(drawn: Drawn, env: Any, request: Any) -> None:
    class Arrivals(salabim.Component):
        def process(self) -> None:
            for gap in drawn.gaps.tolist():
                self.hold(gap)
                request(env=env)

    Arrivals(env=env)


def happysim_queue(drawn: Drawn) -> Times:
    """An event for each request, and an entity that holds the queue and serves it; the clock counts nanoseconds."""
    waits: list[float] = []
    alone = drawn.max_batch == 1
    services = iter(drawn.services.tolist())

    class Server(happy.Entity):
        queue: deque[float] = deque()
        busy = False

        def handle_event(self, event: Any) -> Any:
            self.queue.append(self.now.to_seconds())
            if self.busy:
                return None
            self.busy = True
            return self.serve()

        def serve(self) -> Iterator[float]:
            while self.queue:
                batch = [self.queue.popleft() for _ in range(min(len(self.queue), drawn.max_batch))]
                now = self.now.to_seconds()
                waits.extend(now - arrived for arrived in batch)
                yield next(services) if alone else drawn.by_size[len(batch)]
            self.busy = False

    class Arrivals(happy.Entity):
        times = iter(drawn.arrived.tolist())

        def handle_event(self, event: Any) -> Any:
            upcoming = next(self.times, None)
            request = [] if event.event_type == "first" else [happy.Event(self.now, "request", server)]
            if upcoming is None:
                return request
            return [*request, happy.Event(happy.Instant.from_seconds(upcoming), "next", self)]

    server, arrivals = Server("server"), Arrivals("arrivals")
    simulation = happy.Simulation(entities=[server, arrivals])
    simulation.schedule(happy.Event(happy.Instant.from_seconds(0.0), "first", arrivals))
    simulation.run()
    return np.array(waits)


#: Name, the two queues (None: cannot express it), whether it is installed, why it may not be, how many requests it is given.
PEERS: list[tuple[str, Peer | None, Peer | None, bool, str, int]] = [
    ("SimPy, a process a request", simpy_one_by_one, simpy_batches, True, "", 100_000),
    ("Ciw", ciw_one_by_one, None, True, "", 100_000),
    ("salabim", salabim_one_by_one, salabim_batches, salabim is not None, "not installed", 10_000),
    ("happysim", happysim_queue, happysim_queue, happy is not None, "needs Python 3.13", 50_000),
]
