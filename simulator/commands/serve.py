"""`casesim serve`: the app."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from simulator.paths import APP


def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="the port to serve on")] = 8501) -> None:
    """Open the app in a browser."""
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    if os.name == "posix":
        # The app takes the place of this process, so that what stops it stops the app.
        os.execv(sys.executable, command)  # noqa: S606
    raise typer.Exit(subprocess.call(command))  # noqa: S603
