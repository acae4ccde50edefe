"""`python -m tests.coverage [WORDS ...]`: what intervals cover where the truth is known. Exit status 1 where a row is out.

WORDS: only the worlds whose name contains one of them.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from time import perf_counter

from rich.console import Console
from rich.table import Table

import tests.coverage.audits
import tests.coverage.busy_queues
import tests.coverage.capacity
import tests.coverage.encounters
import tests.coverage.few_labels
import tests.coverage.groups
import tests.coverage.labels
import tests.coverage.one_run
import tests.coverage.queues
import tests.coverage.quiet_weeks
import tests.coverage.reader_rates
import tests.coverage.refits
import tests.coverage.shares
import tests.coverage.text_claims
import tests.coverage.vehicle_evidence  # noqa: F401
from tests.coverage.registry import STUDIES, STUDIES_OF, Claim, Row, rows_of

out = Console(width=None if sys.stdout.isatty() else 180)


def claims_of(place: int, number: int) -> list[Claim]:
    """The claims of one sample of one world (the job that a worker process is given)."""
    return list(STUDIES_OF[place].sample(number))


def main(words: list[str]) -> int:
    """Print a table of all rows; the exit status."""
    begun, rows = perf_counter(), []
    with ProcessPoolExecutor() as executor:
        for place, one in enumerate(STUDIES_OF):
            if not words or any(word in one.name for word in words):
                samples = list(executor.map(partial(claims_of, place), range(STUDIES), chunksize=5))
                rows += rows_of(one, samples)
                out.print(table_of(rows_of(one, samples)))
    missed = [row for row in rows if not row.holds]
    out.print(f"\n{len(rows)} rows of {STUDIES} samples, {len(missed)} out, {(perf_counter() - begun) / 60:.1f} minutes.")
    for row in missed:
        out.print(f"  {row.study}: {row.figure} covers {row.share:.1%}. {row.why or 'No reason is known.'}", highlight=False)
    return int(any(not row.excused for row in missed))


def table_of(rows: list[Row]) -> Table:
    """A line a row."""
    heads = ("covers", "95% interval", "below", "above", "claimed", "quoted", "truth", "mean width", "holds")
    table = Table(rows[0].study if rows else "", *heads, box=None)
    for row in rows:
        if not row.quoted:
            table.add_row(row.figure, "not quoted", *[""] * 4, f"0 of {row.samples}", f"{row.truth:.5g}", "", "yes")
            continue
        low, high = row.interval
        shares = f"{row.share:.1%}", f"{low:.1%} to {high:.1%}", str(row.too_low), str(row.too_high)
        claimed = f"{row.claimed / row.quoted:.1%}" if row.figure.startswith("change of") else ""
        holds = "yes" if row.holds else "[bold red]NO[/]"
        quoted = f"{row.quoted} of {row.samples}"
        table.add_row(row.figure, *shares, claimed, quoted, f"{row.truth:.5g}", f"{row.width:.3g}", holds)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
