"""What the simulation says of a real server: predictions, replays of a run, and forecasts as intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan
from simulator.engine.run import Run
from simulator.evidence.fidelity_reports import FidelityOutcome
from simulator.evidence.recordings import Recording
from simulator.measure.batch_server import Batch
from simulator.measure.calibrate import GAPS_S, ServerProfile, by_size
from simulator.records.streams import Streams
from simulator.stages.batching import TritonRule
from simulator.stages.pool_evidence import GRID, LatencyTable

# What the engine says of a server: before a run from its profile alone, and after it from what the run itself took.

Times = NDArray[np.float64]

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
    """What requests meet outside of server and queue, one after the other, in s.

    before_s: from the scheduled arrival to the queue; after_s: from the end of its batch to its answer at the client
    """

    before_s: Times = field(default_factory=lambda: np.zeros(1))
    after_s: Times = field(default_factory=lambda: np.zeros(1))

    def played(self, requests: int, rng: np.random.Generator) -> ServedPath:
        """The same for so many requests: begun anywhere, and again from its start at its end."""
        before, after = (np.resize(np.roll(of, rng.integers(len(of))), requests) for of in (self.before_s, self.after_s))
        return ServedPath(before, after)


@cache
def _scenario(rule: TritonRule) -> Scenario:
    return loads(_SCENARIO.format(max_batch=rule.max_batch, delay_ms=1000 * rule.delay_s))


@dataclass(frozen=True)
class Trouble:
    """What befalls the batch that a request leads: how many times as long as usual it takes, and how much longer; (requests,).

    Without `stall_s` the machine never stands still.
    """

    slowness: Times
    stall_s: Times | float = 0.0


def run_of(rule: TritonRule, arrived: Times, usual: Times, trouble: Trouble) -> Run:
    """A server with this rule that is given requests at these times (s, ascending); not run yet.

    usual: s by idle gap and batch size, shape (len(GAPS_S) + 1, max_batch + 1)
    """
    table = LatencyTable(np.repeat(usual[:, :, None], GRID, axis=2), GAPS_S)
    run = Run(Plan(_scenario(rule), {}, "", {"server": table}, recording=Recording(arrived)), Streams(0))
    stage = run.stages["server"]
    stage.seconds = (usual[:, :, None] * trouble.slowness + trouble.stall_s).tolist()  # type: ignore[attr-defined]
    stage.quantile = range(len(arrived))  # type: ignore[attr-defined]
    return run


def predicted(rule: TritonRule, scheduled: Times, path: ServedPath, usual: Times, trouble: Trouble) -> Times:
    """When each request is answered, in s; shape (requests,). usual: s by idle gap and batch size; path: of one or of each."""
    requests = len(scheduled)
    arrived = scheduled + path.before_s
    order = np.argsort(arrived, kind="stable")
    stall_s = np.broadcast_to(trouble.stall_s, requests)
    in_order = Trouble(trouble.slowness[order], stall_s[order])
    answered = np.empty(requests)
    answered[order] = run_of(rule, arrived[order], usual, in_order).trace().columns.finished
    return np.asarray(answered + path.after_s)


def replayed(rule: TritonRule, served: list[Batch], arrived: Times) -> Times:
    """When each request is answered if every batch takes what it took in the real run; shape (requests,).

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
    """All that was measured by now on a machine: its servers' profiles by name, and what requests met on their way by run."""

    servers: dict[str, ServerProfile] = field(default_factory=dict)
    paths: list[ServedPath] = field(default_factory=list)


def plausible_speeds(known: Sequence[float], machine: Iterable[Sequence[float]], runs: int) -> Times:
    """Speeds that a run may have after stretches with these, the last of them just now: equally likely ones, shape (runs,).

    machine: the same of every server on this machine; it is the machine that wanders, so that all tell how far

    A machine's speed lasts, but not for long: the logarithm is taken to lie around the middle between the last stretch and
    the mean of all m. Were stretches independent with a variance v, the next one would lie v (1 + 1/4 + 3 / 4m) from there
    in the mean square; where speed lasts it lies nearer. Student's t, as v is estimated.
    """
    logs = np.log(known)
    of_servers = [np.log(speeds) for speeds in machine]
    freedom = sum(len(mine) - 1 for mine in of_servers)
    variance = sum(((mine - mine.mean()) ** 2).sum() for mine in of_servers) / freedom
    middle, spread = (logs[-1] + logs.mean()) / 2, (variance * (1.25 + 0.75 / len(logs))) ** 0.5
    return np.asarray(np.exp(middle + spread * t.ppf((np.arange(runs) + 0.5) / runs, freedom)))


def outcome(scheduled: Times, answered: Times, objective_s: float) -> FidelityOutcome:
    """What requests met that should have come at `scheduled` and were answered at `answered`; both in s."""
    latency = answered - scheduled
    p50, p95, p99 = np.percentile(latency, [50, 95, 99])
    throughput = len(latency) / (answered.max() - scheduled[0])
    return FidelityOutcome(
        p50_s=p50, p95_s=p95, p99_s=p99, throughput_per_s=throughput, goodput=float((latency <= objective_s).mean())
    )


@dataclass(frozen=True)
class Forecast:
    """What a run may give: the middle, and the bounds that a run lies in 95 times of 100, figure by figure."""

    low: FidelityOutcome
    middle: FidelityOutcome
    high: FidelityOutcome


def forecast(rule: TritonRule, scheduled: Times, profile: ServerProfile, objective_s: float, machine: Machine) -> Forecast:
    """What a run that starts now will give; the profile is among the machine's, and its last stretch is the latest.

    Each simulated run has a speed of its own, noise as one of the server's stretches had it, and stalls and delays on the way
    as one of the machine's stretches and runs had them: a calm minute is calm throughout. Nothing else is drawn: when
    requests are going to come is known.
    """
    rng, found = np.random.default_rng(0), []
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
        found.append(outcome(scheduled, answered, objective_s))
    tail = 100 * (1 - LEVEL) / 2
    return Forecast(*(_percentile(found, percent) for percent in (tail, 50, 100 - tail)))


def _any(rng: np.random.Generator, of: Sequence[Item]) -> Item:
    return of[int(rng.integers(len(of)))]


def _company(usual: Times, rate: float) -> int:
    """About how many requests a batch has at this rate (1/s): the fewest of which so many can be served."""
    sizes = np.arange(1, usual.shape[1])
    enough = np.flatnonzero(sizes / usual[0, 1:] >= rate)
    return int(sizes[enough[0]] if len(enough) else sizes[-1])


def _percentile(outcomes: list[FidelityOutcome], percent: float) -> FidelityOutcome:
    found = {name: np.percentile([getattr(one, name) for one in outcomes], percent) for name in FidelityOutcome.model_fields}
    return FidelityOutcome(**{name: float(value) for name, value in found.items()})
