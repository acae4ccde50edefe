"""A comparison of production with a reference: each test of each column, as a whole, by slice and over time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from simulator.arrays import Codes, Floats
from simulator.errors import InputError, suggest
from simulator.limits import MONITORED_PARTS
from simulator.monitors.blocks import (
    Blocks,
    Edge,
    autocorrelation_time,
    block_length,
    contiguous,
    edge_of,
    grouped,
    neighbours_alike,
)
from simulator.monitors.column_roles import ColumnRoles, Interleaving, are_independent, interleaving_of, stretched
from simulator.monitors.column_tests import MMD, TESTS, ColumnSample, ColumnTestResult, ask_mmd
from simulator.monitors.monitor_tables import LEAST_ROWS, Column, MonitoredTable, Tables, columns, times, words
from simulator.phrases import phrase

#: Hours of a slot to choose from, and the fewest rows of both files in a slot (of a source) on average.
_SLOTS_H, _ROWS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0), 10
#: Hours of a day; the reference covers this many days.
_DAY_H, _DAYS = 24, 2


@dataclass(frozen=True, eq=False)
class UsualCourse:
    """The slot of each row of the two files, in the order of the file, shapes (n,) and (m,). words: for a note.

    Its means are of both files together: they stay as they are while blocks change files, so a permutation test stays exact.
    """

    reference: Codes
    production: Codes
    words: str

    def without(self, column: Column) -> Column:
        """Return a column of numbers less the mean of its slot plus the mean of all; other columns as they are."""
        if column.kind != "numbers":
            return column
        values = pd.concat([column.reference, column.production])
        slots = np.concatenate([self.reference[column.reference.index], self.production[column.production.index]])
        usual = values.groupby(slots).transform("mean").to_numpy()
        rest = values - usual + values.mean()
        size = len(column.reference)
        return Column(column.name, column.kind, rest.iloc[:size], rest.iloc[size:])


def usual_course(
    hours: Sequence[Floats] | None, sources: Sequence[Codes] | None, source: str = "", time: str = ""
) -> UsualCourse | None:
    """Return slots of the same hour of the day and the same source; None where neither is known.

    hours: of the rows of both files; sources: of the rows of both files, named by the column `source`
    """
    count = 1 + int(max(codes.max() for codes in sources)) if sources else 1
    slot_h = _slot_h(hours, count) if hours else None
    if slot_h is None and not sources:
        return None
    codes = [np.zeros(len(source), np.int64) for source in (sources or hours or ())]
    if slot_h is not None:
        codes = [(hour % _DAY_H // slot_h).astype(np.int64) for hour in hours or ()]
    if sources:
        codes = [source * _DAY_H + other for source, other in zip(sources, codes, strict=True)]
    same = [f"the same {slot_h:g} h of the day by '{time}'"] if slot_h is not None else []
    same += [f"the same '{source}'"] if source else []
    return UsualCourse(codes[0], codes[1], " and ".join(same))


def _slot_h(hours: Sequence[Floats], sources: int) -> float | None:
    if np.ptp(hours[0]) < _DAYS * _DAY_H - max(_SLOTS_H):
        return None
    rows = sum(map(len, hours))
    return next((slot for slot in _SLOTS_H if rows / (sources * _DAY_H / slot) >= _ROWS), None)


Correction = Literal["holm", "bh", "none"]
Verdict = Literal["differs", "no difference seen", "cannot tell"]

#: Permutations of one test alone, and how many times more than the lowest p that matters needs, of many.
_PERMUTATIONS, _BEYOND, _MOST_PERMUTATIONS = 1999, 20, 20_000
#: What all columns of numbers together are called.
TOGETHER = "(numbers together)"


#: The condition of a window.
WINDOW_NEEDS = "a window takes a number of hours above 0, and --time, the column with the time of each row"


class MonitorError(InputError):
    """A report cannot be made; the message gives the reason and the fix."""


@dataclass(frozen=True)
class ReportRequest:
    """The tests to run and the columns to compare.

    tests: of `TESTS` or "mmd"; none: KS for numbers, chi-squared for counts and words
    level: the chance of any false claim (Holm), or the share of false claims (bh); for each test alone (none)
    by: a column whose words are compared one by one too
    time: a column that orders the rows; window_h: stretches of production, in hours, that are compared one by one too
    group: a column that names rows that belong together
    independent: rows are independent, and their order does not matter
    columns: these alone; none: all
    names: columns whose numbers name something, such as a camera
    """

    tests: tuple[str, ...] = ()
    level: float = 0.05
    correction: Correction = "holm"
    by: str | None = None
    time: str | None = None
    window_h: float | None = None
    group: str | None = None
    independent: bool = False
    columns: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise MonitorError for values that contradict each other."""
        for test in self.tests:
            if test not in (*TESTS, MMD):
                raise MonitorError(f"there is no test '{test}'; {suggest(test, (*TESTS, MMD))}")
        if not 0 < self.level < 1:
            raise MonitorError(f"level: expected a number between 0 and 1, got {self.level:g}")
        if self.window_h is not None and not self.window_h > 0:
            raise MonitorError(WINDOW_NEEDS)
        if self.independent and self.group:
            raise MonitorError(f"rows are either independent or grouped by '{self.group}', not both")

    def with_roles(self, roles: ColumnRoles, declined: Collection[str] = ()) -> ReportRequest:
        """Return the request with the recognised time and group where it names none; declined: roles that the user refuses."""
        time = self.time or (None if "time" in declined else roles.time)
        free = not self.independent and "group" not in declined
        names = tuple(name for name in (roles.source, roles.place) if name)
        return replace(self, time=time, group=self.group or (roles.group if free else None), names=names)


@dataclass(frozen=True)
class DriftFinding:
    """One test of one column in one part: "" for all rows, else the slice or window.

    rows: that are not empty, of each file; block: rows of a block, None where rows are independent or grouped
    alarm: the row of production, from 0 as in the file, where CUSUM's sum began to grow, or another detector's alarm came
    """

    column: str
    part: str
    test: str
    rows: tuple[int, int]
    block: int | None
    answer: ColumnTestResult
    corrected: float
    verdict: Verdict
    alarm: int | None = None


@dataclass(frozen=True)
class Monitored:
    """All findings, in the order of columns within parts; notes: a sentence for each column or part that was left out."""

    asked: ReportRequest
    findings: list[DriftFinding]
    notes: list[str] = field(default_factory=list)

    @property
    def differing(self) -> list[DriftFinding]:
        found = [finding for finding in self.findings if finding.verdict == "differs"]
        return sorted(found, key=lambda finding: (finding.column == TOGETHER, -finding.answer.effect.size))


#: Works out which rows of a file belong to a part, shape (n,): with many parts, all of them at once would not fit in memory.
_RowsOf = Callable[[], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class _Part:
    name: str
    rows_of: tuple[_RowsOf, _RowsOf]

    @cached_property
    def sizes(self) -> tuple[int, int]:
        first, second = (int(rows().sum()) for rows in self.rows_of)
        return first, second

    def cells(self, column: Column) -> tuple[pd.Series, pd.Series]:
        """Return the cells of a column that are not empty, of both files."""
        both = zip((column.reference, column.production), self.rows_of, strict=True)
        first, second = (values[rows()[values.index]].dropna() for values, rows in both)
        return first, second

    def filled(self, column: Column) -> tuple[int, int]:
        first, second = self.cells(column)
        return len(first), len(second)


@dataclass(frozen=True, eq=False)
class _Job:
    part: _Part
    test: str
    columns: tuple[Column, ...]


def compare(
    reference: MonitoredTable,
    production: MonitoredTable,
    asked: ReportRequest | None = None,
    step: Callable[[int, int], object] = lambda done, tests: None,
) -> Monitored:
    """Compare production with the reference. Raises TableError or MonitorError for wrong input.

    step: called after each test with the number of tests done, and of all
    """
    asked = asked or ReportRequest()
    if asked.window_h is not None and asked.time is None:
        raise MonitorError(WINDOW_NEEDS)
    apart = [name for name in (asked.time, asked.group) if name]
    tables = reference, production
    found, notes = columns(tables, apart, asked.columns, asked.names)
    first, second = (np.arange(len(table.rows)) for table in tables)
    hours = [times(table, asked.time) for table in tables] if asked.time else None
    if hours:
        first, second = (np.argsort(hour, kind="stable") for hour in hours)
        found = [column.ordered((first, second)) for column in found]
    parts, left_out = _parts(reference, production, asked)
    groups = [words(table, asked.group) for table in tables] if asked.group else None
    copied = _copies(tables, found, apart) if not asked.independent and not groups else None
    groups = groups or copied
    mixed = None
    if not asked.independent:
        found = _without(usual_course(hours, None), found)
        mixed = None if groups else interleaving_of(tables, found, (first, second), apart)
        named = [mixed.codes, mixed.others] if mixed and mixed.column else None
        usual = usual_course(hours, named, mixed.column if mixed else "", asked.time or "")
        found = _without(usual, found)
        notes += [f"Numbers are compared with {usual.words}"] if usual else []
    notes += [phrase("columns.copies", share=1 - len(np.unique(copied[0])) / len(copied[0]))] if copied else []
    notes += _alike(found, groups)
    notes += [mixed.sentence] if mixed else [] if groups or asked.independent else _slow(found)
    jobs, unasked = _jobs(parts, found, asked)
    sampling = _Sampling(asked, groups, mixed, asked.level if asked.correction == "none" else asked.level / len(jobs))
    answered = list[DriftFinding]()
    for job in jobs:
        answered.append(sampling.answer(job))
        step(len(answered), len(jobs))
    return Monitored(asked, _corrected(answered, asked), notes + left_out + unasked)


#: Rows are shuffled copies where this share of them has a twin, and the file's autocorrelation time is this many rows at most.
_TWINS, _SHUFFLED = 0.5, 1.5
#: Stretches resemble each other this many times more than single rows do, where sources or a slow part hide under noise.
_SLOW = 2
#: Chance gives few twins where a column has this many steps for each of its values.
_STEPS = 10


def _copies(tables: Tables, found: list[Column], apart: Sequence[str]) -> list[NDArray[np.str_]] | None:
    """Return the number of each row's copies in both files; None where rows are no copies, or copies follow each other."""
    values = [
        column.reference.to_numpy(float) for column in found if column.kind == "numbers" and not column.reference.isna().any()
    ]
    if not any(map(_fine, values)) or max(map(autocorrelation_time, values)) > _SHUFFLED:
        return None
    shared = [name for name in tables[0].rows.columns if name not in apart and name in tables[1].rows.columns]
    if tables[0].rows.duplicated(shared, keep=False).mean() < _TWINS:
        return None
    return [table.rows.groupby(shared, dropna=False, sort=False).ngroup().to_numpy().astype(str) for table in tables]


def _fine(values: Floats) -> bool:
    """Return whether a column has far more steps than values, so that equal values are no chance."""
    gaps = np.diff(np.unique(values))
    return bool(len(gaps) and gaps.sum() / gaps.min() > _STEPS * len(gaps))


def _without(usual: UsualCourse | None, found: list[Column]) -> list[Column]:
    return [usual.without(column) for column in found] if usual else found


def _parts(reference: MonitoredTable, production: MonitoredTable, asked: ReportRequest) -> tuple[list[_Part], list[str]]:
    """Return all rows, each slice and each window with enough rows, and sentences about those with too few."""
    parts = [_Part("", (_all(len(reference.rows)), _all(len(production.rows))))]
    if asked.by:
        parts += _slices(reference, production, asked.by)
    if asked.time and asked.window_h:
        parts += _windows(reference, production, asked.time, asked.window_h)
    return [part for part in parts if min(part.sizes) >= LEAST_ROWS], [
        phrase("columns.few_rows", part=part.name, reference=part.sizes[0], production=part.sizes[1], least=LEAST_ROWS)
        for part in parts
        if min(part.sizes) < LEAST_ROWS
    ]


def _all(rows: int) -> _RowsOf:
    return lambda: np.ones(rows, bool)


def _slices(reference: MonitoredTable, production: MonitoredTable, by: str) -> list[_Part]:
    first, second = (words(table, by) for table in (reference, production))
    names = np.union1d(first, second)
    if len(names) > MONITORED_PARTS.most:
        what = f"{production.name}: '{by}' has {len(names):,} different words, a slice each"
        raise MonitorError(f"{what}; at most {MONITORED_PARTS.most:,} are compared: slice by a column with fewer")
    return [_Part(f"{by} = {name}", (partial(np.equal, first, name), partial(np.equal, second, name))) for name in names]


def _windows(reference: MonitoredTable, production: MonitoredTable, time: str, window_h: float) -> list[_Part]:
    hours, usual = times(production, time), times(reference, time)
    _check_windows(production, time, hours, window_h)
    windows = ((hours - hours.min()) // window_h).astype(int)
    parts = []
    for number in np.unique(windows):
        name = f"hours {window_h * number:g} to {window_h * (number + 1):g}"
        window = hours[windows == number]
        alike = partial(_same_hours, usual, float(window.min()), float(np.ptp(window)), window_h)
        parts.append(_Part(name, (alike, partial(np.equal, windows, number))))
    return parts


def _check_windows(production: MonitoredTable, time: str, hours: Floats, window_h: float) -> None:
    """Raise MonitorError, with the number of windows and a width that would do, for more windows than are compared."""
    span, most = float(np.ptp(hours)), MONITORED_PARTS.most
    if span / window_h < most:
        return
    count = f"{span // window_h + 1:,.0f}" if span < 1e15 * window_h else "endlessly many"
    wide = float(f"{1.06 * span / most:.2g}")
    what = f"'{time}' spans {span:,.6g} h, {count} windows of {window_h:g} h; at most {most:,} are compared"
    raise MonitorError(f"{production.name}: {what}: make the window at least {wide:,.10g} h, or correct the times")


def _same_hours(usual: Floats, begins: float, lasts: float, window_h: float) -> NDArray[np.bool_]:
    """Return the rows of the reference at the hours of the day of a window, shape (n,); all rows of less than two days.

    A night compared with whole days would always differ. usual: hours of the rows; begins, lasts: of the window, in hours
    """
    if window_h >= _DAY_H or np.ptp(usual) < _DAYS * _DAY_H:
        return np.ones(len(usual), bool)
    return np.asarray((usual - begins) % _DAY_H <= lasts)


def _jobs(parts: list[_Part], found: list[Column], asked: ReportRequest) -> tuple[list[_Job], list[str]]:
    jobs, notes = list[_Job](), list[str]()
    for part in parts:
        for column in found:
            if part.name and column.name == asked.by:
                continue
            if min(part.filled(column)) < LEAST_ROWS:
                notes.append(phrase("columns.few_cells", column=column.name, part=part.name, least=LEAST_ROWS))
                continue
            usual = "ks" if column.kind == "numbers" else "chi2"
            tests = [test for test in asked.tests or [usual] if test != MMD and column.kind in TESTS[test][1]]
            jobs += [_Job(part, test, (column,)) for test in tests]
        if MMD in asked.tests:
            whole = tuple(column for column in found if column.kind != "words" and part.filled(column) == part.sizes)
            jobs += [_Job(part, MMD, whole)] if whole else []
    if not jobs:
        kinds = ", ".join(f"'{column.name}' holds {column.kind}" for column in found)
        raise MonitorError(f"none of the tests {', '.join(asked.tests)} fits any of the columns: {kinds}")
    return jobs, notes


def _alike(found: list[Column], groups: list[NDArray[np.str_]] | None) -> Iterator[str]:
    """Yield sentences about columns whose neighbouring groups resemble each other."""
    for column in found if groups else ():
        cells = column.reference.dropna()
        values = pd.factorize(cells)[0].astype(float) if column.kind == "words" else cells.to_numpy(float)
        codes = np.unique((groups or [])[0][cells.index], return_inverse=True)[1]
        if (alike := neighbours_alike(values, codes)) > 0:
            yield phrase("columns.alike", column=column.name, correlation=alike)


def _slow(found: list[Column]) -> Iterator[str]:
    """Yield sentences about columns of numbers whose stretches resemble each other far more than single rows do."""
    for column in found:
        edge = edge_of([column.reference.dropna().to_numpy(float)]) if column.kind != "words" else Edge()
        if edge.alike > _SLOW * edge.beside:
            yield phrase("columns.slow", column=column.name, stretch=edge.stretch, alike=edge.alike, beside=edge.beside)


@dataclass(frozen=True, eq=False)
class _Sampling:
    """The rows that stay together in every test, and the level of one test. groups: the names of groups, in both files."""

    asked: ReportRequest
    groups: list[NDArray[np.str_]] | None
    mixed: Interleaving | None
    level: float

    def answer(self, job: _Job) -> DriftFinding:
        samples = [self._sample(column, job.part) for column in job.columns]
        first = samples[0]
        if job.test == MMD:
            first = max(samples, key=lambda sample: (sample.blocks.length or 0) if sample.blocks else 0)
        answer = ask_mmd(samples, first.blocks) if job.test == MMD else TESTS[job.test][0](first)
        name = TOGETHER if job.test == MMD else job.columns[0].name
        rows, length = (len(first.reference), len(first.production)), first.blocks.length if first.blocks else None
        alarm = None if answer.alarm is None else int(job.part.cells(job.columns[0])[1].index[answer.alarm])
        return DriftFinding(name, job.part.name, job.test, rows, length, answer, answer.p, "cannot tell", alarm)

    def _sample(self, column: Column, part: _Part) -> ColumnSample:
        cells = part.cells(column)
        names: tuple[str, ...] = ()
        if column.kind == "words":
            codes, found = pd.factorize(pd.concat(cells), sort=True)
            names, values = tuple(map(str, found)), np.split(codes.astype(float), [len(cells[0])])
        else:
            values = [cell.to_numpy(float) for cell in cells]
        blocks = None if self.asked.independent else self._blocks(values, names, [cell.index for cell in cells])
        needed = min(max(_PERMUTATIONS, ceil(_BEYOND / self.level)), _MOST_PERMUTATIONS)
        return ColumnSample(column.kind, values[0], values[1], names, blocks, self.level, needed, self.asked.seed)

    def _blocks(self, values: list[Floats], names: tuple[str, ...], rows: list[pd.Index]) -> Blocks:
        if self.groups:
            return grouped(*(group[row] for group, row in zip(self.groups, rows, strict=True)))
        sizes = (len(values[0]), len(values[1]))
        series = [(values[0] == code).astype(float) for code in range(len(names))] if names else [values[0]]
        if self.mixed is None:
            return contiguous(sizes, block_length(series, sizes))
        codes, others = self.mixed.codes[rows[0]], self.mixed.others[rows[1]]
        sources = np.unique(codes, return_inverse=True)[1]
        apart = all(are_independent(numbers, sources) for numbers in series)
        length = block_length(series, sizes, sources, apart)
        return stretched(codes, others, length) if apart else contiguous(sizes, length)


def _corrected(findings: list[DriftFinding], asked: ReportRequest) -> list[DriftFinding]:
    corrected_p = correct(np.array([finding.answer.p for finding in findings]), asked.correction)
    reach = asked.level / (1 if asked.correction == "none" else len(findings))
    return [
        replace(finding, corrected=float(p), verdict=_verdict(finding, float(p), asked.level, reach))
        for finding, p in zip(findings, corrected_p, strict=True)
    ]


def _verdict(finding: DriftFinding, corrected: float, level: float, reach: float) -> Verdict:
    if corrected <= level:
        return "differs"
    return "cannot tell" if finding.answer.least_p > reach else "no difference seen"


def correct(p: Floats, correction: Correction) -> Floats:
    """Correct p-values for multiple tests, shape (n,): Holm 1979, Benjamini and Hochberg 1995, or none."""
    if correction == "none":
        return p
    if correction == "bh":
        return np.asarray(scipy.stats.false_discovery_control(p))
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
