"""`python -m tests.truths`: theory against simulation, with simultaneous 95% intervals. Exit status 1 where one is missed."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

import tests.truths.means
import tests.truths.paths  # noqa: F401
from tests.engine.intervals import interval
from tests.truths.registry import MEANS, PATHS, ROUNDING, Paths, Truth

out = Console(width=None if sys.stdout.isatty() else 160)
SOURCES = list(dict.fromkeys(truth.source for truth in MEANS + PATHS))


def main() -> int:
    """Print both tables and the sources; the exit status."""
    missed = means() + paths()
    out.print(f"\n{len(MEANS) + len(PATHS)} truths, {missed} missed. The intervals hold together with 95% (Bonferroni).")
    for number, source in enumerate(SOURCES, 1):
        out.print(f"  {number}  {source}", highlight=False)
    return int(missed > 0)


def means() -> int:
    """Each known mean beside its interval; together they hold with 95% confidence (Bonferroni). Returns how many are missed."""
    table = Table("mean over replications", "exact", "simulated", "95% interval", "+-", "runs", "inside", "source", box=None)
    missed = 0
    for truth in MEANS:
        experiment = truth.of()
        mean, half = interval(experiment.values(truth.seed), len(MEANS))
        exact = experiment.exact
        inside = (1 - experiment.below) * exact - half <= mean <= exact + half
        missed += not inside
        bounds, runs = f"{mean - half:.5g} to {mean + half:.5g}", str(experiment.replications)
        cells = f"{exact:.5g}", f"{mean:.5g}", bounds, f"{half / exact:.1%}", runs, verdict(inside)
        table.add_row(str(truth), *cells, reference(truth))
    out.print(table)
    return missed


def paths() -> int:
    """Each truth that holds row by row. Returns how many do not."""
    table = Table("request by request", "exact mean", "simulated", "largest difference", "rows", "same", "source", box=None)
    missed = 0
    for truth in PATHS:
        found: Paths = truth.of()
        same = found.apart <= ROUNDING
        missed += not same
        cells = f"{found.exact.mean():.6g}", f"{found.simulated.mean():.6g}", f"{found.apart:.1g}", f"{len(found.exact):,}"
        table.add_row(str(truth), *cells, verdict(same), reference(truth))
    out.print(table)
    return missed


def reference(truth: Truth) -> str:
    """Which of the sources below the tables."""
    return str(SOURCES.index(truth.source) + 1)


def verdict(holds: bool) -> str:
    """One cell."""
    return "yes" if holds else "[bold red]NO[/]"


if __name__ == "__main__":
    sys.exit(main())
