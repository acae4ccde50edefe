"""An audit of the cleared: people read a random share of them, and the positives that they find tell the model's misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd
import scipy

from simulator.case.exhibits import AuditGate, audit_gate
from simulator.engine.stages.people import People
from simulator.explain.bottleneck import escalated
from simulator.intervals import LEVEL, Interval, share_interval
from simulator.metrics.summary import Summary
from simulator.phrases import phrase
from simulator.units import percent, significant

#: The shares of the cleared that a table of audits compares.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 1.0)


def field_sensitivity(found: float, audited: float, share: float) -> Interval:
    """Return the share of positives that a threshold refers, from counts of the field, with its exact interval.

    found: positives that readers found among the referred; audited: those that they found in the audit, in which each cleared
    request took part with probability `share`. So each of the audited stands for 1 / share (Horvitz and Thompson 1952).

    Both counts are Poisson. Given their sum, the audited ones are binomial, and Clopper and Pearson's bounds of that share are
    bounds of the sensitivity. Readers who miss as large a share of both kinds of positives do not change it.
    """
    part = share_interval(audited, found + audited)

    def referred(theta: float) -> float:
        return 1.0 if theta == 0 else 1 / (1 + theta / (1 - theta) / share) if theta < 1 else 0.0

    return Interval(referred(part.value), referred(part.high), referred(part.low))


@dataclass(frozen=True)
class ClearedFlow:
    """A run's requests of a day on average, those of them that concern an audit.

    cleared: that the model cleared, audited or not; missed: positives among them; found: positives that were referred, and
    found by a reader or called in by the model
    hits, false_calls: the shares of positives and of negatives among the cases read that readers call positive
    minutes: of a reader for one case; usd_per_hour: of a reader; usd_a_visit: for one case that is called positive
    """

    cleared: float
    missed: float
    found: float
    hits: float
    false_calls: float
    minutes: float
    usd_per_hour: float
    usd_a_visit: float

    @property
    def sensitivity(self) -> float:
        """The sensitivity that an audit without end would report."""
        return self.found / (self.found + self.hits * self.missed)

    def audited(self, share: float, days: float) -> AuditForecast:
        """Return what an audit of a share of the cleared is expected to show after some days."""
        read = share * days * self.cleared
        positives = share * days * self.missed * self.hits
        called = positives + share * days * (self.cleared - self.missed) * self.false_calls
        hours = read * self.minutes / 60
        tail = (1 - LEVEL) / 2
        low, high = (float(scipy.stats.poisson.ppf(part, positives)) for part in (tail, 1 - tail))
        return AuditForecast(
            share=share,
            days=days,
            read=read,
            hours=hours,
            usd=hours * self.usd_per_hour + called * self.usd_a_visit,
            positives=Interval(positives, low, high),
            sensitivity=field_sensitivity(self.found * days, positives, share),
        )


@dataclass(frozen=True)
class AuditForecast:
    """An audit of a share of the cleared after some days.

    read: cases read, which take readers so many hours; usd: of their hours and of the visits that they call for
    positives: that the audit finds, with the middle 95% of what chance makes of it
    sensitivity: of the threshold as the audit reports it, with the interval that it reports where it finds the expected number
    """

    share: float
    days: float
    read: float
    hours: float
    usd: float
    positives: Interval
    sensitivity: Interval


def cleared_flow(summary: Summary) -> ClearedFlow | None:
    """Return the daily flow that an audit of a run would see; None without an audit's gate, or where nobody was read."""
    scenario = summary.plan.scenario
    audit = audit_gate(scenario)
    return None if audit is None else _flow_of(summary, audit)


def _flow_of(summary: Summary, audit: AuditGate) -> ClearedFlow | None:
    scenario, flows, days = summary.plan.scenario, summary.flows, summary.plan.scenario.run.days
    readers = cast(People, scenario.stages[audit.readers])
    cleared = (flows["end"] == audit.end) | (flows["tag"] == audit.tag)
    read = (flows["last"] == audit.readers) & (flows["outcome"] == "done") & (readers.positive_to != readers.negative_to)
    called = read & (flows["end"] == readers.positive_to)

    def count(rows: pd.Series) -> float:
        return float(flows.loc[rows, "count"].sum())

    of_class = {label: flows["positive"] == label for label in (True, False)}
    if not all(count(read & rows) for rows in of_class.values()):
        return None
    end = scenario.ends.get(readers.positive_to)
    return ClearedFlow(
        cleared=count(cleared) / days,
        missed=count(cleared & of_class[True]) / days,
        found=count(~cleared & flows["positive"] & flows["detected"] & escalated(scenario, flows)) / days,
        hits=count(called & of_class[True]) / count(read & of_class[True]),
        false_calls=count(called & of_class[False]) / count(read & of_class[False]),
        minutes=readers.minutes.mean,
        usd_per_hour=readers.usd_per_hour.value,
        usd_a_visit=end.usd.value if end else 0.0,
    )


def audit_sentences(forecast: AuditForecast, positives: str) -> list[str]:
    """Say what an audit would see, what it would report, and what it costs."""
    seen, reported = forecast.positives, forecast.sensitivity
    found = {"share": 100 * forecast.share, "seen": seen.value, "read": forecast.read, "low": seen.low, "high": seen.high}
    return [
        phrase("audit.finds", days=forecast.days, positives=positives, **found),
        phrase("audit.reports", share=reported.value, positives=positives, low=reported.low, high=reported.high),
        phrase("audit.costs", hours=forecast.hours, usd=forecast.usd),
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
