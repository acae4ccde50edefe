"""Runs a plan: SimPy keeps the time, stages hand each other row numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simpy import Environment

from simulator.scenario.base import Quantity
from simulator.scenario.branches import marks
from simulator.serving.accelerator import Accelerator
from simulator.serving.columns import elements
from simulator.serving.conditions import Conditions
from simulator.serving.orders import BY_MARKS
from simulator.serving.plan import Plan
from simulator.serving.quantities import draw
from simulator.serving.requests import Requests
from simulator.serving.sources import CLIENTS, Clients, source_of
from simulator.serving.stages import STAGES
from simulator.serving.stages.base import Outbox, ServiceStage, Stage
from simulator.serving.stages.end import EndStage, ReturningEnd
from simulator.serving.stages.fork import ForkStage
from simulator.serving.stages.managed_pool import ManagedPoolStage
from simulator.serving.streams import Streams
from simulator.serving.trace import Trace

#: Part of every run hash: raise it when the same plan and seed give another trace.
ENGINE_VERSION = 3


def simulate(plan: Plan, seed: int = 0, replication: int = 0) -> Trace:
    """Run one replication of a plan. The same plan, seed, replication and engine version give the same trace."""
    return Run(plan, Streams(seed, replication)).trace()


class Run:
    """One replication while it runs: the clock, the requests, the stages, and what stages may do to requests."""

    def __init__(self, plan: Plan, streams: Streams) -> None:
        self.plan = plan
        self.in_branches = plan.scenario.in_branches()
        self.streams = streams
        self.env = Environment()
        self.tags = plan.scenario.tags()
        self.conditions = Conditions(plan, streams)
        self.requests = Requests(plan, streams)
        self._answered, self._refused = elements(self.requests.answered), elements(self.requests.refused)
        shared = plan.scenario.accelerators.items()
        self.accelerators = {name: Accelerator(spec.slowdown.value) for name, spec in shared}
        self.stages = {name: STAGES[spec.kind](self, name, spec) for name, spec in plan.scenario.stages.items()}
        self.source = source_of(self)
        kind = ReturningEnd if self.closed else EndStage
        self.ends = {name: kind(self, name, spec, index) for index, (name, spec) in enumerate(plan.scenario.ends.items())}
        self.outboxes: list[Outbox] = []
        self.looked_at = {pool: self.photos(pool) for pool in plan.scenario.scorers()}
        for stage in self.stages.values():
            stage.connect()
        self.source.connect()

    def trace(self) -> Trace:
        """Let everything happen, and return what happened."""
        requests, horizon = self.requests, self.plan.horizon_s
        self.source.start()
        self.env.run(until=horizon)
        for stage in self.stages.values():
            stage.close(horizon)
        self.source.close(horizon)
        # The end of the way is the answer for whoever has none yet, but for those who gave up waiting for one.
        waited = np.flatnonzero(~requests.gave_up).astype(np.int32)
        self.answer_block(waited, requests.finished[waited])
        detected = [end.detected.value for end in self.plan.scenario.ends.values()]
        requests.settle(horizon, np.array(detected), self.uniform("ends.caught"))
        logs = {name: stage.log for name, stage in self.stages.items()}
        fleets = {name: stage.fleet() for name, stage in self.stages.items() if isinstance(stage, ManagedPoolStage)}
        scaled = {name: fleet for name, fleet in fleets.items() if fleet is not None}
        return Trace(self.plan, self.streams.seed, self.streams.replication, requests, logs, scaled)

    @property
    def closed(self) -> bool:
        """Whether requests come from clients that wait for those before them."""
        return isinstance(self.source, Clients)

    @property
    def first(self) -> Stage:
        """The stage that every request enters first."""
        return self.stages[self.plan.scenario.start]

    def receiver(self, name: str | None) -> Any:
        """The stage or end called `name`; None for no name."""
        return None if name is None else self.stages.get(name) or self.ends[name]

    def way_out(self, start: str, name: str) -> Any:
        """The receiver `name` as seen from the stage `start`: where no way leads back, it may be served in blocks."""
        receiver = self.receiver(name)
        if name in self.stages and start in self.ahead_of(start) and start not in self.ahead_of(name):
            receiver = Outbox(receiver)
            self.outboxes.append(receiver)
        return receiver

    def flush(self) -> None:
        """The running stage pauses: hand on what has left its ring."""
        for outbox in self.outboxes:
            outbox.flush()

    def uniform(self, stream: str) -> NDArray[np.float32]:
        """One uniform draw a request, shape (n,)."""
        return self.streams.named(stream).random(self.requests.n, np.float32)

    def draw(self, stream: str, spec: Quantity) -> NDArray[np.float32]:
        """One draw of a quantity a request, shape (n,)."""
        return draw(spec, self.streams.named(stream), self.requests.n)

    def service_stages(self) -> list[ServiceStage]:
        """The stages where requests wait for a server."""
        return [stage for stage in [*self.stages.values(), self.source] if isinstance(stage, ServiceStage)]

    def ahead_of(self, name: str) -> set[str]:
        """Every stage that a request may reach after the stage `name`, itself included where there is a way back."""
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            found = self._targets(waiting.pop()) - reached
            waiting += found
            reached |= found
        return reached

    def leads(self, name: str, stage: str) -> bool:
        """Whether a request that comes to the stage or end `name` may come to `stage`, now or later."""
        return self.closed or name == stage or (name in self.stages and stage in self.ahead_of(name))

    def _targets(self, name: str) -> set[str]:
        """The stages that a request may go on to from a stage; in a closed loop an end leads back to the clients."""
        if name == CLIENTS:
            return {self.plan.scenario.start}
        spec = self.plan.scenario.stages[name]
        targets = set(spec.targets().values()) | self._sharers(spec) | self._readers(spec)
        return targets & set(self.stages) | ({CLIENTS} if self.closed and targets & set(self.ends) else set())

    def _sharers(self, spec: Any) -> set[str]:
        """The pools whose batches change the pace of this one's: what they do has consequences here, as if requests came."""
        if getattr(spec, "shares", None) is None:
            return set()
        stages = self.plan.scenario.stages
        return {name for name, other in stages.items() if other is not spec and getattr(other, "shares", None) == spec.shares}

    def _readers(self, spec: Any) -> set[str]:
        """The pools in branches of forks that may read what this stage writes, in another branch or behind their join."""
        stages = self.plan.scenario.stages
        by_marks = {name for name in self.in_branches if getattr(stages[name], "order", None) in BY_MARKS}
        return {name for name in by_marks if stages[name] is not spec} if marks(spec) else set()

    def photos(self, stage: str) -> NDArray[np.int8]:
        """Which of its photos a request shows to a stage, from 0, shape (n,): in a branch, the one that came to the fork."""
        forks = [fork for fork in self.stages.values() if isinstance(fork, ForkStage) and stage in fork.inside]
        return min(forks, key=lambda fork: len(fork.inside)).photos if forks else self.requests.tries

    def accelerator(self, name: str | None) -> Accelerator | None:
        """The shared device of that name; None for no name."""
        return None if name is None else self.accelerators[name]

    def score(self, pool: str, rows: NDArray[Any], times: Any) -> None:
        """A pool has looked at these requests: their scores are known from `times` (s) on, one for each or for all."""
        requests = self.requests
        scores = requests.scores_by[pool][self.looked_at[pool][rows], rows]
        requests.given[pool].write_all(rows, scores, times)
        if requests.given[pool] is not requests.risks:
            requests.risks.write_all(rows, scores, times)

    def answer(self, rows: Sequence[int], time: float, refused: bool = False) -> None:
        """The requesters have their answer, if they had none before. refused: the answer is that they are turned away."""
        for row in rows:
            if not self._answered[row] <= time:  # never yet, or later, by a branch that ran ahead
                self._answered[row] = time
                self._refused[row] = refused

    def answer_block(self, rows: NDArray[np.int32], times: NDArray[np.float64], refused: bool = False) -> None:
        """The same for many rows."""
        requests = self.requests
        before = requests.answered[rows]
        first = (times < before) | (np.isnan(before) & ~np.isnan(times))
        requests.answered[rows[first]] = times[first]
        requests.refused[rows[first]] = refused
