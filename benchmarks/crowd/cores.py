"""`python -m benchmarks.crowd.cores`: the cores and servers that so many people need, by the processor time of a verdict.

Changes come as a Poisson process, and the first stage of a run has priority over all later ones. So the wait for a first
verdict is that of M/G/c whose service is the first stage, and full verdicts take what cores are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from rich.console import Console
from rich.table import Table

from tests.truths.queue_formulas import mmc_wait

#: Processor seconds of a change of the skin-cancer case, as measured: of the workers and the server until the first verdict and
#: until the last one, and of them in the one process of the server until the page is at rest.
FIRST_S, FULL_S, SERVER_S = 0.55, 2.5, 0.31

#: The variation of the first stage: standard deviation over mean.
VARIATION = 0.3

#: The busiest that a core or a server is planned to be, and the longest mean wait for a core before a first verdict (s).
BUSIEST, LONGEST_S = 0.8, 0.25


@dataclass(frozen=True)
class PeopleAtOnce:
    """People at work at once, and the time from a change of one of them to their next (s)."""

    words: str
    people: int
    every_s: float

    @property
    def per_s(self) -> float:
        return self.people / self.every_s

    @property
    def cores_first(self) -> int:
        """The fewest cores that give first verdicts in time; full verdicts come as far as cores are left."""
        cores = ceil(self.per_s * FIRST_S / BUSIEST)
        while wait_s(self.per_s, FIRST_S, VARIATION, cores) > LONGEST_S:
            cores += 1
        return cores

    @property
    def cores_full(self) -> int:
        return max(ceil(self.per_s * FULL_S / BUSIEST), self.cores_first)

    @property
    def servers(self) -> int:
        return ceil(self.per_s * SERVER_S / BUSIEST)

    @property
    def row(self) -> tuple[str, ...]:
        wait = wait_s(self.per_s, FIRST_S, VARIATION, self.cores_first)
        return self.words, f"{self.per_s:.1f}", str(self.cores_first), f"{wait:.2f}", str(self.cores_full), str(self.servers)


GROUPS = [
    PeopleAtOnce("4 people, a change every 10 s", 4, 10.0),
    PeopleAtOnce("16 people, a change every 10 s", 16, 10.0),
    PeopleAtOnce("a class of 30, a change every 30 s", 30, 30.0),
    PeopleAtOnce("a class of 30, a change every 10 s", 30, 10.0),
    PeopleAtOnce("a course of 1,000, one in ten at once, a change every 30 s", 100, 30.0),
    PeopleAtOnce("a course of 1,000, all at once, a change every 30 s", 1000, 30.0),
]

COLUMNS = "people", "changes a second", "cores, first verdicts", "wait, s", "cores, full verdicts", "servers"


def wait_s(per_s: float, mean_s: float, variation: float, cores: int) -> float:
    """Return the mean wait of M/G/c by Lee and Longton: that of M/M/c, times half of 1 + variation^2; inf from capacity on."""
    if per_s * mean_s >= cores:
        return inf
    return (1 + variation**2) / 2 * mmc_wait(per_s, 1 / mean_s, cores)


def main() -> None:
    """Print a row for each group."""
    table = Table(*COLUMNS, box=None)
    for group in GROUPS:
        table.add_row(*group.row)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
