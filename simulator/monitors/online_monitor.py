"""Monitors that read production as it comes: rows go in, alarms of finished windows come out.

An alarm is a window whose mean leaves the band of the reference's chunks at the same hours. The band leaves room for a
bounded number of false alarms in 30 days, over all columns and places together.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.limits import FOLLOWED_BYTES
from simulator.monitors.column_roles import recognised
from simulator.monitors.drift_course import ReferenceChunks, WindowFigure, clock_of_times, window_means, within
from simulator.monitors.drift_report import MonitorError
from simulator.monitors.monitor_tables import (
    Column,
    MonitoredTable,
    TableError,
    columns,
    has_column,
    numbers_of,
    shown_instant,
    times,
    words,
)
from simulator.phrases import phrase

#: Hours of the 30 days that the promise on false alarms speaks of.
PROMISED_H = 720.0
#: The commonest words of a column are watched, up to this many.
_MOST_WORDS = 5
#: A figure is watched if the reference has this many chunks, and no more than this share of them has one same value:
#: a week of mostly no fog has no band for fog.
_CHUNKS, _REPEATED = 20, 1 / 3


@dataclass(frozen=True)
class OnlineSettings:
    """The columns of the monitors, and their promise.

    time: the column with the time of each row; by: a column whose places are watched one by one; columns: none: all
    window_h: hours of a window
    false_alarms: of all monitors together in 30 quiet days, on average
    """

    time: str | None = None
    by: str | None = None
    columns: tuple[str, ...] = ()
    window_h: float = 3.0
    false_alarms: float = 1.0

    def __post_init__(self) -> None:
        """Raise MonitorError for a window or a promise that is not above 0."""
        if not 0 < self.window_h <= PROMISED_H:
            raise MonitorError(f"window: expected hours above 0 and up to {PROMISED_H:g}, got {self.window_h:g}")
        if not self.false_alarms > 0:
            raise MonitorError(f"false alarms: expected a number above 0 in 30 days, got {self.false_alarms:g}")


@dataclass(frozen=True)
class WindowAlarm:
    """A window of one column, in one place, outside its band. place: "" for all rows; begin_h, end_h: hours as in the file."""

    figure: WindowFigure
    place: str
    begin_h: float
    end_h: float
    value: float
    low: float
    high: float
    rows: int

    def sentence(self, stamped: bool = True) -> str:
        """Return one line: the time, the column, the place, the value and the band."""
        begin, end = self.span(stamped)
        return phrase("monitors.alarm", begin=begin, end=end, alarm=self)

    def span(self, stamped: bool = True) -> tuple[str, str]:
        """Return the begin and the end of the window: dates with times, or hours of the file."""
        return shown_instant(self.begin_h, stamped), shown_instant(self.end_h, stamped)

    def to_json(self, stamped: bool) -> dict[str, Any]:
        begin, end = self.span(stamped)
        bounds = {"value": self.value, "low": self.low, "high": self.high}
        named = {"figure": self.figure.label, "column": self.figure.column, "place": self.place or None}
        return {"begin": begin, "end": end, **named, **bounds, "rows": self.rows}


@dataclass(frozen=True, eq=False)
class _Watched:
    """A figure of one place over windows of one width, with the reference's chunks."""

    figure: WindowFigure
    place: str
    chunks: ReferenceChunks
    usual_rows: float


@dataclass(eq=False)
class OnlineMonitor:
    """Watches rows as they come; `learn` makes one from a quiet reference.

    add: takes rows in the order of their times, with the reference's columns, and returns the alarms of the windows that
    they finish. finish: returns those of the last window
    """

    settings: OnlineSettings
    reference: MonitoredTable
    kinds: dict[str, Column]
    watched: list[_Watched]
    level: float
    late: int = 0
    seen: int = 0
    _open: pd.DataFrame = field(default_factory=pd.DataFrame)
    _done_h: float = -np.inf

    @classmethod
    def learn(cls, reference: MonitoredTable | pd.DataFrame, settings: OnlineSettings | None = None) -> OnlineMonitor:
        """Return a monitor whose bands come from a quiet reference. Raises TableError or MonitorError."""
        table = reference if isinstance(reference, MonitoredTable) else MonitoredTable("reference", reference)
        roles = recognised(table, table)
        settings = settings or OnlineSettings()
        settings = replace(settings, time=settings.time or roles.time, by=settings.by or roles.slices)
        if settings.time is None:
            raise MonitorError(f"{table.name}: no column holds the time of each row; name it with --time")
        names = tuple(name for name in (roles.source, roles.place) if name)
        apart = [name for name in (settings.time, settings.by, roles.source) if name and name not in settings.columns]
        found, _ = columns((table, table), apart, settings.columns, names)
        watched = [*_watched(table, found, settings)]
        if not watched:
            what = f"in windows of {settings.window_h:g} h, no column has {_CHUNKS} chunks that vary"
            raise MonitorError(f"{table.name}: {what}: take a shorter window or a longer reference")
        tests = len(watched) * PROMISED_H / settings.window_h
        kinds = {column.name: column for column in found}
        return cls(settings, table, kinds, watched, min(settings.false_alarms / tests, 0.5))

    @property
    def stamped(self) -> bool:
        """Return whether times are dates, not seconds from the file's zero."""
        return not pd.api.types.is_numeric_dtype(self.reference.rows[self.settings.time or ""])

    def add(self, rows: MonitoredTable | pd.DataFrame) -> list[WindowAlarm]:
        """Take further rows and return the alarms of the windows that end before the last of them. Raises TableError."""
        table = rows if isinstance(rows, MonitoredTable) else MonitoredTable("production", rows)
        if not len(table.rows):
            return []
        read = self._read(table)
        old = read["hour"].to_numpy() < self._done_h
        self.late, self.seen = self.late + int(old.sum()), self.seen + len(read)
        self._open = pd.concat([self._open, read[~old]], ignore_index=True)
        return [*self._close(float(self._open["hour"].max()))] if len(self._open) else []

    def finish(self) -> list[WindowAlarm]:
        """Return the alarms of the windows that are still open, as though they had ended."""
        return [*self._close(np.inf)] if len(self._open) else []

    def _read(self, table: MonitoredTable) -> pd.DataFrame:
        read: dict[str, object] = {"hour": times(table, self.settings.time or "")}
        if self.settings.by:
            read["place"] = words(table, self.settings.by)
        for name, column in self.kinds.items():
            if name.endswith(_EMPTY) and name not in table.rows.columns:
                of = name.removesuffix(_EMPTY)
                has_column(table, of)
                read[name] = table.rows[of].isna().map({True: "yes", False: "no"}).to_numpy()
            elif column.kind == "words":
                has_column(table, name)
                read[name] = table.rows[name].map(str, na_action="ignore").to_numpy()
            else:
                read[name] = numbers_of(table, name).to_numpy()
        return pd.DataFrame(read)

    def _close(self, now_h: float) -> Iterator[WindowAlarm]:
        ends = (np.floor(self._open["hour"] / self.settings.window_h + 1e-9) + 1) * self.settings.window_h
        done = ends <= now_h
        if done.any():
            rows, self._open = self._open[done], self._open[~done].reset_index(drop=True)
            self._done_h = float(ends[done].max())
            alarms = [alarm for watched in self.watched for alarm in self._judged(watched, rows)]
            yield from sorted(alarms, key=lambda alarm: (alarm.begin_h, alarm.place))

    def _judged(self, watched: _Watched, rows: pd.DataFrame) -> Iterator[WindowAlarm]:
        mine = rows[rows["place"] == watched.place] if watched.place else rows
        if not len(mine):
            return
        values = watched.figure.of(mine[watched.figure.column])
        windows = np.floor(mine["hour"].to_numpy() / self.settings.window_h + 1e-9).astype(np.int64)
        means = window_means(values, windows)
        full = means.rows >= watched.usual_rows / 2
        half = watched.chunks.half_width(means.windows, self.level)
        centre = watched.chunks.centres(means.windows)
        outside = full & (np.abs(means.value - centre) > half)
        for place in np.flatnonzero(outside):
            begin = float(means.windows[place] * self.settings.window_h)
            yield WindowAlarm(
                watched.figure, watched.place, begin, begin + self.settings.window_h, float(means.value[place]),
                float(centre[place] - half[place]), float(centre[place] + half[place]), int(means.rows[place]),
            )  # fmt: skip


_EMPTY = " is empty"


def _watched(table: MonitoredTable, found: list[Column], settings: OnlineSettings) -> Iterator[_Watched]:
    hours = times(table, settings.time or "")
    places = words(table, settings.by) if settings.by else None
    clock = clock_of_times(hours, hours, 1, settings.window_h)
    pairs = [(figure, figure.of(column.reference)) for column in found for figure in _figures(column)]
    for figure, values in pairs:
        for place in ("", *(map(str, np.unique(places)) if places is not None else ())):
            means = window_means(within(places == place, values) if place else values, clock.reference)
            chunks = ReferenceChunks.of(means, clock.slots)
            if int(chunks.count.sum()) >= _CHUNKS and chunks.repeated <= _REPEATED:
                yield _Watched(figure, place, chunks, float(np.median(means.rows)))


def _figures(column: Column) -> Iterator[WindowFigure]:
    """Yield the mean of a column of numbers, and the share of each of the commonest words of another."""
    if column.kind != "words":
        yield WindowFigure(column.name, "mean")
        return
    for word in column.reference.value_counts().index[:_MOST_WORDS]:
        yield WindowFigure(column.name, "share", str(word))


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
