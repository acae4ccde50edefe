"""The points that are measured, and one point: predicted from the profile, then run twice, then replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.fidelity import Outcome, Point
from simulator.fidelity.batcher import Batch, Batcher
from simulator.fidelity.calibrate import Compute, by_size, queue_like, serve_calls, speed_of, table_of
from simulator.fidelity.generator import Driven, answer, drive, schedule
from simulator.fidelity.predict import predicted, replayed
from simulator.serving.batching import BatchRule
from simulator.serving.latency import LatencyTable

Times = NDArray[np.float64]

#: Identical but for their random service times; the prediction is the median over them.
REPLICATIONS = 20
#: A request should be answered within so many times what one alone takes, after the wait for company.
OBJECTIVE = 10.0
_FEWEST = 60
#: The short run before a point has other arrivals than the point.
_OTHER_ARRIVALS = 1000


@dataclass(frozen=True)
class Policy:
    """How a server batches: up to `max_batch`, after a wait of at most `patience` times what one request takes."""

    max_batch: int
    patience: float = 0.0

    def __str__(self) -> str:
        if self.max_batch == 1:
            return "one at a time"
        return f"up to {self.max_batch}" + (f", waits {self.patience:g}x" if self.patience else "")

    def rule(self, one_s: float) -> BatchRule:
        """The rule, where a request alone takes `one_s`."""
        return BatchRule(self.max_batch, self.patience * one_s)


@dataclass(frozen=True)
class Grid:
    """What is measured: every model at every policy and load.

    profile_s, probe_s, run_s: seconds for a server's profile, for looking at its speed before a run, and for a run
    """

    models: tuple[tuple[str, str], ...]
    policies: tuple[Policy, ...]
    loads: tuple[float, ...]
    profile_s: float
    probe_s: float
    run_s: float

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.models) * len(self.policies) * len(self.loads)

    @property
    def seconds(self) -> float:
        """About how long it all takes."""
        sizes = {policy.max_batch for policy in self.policies}
        return len(self.models) * len(sizes) * self.profile_s + self.points * (self.probe_s + 2 * self.run_s + 1.0)


POLICIES = (Policy(1), Policy(8), Policy(8, 1.0))
MODELS = ("mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_lite0", "resnet18", "resnet50")
FULL = Grid(
    models=tuple((model, precision) for model in MODELS for precision in ("fp32", "int8_static")),
    policies=POLICIES,
    loads=(0.3, 0.5, 0.7, 0.9),
    profile_s=10.0,
    probe_s=1.5,
    run_s=6.0,
)
QUICK = Grid(
    models=(("mobilenet_v3_large", "fp32"), ("resnet18", "int8_static")),
    policies=POLICIES,
    loads=(0.3, 0.6, 0.8),
    profile_s=8.0,
    probe_s=1.0,
    run_s=4.0,
)


class Served:
    """One model behind a server in this process, with a profile for each largest batch."""

    def __init__(self, model: str, precision: str, compute: Compute, grid: Grid) -> None:
        self.model, self.precision, self.compute, self.grid = model, precision, compute, grid
        self._profiles: dict[int, list[Batch]] = {}

    def points(self) -> Iterator[Point]:
        """Profile, and measure point after point."""
        for policy in self.grid.policies:
            self._profile(policy.max_batch)
            for number, load in enumerate(self.grid.loads):
                yield self.point(policy, load, seed=number)

    def point(self, policy: Policy, load: float, seed: int) -> Point:
        """Look at the speed of the moment, predict, run twice, replay."""
        table = table_of(self._profiles[policy.max_batch], policy.max_batch)
        rule = policy.rule(table.mean_s(1))
        rate = load * table.capacity_per_s
        requests = max(int(rate * self.grid.run_s), _FEWEST)
        scheduled = schedule(rate, requests, seed)
        speed, lag_s = self._speed(rule, rate, table, seed)
        now = LatencyTable(table.seconds * speed, table.gaps_s)
        objective = OBJECTIVE * table.mean_s(1) + rule.delay_s
        answered = predicted(rule, scheduled + lag_s, now, REPLICATIONS)
        forecast = _middle([outcome(scheduled, row, objective) for row in answered])
        (first, batches), (second, _) = (self._run(rule, rate, requests, seed) for _ in range(2))
        return Point(
            server="in process",
            model=self.model,
            precision=self.precision,
            policy=str(policy),
            load=load,
            rate_per_s=rate,
            requests=requests,
            objective_s=objective,
            speed=speed,
            predicted=forecast,
            real=(outcome(first.scheduled, first.answered, objective), outcome(second.scheduled, second.answered, objective)),
            replayed=outcome(first.scheduled, _replay(rule, batches, first), objective),
        )

    def _run(self, rule: BatchRule, rate: float, requests: int, seed: int) -> tuple[Driven, list[Batch]]:
        server = Batcher(rule, self.compute, answer)
        with server:
            driven = drive(lambda token, sample: server.submit([(token, sample)]), rate, requests, seed)
        return driven, server.served

    def _profile(self, largest: int) -> None:
        if largest in self._profiles:
            return
        once = [(size, 0.0) for size in range(1, largest + 1) for _ in range(4)]
        rough = by_size(serve_calls(self.compute, once), largest)
        calls = queue_like(rough, self.grid.profile_s, seed=largest)
        self._profiles[largest] = serve_calls(self.compute, calls)

    def _speed(self, rule: BatchRule, rate: float, table: LatencyTable, seed: int) -> tuple[float, float]:
        """What batches take now against the profile, and how late LoadGen is in s: a short run with other arrivals."""
        requests = max(int(rate * self.grid.probe_s), _FEWEST // 2)
        driven, batches = self._run(rule, rate, requests, seed=_OTHER_ARRIVALS + seed)
        return speed_of(batches, table), float(np.median(driven.issued - driven.scheduled))


def outcome(scheduled: Times, answered: Times, objective_s: float) -> Outcome:
    """What requests met that should have come at `scheduled` and were answered at `answered`; both in s."""
    latency = answered - scheduled
    p50, p95, p99 = np.percentile(latency, [50, 95, 99])
    throughput = len(latency) / (answered.max() - scheduled[0])
    return Outcome(p50_s=p50, p95_s=p95, p99_s=p99, throughput_per_s=throughput, goodput=float((latency <= objective_s).mean()))


def _middle(outcomes: list[Outcome]) -> Outcome:
    """The median of each figure."""
    return Outcome(**{name: float(np.median([getattr(one, name) for one in outcomes])) for name in Outcome.model_fields})


def _replay(rule: BatchRule, batches: list[Batch], driven: Driven) -> Times:
    """When requests are answered if batches take what they really took; counted as LoadGen counts."""
    entered = np.array([request.entered for batch in batches for request in batch.requests])
    return np.asarray(replayed(rule, batches, entered - entered[0]) + driven.issued[0])


def measure(grid: Grid, ready: Callable[[str, str], Compute]) -> Iterator[Point]:
    """Every point of the grid; `ready` makes a model that can be served."""
    for model, precision in grid.models:
        yield from Served(model, precision, ready(model, precision), grid).points()
