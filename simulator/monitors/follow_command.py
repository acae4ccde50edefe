"""`casesim monitor --follow`: alarms of a growing file, one a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from simulator.cli.exits import Status, err
from simulator.monitors.monitor_following import followed
from simulator.monitors.monitor_tables import read_reference
from simulator.monitors.online_monitor import OnlineMonitor, OnlineSettings, WindowAlarm
from simulator.units import counted


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
