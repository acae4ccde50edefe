"""`casesim monitor`: does production differ from a reference, column by column, by slice and over time?"""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Shown

from simulator.cli.exits import Status, err, known, needing, table_console
from simulator.cli.options import AsJson, Seed
from simulator.cli.progress_bars import Bars
from simulator.monitors import drift_sentences as sentences
from simulator.monitors.column_tests import MMD, TESTS
from simulator.monitors.drift_report import Correction, DriftFinding, Monitored, ReportRequest, compare
from simulator.monitors.monitor_tables import MonitoredTable, read_tables, shown_time
from simulator.units import significant


def monitor(
    reference: Annotated[Path, typer.Argument(help="a CSV or Parquet file with a row for each image or request, and a header")],
    production: Annotated[Path, typer.Argument(help="a file with the same columns")],
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="compare each of its categories by itself too")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="when each row was seen: seconds, or times as 2026-01-31T12:00")
    ] = None,
    window: Annotated[
        float | None, typer.Option(metavar="HOURS", help="compare each stretch of production so long by itself too")
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="rows that belong together, such as a scene or a camera's hour")
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(help=f"of {', '.join((*TESTS, MMD))}, with commas; default ks for numbers, chi2 for counts and words"),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="compare these alone, with commas")] = None,
    level: Annotated[float, typer.Option(help="how often a quiet week may raise an alarm")] = 0.05,
    correct: Annotated[str, typer.Option(help="for many tests: holm, bh (Benjamini and Hochberg) or none")] = "holm",
    independent: Annotated[bool, typer.Option("--independent", help="treat rows as independent, in any order")] = False,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Test whether production differs from a reference; exit status 1 if it does.

    Rows that follow each other resemble each other. They are kept together in blocks, unless --independent says otherwise.
    Infinite values are faults; empty cells are left out, and their share is compared by itself.
    """
    correction: Correction = known("correction", correct, get_args(Correction))  # type: ignore[assignment]
    asked = ReportRequest(_words(test), level, correction, by, time, window, group, independent, _words(columns), seed)
    tables = read_tables(reference, production)
    with needing("monitors", "ADWIN and Page-Hinkley"), _progress() as bar:
        task = bar.add_task("testing", total=None)
        found = compare(*tables, asked, lambda tests: bar.update(task, total=tests, advance=1))
    if as_json:
        typer.echo(json.dumps(to_json(found, tables[1]), indent=2, allow_nan=False))
    else:
        _show(found, tables[1])
    raise typer.Exit(Status.NO if found.differing else Status.DONE)


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _progress() -> Bars:
    return Bars(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True)


def _show(found: Monitored, production: MonitoredTable) -> None:
    out = table_console()
    out.print(sentences.answer(found), markup=False, highlight=False)
    out.print(_table(found, production))
    out.print(sentences.rests_on(found), markup=False, highlight=False)
    out.print(sentences.KEY, markup=False, highlight=False)
    for note in found.notes:
        err.print(f"note: {note}", markup=False)


def _table(found: Monitored, production: MonitoredTable) -> Shown:
    parts = any(finding.part for finding in found.findings)
    shown = Shown(box=None)
    for heading in ("column", *(["rows"] if parts else []), "test"):
        shown.add_column(heading)
    for heading in ("statistic", "effect", "p", "corrected", "verdict"):
        shown.add_column(heading, justify="right" if heading in ("statistic", "p", "corrected") else "left")
    for finding in found.findings:
        part = [finding.part or "all"] if parts else []
        figures = (sentences.effect(finding.answer.effect), _p(finding.answer.p), _p(finding.corrected))
        cells = (finding.column, *part, sentences.name(finding), _figure(finding.answer.statistic), *figures)
        shown.add_row(
            *(cell.replace("[", r"\[") for cell in cells), sentences.verdict(finding, _where(finding, found, production))
        )
    return shown


def _figure(value: float) -> str:
    return significant(value, 3) if isfinite(value) else "–"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "under 0.001"


def _where(finding: DriftFinding, found: Monitored, production: MonitoredTable) -> str:
    if finding.alarm is None:
        return ""
    row = f"{production.word} {production.first + finding.alarm:,}"
    return f"{row} ({shown_time(production, found.asked.time, finding.alarm)})" if found.asked.time else row


def to_json(found: Monitored, production: MonitoredTable) -> dict[str, Any]:
    """Return one object: the answer, the request, each finding and the notes; missing figures are null."""
    return {
        "answer": sentences.answer(found),
        "differs": bool(found.differing),
        "level": found.asked.level,
        "correction": found.asked.correction,
        "rests_on": sentences.rests_on(found),
        "findings": [_finding(finding, found, production) for finding in found.findings],
        "notes": found.notes,
    }


def _finding(finding: DriftFinding, found: Monitored, production: MonitoredTable) -> dict[str, Any]:
    result = finding.answer
    effect = {name: _real(value) for name, value in vars(result.effect.interval).items()}
    return {
        "column": finding.column,
        "part": finding.part or None,
        "test": finding.test,
        "rows": list(finding.rows),
        "independent_rows": [round(rows, 1) for rows in result.independent],
        "block_rows": finding.block,
        "statistic": _real(result.statistic),
        "effect": effect | {"unit": result.effect.unit, "name": result.effect.name or None},
        "p": result.p,
        "corrected": finding.corrected,
        "smallest_seen": result.smallest,
        "alarm": _where(finding, found, production) or None,
        "verdict": finding.verdict,
        "told": sentences.verdict(finding, _where(finding, found, production)),
    }


def _real(value: float) -> float | None:
    return float(value) if isfinite(value) else None
