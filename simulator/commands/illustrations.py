"""`casesim detect-illustrations`: draws pictures of what each condition of the detection tables does to an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.cli.exits import err, needing
from simulator.paths import ILLUSTRATIONS


def detect_illustrations(
    out: Annotated[Path, typer.Option(help="folder to write the pictures to")] = ILLUSTRATIONS,
) -> None:
    """Draw what each condition does to an image, on scenes that are no photos, as small WebP files."""
    with needing("measure", "drawing illustrations"):
        from simulator.making.detection.illustrations import make_illustrations

        files = list(make_illustrations(out))
        size = sum(file.stat().st_size for file in files) / 1000
        err.print(f"{len(files)} files, {size:.0f} kB, written to {out}", markup=False)
