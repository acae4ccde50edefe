"""Sentences and tables of an audit and of a canary, as the page and the command show them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from simulator.experiments.canary import CanaryReport
from simulator.experiments.cleared_audits import AuditForecast
from simulator.units import counted, percent, significant


def audit_sentences(forecast: AuditForecast, positives: str) -> list[str]:
    """Say what an audit would see, what it would report, and what it costs."""
    seen, reported = forecast.positives, forecast.sensitivity
    return [
        f"After {counted(forecast.days, 'day')} an audit of {100 * forecast.share:g}% would find about "
        f"{significant(seen.value, 2)} {positives} among {significant(forecast.read, 2)} read: "
        f"between {seen.low:,.0f} and {seen.high:,.0f}.",
        f"It would report that the model refers {percent(reported.value)} of the {positives}: between "
        f"{percent(reported.low)} and {percent(reported.high)}.",
        f"It takes {significant(forecast.hours, 2)} hours of a reader and, with the visits that readers call for, "
        f"{significant(forecast.usd, 2)} USD.",
    ]


def audit_table(forecasts: Sequence[AuditForecast], positives: str) -> pd.DataFrame:
    """Return a row an audit: what is read, found and reported, and the price."""
    return pd.DataFrame(
        [
            {
                "share audited": f"{100 * forecast.share:g}%",
                "read": significant(forecast.read, 3),
                "hours of readers": significant(forecast.hours, 3),
                "USD": significant(forecast.usd, 3),
                f"{positives} found": f"{significant(forecast.positives.value, 2)} "
                f"({forecast.positives.low:,.0f} to {forecast.positives.high:,.0f})",
                f"{positives} referred": f"{percent(forecast.sensitivity.value)} "
                f"({percent(forecast.sensitivity.low)} to {percent(forecast.sensitivity.high)})",
            }
            for forecast in forecasts
        ]
    )


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
