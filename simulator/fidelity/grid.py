"""The points that are measured, and one point: predicted from the profile, then run twice, then replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.fidelity import IN_PROCESS, OVER_HTTP, Outcome, Point
from simulator.fidelity.batcher import Batch, Batcher
from simulator.fidelity.calibrate import by_size, queue_like, serve_calls, speed_of, table_of
from simulator.fidelity.generator import Driven, answer, drive, schedule
from simulator.fidelity.http_server import serving
from simulator.fidelity.predict import predicted, replayed
from simulator.fidelity.served_model import ServedModel
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
#: mosec waits for company for a whole number of ms, at least one.
_HTTP_WAIT_MS = 1
#: Requests a second, and how many, to measure what HTTP adds; and the load at which a model's speed is looked at.
_EASY, _LIGHT = (50.0, 200), 0.2


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
    over_http: Grid | None = None

    @property
    def points(self) -> int:
        """How many points there are."""
        here = len(self.models) * len(self.policies) * len(self.loads)
        return here + (self.over_http.points if self.over_http else 0)

    @property
    def seconds(self) -> float:
        """About how long it all takes."""
        sizes = {policy.max_batch for policy in self.policies}
        each = len(sizes) * self.profile_s + len(self.policies) * len(self.loads) * (self.probe_s + 2 * self.run_s + 1.0)
        return len(self.models) * each + (self.over_http.seconds if self.over_http else 0)


POLICIES = (Policy(1), Policy(8), Policy(8, 1.0))
MODELS = ("mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_lite0", "resnet18", "resnet50")
TWO = (("mobilenet_v3_large", "fp32"), ("resnet18", "int8_static"))
#: mosec waits for company in its own way, so that it is held against policies without such a wait.
HTTP = Grid(models=TWO, policies=POLICIES[:2], loads=(0.3, 0.6, 0.8), profile_s=8.0, probe_s=1.5, run_s=6.0)
FULL = Grid(
    models=tuple((model, precision) for model in MODELS for precision in ("fp32", "int8_static")),
    policies=POLICIES,
    loads=(0.3, 0.5, 0.7, 0.9),
    profile_s=10.0,
    probe_s=1.5,
    run_s=6.0,
    over_http=HTTP,
)
QUICK = Grid(models=TWO, policies=POLICIES, loads=(0.3, 0.6, 0.8), profile_s=8.0, probe_s=1.0, run_s=4.0)


class Served:
    """One model behind a server in this process, with a profile for each largest batch."""

    server = IN_PROCESS

    def __init__(self, model: str, precision: str, ready: ServedModel, grid: Grid) -> None:
        self.model, self.precision, self.ready, self.grid = model, precision, ready, grid
        self._profiles: dict[int, list[Batch]] = {}

    def points(self) -> Iterator[Point]:
        """Profile, and measure point after point."""
        for policy in self.grid.policies:
            for number, load in enumerate(self.grid.loads):
                yield self.point(policy, load, seed=number)

    def point(self, policy: Policy, load: float, seed: int) -> Point:
        """Look at the speed of the moment, predict, run twice, replay."""
        table = table_of(self._profile(policy.max_batch), policy.max_batch)
        rule = policy.rule(table.mean_s(1))
        rate = load * table.capacity_per_s
        requests = max(int(rate * self.grid.run_s), _FEWEST)
        objective = OBJECTIVE * table.mean_s(1) + rule.delay_s
        scheduled = schedule(rate, requests, seed)
        speed, lags_s = self._moment(rule, rate, table, seed)
        answered = predicted(rule, scheduled, lags_s, faster(table, speed), REPLICATIONS)
        forecast = _middle([outcome(scheduled, row, objective) for row in answered])
        (first, batches), (second, _) = (self._run(rule, rate, requests, seed) for _ in range(2))
        return Point(
            server=self.server,
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
            replayed=outcome(first.scheduled, _replay(rule, batches, first), objective) if batches else None,
        )

    def _run(self, rule: BatchRule, rate: float, requests: int, seed: int) -> tuple[Driven, list[Batch]]:
        """What LoadGen saw, and what was served."""
        server = Batcher(rule, self.ready.compute, answer)
        with server:
            driven = drive(lambda token, sample: server.submit([(token, sample)]), rate, requests, seed)
        return driven, server.served

    def _moment(self, rule: BatchRule, rate: float, table: LatencyTable, seed: int) -> tuple[float, Times]:
        """What batches take now against the profile, and how late LoadGen is in s: a short run with other arrivals."""
        requests = max(int(rate * self.grid.probe_s), _FEWEST // 2)
        driven, batches = self._run(rule, rate, requests, seed=_OTHER_ARRIVALS + seed)
        return speed_of(batches, table), driven.issued - driven.scheduled

    def _profile(self, largest: int) -> list[Batch]:
        if largest not in self._profiles:
            once = [(size, 0.0) for size in range(1, largest + 1) for _ in range(4)]
            rough = by_size(serve_calls(self.ready.compute, once), largest)
            calls = queue_like(rough, self.grid.profile_s, seed=largest)
            self._profiles[largest] = serve_calls(self.ready.compute, calls)
        return self._profiles[largest]


class ServedOverHttp(Served):
    """The same model behind mosec.

    What HTTP adds is measured with a server that has no model; how fast the model is in the server's own process, in a
    short run at a light load. Nothing is fitted to the runs that are predicted.
    """

    server = OVER_HTTP

    def points(self) -> Iterator[Point]:
        """Start a server for each policy, and measure point after point."""
        for policy in self.grid.policies:
            self._profile(policy.max_batch)
            settings = self.ready.input_shape, policy.max_batch, _HTTP_WAIT_MS
            with serving(None, *settings) as client:
                self._overhead_s = drive(client.submit, *_EASY, _OTHER_ARRIVALS).latency
            with serving(self.ready.file, *settings) as self._client:
                for number, load in enumerate(self.grid.loads):
                    yield self.point(policy, load, seed=number)

    def _run(self, rule: BatchRule, rate: float, requests: int, seed: int) -> tuple[Driven, list[Batch]]:
        return drive(self._client.submit, rate, requests, seed), []

    def _moment(self, rule: BatchRule, rate: float, table: LatencyTable, seed: int) -> tuple[float, Times]:
        light = _LIGHT * table.capacity_per_s
        requests = max(int(light * 2 * self.grid.probe_s), _FEWEST // 2)
        driven, _ = self._run(rule, light, requests, seed=_OTHER_ARRIVALS + seed)
        overhead = float(np.median(self._overhead_s))
        expected = np.median(predicted(rule, driven.scheduled, self._overhead_s, table, 1) - driven.scheduled)
        return float((np.median(driven.latency) - overhead) / (expected - overhead)), self._overhead_s


def faster(table: LatencyTable, speed: float) -> LatencyTable:
    """The table of a machine on which everything takes `speed` times as long."""
    return replace(table, seconds=table.seconds * speed)


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


def measure(grid: Grid, ready: Callable[[str, str], ServedModel]) -> Iterator[Point]:
    """Every point of the grid, in process and then over HTTP; `ready` makes a model that can be served."""
    for model, precision in grid.models:
        yield from Served(model, precision, ready(model, precision), grid).points()
    if grid.over_http is not None:
        for model, precision in grid.over_http.models:
            yield from ServedOverHttp(model, precision, ready(model, precision), grid.over_http).points()
