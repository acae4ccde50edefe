"""`python -m campaigns.projection`: fits the projections again, holds networks out again, and prints what came of it."""

from __future__ import annotations

from campaigns.projection.curves import fit_curves, write_curves
from campaigns.projection.holdout import hold_out, write_held_out
from campaigns.terminal import run
from simulator.cli.exits import err
from simulator.sources.source_commands import projection


def fit() -> None:
    """Fit the projections, hold out a third of the networks at a time, write the results and print them, in about a minute."""
    with err.status("holding out a third of the networks at a time, and fitting the rest"):
        write_held_out(hold_out())
        write_curves(fit_curves())
    projection()


#: The campaign has one part.
COMMANDS = {"fit": fit}

if __name__ == "__main__":
    run("projection", COMMANDS)
