"""What a run of a server will give, as an interval: the machine's speed wanders, and nobody knows how fast it will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from simulator.evidence.fidelity import Outcome
from simulator.fidelity.calibrate import ServerProfile, Tape
from simulator.fidelity.predict import Path, predicted
from simulator.serving.batching import BatchRule

Times = NDArray[np.float64]

#: Simulated runs of a forecast, and the part of real runs that should lie in its interval.
RUNS, LEVEL = 200, 0.95


def plausible_speeds(known: Sequence[float], runs: int) -> Times:
    """Speeds that a run may have after stretches with these, the last of them just now: equally likely ones, shape (runs,).

    Student's prediction interval for one more stretch, of the logarithm. A machine's speed lasts, but not for long: the
    middle lies halfway between the last stretch and the mean of all. With few stretches the tails are long.
    """
    logs = np.log(known)
    middle, spread = (logs[-1] + logs.mean()) / 2, logs.std(ddof=1) * (1 + 1 / len(logs)) ** 0.5
    return np.asarray(np.exp(middle + spread * t.ppf((np.arange(runs) + 0.5) / runs, len(logs) - 1)))


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


def forecast(rule: BatchRule, scheduled: Times, path: Path, profile: ServerProfile, objective_s: float) -> Forecast:
    """What a run that starts now will give; the last stretch of the profile is the latest.

    Each simulated run has a speed of its own, and noise as the stretches had it. Nothing else is drawn: when requests are
    going to come is known.
    """
    rng, tapes, found = np.random.default_rng(0), profile.tapes, []
    for number, speed in enumerate(plausible_speeds(profile.speeds, RUNS)):
        slowness = speed * _noise(rng, tapes, scheduled)
        found.append(outcome(scheduled, predicted(rule, scheduled, path, profile.usual, slowness, number), objective_s))
    tail = 100 * (1 - LEVEL) / 2
    return Forecast(*(_percentile(found, percent) for percent in (tail, 50, 100 - tail)))


def _noise(rng: np.random.Generator, tapes: list[Tape], times: Times) -> Times:
    """Tapes in random order, each begun anywhere in it and played once, until they last for all these times (ascending)."""
    noise, start = np.empty(len(times)), times[0]
    while start <= times[-1]:
        tape = tapes[rng.integers(len(tapes))]
        rows = slice(*np.searchsorted(times, [start, start + tape.length]))
        noise[rows] = tape.at(times[rows] - start, rng.uniform(0, tape.length))
        start += tape.length
    return noise


def _percentile(outcomes: list[Outcome], percent: float) -> Outcome:
    found = {name: np.percentile([getattr(one, name) for one in outcomes], percent) for name in Outcome.model_fields}
    return Outcome(**{name: float(value) for name, value in found.items()})
