"""Sentences of a claimed column over time: since when it differs, where, and how many windows left the band."""

from __future__ import annotations

import numpy as np

from simulator.monitors.drift_course import ColumnCourse, CourseReader, PlaceMap
from simulator.monitors.estimated_performance import METRICS, PerformanceCourse
from simulator.monitors.reference_chunks import WindowClock
from simulator.units import counted, listed, significant

#: The most places that a sentence names.
_NAMED = 5


def course_sentence(course: ColumnCourse, reader: CourseReader) -> str:
    """Write the change of a column, its onset with the interval, and the windows outside the band."""
    where = f" ({course.finding.part})" if course.finding.part else ""
    since = _since(course, reader)
    outside = int(course.outside.sum())
    windows = counted(len(course.value), f"window of {width(course.clock)}", f"windows of {width(course.clock)}")
    band = "the band of the reference at the same hours" if course.clock.slots > 1 else "the band of the reference"
    return f"'{course.figure.column}'{where}: {since}; {outside} of {windows} outside {band}."


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
    windows = counted(len(course.value), f"window of {width(course.clock)}", f"windows of {width(course.clock)}")
    outside = f"{int(course.outside.sum())} of {windows} outside the band of the reference"
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
