"""Options that mean the same in several commands."""

from __future__ import annotations

from typing import Annotated

import typer

Case = Annotated[str, typer.Argument(help="the id of a case, or the path of a YAML file")]
Picks = Annotated[list[str] | None, typer.Option("--set", metavar="CHOICE=OPTION", help="pick an option; may be repeated")]
Strikes = Annotated[
    list[str] | None,
    typer.Option(
        "--strike",
        metavar="CURVEBALL[@SECONDS]",
        help="let a curveball strike, at its own time or this one; may be repeated",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="the seed of every random stream")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
