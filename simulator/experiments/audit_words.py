"""Sentences and a table of an audit of the cleared, as the page and the command show them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

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
