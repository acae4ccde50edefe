"""Start and end of a campaign, as of the command `casesim`: its exit statuses, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import typer
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from simulator.cli.commands import with_fields
from simulator.cli.exits import Bars, err, say, tell
from simulator.cli.signals import leave, unwinding


def run(name: str, commands: Mapping[str, Callable[..., None]]) -> None:
    """Call the command that the command line names, or the only one there is; exit with the status of the outcome."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=len(commands) > 1)
    for each, function in commands.items():
        app.command(each)(with_fields(function))
    command = typer.main.get_command(app)
    try:
        with unwinding(), command.make_context(f"python -m campaigns.{name}", sys.argv[1:]) as context:
            status = command.invoke(context)
    except typer.Exit as ended:
        status = ended.exit_code
    except ModuleNotFoundError as error:
        say(f"{error}; the campaigns need: pip install -e '.[campaigns]'", sys.stderr)
        status = 2
    except (Exception, KeyboardInterrupt) as error:
        status = tell(error)
    leave(status)


def progress() -> Bars:
    """Return a bar with the time that is left, on standard error."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("left:"), TimeRemainingColumn()
    return Bars(*columns, console=err)
