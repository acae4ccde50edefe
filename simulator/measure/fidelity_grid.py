"""The grid of `casesim fidelity`: its models, and each point forecast, run for real, predicted and replayed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from platformdirs import user_cache_path

from simulator.engine.stages.replicas import TritonRule
from simulator.evidence.fidelity_reports import IN_PROCESS, OVER_HTTP, FidelityOutcome, FidelityPoint
from simulator.evidence.latency_tables import LatencyTable
from simulator.files import make_folders
from simulator.measure.batch_server import Batch, Batcher, Driven, ServedModel, answer, drive, schedule
from simulator.measure.forecast import (
    Call,
    Machine,
    ServedPath,
    ServerProfile,
    by_size,
    forecast,
    outcome,
    queue_like,
    replayed,
    serve_calls,
)
from simulator.measure.http_server import batches, serving
from simulator.measure.profiling import Photos, Subject, make_ready
from simulator.measure.timing import Onlooker

# Making a model of the zoo ready to be served.

_PIXELS = 256


def ready(model: str, precision: str) -> ServedModel:
    """Open a session on one thread; raises RefusedError where the model cannot be made."""
    cache = user_cache_path("casesim")
    made = make_ready(Subject(model, precision), cache / "models", Photos(_noise(cache / "noise"), "noise"))
    return ServedModel(made.file, made.input_shape)


def _noise(folder: Path, pictures: int = 16) -> Path:
    """Make a folder of noise to calibrate on; the speed of a quantized model does not depend on its scales."""
    make_folders(folder)
    rng = np.random.default_rng(0)
    for number in range(pictures):
        file = folder / f"{number}.png"
        if not file.is_file():
            Image.fromarray(rng.integers(0, 256, (_PIXELS, _PIXELS, 3), dtype=np.uint8)).save(file)
    return folder


# The points that are measured, and one point: predicted from all that was measured before, run twice, then replayed.

#: Objective for an answer, as a multiple of the time of one request alone, after the longest wait for a batch.
OBJECTIVE = 10.0
_FEWEST = 60
#: The short run before a point has other arrivals than the point.
_OTHER_ARRIVALS = 1000
#: mosec waits for company for a whole number of ms, at least one.
_HTTP_WAIT_MS = 1
#: Number of stretches of a server's profile.
STRETCHES = 5


@dataclass(frozen=True)
class Policy:
    """Batching of a server: up to `max_batch`, after a wait of at most `patience` times the time of one request."""

    max_batch: int
    patience: float = 0.0

    def __str__(self) -> str:
        if self.max_batch == 1:
            return "one at a time"
        return f"up to {self.max_batch}" + (f", waits {self.patience:g}x" if self.patience else "")

    def rule(self, one_s: float) -> TritonRule:
        return TritonRule(self.max_batch, self.patience * one_s)


@dataclass(frozen=True)
class Grid:
    """The points of a measurement: every model at every policy and load.

    stretch_s, probe_s, run_s: seconds for a stretch of a server's profile, for looking at its speed before a run, for a run
    """

    models: tuple[tuple[str, str], ...]
    policies: tuple[Policy, ...]
    loads: tuple[float, ...]
    stretch_s: float
    probe_s: float
    run_s: float
    over_http: Grid | None = None

    @property
    def sizes(self) -> list[int]:
        return sorted({policy.max_batch for policy in self.policies})

    @property
    def points(self) -> int:
        here = len(self.models) * len(self.policies) * len(self.loads)
        return here + (self.over_http.points if self.over_http else 0)

    @property
    def seconds(self) -> float:
        profile_s = len(self.sizes) * STRETCHES * self.stretch_s
        each = profile_s + len(self.policies) * len(self.loads) * (self.probe_s + 2 * self.run_s + 1.0)
        return len(self.models) * each + (self.over_http.seconds if self.over_http else 0)


POLICIES = (Policy(1), Policy(8), Policy(8, 1.0))
MODELS = ("mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_lite0", "resnet18", "resnet50")
TWO = (("mobilenet_v3_large", "fp32"), ("resnet18", "int8_static"))
#: mosec waits for company in its own way, so that it is held against policies without such a wait.
HTTP = Grid(models=TWO, policies=POLICIES[:2], loads=(0.3, 0.6, 0.8, 0.9), stretch_s=2.0, probe_s=2.0, run_s=6.0)
FULL = Grid(
    models=tuple((model, precision) for model in MODELS for precision in ("fp32", "int8_static")),
    policies=POLICIES,
    loads=(0.3, 0.6, 0.8, 0.9),
    stretch_s=2.0,
    probe_s=2.0,
    run_s=6.0,
    over_http=HTTP,
)
QUICK = Grid(models=TWO, policies=POLICIES, loads=(0.3, 0.6, 0.8), stretch_s=2.0, probe_s=2.0, run_s=4.0)


class Served:
    """One model behind servers in this process, one for each size of the largest batch.

    machine: measurements so far, shared by all servers on it
    """

    server = IN_PROCESS

    def __init__(self, model: str, precision: str, ready: ServedModel, grid: Grid, machine: Machine) -> None:
        self.model, self.precision, self.ready, self.grid, self.machine = model, precision, ready, grid, machine
        self._stretches: dict[int, list[list[Batch]]] = {size: [] for size in grid.sizes}
        self._tables: dict[int, LatencyTable] = {}

    def open(self, opened: ExitStack) -> None:
        """Start a server, which runs until `opened` is closed."""

    def stretch(self, largest: int) -> None:
        """Measure a further stretch of a server's profile."""
        stretches = self._stretches[largest]
        once = [(size, 0.0) for size in range(1, largest + 1) for _ in range(4)]
        rough = by_size(stretches[0] if stretches else self._serve_calls(largest, once), largest)
        stretches.append(self._serve_calls(largest, queue_like(rough, self.grid.stretch_s, seed=len(stretches))))
        self._tables[largest] = self._known(largest).table

    def points(self) -> Iterator[Measurement]:
        for policy in self.grid.policies:
            for number, load in enumerate(self.grid.loads):
                yield partial(self.point, policy, load, seed=number)

    def point(self, policy: Policy, load: float, seed: int) -> FidelityPoint:
        """Look at the machine, predict, run twice, replay."""
        table = self._tables[policy.max_batch]
        rule, rate = policy.rule(table.mean_s(1)), load * table.capacity_per_s
        requests = max(int(rate * self.grid.run_s), _FEWEST)
        objective = OBJECTIVE * table.mean_s(1) + rule.delay_s
        scheduled = schedule(rate, requests, seed)
        with Onlooker() as onlooker:
            self._look(rule, rate, seed)
            profile = self._known(policy.max_batch)
            expected = forecast(rule, scheduled, profile, objective, self.machine)
            (first, batches), (second, _) = (self._learn(rule, rate, requests, seed) for _ in range(2))
        return FidelityPoint(
            server=self.server,
            model=self.model,
            precision=self.precision,
            policy=str(policy),
            load=load,
            rate_per_s=rate,
            requests=requests,
            objective_s=objective,
            speed=profile.speeds[-1],
            predicted=expected.middle,
            real=(outcome(first.scheduled, first.answered, objective), outcome(second.scheduled, second.answered, objective)),
            replayed=self._replayed(rule, batches, first, objective),
            low=expected.low,
            high=expected.high,
            speeds=[round(speed, 4) for speed in profile.speeds],
            others_share=round(onlooker.others_share, 3),
        )

    def _known(self, largest: int) -> ServerProfile:
        profile = ServerProfile(self._stretches[largest], largest)
        self.machine.servers[f"{self.model} {self.precision} {largest}"] = profile
        return profile

    def _serve_calls(self, largest: int, calls: list[Call]) -> list[Batch]:
        return serve_calls(self.ready.compute, calls)

    def _run(self, rule: TritonRule, rate: float, requests: int, seed: int) -> tuple[Driven, list[Batch]]:
        server = Batcher(rule, self.ready.compute, answer)
        with server:
            driven = drive(lambda token, sample: server.submit([(token, sample)]), rate, requests, seed)
        return driven, server.served

    def _look(self, rule: TritonRule, rate: float, seed: int) -> None:
        requests = max(int(rate * self.grid.probe_s), _FEWEST // 2)
        self._learn(rule, rate, requests, seed=_OTHER_ARRIVALS + seed)

    def _learn(self, rule: TritonRule, rate: float, requests: int, seed: int) -> tuple[Driven, list[Batch]]:
        driven, batches = self._run(rule, rate, requests, seed)
        self._stretches[rule.max_batch].append(batches)
        self.machine.paths.append(self._path(driven, rule.max_batch))
        return driven, batches

    def _path(self, driven: Driven, largest: int) -> ServedPath:
        return ServedPath(driven.issued - driven.scheduled)

    def _replayed(self, rule: TritonRule, batches: list[Batch], driven: Driven, objective: float) -> FidelityOutcome | None:
        entered = np.array([request.entered for batch in batches for request in batch.requests])
        answered = replayed(rule, batches, entered - entered[0]) + driven.issued[0]
        return outcome(driven.scheduled, answered, objective)


class ServedOverHttp(Served):
    """The same model behind mosec, profiled over HTTP like its requests: its batches as its worker saw them."""

    server = OVER_HTTP

    def open(self, opened: ExitStack) -> None:
        shape = self.ready.input_shape
        sizes = self.grid.sizes
        self._clients = {size: opened.enter_context(serving(self.ready.file, shape, size, _HTTP_WAIT_MS)) for size in sizes}

    def _serve_calls(self, largest: int, calls: list[Call]) -> list[Batch]:
        return self._clients[largest].serve_calls(calls)

    def _run(self, rule: TritonRule, rate: float, requests: int, seed: int) -> tuple[Driven, list[Batch]]:
        client = self._clients[rule.max_batch]
        client.log.clear()
        driven = drive(client.submit, rate, requests, seed)
        client.check()
        return driven, batches(client.log)

    def _path(self, driven: Driven, largest: int) -> ServedPath:
        log = self._clients[largest].log
        return ServedPath(driven.issued - driven.scheduled, np.array([request.answered - request.done for request in log]))

    def _replayed(self, rule: TritonRule, batches: list[Batch], driven: Driven, objective: float) -> None:
        """Return None: mosec batches by a rule of its own, which a replay would not follow."""


#: Measures a point, once more at each call.
Measurement = Callable[[], FidelityPoint]


def measure(
    grid: Grid, ready: Callable[[str, str], ServedModel], minutes: float = 0.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[FidelityPoint]:
    """Measure every point of the grid, in process and then over HTTP, and those that could not be judged again.

    ready: makes a model that can be served; minutes: time for points that are measured again
    """
    with ExitStack() as opened:
        yield from until_judged(_measurements(grid, ready, opened), minutes, clock)


def until_judged(
    measurements: Iterable[Measurement], minutes: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[FidelityPoint]:
    """Measure each point, then those whose two runs differ again, in turn, until all are judged or the time is over.

    minutes: from the end of the first pass; a measurement that has begun ends. clock: returns seconds
    """
    unjudged: deque[tuple[Measurement, int]] = deque()

    def measured(measurement: Measurement, attempt: int) -> FidelityPoint:
        begin = clock()
        point = measurement()
        if not point.repeats:
            unjudged.append((measurement, attempt + 1))
        return point.model_copy(update={"attempt": attempt, "seconds": round(clock() - begin, 2)})

    for measurement in measurements:
        yield measured(measurement, 1)
    end = clock() + 60 * minutes
    while unjudged and clock() < end:
        yield measured(*unjudged.popleft())


def _measurements(grid: Grid, ready: Callable[[str, str], ServedModel], opened: ExitStack) -> Iterator[Measurement]:
    machine, machine_over_http = Machine(), Machine()
    yield from _profiled_points([Served(*model, ready(*model), grid, machine) for model in grid.models], opened)
    if (over_http := grid.over_http) is not None:
        servers = [ServedOverHttp(*model, ready(*model), over_http, machine_over_http) for model in over_http.models]
        yield from _profiled_points(servers, opened)


def _profiled_points(servers: Sequence[Served], opened: ExitStack) -> Iterator[Measurement]:
    """Profile every server in turn, repeatedly, so that the stretches of one lie apart in time; then yield their points."""
    for served in servers:
        served.open(opened)
    for _ in range(STRETCHES):
        for served in servers:
            for size in served.grid.sizes:
                served.stretch(size)
    for served in servers:
        yield from served.points()
