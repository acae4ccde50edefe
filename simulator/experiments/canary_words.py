"""Sentences and a table of a canary, as the page and the command show them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from simulator.experiments.canary import CanaryReport
from simulator.units import counted, percent


def canary_sentences(report: CanaryReport) -> list[str]:
    """Say what daily looks do to the plain test, and that the sequential one keeps its promise."""
    by_test = {str(row["test"]): row for row in report.table().to_dict("records")}
    daily, sequential = by_test["plain test, every day"], by_test["sequential test, every day"]
    experiments, days = len(report.same.daily), counted(report.canary.days, "day")
    gap = f"{percent(report.of.usual)} to {percent(report.of.new)}"
    decided = sequential["days_to_decision"]
    when = f"in {counted(decided, 'day')} in the median" if decided == decided else "in fewer than half of the experiments"
    return [
        f"In {experiments:,} experiments of {days} without any difference, the plain test raised a false alarm in "
        f"{percent(daily['false_alarms'])} when it was looked at every day; it promises 5% for one look.",
        f"The sequential test raised one in {percent(sequential['false_alarms'])}.",
        f"A change of “{report.of.label}” from {gap} is found {when}.",
    ]


def canary_table(report: CanaryReport) -> pd.DataFrame:
    """Return a row a test, in words."""
    return pd.DataFrame(
        [
            {
                "test": row["test"],
                "false alarms, nothing differs": _with_bounds(row, "false_alarms", "false"),
                "found, where it differs": _with_bounds(row, "power", "power"),
                "days to a decision": f"{row['days_to_decision']:.0f}" if row["days_to_decision"] > 0 else "none",
            }
            for row in report.table().to_dict("records")
        ]
    )


def _with_bounds(row: Mapping[Hashable, Any], name: str, bounds: str) -> str:
    return f"{percent(row[name])} ({percent(row[f'{bounds}_low'])} to {percent(row[f'{bounds}_high'])})"
