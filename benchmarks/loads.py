"""`python -m benchmarks.loads`: the load that is told before a run beside what a run can do, for all measured profiles.

For each profile, number of threads and largest batch, one replica is asked for half as much again as it can do by theory. What
it then serves is what it can do. Asked for nine tenths of that it should serve all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks.workloads import Workload
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import LatencyTable, profiled
from simulator.evidence.profiles import profiles
from simulator.paths import PROFILES
from simulator.theory.loads import loads

#: Batches served in each run: the mean of their times is then known to about half a per cent.
SERVED = 8_000

OVER, UNDER = 1.5, 0.9
out = Console(width=130)


class Pair(NamedTuple):
    """One profile at one largest batch: requests a second by theory, in the run, and by the batch size that is best for it."""

    label: str
    told: float
    found: float
    best: float
    kept_up: float

    @property
    def off(self) -> float:
        """By what part the load that is told differs from that in the run."""
        return self.found / self.told - 1


def pairs() -> Iterator[tuple[str, int, LatencyTable]]:
    """Every shipped profile, number of threads and largest batch that it was measured at."""
    for profile in profiles(PROFILES):
        for run in profile.runs:
            for batch in sorted(calls.batch for calls in run.calls):
                label = f"{profile.key}, {run.threads} threads, batches up to {batch}"
                yield label, batch, profiled(profile, run.threads, batch)


def compare(label: str, batch: int, table: LatencyTable) -> Pair:
    """Run one replica far above what it can do, and below."""
    (load,) = loads(Workload(label, 1.0, batch, table).plan(100))
    told = 1 / load.mean
    found = served(Workload(label, OVER * told, batch, table, round(OVER * SERVED * batch)), since=0.1)
    under = Workload(label, UNDER * told, batch, table, round(UNDER * SERVED * batch))
    return Pair(label, told, found, table.capacity_per_s, served(under) / under.rate)


def served(workload: Workload, since: float = 0.0) -> float:
    """Requests served a second while requests come, once so much of that time has passed."""
    trace = simulate(workload.plan())
    end = trace.plan.arrivals_end_s
    left = np.repeat(np.array(trace.logs["server"].left), np.array(trace.logs["server"].size))
    return float(np.count_nonzero((left > since * end) & (left <= end)) / ((1 - since) * end))


def main() -> None:
    """Print the largest differences."""
    found = [compare(*pair) for pair in track(list(pairs()), "Running", console=Console(stderr=True))]
    off = sorted(found, key=lambda pair: abs(pair.off), reverse=True)
    late = min(found, key=lambda pair: pair.kept_up)
    by_best = [pair.best / pair.found for pair in found]
    out.print(f"{len(found)} pairs of a profile and a largest batch, {SERVED:,} batches each.")
    out.print(f"The load before a run differs from that in the run by {100 * np.mean([abs(pair.off) for pair in found]):.2f}%.")
    out.print(f"Largest difference: {100 * off[0].off:+.2f}% ({off[0].label}).")
    out.print(f"Asked for {UNDER:.0%} of what it can do, each serves at least {late.kept_up:.1%} in time ({late.label}).")
    low = sum(1 - 1 / times > 0.1 for times in by_best)
    out.print(
        f"At the best batch size, whatever the rule forms: {low} more than 10% too low, at most {max(by_best):.2f} times."
    )


if __name__ == "__main__":
    main()
