"""Monitors of production data: tests of columns against a reference, by slice and over time, with page and command.

A feature: it may import the app, charts, explain and what lies below, and no other feature. A service imports these names:

from simulator.monitors import OnlineMonitor, OnlineSettings

monitor = OnlineMonitor.learn(reference, OnlineSettings(columns=("sharpness",)))
alarms = monitor.add(rows)
"""

from simulator.monitors.online_monitor import OnlineMonitor, OnlineSettings, WindowAlarm

__all__ = ["OnlineMonitor", "OnlineSettings", "WindowAlarm"]
