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
from simulator.phrases import phrase
from simulator.units import counted, signed, significant

#: The correction of p-values in words.
CORRECTIONS = {"holm": "after Holm's correction", "bh": "after Benjamini and Hochberg's correction", "none": "uncorrected"}
#: Usual words for the population stability index, up to each bound (Siddiqi 2006).
_PSI_WORDS = ((0.1, "small"), (0.25, "moderate"), (float("inf"), "large"))


def answer(monitored: Monitored) -> str:
    """Return one sentence: the number of columns that differ and the largest change, or the lack of a difference."""
    compared = {finding.column for finding in monitored.findings}
    columns = len(compared - {TOGETHER}) or 1
    unsure = {finding.column for finding in monitored.findings if finding.verdict == "cannot tell"}
    if monitored.differing:
        first, differing = monitored.differing[0], {finding.column for finding in monitored.differing} - {TOGETHER}
        return phrase(
            "drift.columns" if differing else "drift.together",
            differing=len(differing),
            columns=columns,
            column=first.column,
            part=first.part,
            effect=effect(first.answer.effect),
        )
    return phrase("drift.unsure" if unsure == compared else "drift.alike", columns=columns, unsure=len(unsure))


#: The meaning of the figures of a table of tests.
KEY = (
    "In brackets: 95% intervals. Effects with + are more in production than in the reference, with − less. A test detects a "
    "change of the named size in four cases of five."
)


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
        return phrase("drift.differs", where=where, size=_size_by_rule(result.effect))
    if finding.verdict == "cannot tell":
        return phrase("drift.too_few_rows", rows=min(result.independent))
    return phrase("drift.not_seen", smallest=_smallest(finding))


def alarm_row(finding: DriftFinding, time: str | None, production: MonitoredTable) -> str:
    """Name the row of a detector's alarm, with its time; "" without one."""
    if finding.alarm is None:
        return ""
    row = f"{production.word} {production.first + finding.alarm:,}"
    return f"{row} ({shown_time(production, time, finding.alarm)})" if time else row


def _size_by_rule(change: EffectSize) -> str:
    return next(word for bound, word in _PSI_WORDS if change.interval.value <= bound) if change.unit == "psi" else ""


def _smallest(finding: DriftFinding) -> str:
    smallest, unit = finding.answer.smallest, finding.answer.effect.unit
    if smallest is None:
        return ""
    if unit == "share":
        return f"{100 * smallest:.1f} points"
    return f"a PSI of {significant(smallest, 2)}" if unit == "psi" else f"a shift of {smallest:.2f} SD"


def rests_on(monitored: Monitored) -> str:
    """Name the assumptions behind the p-values: rows, groups or blocks, the level and the correction."""
    asked = monitored.asked
    longest = max((finding.block or 1 for finding in monitored.findings), default=1)
    together = "independent" if asked.independent else "grouped" if asked.group else "in_blocks" if longest > 1 else "alone"
    return phrase(
        "drift.rests_on",
        rows=phrase(f"drift.{together}", group=asked.group, longest=longest),
        tests=len(monitored.findings),
        level=asked.level,
        correction=CORRECTIONS[asked.correction],
    )


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
    return phrase(
        "drift.course",
        column=course.figure.column,
        part=course.finding.part,
        since=_since(course, reader),
        windows=_windows_outside(course),
        by_hour=course.clock.slots > 1,
    )


def _windows_outside(course: ColumnCourse | PerformanceCourse) -> str:
    outside = int(course.outside.sum())
    return phrase("drift.windows", outside=outside, all=len(course.value), width=width(course.clock))


def _since(course: ColumnCourse, reader: CourseReader) -> str:
    onset, label = course.onset, course.figure.label
    if onset is None:
        return phrase("drift.onset_unknown", label=label)
    after = course.begins >= onset.begin
    after &= course.begins < (np.inf if onset.end is None else onset.end)
    change = None
    if after.any():
        now, usual = (float(np.nanmean(values[after])) for values in (course.value, course.centre))
        change = phrase("drift.change", label=label, now=now, usual=usual)
    begin, low, high = map(reader.shown, (onset.begin, onset.low, onset.high))
    until = None if onset.end is None else reader.shown(onset.end)
    return phrase("drift.onset", change=change, begin=begin, interval=low != high, low=low, high=high, until=until)


def map_sentence(found: PlaceMap) -> str:
    """Name the places where a column left its band."""
    touched = found.touched
    return phrase(
        "drift.map" if touched else "drift.map_in_band",
        column=found.figure.column,
        touched=len(touched),
        places=counted(len(found.places), found.by, f"places by '{found.by}'"),
        named=touched[:_NAMED],
        more=max(len(touched) - _NAMED, 0),
        cells=int(found.outside.sum()),
    )


def performance_sentence(course: PerformanceCourse) -> str:
    """Write a metric of the reference, and its estimate for production with the interval."""
    whole = course.whole
    value, low, high, reference = map(_percent, (whole.value, whole.low, whole.high, course.reference))
    metric, windows = METRICS[course.metric], _windows_outside(course)
    return phrase("drift.estimate", metric=metric, value=value, low=low, high=high, reference=reference, windows=windows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if np.isfinite(share) else "unknown"


def width(clock: WindowClock) -> str:
    """Write the width of a window: 3 h, 10 min, 7 days or 40 rows."""
    if not clock.timed:
        return f"{clock.width:,.0f} rows"
    if clock.width < 1:
        return f"{60 * clock.width:.3g} min"
    return f"{clock.width / 24:g} days" if clock.width >= 48 else f"{clock.width:g} h"
