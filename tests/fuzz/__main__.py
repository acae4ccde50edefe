"""`python -m tests.fuzz [--only KIND ...] [--count N] [--seed S]`: hostile input of every kind; exit status 1 for a failure."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

# What is found in a person's own folders does not change what happens here, and nothing is left in them.
WORK = Path(mkdtemp(prefix="casesim-fuzz-"))
os.environ["XDG_DATA_HOME"] = os.environ["XDG_CACHE_HOME"] = str(WORK / "home")
os.environ["CASESIM_DATABASE"] = f"sqlite:///{WORK / 'casesim.db'}"

from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402

from tests.fuzz.kinds import KINDS  # noqa: E402
from tests.fuzz.runner import ENDINGS, FAILURES, Kind, Verdict, verdicts  # noqa: E402

out = Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def main(words: list[str]) -> int:
    """Try every kind that is asked for; print a table, and what failed; the exit status."""
    asked = _asked(words)
    table = Table("input", "tried", *ENDINGS, "slowest", "minutes", box=None)
    failed: list[Verdict] = []
    for kind in [kind for kind in KINDS if not asked.only or kind.name in asked.only]:
        found, minutes = _tried(kind, asked)
        table.add_row(*_row(kind, found), f"{minutes:.1f}")
        failed += [verdict for verdict in found if verdict.failed]
        for verdict in [verdict for verdict in found if verdict.failed]:
            _tell(kind, verdict)
    out.print(table)
    if failed:
        out.print(f"{len(failed)} failed; what they were given lies in {WORK}, a folder each", markup=False)
    return int(bool(failed))


def _asked(words: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--only", action="append", choices=[kind.name for kind in KINDS])
    parser.add_argument("--count", type=int, help="inputs of each kind; default: as many as are promised")
    parser.add_argument("--seconds", type=float, help="begin no other input of a kind after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(words)


def _tried(kind: Kind, asked: Namespace) -> tuple[list[Verdict], float]:
    begun, count = monotonic(), asked.count or kind.least
    until = begun + (asked.seconds or float("inf"))
    trials = (trial for trial in kind.trials(asked.seed, count) if monotonic() < until)
    bar = track(verdicts(kind, trials, WORK, asked.workers), kind.name, count, console=Console(stderr=True), transient=True)
    return list(bar), (monotonic() - begun) / 60


def _row(kind: Kind, found: list[Verdict]) -> list[str]:
    ended = Counter(verdict.ending for verdict in found)
    cells = [f"[red]{ended[one]}[/red]" if one in FAILURES and ended[one] else str(ended[one]) for one in ENDINGS]
    return [kind.name, str(len(found)), *cells, f"{max((verdict.seconds for verdict in found), default=0):.1f} s"]


def _tell(kind: Kind, verdict: Verdict) -> None:
    last = verdict.said.strip().splitlines()[-1][:300] if verdict.said.strip() else ""
    told = f"{kind.name}/{verdict.trial.name}: {verdict.ending} after {verdict.seconds:.1f} s: {verdict.trial.changed}"
    out.print(f"{told} {[word[:60] for word in verdict.trial.words] or ''}\n    {last!a}", markup=False, soft_wrap=True)
    (WORK / kind.name / verdict.trial.name / "said.txt").write_text(verdict.said, encoding="utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
