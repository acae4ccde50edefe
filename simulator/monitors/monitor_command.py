"""`casesim monitor`: does production differ from a reference, column by column, by slice and over time?"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Shown

from simulator.cli.exits import Bars, Status, UsageError, err, known, needing, table_console
from simulator.cli.options import AsJson, ChartFile, Seed, check_chart, write_chart
from simulator.monitors import drift_sentences as sentences
from simulator.monitors.column_roles import Role, recognised, with_roles
from simulator.monitors.column_tests import MMD, TESTS
from simulator.monitors.drift_course import ColumnCourse, CourseReader, PlaceMap
from simulator.monitors.drift_report import Correction, DriftFinding, Monitored, ReportRequest, compare
from simulator.monitors.drift_sentences import course_sentence, map_sentence, performance_sentence
from simulator.monitors.estimated_performance import (
    ASSUMPTIONS,
    METRICS,
    PerformanceCourse,
    PerformanceEstimator,
    PerformanceRequest,
)
from simulator.monitors.monitor_following import follow_file
from simulator.monitors.monitor_tables import MonitoredTable, read_tables
from simulator.monitors.online_monitor import OnlineSettings
from simulator.units import listed, significant

Tables = tuple[MonitoredTable, MonitoredTable]

#: The word that declines a recognised column.
_NONE = "none"
_OR_NONE = "default: recognised by name and content; none: no column"


def monitor(
    reference: Annotated[Path, typer.Argument(help="a CSV or Parquet file with a row for each image or request, and a header")],
    production: Annotated[Path, typer.Argument(help="a file with the same columns")],
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="compare each of its categories by itself too")] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=f"when each row was seen: seconds, or times as 2026-01-31T12:00; {_OR_NONE}"),
    ] = None,
    window: Annotated[
        float | None, typer.Option(metavar="HOURS", help="compare each stretch of production so long by itself too")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=f"rows that belong together, such as a scene or a camera's hour; {_OR_NONE}"),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(help=f"of {', '.join((*TESTS, MMD))}, with commas; default ks for numbers, chi2 for counts and words"),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="compare these alone, with commas")] = None,
    level: Annotated[float, typer.Option(help="how often a quiet week may raise an alarm")] = 0.05,
    correct: Annotated[str, typer.Option(help="for many tests: holm, bh (Benjamini and Hochberg) or none")] = "holm",
    independent: Annotated[bool, typer.Option("--independent", help="treat rows as independent, in any order")] = False,
    truth: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="labels of the reference, 1 or 0: estimates performance without labels")
    ] = None,
    score: Annotated[str | None, typer.Option(metavar="COLUMN", help="the probability of a 1, for --truth")] = None,
    threshold: Annotated[float, typer.Option(help="the model says 1 from this score on, for --truth")] = 0.5,
    chart: ChartFile = None,
    follow: Annotated[bool, typer.Option("--follow", help="watch a growing CSV of production, and print alarms")] = False,
    idle: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="end --follow after this long without a new line")
    ] = None,
    false_alarms: Annotated[float, typer.Option(help="false alarms of --follow in 30 quiet days, all monitors together")] = 1.0,
    as_json: AsJson = False,
    seed: Seed = 0,
) -> None:
    """Test whether production differs from a reference; exit status 1 if it does.

    Rows that follow each other resemble each other. They are kept together in blocks, unless --independent says otherwise.
    Infinite values are faults; empty cells are left out, and their share is compared by itself.
    """
    check_chart(chart)
    if follow:
        refused = {"--test": test, "--group": group, "--truth": truth, "--chart": chart, "--independent": independent}
        _refuse([name for name, given in refused.items() if given])
        width = OnlineSettings().window_h if window is None else window
        settings = OnlineSettings(_named(time), by, _words(columns), width, false_alarms)
        raise typer.Exit(follow_file(reference, production, settings, idle, as_json))
    if (truth is None) != (score is None):
        raise UsageError("an estimate needs both: --truth, the labels of the reference, and --score, the probability of a 1")
    correction: Correction = known("correction", correct, get_args(Correction))  # type: ignore[assignment]
    asked = ReportRequest(
        _words(test), level, correction, by, _named(time), window, _named(group), independent, _words(columns), seed=seed
    )  # fmt: skip
    tables = read_tables(reference, production)
    asked, noted = _recognised(tables, asked, {"time": time, "group": group}, truth)
    words = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with needing("monitors", "ADWIN and Page-Hinkley"), Bars(*words, console=err, transient=True) as bar:
        task = bar.add_task("testing", total=None)
        found = compare(*tables, asked, lambda tests: bar.update(task, total=tests, advance=1))
    report = FullReport.of(tables, replace(found, notes=[*noted, *found.notes]), truth, score, threshold)
    _answer(report, as_json, chart)
    raise typer.Exit(Status.NO if found.differing else Status.DONE)


def _answer(report: FullReport, as_json: bool, chart: Path | None) -> None:
    if as_json:
        typer.echo(json.dumps(to_json(report), indent=2, allow_nan=False))
    else:
        _show(report)
    if chart:
        _write(report, chart)


def _refuse(given: list[str]) -> None:
    if given:
        raise UsageError(f"{listed(given)}: not with --follow, which compares means of windows with the reference's")


def _named(column: str | None) -> str | None:
    return None if column == _NONE else column


def _recognised(
    tables: Tables, asked: ReportRequest, given: dict[Role, str | None], truth: str | None
) -> tuple[ReportRequest, list[str]]:
    """Return the request with the columns that their names and contents show, and a note for each column taken."""
    roles = recognised(*tables)
    declined = [role for role, column in given.items() if column == _NONE]
    known_roles = with_roles(asked, roles, declined)
    if truth and not asked.columns:
        shared = [str(name) for name in tables[0].rows.columns if name != truth]
        known_roles = replace(known_roles, columns=tuple(name for name in shared if name not in _apart(known_roles)))
    taken: dict[Role, bool] = {"time": asked.time != known_roles.time, "group": asked.group != known_roles.group}
    return known_roles, [note for role, note in roles.notes.items() if taken.get(role, True)]


def _apart(asked: ReportRequest) -> tuple[str | None, str | None]:
    return asked.time, asked.group


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


@dataclass(frozen=True, eq=False)
class FullReport:
    """A comparison, the courses of its claimed columns in sentences, and estimates of performance."""

    tables: Tables
    found: Monitored
    reader: CourseReader
    courses: list[ColumnCourse]
    maps: list[PlaceMap]
    performance: list[PerformanceCourse]

    @classmethod
    def of(cls, tables: Tables, found: Monitored, truth: str | None, score: str | None, threshold: float) -> FullReport:
        reader, place = CourseReader(*tables, found), found.asked.by or recognised(*tables).slices
        courses = [course for finding in reader.claimed() if (course := reader.course(finding))]
        maps = [drift for finding in reader.claimed() if place and (drift := reader.place_map(finding, place))]
        performance = list[PerformanceCourse]()
        if truth and score:
            asked, request = found.asked, PerformanceRequest(truth, score, threshold)
            estimator = PerformanceEstimator(*tables, request, asked.time, asked.window_h, asked.level, asked.seed)
            performance = [estimator.course(metric) for metric in METRICS]
        return cls(tables, found, reader, courses, maps, performance)

    @property
    def sentences(self) -> list[str]:
        """Return since when and where each claimed column differs, and the estimates of performance."""
        return [
            *(course_sentence(course, self.reader) for course in self.courses),
            *(map_sentence(part) for part in self.maps),
            *(performance_sentence(part) for part in self.performance),
            *([ASSUMPTIONS] if self.performance else []),
        ]


def _show(report: FullReport) -> None:
    out, found = table_console(), report.found
    out.print(sentences.answer(found), markup=False, highlight=False)
    for sentence in report.sentences:
        out.print(sentence, markup=False, highlight=False)
    out.print(_table(found, report.tables[1]))
    out.print(sentences.rests_on(found), markup=False, highlight=False)
    out.print(sentences.KEY, markup=False, highlight=False)
    for note in found.notes:
        err.print(f"note: {note}", markup=False)


def _write(report: FullReport, file: Path) -> None:
    from simulator.monitors.monitor_charts import course_chart

    if not report.courses:
        err.print(f"note: nothing differs, so {file.name} is not written", markup=False)
        return
    write_chart(course_chart(report.courses[0], report.reader), file)


def _table(found: Monitored, production: MonitoredTable) -> Shown:
    parts = any(finding.part for finding in found.findings)
    shown = Shown(box=None)
    for heading in ("column", *(["rows"] if parts else []), "test"):
        shown.add_column(heading)
    for heading in ("statistic", "effect", "p", "corrected", "verdict"):
        shown.add_column(heading, justify="right" if heading in ("statistic", "p", "corrected") else "left")
    for finding in sentences.differing_first(found):
        part = [finding.part or "all"] if parts else []
        figures = (sentences.effect(finding.answer.effect), _p(finding.answer.p), _p(finding.corrected))
        cells = (finding.column, *part, sentences.name(finding), _figure(finding.answer.statistic), *figures)
        verdict = sentences.verdict(finding, sentences.alarm_row(finding, found.asked.time, production))
        shown.add_row(*(cell.replace("[", r"\[") for cell in cells), verdict)
    return shown


def _figure(value: float) -> str:
    return significant(value, 3) if isfinite(value) else "–"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "under 0.001"


def to_json(report: FullReport) -> dict[str, Any]:
    """Return one object: the answer, the request, each finding, courses, estimates and notes; missing figures are null."""
    found, production = report.found, report.tables[1]
    return {
        "answer": sentences.answer(found),
        "differs": bool(found.differing),
        "level": found.asked.level,
        "correction": found.asked.correction,
        "rests_on": sentences.rests_on(found),
        "findings": [_finding(finding, found, production) for finding in sentences.differing_first(found)],
        "courses": [_course(course, report.reader) for course in report.courses],
        "places": [{"column": part.figure.column, "by": part.by, "outside": part.touched} for part in report.maps],
        "performance": [_performance(part) for part in report.performance],
        "notes": found.notes,
    }


def _course(course: ColumnCourse, reader: CourseReader) -> dict[str, Any]:
    onset = course.onset
    since = {name: None if (at := getattr(onset, name)) is None else reader.shown(at) for name in _ONSET} if onset else None
    windows = zip(course.begins, course.value, course.low, course.high, course.outside, strict=True)
    return {
        "column": course.figure.column,
        "part": course.finding.part or None,
        "figure": course.figure.label,
        "onset": since,
        "windows": [
            {"begin": reader.shown(begin), "value": _real(value), "low": _real(low), "high": _real(high), "outside": bool(out)}
            for begin, value, low, high, out in windows
        ],
    }


_ONSET = ("begin", "low", "high", "end")


def _performance(course: PerformanceCourse) -> dict[str, Any]:
    figures = {name: _real(value) for name, value in vars(course.whole).items()}
    outside = int(course.outside.sum())
    return {"metric": course.metric, "reference": _real(course.reference), "estimate": figures, "windows_outside": outside}


def _finding(finding: DriftFinding, found: Monitored, production: MonitoredTable) -> dict[str, Any]:
    alarm = sentences.alarm_row(finding, found.asked.time, production)
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
        "alarm": alarm or None,
        "verdict": finding.verdict,
        "told": sentences.verdict(finding, alarm),
    }


def _real(value: float) -> float | None:
    return float(value) if isfinite(value) else None
