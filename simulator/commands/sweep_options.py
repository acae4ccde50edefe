"""Options that sweeps, fronts and searches share, and how they show what is under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.space import METHODS, Method, axis_of
from simulator.analysis.sweeps.sweep import Submit, Sweep, Tell, swept
from simulator.analysis.sweeps.told import Asked
from simulator.commands.outcome import UsageError, err
from simulator.commands.run import read_picks, read_strikes
from simulator.processes import Pool
from simulator.scenario import Scenario
from simulator.serving.plan import compile_plan, fingerprint

Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="AXIS",
        help="a choice or a figure to vary: replicas, replicas=1:4, population.prevalence=0.01:0.04, traffic=0.5:2; "
        "may be repeated",
    ),
]
Figures = Annotated[
    list[str] | None,
    typer.Option("--figure", metavar="PLACE=NUMBER", help="another number for a figure of the case; may be repeated"),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="what to tell of each design; may be repeated; default: the objectives'"),
]
How = Annotated[str, typer.Option("--method", metavar="|".join(METHODS), help="how the points are spread")]
Count = Annotated[int | None, typer.Option("--points", min=2, help="how many points, unless it is a grid")]
Trials = Annotated[int, typer.Option("--replications", min=2, max=1000, help="replications of each point")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="write the table, as .parquet or .csv")]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="tcp://HOST:PORT", help="run on the workers of this Dask scheduler (needs the extra `cluster`)"),
]


Objectives = Annotated[
    list[str] | None,
    typer.Option("--objective", metavar="METRIC", help="ask only for the objective of this metric; may be repeated"),
]


def read_figures(figures: Sequence[str] | None) -> dict[str, float]:
    """What `--figure` says, place to number; raises UsageError."""
    found: dict[str, float] = {}
    for told in figures or []:
        place, _, number = told.partition("=")
        try:
            found[place.strip()] = float(number)
        except ValueError:
            example = "--figure population.prevalence=0.03"
            raise UsageError(f"--figure {told}: write it as PLACE=NUMBER, such as {example}") from None
    return found


def read_method(method: str) -> Method:
    """What `--method` says; raises UsageError."""
    for known in METHODS:
        if method == known:
            return known
    raise UsageError(f"--method {method}: expected one of: {', '.join(METHODS)}")


@contextmanager
def workers(scheduler: str | None) -> Iterator[Submit]:
    """What runs points: the processes of this machine, or the workers of a Dask scheduler."""
    if scheduler is None:
        with Pool() as pool:
            yield pool.submit
        return
    from simulator.commands.cluster import Cluster

    with Cluster(scheduler) as cluster:
        yield cluster.submit


def run_points(sweep: Sweep, what: str = "points") -> list[Outcome]:
    """Run a sweep to its end, with a bar; says which files were damaged."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=len(sweep.points))
        outcomes = swept(sweep, lambda done, _: bar.update(task, completed=done))
    tell_damaged(sweep.kept)
    return outcomes


def tell_damaged(kept: Kept | None) -> None:
    """Say which kept outcomes did not say what they were written with, and were made anew."""
    for file in kept.damaged if kept else []:
        err.print(f"{file}: was damaged; its point has run again", markup=False)
    if kept:
        kept.damaged.clear()


def around(
    scenario: Scenario,
    over: Sequence[str],
    metrics: Sequence[str],
    seed: int,
    replications: int,
    picks: list[str] | None,
    figures: list[str] | None,
    strikes: list[str] | None,
) -> Asked:
    """A design with axes around it, and no points yet. Raises ScenarioError where the design cannot run."""
    picked, numbers, struck = read_picks(picks or [], "--set"), read_figures(figures), read_strikes(strikes or [])
    compile_plan(scenario, picked, struck, numbers)
    axes = [axis_of(scenario, told) for told in over]
    return Asked(scenario, axes, metrics, [], picked, numbers, struck, "grid", seed, replications)


def head(asked: Asked) -> dict[str, Any]:
    """What identifies an answer in JSON."""
    return {
        "scenario": asked.scenario.id,
        "scenario_hash": fingerprint(asked.scenario.document.data),
        "design": asked.scenario.defaults() | dict(asked.picks),
        **({"figures": dict(asked.figures)} if asked.figures else {}),
        **({"strikes": dict(asked.strikes)} if asked.strikes else {}),
        "seed": asked.seed,
        "replications": asked.replications,
    }


@contextmanager
def working() -> Iterator[Tell]:
    """A bar that says what is under way, and how much of it is done where that is known."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[parts]}"))
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True) as bar:
        task = bar.add_task("beginning", total=None, parts="")

        def tell(what: str, done: int, total: int) -> None:
            parts = f"{done:,} of {total:,}" if total else ""
            bar.update(task, description=what, completed=done, total=total or None, parts=parts)

        yield tell
