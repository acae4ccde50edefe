"""`python -m tests.kills [--times N] [WORDS ...]`: kill -9 at random moments, then SIGTERM and SIGINT at five moments.

WORDS: only the subjects and commands whose name contains one of them. Exit status 1 where anything is wrong afterwards.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from tests.families import heed_interrupts
from tests.kills.stops import STOPS, stopped
from tests.kills.subjects import SUBJECTS
from tests.kills.trial import tried

out = Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def main(words: list[str]) -> int:
    """Kill every subject that is asked for; print a table; the exit status."""
    heed_interrupts()
    parser = ArgumentParser(prog="python -m tests.kills")
    parser.add_argument("--times", type=int, default=50, help="how often each is killed")
    parser.add_argument("only", nargs="*")
    asked = parser.parse_args(words)
    table = Table("killed", "times", "mixed or half", "left behind", "orphans", "wrong exit", "minutes", box=None)
    held = True
    for subject in SUBJECTS:
        if asked.only and not any(word in subject.name for word in asked.only):
            continue
        with TemporaryDirectory(prefix="casesim-kills-") as folder:
            found = tried(subject, asked.times, Path(folder))
        wrong = len(found.faults), len(found.leftovers), found.orphans, len(found.wrong_exits)
        table.add_row(subject.name, str(found.kills), *map(str, wrong), f"{found.seconds / 60:.1f}")
        for one in sorted({*found.faults, *found.leftovers, *(f"status {status}" for status in found.wrong_exits)}):
            out.print(f"{subject.name}: {one}", markup=False)
        out.print(f"{subject.name}: {found.kills} times in {found.seconds / 60:.1f} min", markup=False)
        held = held and found.holds
    out.print(table)
    return int(not (_stops(asked.only) and held))


def _stops(only: list[str]) -> bool:
    """Stop every long command that is asked for; print a table; whether each ended in time, with its status and its line."""
    table = Table("stopped", "at s", "by", "status", "after s", "line", "designs kept", "fault", box=None)
    held = True
    for stop in STOPS:
        if stop.can_run and (not only or any(word in stop.name for word in only)):
            for found in stopped(stop):
                table.add_row(*found.cells)
                held = held and not found.fault
    out.print(table)
    return held


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
