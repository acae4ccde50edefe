"""Monitors of production data: tests of columns against a reference, by slice and over time, with page and command.

A feature: it may import the app, charts, explain and what lies below, and no other feature. A service imports these names:

from simulator.monitors import OnlineMonitor, OnlineSettings

monitor = OnlineMonitor.learn(reference, OnlineSettings(columns=("sharpness",)))
alarms = monitor.add(rows)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.monitors.online_monitor import OnlineMonitor, OnlineSettings, WindowAlarm

__all__ = ["OnlineMonitor", "OnlineSettings", "WindowAlarm"]


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: a process that only reads a file starts in half the time."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("simulator.monitors.online_monitor"), name)
