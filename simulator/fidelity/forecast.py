"""What a run of a server will give, as an interval that 95 of 100 runs lie in: the machine's speed wanders from run to run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from simulator.evidence.fidelity import Outcome
from simulator.fidelity.batcher import Batch
from simulator.fidelity.calibrate import ServerProfile, Tape
from simulator.fidelity.predict import Path, Trouble, predicted
from simulator.serving.batching import BatchRule

Times = NDArray[np.float64]

#: Simulated runs of a forecast, and the part of real runs that should lie in its interval.
RUNS, LEVEL = 200, 0.95
#: What stretches say of a machine's wandering counts as much as so many runs.
_PRIOR = 8


@dataclass
class Machine:
    """What is known by now of a machine and how its speed wanders.

    servers: their profiles, by name
    missed: by how much runs were slower than the middle of their forecast, of the logarithm of speed
    """

    servers: dict[str, ServerProfile] = field(default_factory=dict)
    missed: list[float] = field(default_factory=list)

    def learn(self, profile: ServerProfile, served: list[Batch]) -> None:
        """A run that was forecast from this profile had these batches."""
        self.missed.append(float(np.log(profile.speed(served))) - _middle(profile))

    def speeds(self, profile: ServerProfile, runs: int) -> Times:
        """Speeds that a run may have after the stretches of this profile: equally likely ones, shape (runs,).

        The logarithm is Student's t around the middle. How far it lies from there, the speeds of all stretches say at first:
        were they independent with a variance v, the next one would lie v (1 + 1/4 + 3 / 4m) from the middle in the mean
        square. Speed lasts, so that it lies nearer, and every run that was made says how near.
        """
        of_servers = [np.log(server.speeds) for server in self.servers.values()]
        freedom = sum(len(logs) - 1 for logs in of_servers)
        variance = sum(((logs - logs.mean()) ** 2).sum() for logs in of_servers) / freedom
        expected = variance * (1.25 + 0.75 / len(profile.speeds))
        prior, missed = min(freedom, _PRIOR), np.array(self.missed)
        spread = ((prior * expected + (missed**2).sum()) / (prior + len(missed))) ** 0.5
        equally_likely = (np.arange(runs) + 0.5) / runs
        return np.asarray(np.exp(_middle(profile) + spread * t.ppf(equally_likely, prior + len(missed))))


def _middle(profile: ServerProfile) -> float:
    """Halfway between the latest stretch and the mean of all, of the logarithm: a machine's speed lasts, but not for long."""
    logs = np.log(profile.speeds)
    return float(logs[-1] + logs.mean()) / 2


def outcome(scheduled: Times, answered: Times, objective_s: float) -> Outcome:
    """What requests met that should have come at `scheduled` and were answered at `answered`; both in s."""
    latency = answered - scheduled
    p50, p95, p99 = np.percentile(latency, [50, 95, 99])
    throughput = len(latency) / (answered.max() - scheduled[0])
    return Outcome(p50_s=p50, p95_s=p95, p99_s=p99, throughput_per_s=throughput, goodput=float((latency <= objective_s).mean()))


@dataclass(frozen=True)
class Forecast:
    """What a run may give: the middle, and the bounds that a run lies in 95 times of 100, figure by figure."""

    low: Outcome
    middle: Outcome
    high: Outcome


def forecast(
    rule: BatchRule,
    scheduled: Times,
    path: Path,
    profile: ServerProfile,
    objective_s: float,
    machine: Machine | None = None,
) -> Forecast:
    """What a run that starts now will give; the last stretch of the profile is the latest.

    machine: what is known of it, this profile included; without it this profile is all that is known

    Each simulated run has a speed of its own, noise as one of the server's stretches had it, and stalls as one of the
    machine's had them: a calm minute is calm throughout. Nothing else is drawn: when requests are going to come is known.
    """
    machine = machine or Machine({"this one": profile})
    rng, found = np.random.default_rng(0), []
    tapes = [tape for server in machine.servers.values() for tape in server.tapes]
    batch, since = _company(profile.usual, len(scheduled) / scheduled[-1]), scheduled - scheduled[0]
    for number, speed in enumerate(machine.speeds(profile, RUNS)):
        own = profile.tapes[rng.integers(len(profile.tapes))]
        slowness = speed * own.slowness_at(since, rng.uniform(0, own.length))
        trouble = Trouble(slowness, _stalls(rng, tapes, since, batch))
        found.append(outcome(scheduled, predicted(rule, scheduled, path, profile.usual, trouble, number), objective_s))
    tail = 100 * (1 - LEVEL) / 2
    return Forecast(*(_percentile(found, percent) for percent in (tail, 50, 100 - tail)))


def _stalls(rng: np.random.Generator, tapes: list[Tape], times: Times, batch: int) -> Times:
    """The stalls of tapes in random order, each begun anywhere in it and played once, in s; see `Tape.stalls_at`."""
    stalls, start = np.zeros(len(times)), 0.0
    while start <= times[-1]:
        tape = tapes[rng.integers(len(tapes))]
        rows = slice(*np.searchsorted(times, [start, start + tape.length]))
        if rows.start < rows.stop:
            stalls[rows] = tape.stalls_at(times[rows] - start, rng.uniform(0, tape.length), batch)
        start += tape.length
    return stalls


def _company(usual: Times, rate: float) -> int:
    """About how many requests a batch has at this rate (1/s): the fewest of which so many can be served."""
    sizes = np.arange(1, usual.shape[1])
    enough = np.flatnonzero(sizes / usual[0, 1:] >= rate)
    return int(sizes[enough[0]] if len(enough) else sizes[-1])


def _percentile(outcomes: list[Outcome], percent: float) -> Outcome:
    found = {name: np.percentile([getattr(one, name) for one in outcomes], percent) for name in Outcome.model_fields}
    return Outcome(**{name: float(value) for name, value in found.items()})
