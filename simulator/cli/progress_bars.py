"""Progress on standard error, and the runs of a design behind it: bars on a terminal, elsewhere a line now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from simulator.cli.exits import err
from simulator.engine.compiled_plan import Plan
from simulator.explain.result import Result, result_of, settled
from simulator.metrics.measures import Measures
from simulator.metrics.replications import looks_of, run_replications
from simulator.processes import ProcessPool

#: Where standard error is no terminal, a line comes at most this often, in s.
LINE_EVERY_S = 10.0


class Bars(Progress):
    """Progress bars. Where their console is no terminal, a line with the work under way at most every LINE_EVERY_S."""

    def __init__(self, *columns: Any, console: Console, **how: Any) -> None:
        super().__init__(*columns, console=console, disable=not console.is_terminal, **how)
        self._line_at = monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._line(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._line(task_id)

    def _line(self, task_id: TaskID) -> None:
        now = monotonic()
        if self.console.is_terminal or now - self._line_at < LINE_EVERY_S:
            return
        self._line_at = now
        task = self._tasks[task_id]
        done = f": {task.percentage:.0f}%" if task.total else ""
        self.console.print(f"{task.description}{done}", markup=False)


#: Reports the number done, and the total.
ReportDone = Callable[[int, int], None]


@contextmanager
def counting_bar(what: str, total: int) -> Iterator[ReportDone]:
    """Show a bar with the number done and the time to go."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, _: bar.update(task, completed=done)


@contextmanager
def working_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for work in several parts; yields a function of a part's name, the number done and the total, 0 if unknown."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[parts]}"))
    with Bars(*columns, TimeElapsedColumn(), console=err, transient=True) as bar:
        task = bar.add_task("beginning", total=None, parts="")

        def report(what: str, done: int, total: int) -> None:
            parts = f"{done:,} of {total:,}" if total else f"{done:,}" if done else ""
            bar.update(task, description=what, completed=done, total=total or None, parts=parts)

        yield report


def result_in_processes(plan: Plan, seed: int, replications: int | None = None, until_decided: bool = False) -> Result:
    """Run a design on every core under a bar, and return its result.

    until_decided: end after the first look from which no further replication can change a verdict
    """
    total, measures = replications or plan.scenario.run.replications, list[Measures]()
    with ProcessPool() as pool, counting_bar("replications", total) as report:
        for count in looks_of(total) if until_decided else [total]:
            measures = run_replications(plan, seed, count, pool, report, before=measures)
            found = result_of(plan, seed, measures)
            if early := settled(found, total):
                return early
    return found
