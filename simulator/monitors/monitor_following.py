"""`casesim monitor --follow`: a CSV that grows, whose new rows go through an online monitor as they are written."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from simulator.cli.exits import Status, err
from simulator.limits import FOLLOWED_BYTES
from simulator.monitors.monitor_tables import MonitoredTable, TableError, read_reference
from simulator.monitors.online_monitor import OnlineMonitor, OnlineSettings, WindowAlarm
from simulator.units import counted

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
    monitor = OnlineMonitor.learn(read_reference(reference), settings)
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
