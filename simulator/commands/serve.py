"""`casesim serve`: the app."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from simulator.commands.outcome import say
from simulator.paths import APP
from simulator.scenario.cases import OWN_CASES, checked_path, files_at


def serve(
    cases: Annotated[
        Path | None,
        typer.Argument(
            help="your own case, or a folder of cases; the page follows each change of a file",
            show_default=False,
            readable=False,  # told below, like everything else that is wrong with it
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port to serve on")] = 8501,
) -> None:
    """Open the app in a browser, with your own cases beside those that come with CaseSim."""
    if cases is not None:
        own = checked_path(cases)
        os.environ[OWN_CASES] = str(own)
        for file in files_at(own):
            say(f"{file.name}: http://localhost:{port}/practice?case={file.stem}")
        sys.stdout.flush()
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    if os.name == "posix":
        # The app takes the place of this process, so that what stops it stops the app.
        os.execv(sys.executable, command)  # noqa: S606
    raise typer.Exit(subprocess.call(command))  # noqa: S603
