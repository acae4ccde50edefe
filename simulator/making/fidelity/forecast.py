"""What a run of a server will give, as an interval that 95 of 100 runs lie in: the machine's speed wanders from run to run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from simulator.evidence.fidelity_reports import FidelityOutcome
from simulator.making.fidelity.calibrate import ServerProfile
from simulator.making.fidelity.predict import Path, Trouble, predicted
from simulator.stages.batching import TritonRule

Times = NDArray[np.float64]
Item = TypeVar("Item")

#: Simulated runs of a forecast, and the part of real runs that should lie in its interval.
RUNS, LEVEL = 200, 0.95


@dataclass
class Machine:
    """All that was measured by now on a machine: its servers' profiles by name, and what requests met on their way by run."""

    servers: dict[str, ServerProfile] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)


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
