"""Arguments and options that several commands share, functions that read what they hold, and the run of a design."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulator.cli.exits import UsageError, counting_bar
from simulator.cli.signals import keeping
from simulator.errors import suggest
from simulator.evidence.evidence_files import in_one_step
from simulator.phrases import phrase

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.charts.look import Chart
    from simulator.engine.compiled_plan import Plan
    from simulator.explain.result import Result
    from simulator.metrics.measures import Measures
    from simulator.sweeps.sweep import Submit

# ---- a design and its run

Case = Annotated[str, "the id of a case, or the path of a YAML file"]
Picks = Annotated[list[str] | None, "--set CHOICE=OPTION", "pick an option; may be repeated"]
Against = Annotated[list[str] | None, "CHOICE=OPTION", "compare with the design of this pick; may be repeated"]
_STRIKE = "let a curveball strike, at its own time or this one; may be repeated"
Strikes = Annotated[list[str] | None, "--strike CURVEBALL[@SECONDS]", _STRIKE]
_FIGURE = "another number for a figure of the case; may be repeated"
Figures = Annotated[list[str] | None, "--figure PLACE=NUMBER", _FIGURE]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="the seed of every random stream")]
Replications = Annotated[
    int | None, typer.Option(min=2, max=1000, help="replications of the design; default: the number in the case")
]
UntilDecided = Annotated[bool, "end the run as soon as no further replication can change a verdict"]


@dataclass(frozen=True)
class RunOptions:
    """A design under curveballs, and its run."""

    picks: Picks = None
    strikes: Strikes = None
    seed: Seed = 1
    replications: Replications = None

    def design(self, scenario: Scenario) -> tuple[dict[str, str], dict[str, float | None]]:
        """Return picks and strikes as `compile_plan` takes them; raises UsageError."""
        strikes = read_strikes(self.strikes)
        return read_picks(self.picks, scenario), strikes


# ---- many designs

_AXIS = "a choice or a figure to vary: replicas, replicas=1:4, population.prevalence=0.01:0.04, traffic=0.5:2; may be repeated"
Over = Annotated[list[str] | None, "AXIS", _AXIS]
_METRICS = "a metric to report; may be repeated; default: those of the objectives"
Metrics = Annotated[list[str] | None, "--metric NAME", _METRICS]
_OBJECTIVES = "use only the objective of this metric; may be repeated"
Objectives = Annotated[list[str] | None, "--objective METRIC", _OBJECTIVES]
DesignReplications = Annotated[int, typer.Option("--replications", min=2, max=1000, help="replications of each design")]
Scheduler = Annotated[str | None, "tcp://HOST:PORT", "run on the workers of this Dask scheduler (needs the extra `cluster`)"]

# ---- output

AsJson = Annotated[bool, "--json", "print one JSON object and nothing else"]
AsJsonList = Annotated[bool, "--json", "print a list of objects"]
TableFile = Annotated[Path | None, "--out FILE", "write the table, as .parquet or .csv"]
_CHART = "write the chart, as .html, .svg or .png (pictures need the extra `pictures` and Chrome or Chromium)"
ChartFile = Annotated[Path | None, "FILE", _CHART]


def read_picks(picks: Sequence[str] | None, scenario: Scenario, option: str = "--set") -> dict[str, str]:
    """Read picks as CHOICE=OPTION, choice to option; raises UsageError for one that the case does not have."""
    read: dict[str, str] = {}
    for pick in picks or []:
        name, equals, value = (part.strip() for part in pick.partition("="))
        if not equals:
            raise UsageError(f"{option} {pick}: write it as CHOICE=OPTION, such as {option} replicas=4")
        if name not in scenario.choices:
            raise UsageError(f"{option} {pick}: there is no choice '{name}'; {suggest(name, scenario.choices)}")
        try:
            scenario.choices[name].read(value)
        except ValueError as error:
            more = phrase("misuse.each", option=option) if "=" in value else ""
            raise UsageError(f"{option} {pick}: {error}{more}") from None
        read[name] = value
    return read


def read_strikes(strikes: Sequence[str] | None) -> dict[str, float | None]:
    """Read `--strike`: curveball to its time in seconds, `3600` or `3600s`, None for its own; raises UsageError."""
    times: dict[str, float | None] = {}
    for strike in strikes or []:
        name, at, seconds = strike.partition("@")
        try:
            times[name.strip()] = float(seconds.removesuffix("s")) if at else None
        except ValueError:
            raise UsageError(phrase("misuse.strike", strike=strike, name=name)) from None
    return times


def read_figures(figures: Sequence[str] | None) -> dict[str, float]:
    """Read `--figure`, place to number; raises UsageError."""
    numbers: dict[str, float] = {}
    for figure in figures or []:
        place, _, number = figure.partition("=")
        try:
            numbers[place.strip()] = float(number)
        except ValueError:
            raise UsageError(phrase("misuse.figure", figure=figure)) from None
    return numbers


def _kept_designs() -> str:
    from simulator.kept_results import KeptRuns

    if KeptRuns.refusing:
        return "nothing is kept; the same command begins again"
    return "the designs that have run are kept; the same command goes on from there"


@contextmanager
def workers(scheduler: str | None) -> Iterator[Submit]:
    """Run points on the processes of this machine, or on the workers of a Dask scheduler."""
    with keeping(_kept_designs):
        if scheduler is None:
            from simulator.processes import ProcessPool

            with ProcessPool() as pool:
                yield pool.submit
            return
        from simulator.dask_cluster import Cluster

        with Cluster(scheduler) as cluster:
            yield cluster.submit


def check_chart(file: Path | None) -> None:
    """Raise InputError for a file to which no chart can be written."""
    if file is not None:
        from simulator.charts.export import check_chart_file

        check_chart_file(file)


def write_chart(chart: Chart, file: Path) -> None:
    """Write a chart in one step; raises InputError where there is nothing to draw, and OSError."""
    from simulator.charts.export import chart_file

    content = chart_file(chart, file.suffix)
    with in_one_step(file) as part:
        part.write_bytes(content)


def result_in_processes(plan: Plan, seed: int, replications: int | None = None, until_decided: bool = False) -> Result:
    """Run a design on every core under a bar, and return its result.

    until_decided: end after the first look from which no further replication can change a verdict
    """
    from simulator.explain.result import result_of, settled
    from simulator.metrics.replications import looks_of, run_replications
    from simulator.processes import ProcessPool

    total = replications or plan.scenario.run.replications
    measures: list[Measures] = []
    with ProcessPool() as pool, counting_bar("replications", total) as report:
        for count in looks_of(total) if until_decided else [total]:
            measures = run_replications(plan, seed, count, pool, report, before=measures)
            result = result_of(plan, seed, measures)
            if early := settled(result, total):
                return early
    return result
