"""`casesim check`: everything that is wrong with a case."""

from __future__ import annotations

from typing import Annotated

import typer

from simulator.commands.outcome import Status, say, tell
from simulator.scenario import ScenarioError, load
from simulator.scenario.cases import find
from simulator.serving.plan import compile_plan, read_whole


def check(
    case: Annotated[str, typer.Argument(help="the id of a case, or the path to a YAML file", show_default=False)],
) -> None:
    """Look for every fault of a case, also in what its options refer to, and print cautions; exit status 1 for a fault."""
    try:
        scenario = read_whole(lambda: load(case))
    except ScenarioError as error:
        if not find(case).is_file():
            raise  # nothing is there to be checked: wrong use, not a fault of a case
        tell(error)
        raise typer.Exit(Status.NO) from None
    for caution in compile_plan(scenario).warnings:
        say(caution)
    say(f"{scenario.id}: no faults")
