"""The command `casesim`: its groups, and how each ends."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from simulator.commands.cases import cases
from simulator.commands.check import check
from simulator.commands.detections import detect_eval, detect_features, detect_scales, detect_scenes, detect_tables
from simulator.commands.drives import drives
from simulator.commands.fidelity import fidelity
from simulator.commands.illustrations import detect_illustrations
from simulator.commands.incident import incident, incident_fixes, incident_monitors, incident_rehearse, incident_study
from simulator.commands.levers import levers
from simulator.commands.monitor import monitor
from simulator.commands.outcome import tell
from simulator.commands.profile import profile
from simulator.commands.projection import projection
from simulator.commands.run import run
from simulator.commands.scores import scores
from simulator.commands.serve import serve
from simulator.commands.train import train
from simulator.serving.engine import ENGINE_VERSION

app = typer.Typer(
    help="Run an ML system design for computer vision. Without a command it opens the app.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"casesim {version('casesim')}, engine {ENGINE_VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def casesim(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="print the versions and stop")
    ] = False,
) -> None:
    """Open the app when no command is given."""
    if context.invoked_subcommand is None:
        serve()


analysing = (
    serve,
    cases,
    check,
    run,
    levers,
    monitor,
    incident,
    incident_rehearse,
    incident_study,
    incident_fixes,
    incident_monitors,
)
making = (
    profile,
    fidelity,
    projection,
    detect_eval,
    detect_tables,
    detect_features,
    detect_scenes,
    detect_scales,
    detect_illustrations,
    drives,
)
for command in analysing + making:
    app.command()(command)
scores.command()(train)
app.add_typer(scores, name="scores")


def main() -> None:
    """Run the command; exit with one of `Status`, and print a sentence unless it is DONE or NO."""
    try:
        app()
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(tell(error))
