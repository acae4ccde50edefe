"""Columns with a role, recognised by name and content: the time of a row, its camera, its place, its scene."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from simulator.monitors.blocks import neighbours_alike
from simulator.monitors.drift_report import ReportRequest
from simulator.monitors.monitor_tables import MOST_WORDS, MonitoredTable, TableError, times

Role = Literal["time", "source", "place", "group"]

#: The words in a column's name that show its role, the surest first.
_NAMES: dict[Role, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "time", "captured", "seen", "date", "ts", "at", "seconds"),
    "source": ("camera", "cam", "device", "sensor", "stream", "channel", "source", "station", "machine"),
    "place": ("site", "location", "place", "zone", "region", "store", "plant", "line", "room"),
    "group": ("scene", "clip", "sequence", "video", "session", "episode", "track", "burst"),
}
#: A source and a place have at most this many names, and this many rows for each name on average.
_MOST, _ROWS = 500, 10
#: Groups count as independent from this many on.
_GROUPS = 20
_WORD = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True)
class ColumnRoles:
    """The recognised columns; None where the files have none. notes: a sentence for each role."""

    time: str | None = None
    source: str | None = None
    place: str | None = None
    group: str | None = None
    notes: Mapping[Role, str] = field(default_factory=dict)

    @property
    def slices(self) -> str | None:
        """Return the column that divides a heat map: the place, or else the camera."""
        return self.place or self.source


def with_roles(asked: ReportRequest, roles: ColumnRoles, declined: Collection[str] = ()) -> ReportRequest:
    """Return a request with the recognised time and group where it names none; declined: roles that the caller refuses."""
    time = asked.time or (None if "time" in declined else roles.time)
    free = not asked.independent and "group" not in declined
    names = tuple(name for name in (roles.source, roles.place) if name)
    return replace(asked, time=time, group=asked.group or (roles.group if free else None), names=names)


#: Checks the content of a column in both files, and returns the reason in words, or "" if the content does not fit.
_Check = Callable[[MonitoredTable, MonitoredTable, str], str]


def recognised(reference: MonitoredTable, production: MonitoredTable) -> ColumnRoles:
    """Return the columns of both files whose name and content show their role."""
    found: dict[Role, tuple[str, str]] = {}
    for role, check in _CHECKS.items():
        taken = {name for name, _ in found.values()}
        fitting = (
            (name, why)
            for name in _candidates(reference, production, role)
            if name not in taken and (why := check(reference, production, name))
        )
        if (first := next(fitting, None)) is not None:
            found[role] = first
    notes = {role: f"'{name}' is taken as the {_ROLE_WORDS[role]}: {why}" for role, (name, why) in found.items()}
    return ColumnRoles(**{role: name for role, (name, _) in found.items()}, notes=notes)


_ROLE_WORDS: dict[Role, str] = {"time": "time", "source": "source of a row", "place": "place", "group": "group of a row"}


def _candidates(reference: MonitoredTable, production: MonitoredTable, role: Role) -> Iterator[str]:
    """Yield the columns of both files with a word of this role in their name, the surest word first."""
    shared = [str(name) for name in reference.rows.columns if name in production.rows.columns]
    words = {name: _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()) for name in shared}
    for word in _NAMES[role]:
        yield from (name for name in shared if word in words[name])


def _is_time(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    for table in (reference, production):
        values = table.rows[name]
        if values.nunique() < _ROWS or pd.api.types.is_bool_dtype(values):
            return ""
        try:
            hours = times(table, name)
        except TableError:
            return ""
        stamps = not pd.api.types.is_numeric_dtype(values)
        if not stamps and not (np.diff(hours) >= 0).mean() > 0.99 and name.lower() in ("at", "seen", "seconds", "date"):
            return ""
    return "every cell holds a time" if stamps else "every cell holds a number of seconds"


def _names_rows(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    values, others = reference.rows[name], production.rows[name]
    if _unnamed(values) or _unnamed(others):
        return ""
    count = values.nunique()
    known = others.astype(str).isin(set(values.astype(str))).mean()
    fits = 2 <= count <= min(_MOST, len(values) / _ROWS) and known > 0.5
    return f"{count:,} names, {len(values) / count:,.0f} rows of each on average" if fits else ""


def _is_place(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    return _names_rows(reference, production, name) if reference.rows[name].nunique() <= MOST_WORDS else ""


def _is_group(reference: MonitoredTable, production: MonitoredTable, name: str) -> str:
    """Accept groups of two rows and more that are many, and whose neighbours do not resemble each other."""
    counts = []
    for table in (reference, production):
        if _unnamed(table.rows[name]):
            return ""
        counts.append(table.rows[name].nunique())
    if min(counts) < _GROUPS or counts[0] > len(reference.rows) / 2:
        return ""
    codes = pd.factorize(reference.rows[name])[0].astype(np.int64)
    for other in reference.rows.select_dtypes("number").columns:
        values = reference.rows[other].to_numpy(float)
        if other != name and np.isfinite(values).all() and neighbours_alike(values, codes) > 0:
            return ""
    return f"{counts[0]:,} groups of {len(reference.rows) / counts[0]:,.0f} rows on average, unlike their neighbours"


def _unnamed(values: pd.Series) -> bool:
    """Return whether a column holds fractions or empty cells: no names of anything."""
    return bool(values.isna().any() or (pd.api.types.is_float_dtype(values) and (values != values.round()).any()))


_CHECKS: dict[Role, _Check] = {"time": _is_time, "source": _names_rows, "place": _is_place, "group": _is_group}
