"""`casesim monitor`: compares production with a reference, by slice and over time, or follows a CSV while it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.markup import escape
from rich.progress import TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from simulator.cli.exits import Status, UsageError, answer, err, finite, known, needing, progress_bar, table_of
from simulator.cli.options import AsJson, ChartFile, Seed, check_chart, write_chart
from simulator.monitors import drift_sentences as sentences
from simulator.monitors.column_roles import recognised
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
from simulator.monitors.monitor_tables import MonitoredTable, Tables, read_tables
from simulator.monitors.online_monitor import OnlineMonitor, OnlineSettings, followed
from simulator.phrases import phrase
from simulator.units import counted, listed, significant

#: The word that declines a recognised column.
_NONE = "none"
_OR_NONE = "default: recognised by name and content; none: no column"
_USUAL_TESTS = "default ks for numbers, chi2 for counts and words"


_TIMES = f"when each row was seen: seconds, or times as 2026-01-31T12:00; {_OR_NONE}"
_GROUPS = f"rows that belong together, such as a scene or a camera's hour; {_OR_NONE}"


@dataclass(frozen=True)
class MonitorCommand:
    """Test whether production differs from a reference; exit status 1 if it does.

    Rows that follow each other resemble each other. They are kept together in blocks, unless --independent says otherwise.
    Infinite values are faults; empty cells are left out, and their share is compared by itself.
    """

    reference: Annotated[Path, "a CSV or Parquet file with a row for each image or request, and a header"]
    production: Annotated[Path, "a file with the same columns"]
    by: Annotated[str | None, "COLUMN", "compare each of its categories by itself too"] = None
    time: Annotated[str | None, "COLUMN", _TIMES] = None
    window: Annotated[float | None, "HOURS", "compare each stretch of production so long by itself too"] = None
    group: Annotated[str | None, "COLUMN", _GROUPS] = None
    test: Annotated[str | None, f"of {', '.join((*TESTS, MMD))}, with commas; {_USUAL_TESTS}"] = None
    columns: Annotated[str | None, "compare these alone, with commas"] = None
    level: Annotated[float, "how often a quiet week may raise an alarm"] = 0.05
    correct: Annotated[str, "for many tests: holm, bh (Benjamini and Hochberg) or none"] = "holm"
    independent: Annotated[bool, "treat rows as independent, in any order"] = False
    truth: Annotated[str | None, "COLUMN", "labels of the reference, 1 or 0: estimates performance without labels"] = None
    score: Annotated[str | None, "COLUMN", "the probability of a 1, for --truth"] = None
    threshold: Annotated[float, "the model says 1 from this score on, for --truth"] = 0.5
    chart: ChartFile = None
    follow: Annotated[bool, "watch a growing CSV of production, and print alarms"] = False
    idle: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="end --follow after this long without a new line")
    ] = None
    false_alarms: Annotated[float, "false alarms of --follow in 30 quiet days, all monitors together"] = 1.0
    as_json: AsJson = False
    seed: Seed = 0

    def run(self) -> None:
        check_chart(self.chart)
        if self.follow:
            raise typer.Exit(Status.NO if self._alarms() else Status.DONE)
        performance, asked = self.performance(), self.request()
        first, second = read_tables(self.reference, self.production)
        tables = first, second
        asked, noted = self.recognised(tables, asked)
        bar = progress_bar("testing", None, TimeElapsedColumn(), transient=True)
        with needing("monitors", "ADWIN and Page-Hinkley"), bar as update:
            found = compare(*tables, asked, lambda done, tests: update(total=tests, completed=done))
        report = FullReport.of(tables, replace(found, notes=[*noted, *found.notes]), performance)
        answer(self.as_json, finite(report.to_json()), _report_parts(report))
        for note in report.found.notes if not self.as_json else ():
            err.print(f"note: {note}", markup=False)
        if self.chart:
            _write(report, self.chart)
        raise typer.Exit(Status.NO if found.differing else Status.DONE)

    def _alarms(self) -> int:
        """Print each alarm as its window ends; return their number."""
        settings = self.online()
        [quiet] = read_tables(self.reference)
        monitor = OnlineMonitor.learn(quiet, settings)
        places = f", by '{monitor.settings.by}'" if monitor.settings.by else ""
        figures = counted(len(monitor.watched), "figure")
        promise = f"{settings.false_alarms:g} false in 30 quiet days"
        err.print(f"watching {figures}{places} in windows of {settings.window_h:g} h; alarms: {promise}", markup=False)
        alarms = 0
        for alarm in followed(self.production, monitor, self.idle):
            alarms += 1
            typer.echo(json.dumps(alarm.to_json(monitor.stamped)) if self.as_json else alarm.sentence(monitor.stamped))
        late = f", {counted(monitor.late, 'row')} too late for their window" if monitor.late else ""
        err.print(f"{counted(monitor.seen, 'row')} read{late}; {counted(alarms, 'alarm')}", markup=False)
        return alarms

    def online(self) -> OnlineSettings:
        """Return the settings of --follow; raises UsageError for options that it does not take."""
        if refused := [f"--{name}" for name in ("test", "group", "truth", "chart", "independent") if getattr(self, name)]:
            raise UsageError(f"{listed(refused)}: not with --follow, which compares means of windows with the reference's")
        width = OnlineSettings().window_h if self.window is None else self.window
        return OnlineSettings(_named(self.time), self.by, _words(self.columns), width, self.false_alarms)

    def performance(self) -> PerformanceRequest | None:
        """Return the columns of an estimate of performance; None without any. Raises UsageError for one of two columns."""
        if (self.truth is None) != (self.score is None):
            raise UsageError(phrase("monitors.estimate"))
        return PerformanceRequest(self.truth, self.score, self.threshold) if self.truth and self.score else None

    def request(self) -> ReportRequest:
        correction: Correction = known("correction", self.correct, get_args(Correction))  # type: ignore[assignment]
        time, group = _named(self.time), _named(self.group)
        return ReportRequest(
            _words(self.test), self.level, correction, self.by, time, self.window, group, self.independent,
            _words(self.columns), seed=self.seed,
        )  # fmt: skip

    def recognised(self, tables: Tables, asked: ReportRequest) -> tuple[ReportRequest, list[str]]:
        """Return the request with the columns that their names and contents show, and a note for each column taken."""
        roles = recognised(*tables)
        found = asked.with_roles(roles, [role for role in ("time", "group") if getattr(self, role) == _NONE])
        if self.truth and not asked.columns:
            apart = (self.truth, found.time, found.group)
            found = replace(found, columns=tuple(name for name in map(str, tables[0].rows.columns) if name not in apart))
        given = {role for role in ("time", "group") if getattr(asked, role) == getattr(found, role)}
        return found, [note for role, note in roles.notes.items() if role not in given]


def _named(column: str | None) -> str | None:
    return None if column == _NONE else column


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


@dataclass(frozen=True, eq=False)
class FullReport:
    """A comparison, the courses of its claimed columns in sentences, and estimates of performance."""

    found: Monitored
    reader: CourseReader
    courses: list[ColumnCourse]
    maps: list[PlaceMap]
    performance: list[PerformanceCourse]

    @classmethod
    def of(cls, tables: Tables, found: Monitored, request: PerformanceRequest | None) -> FullReport:
        reader, place = CourseReader(tables, found), found.asked.by or recognised(*tables).slices
        courses = [course for finding in reader.claimed() if (course := reader.course(finding))]
        maps = [drift for finding in reader.claimed() if place and (drift := reader.place_map(finding, place))]
        performance = list[PerformanceCourse]()
        if request:
            estimator = PerformanceEstimator(tables, request, found.asked)
            performance = [estimator.course(metric) for metric in METRICS]
        return cls(found, reader, courses, maps, performance)

    @property
    def sentences(self) -> list[str]:
        """Return since when and where each claimed column differs, and the estimates of performance."""
        return [
            *(course_sentence(course, self.reader) for course in self.courses),
            *(map_sentence(part) for part in self.maps),
            *(performance_sentence(part) for part in self.performance),
            *([ASSUMPTIONS] if self.performance else []),
        ]

    def to_json(self) -> dict[str, Any]:
        """Return one object: the answer, the request, each finding, courses, estimates and notes; missing figures are null."""
        found, production = self.found, self.reader.tables[1]
        return {
            "answer": sentences.answer(found),
            "differs": bool(found.differing),
            "level": found.asked.level,
            "correction": found.asked.correction,
            "rests_on": sentences.rests_on(found),
            "findings": [_finding(finding, found, production) for finding in sentences.differing_first(found)],
            "courses": [_course(course, self.reader) for course in self.courses],
            "places": [{"column": part.figure.column, "by": part.by, "outside": part.touched} for part in self.maps],
            "performance": [_performance(part) for part in self.performance],
            "notes": found.notes,
        }


def _report_parts(report: FullReport) -> Iterator[Any]:
    yield Text(sentences.answer(report.found))
    yield from map(Text, report.sentences)
    yield _table(report.found, report.reader.tables[1])
    yield Text(sentences.rests_on(report.found))
    yield Text(sentences.KEY)


def _write(report: FullReport, file: Path) -> None:
    from simulator.monitors.monitor_charts import course_chart

    if not report.courses:
        err.print(f"note: nothing differs, so {file.name} is not written", markup=False)
        return
    write_chart(course_chart(report.courses[0], report.reader), file)


def _table(found: Monitored, production: MonitoredTable) -> Table:
    rows = sentences.rows_of_tests(found, production)
    parts = any(finding.part for finding in found.findings)
    shown = [heading for heading in rows[0] if parts or heading != "rows"]
    figures = ("statistic", "p", "corrected p")
    columns = (Column(name.removesuffix(" p"), justify="right" if name in figures else "left") for name in shown)
    return table_of(([escape(_cell(name, row[name])) for name in shown] for row in rows), *columns)


def _cell(heading: str, value: Any) -> str:
    if heading == "statistic":
        return "–" if value is None else significant(value, 3)
    if heading in ("p", "corrected p"):
        return f"{value:.3f}" if value >= 0.001 else "under 0.001"
    return str(value)


def _course(course: ColumnCourse, reader: CourseReader) -> dict[str, Any]:
    onset = course.onset
    since = {name: None if (at := getattr(onset, name)) is None else reader.shown(at) for name in _ONSET} if onset else None
    windows = zip(course.begins, course.value, course.least, course.most, course.outside, strict=True)
    return {
        "column": course.figure.column,
        "part": course.finding.part or None,
        "figure": course.figure.label,
        "onset": since,
        "windows": [
            {"begin": reader.shown(begin), "value": value, "low": low, "high": high, "outside": bool(out)}
            for begin, value, low, high, out in windows
        ],
    }


_ONSET = ("begin", "low", "high", "end")


def _performance(course: PerformanceCourse) -> dict[str, Any]:
    figures = {"reference": course.reference, "estimate": dict(vars(course.whole))}
    return {"metric": course.metric, **figures, "windows_outside": int(course.outside.sum())}


def _finding(finding: DriftFinding, found: Monitored, production: MonitoredTable) -> dict[str, Any]:
    alarm = sentences.alarm_row(finding, found.asked.time, production)
    result = finding.answer
    return {
        "column": finding.column,
        "part": finding.part or None,
        "test": finding.test,
        "rows": list(finding.rows),
        "independent_rows": [round(rows, 1) for rows in result.independent],
        "block_rows": finding.block,
        "statistic": result.statistic,
        "effect": vars(result.effect.interval) | {"unit": result.effect.unit, "name": result.effect.name or None},
        "p": result.p,
        "corrected": finding.corrected,
        "smallest_seen": result.smallest,
        "alarm": alarm or None,
        "verdict": finding.verdict,
        "told": sentences.verdict(finding, alarm),
    }
