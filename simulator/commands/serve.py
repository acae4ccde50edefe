"""`casesim serve`: the app, in a separate process."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from simulator.paths import APP


def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="the port to serve on")] = 8501) -> None:
    """Open the app in a browser."""
    raise typer.Exit(subprocess.call([sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]))  # noqa: S603
