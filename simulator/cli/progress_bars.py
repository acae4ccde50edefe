"""Progress bars on standard error, and the runs of a design behind one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from simulator.cli.exits import err
from simulator.engine.plan import Plan
from simulator.metrics.measures import Measures
from simulator.metrics.replications import run_replications
from simulator.processes import ProcessPool

#: Reports the number done, and the total.
ReportDone = Callable[[int, int], None]


@contextmanager
def counting_bar(what: str, total: int) -> Iterator[ReportDone]:
    """Show a bar with the number done and the time to go."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, _: bar.update(task, completed=done)


@contextmanager
def working_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for work in several parts; yields a function of a part's name, the number done and the total, 0 if unknown."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[parts]}"))
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True) as bar:
        task = bar.add_task("beginning", total=None, parts="")

        def report(what: str, done: int, total: int) -> None:
            parts = f"{done:,} of {total:,}" if total else ""
            bar.update(task, description=what, completed=done, total=total or None, parts=parts)

        yield report


def run_in_processes(plan: Plan, seed: int, replications: int | None) -> list[Measures]:
    total = replications or plan.scenario.run.replications
    with ProcessPool() as pool, counting_bar("replications", total) as report:
        return run_replications(plan, seed, replications, pool, report)
