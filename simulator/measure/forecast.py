"""Profiles of a real server, and forecasts of its runs as intervals.

A profile is measured through the server's own queue and worker, so that it includes the costs of a request beside the model.
A call takes longer after an idle gap, the longer the gap the more, and after another batch size. So a profile is measured with
the sizes and gaps that a queue makes of random arrivals, at light and at heavy load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from simulator.arrays import Times
from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import Run
from simulator.engine.stages.replicas import TritonRule
from simulator.evidence.fidelity_reports import FidelityOutcome
from simulator.evidence.latency_tables import LatencyTable, steps_of
from simulator.evidence.row_files import Recording
from simulator.measure.batch_server import SAMPLES, Batch, Batcher
from simulator.records.streams import Streams

Compute = Callable[[list[int]], object]
Call = tuple[int, float]  # a batch size, and the idle time before it in s
Places = NDArray[np.int_]

#: The loads that a profile goes through.
LOADS = (0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
#: Lower ends of the classes of idle gaps, in s.
GAPS_S = (0.0005, 0.002, 0.006, 0.02, 0.06)
#: Least calls of every size in a stretch, and least calls after a gap for an estimate of its addition.
EACH, LEAST = 2, 6
#: A call that takes longer than this multiple of its stretch's median was stalled.
STALLED = 3.0
#: Rounds that separate what a size takes from what a gap adds; a median each, so that they settle soon.
_ROUNDS = 8


class _Script:
    """A rule that lets batches of given sizes go, one after the other."""

    delay_s = 0.0

    def __init__(self, sizes: Iterator[int]) -> None:
        self._sizes = sizes
        self._next: int = next(sizes)

    def take(self, waiting: int, overdue: bool) -> int:
        """Return the next size, once that number of requests waits."""
        if waiting < self._next:
            return 0
        size, self._next = self._next, next(self._sizes, 2**62)
        return size


def serve_calls(compute: Compute, calls: list[Call]) -> list[Batch]:
    """Serve these batches in this order; a call without a gap is queued while the one before it is served."""
    server = Batcher(_Script(iter([size for size, _ in calls])), compute, lambda _: None)
    with server:
        for size, gap_s in calls:
            if gap_s:
                server.wait_until(lambda server: server.idle)
                time.sleep(gap_s)
            else:
                server.wait_until(lambda server: not server.queued)
            server.submit([(0, number % SAMPLES) for number in range(size)])
        server.wait_until(lambda server: server.idle)
    return server.served


def queue_like(seconds: Times, budget_s: float, seed: int) -> list[Call]:
    """Draw batches and gaps as a queue with no delay makes them at each of LOADS, about `budget_s` in all.

    seconds: about how long a batch of 0, 1, ... takes, shape (max_batch + 1,)
    """
    rng, largest = np.random.default_rng(seed), len(seconds) - 1
    capacity = (np.arange(1, largest + 1) / seconds[1:]).max()
    calls = list[Call]()
    for load in rng.permutation(LOADS):
        calls += _busy_period(rng, seconds, float(load) * capacity, budget_s / len(LOADS))
    for size in range(1, largest + 1):  # spread over the whole, so that a slow moment does not meet all calls of a size
        for place in rng.integers(0, len(calls) + 1, EACH):
            calls.insert(place, (size, 0.0))
    return calls


def _busy_period(rng: np.random.Generator, seconds: Times, rate: float, length: float) -> Iterator[Call]:
    """Simulate one load: requests come at random, and a free server takes all that wait, up to its largest batch."""
    arrived = np.cumsum(rng.exponential(1 / rate, int(2 * rate * length) + 2))
    at, free = 0, 0.0
    while free < length and at < len(arrived):
        start = max(free, arrived[at])
        size = min(int(np.searchsorted(arrived, start, "right")) - at, len(seconds) - 1)
        yield size, max(start - free, 0.0)
        at, free = at + size, start + seconds[size]


class ServerProfile:
    """Times of a server's batches, and the drift of its speed, from stretches of calls that lie apart in time.

    usual: the median time of a batch in s by idle gap before it and size, shape (len(GAPS_S) + 1, largest + 1)
    speeds: times of batches against the usual time, stretch by stretch; their median is 1
    """

    def __init__(self, stretches: Sequence[list[Batch]], largest: int) -> None:
        self._stretches = list(stretches)
        sizes, took, gaps = _batch_columns([batch for stretch in stretches for batch in stretch])
        lengths, speeds = [len(stretch) for stretch in stretches], np.ones(len(stretches))
        for _ in range(_ROUNDS):  # a size that was met in slow stretches only is no slower for that
            self.usual = _usual_times(sizes, took / np.repeat(speeds, lengths), gaps, largest)
            speeds = np.array([self.speed(stretch) for stretch in stretches])
            self.usual *= np.median(speeds)
            speeds /= np.median(speeds)
        self.speeds = [float(speed) for speed in speeds]
        self._slowness = took / self.usual[gaps, sizes]

    def speed(self, served: list[Batch]) -> float:
        """Return the time of these batches against the usual time, as the weighted median of their ratios.

        A median weighted by what is usual, since what slows long calls and spares short ones makes queues.
        """
        slowness, usual = _slowness(served, self.usual)
        order = np.argsort(slowness)
        done = np.cumsum(usual[order])
        return float(slowness[order][np.searchsorted(done, done[-1] / 2)])

    @property
    def table(self) -> LatencyTable:
        return LatencyTable(self.usual[:, :, None] * steps_of(self._slowness), GAPS_S)

    @cached_property
    def tapes(self) -> list[Tape]:
        return [Tape.of(stretch, self.usual, self.speed(stretch)) for stretch in self._stretches]


@dataclass(frozen=True)
class Tape:
    """Timings of one stretch, batch by batch.

    start: of each batch, in s from the first, without slowness; length: of the stretch, in s
    slowness: time against the middle of the stretch; noise of that server, up to STALLED
    stall_s: time beyond that; the machine stood still, which would have met any other server as well
    """

    start: Times
    slowness: Times
    stall_s: Times
    length: float

    @classmethod
    def of(cls, served: list[Batch], usual: Times, speed: float) -> Tape:
        """Return the tape of these batches, in order of their start, with `speed` in their middle."""
        slowness, would_take = _slowness(served, usual)
        idle = np.array([0.0, *(batch.start - batch.free for batch in served[1:])])
        ends = np.cumsum(np.maximum(idle, 0.0) + would_take)
        relative = slowness / speed
        stall_s = np.maximum(relative - STALLED, 0.0) * speed * would_take
        return cls(ends - would_take, np.minimum(relative, STALLED), stall_s, float(ends[-1]))

    def slowness_at(self, times: Times, offset: float) -> Times:
        """Return the slowness at each of these times (s, from 0 on), from `offset` on; the tape is a loop."""
        place = np.searchsorted(self.start, (times + offset) % self.length, "right") - 1
        return np.asarray(self.slowness[np.maximum(place, 0)])

    def stalls_at(self, times: Times, offset: float, batch: int) -> Times:
        """Return the additional wait of each request by stalls of the machine, in s: a stall meets the next `batch` to come.

        times: ascending, from 0 on; the tape is begun at `offset` and played again from its start at its end
        """
        stalled = np.flatnonzero(self.stall_s)
        rounds = np.arange(int((times[-1] + offset) / self.length) + 1)
        at = (self.start[stalled] - offset + self.length * rounds[:, None]).ravel()
        first = np.searchsorted(times, at)
        met, stalls = (first[:, None] + np.arange(batch))[at >= 0], np.tile(self.stall_s[stalled], len(rounds))[at >= 0]
        waits = np.zeros(len(times) + batch)
        np.add.at(waits, met, stalls[:, None])
        return waits[: len(times)]


def _slowness(served: list[Batch], usual: Times) -> tuple[Times, Times]:
    """Return the time of each batch against the usual time of its size and gap, and that in s; shape (batches,) each."""
    sizes, took, gaps = _batch_columns(served)
    would_take = usual[gaps, sizes]
    return took / would_take, would_take


def _batch_columns(served: list[Batch]) -> tuple[Places, Times, Places]:
    """Return size, time in s and class of idle gap of each batch; shape (batches,) each."""
    sizes = np.array([len(batch.requests) for batch in served])
    took = np.array([batch.done - batch.start for batch in served])
    return sizes, took, np.digitize([batch.start - batch.free for batch in served], GAPS_S)


def _usual_times(sizes: Places, took: Times, gaps: Places, largest: int) -> Times:
    """Return the time of each size and the addition of each gap, in s; shape (len(GAPS_S) + 1, largest + 1)."""
    added = np.zeros(len(GAPS_S) + 1)
    for _ in range(_ROUNDS):
        by_size = _medians(took - added[gaps], sizes, np.arange(largest + 1))
        rest = took - by_size[sizes]
        counts = np.bincount(gaps, minlength=len(added))
        met = np.flatnonzero(counts >= min(LEAST, counts.max()))  # of a short look, the gaps that were met most often
        added = np.interp(np.arange(len(added)), met, [np.median(rest[gaps == gap]) for gap in met])
        added -= added[0]
    usual = by_size[None, :] + added[:, None]
    usual[:, 0] = 0.0
    return np.asarray(usual)


def by_size(served: list[Batch], largest: int) -> Times:
    took = np.array([batch.done - batch.start for batch in served])
    return _medians(took, np.array([len(batch.requests) for batch in served]), np.arange(largest + 1))


def _medians(values: Times, keys: Places, wanted: Places) -> Times:
    seen = np.unique(keys)
    return np.asarray(np.interp(wanted, seen, [np.median(values[keys == key]) for key in seen]))


# What the engine says of a server: before a run from its profile alone, and after it from what the run itself took.


#: Nothing of this is simulated: the requests, the rule and the latencies come from what is served.
_SCENARIO = """
id: server
version: 1
title: One server
summary: One server on this machine.
brief: A server.
run: {{days: 1, drain_days: 1}}
arrivals: {{kind: replay, file: none.csv, column: none, evidence: measured, source: MLPerf LoadGen}}
start: server
stages:
  server:
    kind: pool
    label: Server
    model: none
    precision: none
    device: none
    max_batch: {max_batch}
    max_queue_delay_ms: {delay_ms}
    to: done
ends:
  done: {{label: Done, escalated: false, detected: {{value: 1, assumed: none}}, usd: {{value: 0, assumed: none}}}}
"""


@dataclass(frozen=True)
class ServedPath:
    """Delays of requests outside of server and queue, one after the other, in s.

    before_s: from the scheduled arrival to the queue; after_s: from the end of its batch to its answer at the client
    """

    before_s: Times = field(default_factory=lambda: np.zeros(1))
    after_s: Times = field(default_factory=lambda: np.zeros(1))

    def played(self, requests: int, rng: np.random.Generator) -> ServedPath:
        before, after = (np.resize(np.roll(of, rng.integers(len(of))), requests) for of in (self.before_s, self.after_s))
        return ServedPath(before, after)


@cache
def _scenario(rule: TritonRule) -> Scenario:
    return loads(_SCENARIO.format(max_batch=rule.max_batch, delay_ms=1000 * rule.delay_s))


@dataclass(frozen=True)
class Trouble:
    """Slowness and stall of the batch that a request leads: a factor of its time, and an addition in s; (requests,).

    Without `stall_s` the machine never stands still.
    """

    slowness: Times
    stall_s: Times | float = 0.0


def run_of(rule: TritonRule, arrived: Times, usual: Times, trouble: Trouble) -> Run:
    """Build a server with this rule and requests at these times (s, ascending); it is not run yet.

    usual: s by idle gap and batch size, shape (len(GAPS_S) + 1, max_batch + 1)
    """
    table = LatencyTable(usual[:, :, None] * trouble.slowness + trouble.stall_s, GAPS_S)  # a place of its own for each request
    run = Run(Plan(_scenario(rule), {}, "", {"server": table}, recording=Recording(arrived)), Streams(0))
    stage = run.stages["server"]
    stage.quantile = np.arange(len(arrived), dtype=np.int32)  # type: ignore[attr-defined]
    stage.loop.connect()  # type: ignore[attr-defined]
    return run


def predicted(rule: TritonRule, scheduled: Times, path: ServedPath, usual: Times, trouble: Trouble) -> Times:
    """Return the time of each answer, in s; shape (requests,). usual: s by idle gap and batch size; path: of one or of each."""
    requests = len(scheduled)
    arrived = scheduled + path.before_s
    order = np.argsort(arrived, kind="stable")
    stall_s = np.broadcast_to(trouble.stall_s, requests)
    in_order = Trouble(trouble.slowness[order], stall_s[order])
    answered = np.empty(requests)
    answered[order] = run_of(rule, arrived[order], usual, in_order).trace().columns.finished
    return np.asarray(answered + path.after_s)


def replayed(rule: TritonRule, served: list[Batch], arrived: Times) -> Times:
    """Return the time of each answer if every batch takes its time of the real run; shape (requests,).

    arrived: when each request joined the queue, in s, ascending
    A batch that the engine forms around a request takes what the real batch of that request took; one of another size
    takes as much more or less as batches of these sizes did in that run.
    """
    largest = rule.max_batch
    usual = by_size(served, largest)
    took, size = np.empty(len(arrived)), np.empty(len(arrived), int)
    row = 0
    for batch in served:
        rows = slice(row, row + len(batch.requests))
        took[rows], size[rows] = batch.done - batch.start, len(batch.requests)
        row = rows.stop
    of_sizes = np.broadcast_to(usual, (len(GAPS_S) + 1, largest + 1))
    return np.asarray(run_of(rule, arrived, of_sizes, Trouble(took / usual[size])).trace().columns.finished)


# What a run of a server will give, as an interval that 95 of 100 runs lie in: the machine's speed wanders from run to run.

Item = TypeVar("Item")

#: Simulated runs of a forecast, and the part of real runs that should lie in its interval.
RUNS, LEVEL = 200, 0.95


@dataclass
class Machine:
    """Measurements on a machine so far: its servers' profiles by name, and delays of requests by run."""

    servers: dict[str, ServerProfile] = field(default_factory=dict)
    paths: list[ServedPath] = field(default_factory=list)


def plausible_speeds(known: Sequence[float], machine: Iterable[Sequence[float]], runs: int) -> Times:
    """Draw equally likely speeds of a run after stretches with these speeds, the last just now; shape (runs,).

    machine: speeds of every server on this machine; the machine drifts, so that all of them show the size of the drift

    A machine's speed lasts, but not for long: the logarithm is taken to lie around the middle between the last stretch and
    the mean of all m. Were stretches independent with a variance v, the next one would lie v (1 + 1/4 + 3 / 4m) from there
    in the mean square; where speed lasts it lies nearer. Student's t, as v is estimated.
    """
    logs = np.log(known)
    of_servers = [np.log(speeds) for speeds in machine]
    freedom = sum(len(speeds) - 1 for speeds in of_servers)
    variance = sum(((speeds - speeds.mean()) ** 2).sum() for speeds in of_servers) / freedom
    middle, spread = (logs[-1] + logs.mean()) / 2, (variance * (1.25 + 0.75 / len(logs))) ** 0.5
    return np.asarray(np.exp(middle + spread * stdtrit(freedom, (np.arange(runs) + 0.5) / runs)))


def outcome(scheduled: Times, answered: Times, objective_s: float) -> FidelityOutcome:
    """Return the figures of requests scheduled at `scheduled` and answered at `answered`; both in s."""
    latency = answered - scheduled
    p50, p95, p99 = np.percentile(latency, [50, 95, 99])
    throughput = len(latency) / (answered.max() - scheduled[0])
    return FidelityOutcome(
        p50_s=p50, p95_s=p95, p99_s=p99, throughput_per_s=throughput, goodput=float((latency <= objective_s).mean())
    )


@dataclass(frozen=True)
class Forecast:
    """Forecast of a run, figure by figure: the middle, and bounds that hold 95 of 100 runs."""

    low: FidelityOutcome
    middle: FidelityOutcome
    high: FidelityOutcome


def forecast(rule: TritonRule, scheduled: Times, profile: ServerProfile, objective_s: float, machine: Machine) -> Forecast:
    """Forecast a run that starts now; the profile is among the machine's, and its last stretch is the latest.

    Each simulated run has a speed of its own, noise as one of the server's stretches had it, and stalls and delays on the way
    as one of the machine's stretches and runs had them: a calm minute is calm throughout. Nothing else is drawn: when
    requests are going to come is known.
    """
    rng, outcomes = np.random.default_rng(0), []
    servers = machine.servers.values()
    tapes = [tape for server in servers for tape in server.tapes]
    batch, since = _company(profile.usual, len(scheduled) / scheduled[-1]), scheduled - scheduled[0]
    for speed in plausible_speeds(profile.speeds, [server.speeds for server in servers], RUNS):
        own, any_server, path = _any(rng, profile.tapes), _any(rng, tapes), _any(rng, machine.paths)
        trouble = Trouble(
            speed * own.slowness_at(since, rng.uniform(0, own.length)),
            any_server.stalls_at(since, rng.uniform(0, any_server.length), batch),
        )
        answered = predicted(rule, scheduled, path.played(len(scheduled), rng), profile.usual, trouble)
        outcomes.append(outcome(scheduled, answered, objective_s))
    tail = 100 * (1 - LEVEL) / 2
    return Forecast(*(_percentile(outcomes, percent) for percent in (tail, 50, 100 - tail)))


def _any(rng: np.random.Generator, of: Sequence[Item]) -> Item:
    return of[int(rng.integers(len(of)))]


def _company(usual: Times, rate: float) -> int:
    sizes = np.arange(1, usual.shape[1])
    enough = np.flatnonzero(sizes / usual[0, 1:] >= rate)
    return int(sizes[enough[0]] if len(enough) else sizes[-1])


def _percentile(outcomes: list[FidelityOutcome], percent: float) -> FidelityOutcome:
    figures = {name: np.percentile([getattr(run, name) for run in outcomes], percent) for name in FidelityOutcome.model_fields}
    return FidelityOutcome(**{name: float(value) for name, value in figures.items()})
