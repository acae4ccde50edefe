"""Sentences of a drift report: the answer, each effect with its interval, each verdict, and each claimed column over time."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from simulator.monitors.column_tests import NAMES, EffectSize
from simulator.monitors.drift_course import ColumnCourse, CourseReader, PlaceMap, WindowClock
from simulator.monitors.drift_report import TOGETHER, DriftFinding, Monitored
from simulator.monitors.estimated_performance import METRICS, PerformanceCourse
from simulator.monitors.monitor_tables import MonitoredTable, shown_time
from simulator.units import counted, listed, signed, significant

#: The correction of p-values in words.
CORRECTIONS = {"holm": "after Holm's correction", "bh": "after Benjamini and Hochberg's correction", "none": "uncorrected"}
#: Usual words for the population stability index, up to each bound (Siddiqi 2006).
_PSI_WORDS = ((0.1, "small"), (0.25, "moderate"), (float("inf"), "large"))


def answer(monitored: Monitored) -> str:
    """Return one sentence: the number of columns that differ and the largest change, or the lack of a difference."""
    compared = {finding.column for finding in monitored.findings}
    columns = len(compared - {TOGETHER}) or 1
    plural = "column" if columns == 1 else "columns"
    differing = monitored.differing
    if differing:
        found = {finding.column for finding in differing} - {TOGETHER}
        if not found:
            return f"The numbers together differ{_in(differing[0])}, but no difference was seen in any single column."
        verb = "differs" if len(found) == 1 else "differ"
        largest = f"'{differing[0].column}'{_in(differing[0])}: {effect(differing[0].answer.effect)}"
        return f"{len(found)} of {columns} {plural} {verb}; the largest change is in {largest}."
    unsure = {finding.column for finding in monitored.findings if finding.verdict == "cannot tell"}
    if unsure == compared:
        return f"Cannot tell whether any of {columns} {plural} differs: there are too few rows that are independent."
    sentence = f"No difference was seen in {columns} {plural}"
    return f"{sentence}, but {len(unsure)} of them have too few independent rows to tell." if unsure else f"{sentence}."


#: The meaning of the figures of a table of tests.
KEY = (
    "In brackets: 95% intervals. Effects with + are more in production than in the reference, with − less. A test detects a "
    "change of the named size in four cases of five."
)


def _in(finding: DriftFinding) -> str:
    return f" ({finding.part})" if finding.part else ""


def differing_first(monitored: Monitored) -> list[DriftFinding]:
    """Return all findings: those that differ, the largest first, then the others in their order."""
    others = [finding for finding in monitored.findings if finding.verdict != "differs"]
    return [*monitored.differing, *others]


def effect(change: EffectSize) -> str:
    """Write an effect with its 95% interval, or without it after too few blocks."""
    bounds = (change.interval.value, change.interval.low, change.interval.high)
    if change.unit == "share":
        value, low, high = (signed(100 * bound, 1) for bound in bounds)
        name, unit = f"share of {change.name}", " points"
    elif change.signed:
        value, low, high = (signed(bound, 2) for bound in bounds)
        name, unit = "mean", " SD"
    else:
        value, low, high = (significant(bound, 2) if isfinite(bound) else "" for bound in bounds)
        name, unit = {"sd": ("moved by", " SD"), "psi": ("PSI", ""), "mmd": ("MMD²", "")}[change.unit]
    return f"{name} {value}{unit} {f'[{low}, {high}]' if isfinite(bounds[2]) else '[unknown]'}"


def verdict(finding: DriftFinding, where: str = "") -> str:
    """Write the verdict of one test. where: the row of a detector's alarm, in words."""
    result = finding.answer
    if finding.verdict == "differs":
        at = f" from {where}" if where else ""
        return f"differs{at}{_by_rule(result.effect)}"
    if finding.verdict == "cannot tell":
        return f"cannot tell: too few rows, worth only {min(result.independent):,.0f} independent ones"
    if result.smallest is None:
        return "no difference seen"
    return f"no difference seen; the test would detect {_smallest(finding)}"


def alarm_row(finding: DriftFinding, time: str | None, production: MonitoredTable) -> str:
    """Name the row of a detector's alarm, with its time; "" without one."""
    if finding.alarm is None:
        return ""
    row = f"{production.word} {production.first + finding.alarm:,}"
    return f"{row} ({shown_time(production, time, finding.alarm)})" if time else row


def _by_rule(change: EffectSize) -> str:
    if change.unit != "psi":
        return ""
    word = next(word for bound, word in _PSI_WORDS if change.interval.value <= bound)
    return f"; {word} by the usual rule"


def _smallest(finding: DriftFinding) -> str:
    smallest, unit = finding.answer.smallest or 0.0, finding.answer.effect.unit
    if unit == "share":
        return f"{100 * smallest:.1f} points"
    return f"a PSI of {significant(smallest, 2)}" if unit == "psi" else f"a shift of {smallest:.2f} SD"


def rests_on(monitored: Monitored) -> str:
    """Name the assumptions behind the p-values: rows, groups or blocks, the level and the correction."""
    asked = monitored.asked
    if asked.independent:
        rows = "Rows count as independent, as requested"
    elif asked.group:
        rows = f"Rows of one {asked.group} stay together"
    else:
        longest = max(finding.block or 1 for finding in monitored.findings)
        alike = f"stay together in blocks of up to {longest:,} rows, as long as their autocorrelation requires"
        rows = f"Rows that follow each other {alike}" if longest > 1 else "Rows look independent of the rows before them"
    tests = len(monitored.findings)
    return f"{rows}. {tests} {'test' if tests == 1 else 'tests'}, level {asked.level:.3g}, {CORRECTIONS[asked.correction]}."


def rows_of_tests(found: Monitored, production: MonitoredTable) -> list[dict[str, Any]]:
    """Return a row a test with the headings of the screen, those that differ first; a statistic without a figure is None."""
    return [
        {
            "column": finding.column,
            "rows": finding.part or "all",
            "test": NAMES[finding.test],
            "statistic": finding.answer.statistic if isfinite(finding.answer.statistic) else None,
            "effect": effect(finding.answer.effect),
            "p": finding.answer.p,
            "corrected p": finding.corrected,
            "verdict": verdict(finding, alarm_row(finding, found.asked.time, production)),
        }
        for finding in differing_first(found)
    ]


#: The most places that a sentence names.
_NAMED = 5


def course_sentence(course: ColumnCourse, reader: CourseReader) -> str:
    """Write the change of a column, its onset with the interval, and the windows outside the band."""
    since = _since(course, reader)
    band = "the band of the reference at the same hours" if course.clock.slots > 1 else "the band of the reference"
    return f"'{course.figure.column}'{_in(course.finding)}: {since}; {_windows_outside(course)} outside {band}."


def _windows_outside(course: ColumnCourse | PerformanceCourse) -> str:
    size = width(course.clock)
    return f"{int(course.outside.sum())} of {counted(len(course.value), f'window of {size}', f'windows of {size}')}"


def _since(course: ColumnCourse, reader: CourseReader) -> str:
    onset = course.onset
    if onset is None:
        return f"{course.figure.label} differs, and the file has too few windows to tell since when"
    after = course.begins >= onset.begin
    after &= course.begins < (np.inf if onset.end is None else onset.end)
    change = ""
    if after.any():
        now, usual = (significant(float(np.nanmean(values[after])), 3) for values in (course.value, course.centre))
        change = f"{course.figure.label} {now}, usually {usual}, "
    low, high = reader.shown(onset.low), reader.shown(onset.high)
    begin = reader.shown(onset.begin)
    interval = f" (95% interval {low} to {high})" if low != high else ""
    until = f" until {reader.shown(onset.end)}" if onset.end is not None else " on"
    return f"{change}from {begin}{interval}{until}"


def map_sentence(found: PlaceMap) -> str:
    """Name the places where a column left its band."""
    touched, places = found.touched, counted(len(found.places), found.by, f"places by '{found.by}'")
    if not touched:
        return f"'{found.figure.column}': no cell of {places} lies outside its band."
    named = listed(touched[:_NAMED]) + (f" and {len(touched) - _NAMED} more" if len(touched) > _NAMED else "")
    cells = counted(int(found.outside.sum()), "cell")
    return f"'{found.figure.column}' left its band at {len(touched)} of {places}: {named} ({cells})."


def performance_sentence(course: PerformanceCourse) -> str:
    """Write a metric of the reference, and its estimate for production with the interval."""
    whole = course.whole
    estimate = f"{_percent(whole.value)} (95% interval {_percent(whole.low)} to {_percent(whole.high)})"
    outside = f"{_windows_outside(course)} outside the band of the reference"
    return f"Estimated {METRICS[course.metric]} {estimate}; {_percent(course.reference)} in the reference; {outside}."


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if np.isfinite(share) else "unknown"


def width(clock: WindowClock) -> str:
    """Write the width of a window: 3 h, 10 min, 7 days or 40 rows."""
    if not clock.timed:
        return f"{clock.width:,.0f} rows"
    if clock.width < 1:
        return f"{60 * clock.width:.3g} min"
    return f"{clock.width / 24:g} days" if clock.width >= 48 else f"{clock.width:g} h"
