"""`casesim monitor`: compares production with a reference, by slice and over time, or follows a CSV while it grows."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, get_args

import pandas as pd
import typer
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as Shown

from simulator.cli.exits import Bars, Status, UsageError, err, known, needing, table_console
from simulator.cli.options import AsJson, ChartFile, Seed, check_chart, write_chart
from simulator.limits import FOLLOWED_BYTES
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
from simulator.monitors.monitor_tables import MonitoredTable, TableError, Tables, read_tables
from simulator.monitors.online_monitor import OnlineMonitor, OnlineSettings, WindowAlarm
from simulator.phrases import phrase
from simulator.units import counted, listed, significant

#: Seconds between two looks at a file.
POLL_S = 0.5


class GrowingFile:
    """A CSV that another program appends to; a line counts once its line end is there."""

    def __init__(self, file: Path) -> None:
        """Raise TableError for a file that cannot be followed."""
        if file.suffix.lower() != ".csv":
            raise TableError(f"{file.name}: expected a CSV file to follow: another format cannot be read while it grows")
        if not file.is_file():
            raise TableError(f"{file.name}: there is no such file in {file.parent}")
        self.file, self._read, self._line, self._header = file, 0, 1, b""

    def new_rows(self) -> MonitoredTable | None:
        """Return the lines since the last call, at most a few MiB of them; None without any. Raises TableError."""
        size = self.file.stat().st_size if self.file.is_file() else 0
        if size < self._read:
            raise TableError(f"{self.file.name}: is shorter than before ({size:,} of {self._read:,} bytes): start again")
        with self.file.open("rb") as lines:
            lines.seek(self._read)
            content = lines.read(FOLLOWED_BYTES.most)
        whole = content[: content.rfind(b"\n") + 1]
        if len(content) == FOLLOWED_BYTES.most and not whole:
            raise TableError(f"{self.file.name}, line {self._line}: is longer than {FOLLOWED_BYTES}")
        self._read += len(whole)
        if not self._header:
            header, _, whole = whole.partition(b"\n")
            if not header:
                return None
            self._header, self._line = header + b"\n", 2
        return self._table(whole) if whole.strip() else None

    def _table(self, whole: bytes) -> MonitoredTable:
        first = self._line
        self._line += whole.count(b"\n")
        where = f"{self.file.name}, lines {first:,} to {self._line - 1:,}"
        try:
            with warnings.catch_warnings(category=pd.errors.ParserWarning, action="error"):
                rows = pd.read_csv(BytesIO(self._header + whole), index_col=False, skip_blank_lines=False, low_memory=False)
        except pd.errors.ParserWarning as error:
            raise TableError(f"{where}: a line has more cells than the header") from error
        except ValueError as error:
            reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
            raise TableError(f"{where}: cannot be read: {reason}") from error
        return MonitoredTable(self.file.name, rows, first, "line")


def followed(
    file: Path, monitor: OnlineMonitor, idle_s: float | None, sleep: Callable[[float], None] = time.sleep
) -> Iterator[WindowAlarm]:
    """Yield the alarms of a growing CSV. idle_s: end after this many seconds without a new line; None: go on for ever."""
    growing, waited_s = GrowingFile(file), 0.0
    while idle_s is None or waited_s < idle_s:
        table = growing.new_rows()
        if table is None:
            sleep(POLL_S)
            waited_s += POLL_S
            continue
        waited_s = 0.0
        yield from monitor.add(table)
    yield from monitor.finish()


def follow_file(reference: Path, production: Path, settings: OnlineSettings, idle_s: float | None, as_json: bool) -> Status:
    """Print each alarm as its window ends, and return status 1 if there was any."""
    [quiet] = read_tables(reference)
    monitor = OnlineMonitor.learn(quiet, settings)
    places = f", by '{monitor.settings.by}'" if monitor.settings.by else ""
    figures = counted(len(monitor.watched), "figure")
    promise = f"{settings.false_alarms:g} false in 30 quiet days"
    err.print(f"watching {figures}{places} in windows of {settings.window_h:g} h; alarms: {promise}", markup=False)
    alarms = 0
    for alarm in followed(production, monitor, idle_s):
        alarms += 1
        typer.echo(json.dumps(_as_json(alarm, monitor.stamped)) if as_json else alarm.sentence(monitor.stamped))
    late = f", {counted(monitor.late, 'row')} too late for their window" if monitor.late else ""
    err.print(f"{counted(monitor.seen, 'row')} read{late}; {counted(alarms, 'alarm')}", markup=False)
    return Status.NO if alarms else Status.DONE


def _as_json(alarm: WindowAlarm, stamped: bool) -> dict[str, Any]:
    begin, end = alarm.span(stamped)
    return {
        "begin": begin,
        "end": end,
        "figure": alarm.figure.label,
        "column": alarm.figure.column,
        "place": alarm.place or None,
        "value": alarm.value,
        "low": alarm.low,
        "high": alarm.high,
        "rows": alarm.rows,
    }


#: The word that declines a recognised column.
_NONE = "none"
_OR_NONE = "default: recognised by name and content; none: no column"
_USUAL_TESTS = "default ks for numbers, chi2 for counts and words"


@dataclass(frozen=True)
class MonitorOptions:
    """The options of `casesim monitor`."""

    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="compare each of its categories by itself too")] = None
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=f"when each row was seen: seconds, or times as 2026-01-31T12:00; {_OR_NONE}"),
    ] = None
    window: Annotated[
        float | None, typer.Option(metavar="HOURS", help="compare each stretch of production so long by itself too")
    ] = None
    group: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help=f"rows that belong together, such as a scene or a camera's hour; {_OR_NONE}"),
    ] = None
    test: Annotated[str | None, f"of {', '.join((*TESTS, MMD))}, with commas; {_USUAL_TESTS}"] = None
    columns: Annotated[str | None, "compare these alone, with commas"] = None
    level: Annotated[float, "how often a quiet week may raise an alarm"] = 0.05
    correct: Annotated[str, "for many tests: holm, bh (Benjamini and Hochberg) or none"] = "holm"
    independent: Annotated[bool, "treat rows as independent, in any order"] = False
    truth: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="labels of the reference, 1 or 0: estimates performance without labels")
    ] = None
    score: Annotated[str | None, typer.Option(metavar="COLUMN", help="the probability of a 1, for --truth")] = None
    threshold: Annotated[float, "the model says 1 from this score on, for --truth"] = 0.5
    chart: ChartFile = None
    follow: Annotated[bool, "watch a growing CSV of production, and print alarms"] = False
    idle: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="end --follow after this long without a new line")
    ] = None
    false_alarms: Annotated[float, "false alarms of --follow in 30 quiet days, all monitors together"] = 1.0
    as_json: AsJson = False
    seed: Seed = 0

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


def monitor(
    reference: Annotated[Path, "a CSV or Parquet file with a row for each image or request, and a header"],
    production: Annotated[Path, "a file with the same columns"],
    options: MonitorOptions,
) -> None:
    """Test whether production differs from a reference; exit status 1 if it does.

    Rows that follow each other resemble each other. They are kept together in blocks, unless --independent says otherwise.
    Infinite values are faults; empty cells are left out, and their share is compared by itself.
    """
    check_chart(options.chart)
    if options.follow:
        raise typer.Exit(follow_file(reference, production, options.online(), options.idle, options.as_json))
    performance, asked = options.performance(), options.request()
    first, second = read_tables(reference, production)
    tables = first, second
    asked, noted = options.recognised(tables, asked)
    words = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with needing("monitors", "ADWIN and Page-Hinkley"), Bars(*words, console=err, transient=True) as bar:
        task = bar.add_task("testing", total=None)
        found = compare(*tables, asked, lambda done, tests: bar.update(task, total=tests, completed=done))
    report = FullReport.of(tables, replace(found, notes=[*noted, *found.notes]), performance)
    if options.as_json:
        typer.echo(json.dumps(to_json(report), indent=2, allow_nan=False))
    else:
        _show(report)
    if options.chart:
        _write(report, options.chart)
    raise typer.Exit(Status.NO if found.differing else Status.DONE)


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


def _show(report: FullReport) -> None:
    out, found = table_console(), report.found
    out.print(sentences.answer(found), markup=False, highlight=False)
    for sentence in report.sentences:
        out.print(sentence, markup=False, highlight=False)
    out.print(_table(found, report.reader.tables[1]))
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
    shown, rows = Shown(box=None), sentences.rows_of_tests(found, production)
    parts = any(finding.part for finding in found.findings)
    for heading in rows[0]:
        if parts or heading != "rows":
            right = heading in ("statistic", "p", "corrected p")
            shown.add_column(heading.removesuffix(" p"), justify="right" if right else "left")
    for row in rows:
        statistic = "–" if row["statistic"] is None else significant(row["statistic"], 3)
        cells = row | {"statistic": statistic, "p": _p(row["p"]), "corrected p": _p(row["corrected p"])}
        shown.add_row(*(cell.replace("[", r"\[") for heading, cell in cells.items() if parts or heading != "rows"))
    return shown


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "under 0.001"


def to_json(report: FullReport) -> dict[str, Any]:
    """Return one object: the answer, the request, each finding, courses, estimates and notes; missing figures are null."""
    found, production = report.found, report.reader.tables[1]
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
    windows = zip(course.begins, course.value, course.least, course.most, course.outside, strict=True)
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
