"""A canary: a share of the people gets a new design by a hash of each, and the field's counts are looked at every day.

A day's counts of an arm are drawn from the rates of a run, so that thousands of experiments of many days take no more runs. The
arms share no queue here: each design is served as in its own run. Two tests look at the difference of the arms again and again:
the plain z test promises its false alarms for one look. The mixture SPRT promises them for any number of looks: its likelihood
ratio is a martingale where nothing differs, and such a one rises to 1 / alpha with probability alpha at most (Ville 1939).
Johari, Koomen, Pekelis and Walsh 2022, Operations Research 70:1806 (first as Johari, Pekelis and Walsh 2015, arXiv 1512.04922).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from simulator.arrays import Floats
from simulator.explain.bottleneck import escalated
from simulator.intervals import Interval, share_interval
from simulator.metrics.summary import Summary
from simulator.phrases import phrase
from simulator.units import percent

#: The false alarms that both tests promise.
ALPHA = 0.05
#: The largest exponent that is computed: it is beyond every doubt, and its power of e is still a number.
_LARGEST = 700.0


@dataclass(frozen=True)
class Arms:
    """Successes and trials of two arms after each day, shapes (experiments, days): sums from the first day on."""

    successes: tuple[Floats, Floats]
    trials: tuple[Floats, Floats]

    @property
    def difference(self) -> Floats:
        """The second arm's share minus the first one's."""
        first, second = (hits / count for hits, count in zip(self.successes, self.trials, strict=True))
        return np.asarray(second - first)

    @property
    def variance(self) -> Floats:
        """Of the difference where nothing differs, so with the share of both arms together; 0 before the first success."""
        pooled = sum(self.successes) / sum(self.trials)
        return np.asarray(pooled * (1 - pooled) * sum(1 / count for count in self.trials))


def plain_p(arms: Arms) -> Floats:
    """Return the two-sided p of the z test at each look, as if it were the only one; 1 where nothing was counted."""
    variance = arms.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, np.abs(arms.difference) / np.sqrt(variance), 0.0)
    return np.asarray(2 * ndtr(-z))


def mixture_ratio(difference: Floats, variance: Floats, tau: float) -> Floats:
    """Return the likelihood ratio of a normal difference at each look: any true difference from N(0, tau^2), against none."""
    both = variance + tau**2
    exponent = difference**2 * tau**2 / (2 * variance * both)
    ratio: Floats = np.sqrt(variance / both) * np.exp(np.minimum(exponent, _LARGEST))
    return ratio


def always_valid_p(arms: Arms, tau: float) -> Floats:
    """Return the always valid p after each look: one over the largest ratio so far, at most 1."""
    variance = arms.variance
    safe = np.where(variance > 0, variance, 1.0)
    ratio = np.where(variance > 0, mixture_ratio(arms.difference, safe, tau), 0.0)
    return np.asarray(1 / np.maximum(np.maximum.accumulate(ratio, axis=-1), 1.0))


def first_alarm(p: Floats, alpha: float = ALPHA) -> NDArray[np.int64]:
    """Return the day of the first p of at most alpha, from 1; 0 where there is none. p: shape (experiments, days)."""
    alarms = p <= alpha
    return np.asarray(np.where(alarms.any(-1), alarms.argmax(-1) + 1, 0), np.int64)


#: A/A experiments, and as many with a difference.
EXPERIMENTS = 1000
SEED = 0

Days = NDArray[np.int64]


@dataclass(frozen=True)
class FieldShare:
    """A share of all people that the field shows at once, without a label of those who were cleared.

    usual, new: in the design in service, and in the canary's
    """

    label: str
    usual: float
    new: float

    @property
    def difference(self) -> float:
        return self.new - self.usual


def field_shares(usual: Summary, new: Summary) -> list[FieldShare]:
    """Return the people referred and the positives found, as shares of all people of each design."""
    scenario = usual.plan.scenario
    who = scenario.population
    assert who is not None
    labels = f"{scenario.who.many} {who.escalated}", f"{who.positives} {who.detected}, of all {scenario.who.many}"
    shares = zip(labels, _shares(usual), _shares(new), strict=True)
    return [FieldShare(label, before, after) for label, before, after in shares]


def _shares(summary: Summary) -> tuple[float, float]:
    flows = summary.flows
    referred = escalated(summary.plan.scenario, flows)
    found = referred & flows["positive"] & flows["detected"]
    total = float(flows["count"].sum())
    referrals, finds = (float(flows.loc[rows, "count"].sum()) / total for rows in (referred, found))
    return referrals, finds


def people_a_day(summary: Summary) -> float:
    return float(summary.flows["count"].sum()) / summary.plan.scenario.run.days


@dataclass(frozen=True)
class Canary:
    """An experiment: people a day, the share of them that gets the new design, and the days that it lasts at most."""

    people: float
    share: float
    days: int

    def arms(self, usual: float, new: float, experiments: int, seed: int) -> Arms:
        """Draw both arms of many experiments; usual, new: the true share of each arm."""
        rng, shape = np.random.default_rng(seed), (experiments, self.days)
        trials = [rng.poisson(self.people * part, shape) for part in (1 - self.share, self.share)]
        hits = [rng.binomial(count, share) for count, share in zip(trials, (usual, new), strict=True)]
        (first, second), (tried, other) = (
            [np.cumsum(count, axis=1).astype(float) for count in counts] for counts in (hits, trials)
        )
        return Arms((first, second), (np.maximum(tried, 1), np.maximum(other, 1)))


@dataclass(frozen=True)
class DailyLooks:
    """The first alarm of each experiment, as a day from 1, and 0 without one; shapes (experiments,).

    once, daily: of the plain test, looked at on the last day only, and every day; sequential: of the mixture SPRT
    """

    days: int
    once: Days
    daily: Days
    sequential: Days

    def by_test(self) -> dict[str, Days]:
        return {
            "plain test, last day only": self.once,
            "plain test, every day": self.daily,
            "sequential test, every day": self.sequential,
        }


def looks_at(arms: Arms, tau: float) -> DailyLooks:
    plain = plain_p(arms)
    days = plain.shape[1]
    last = np.where(plain[:, -1] <= ALPHA, days, 0)
    return DailyLooks(days, last, first_alarm(plain), first_alarm(always_valid_p(arms, tau)))


@dataclass(frozen=True)
class CanaryReport:
    """The effect of daily looks on one share of the field.

    same: experiments in which both arms get the design in service; apart: those with the difference
    tau: the standard deviation of the differences that the sequential test is tuned to
    """

    of: FieldShare
    canary: Canary
    tau: float
    same: DailyLooks
    apart: DailyLooks

    def table(self) -> pd.DataFrame:
        """Return a row a test: false alarms, power, and the median day of a decision, NaN where few end with one."""
        rows = []
        for (test, false), true in zip(self.same.by_test().items(), self.apart.by_test().values(), strict=True):
            found = true[true > 0]
            alarms, power = alarm_share(false), alarm_share(true)
            decided = float(np.median(found)) if 2 * len(found) > len(true) else float("nan")
            rows.append(
                {"test": test, "false_alarms": alarms.value, "false_low": alarms.low, "false_high": alarms.high}
                | {"power": power.value, "power_low": power.low, "power_high": power.high, "days_to_decision": decided}
            )
        return pd.DataFrame(rows)


def alarm_share(first: Days) -> Interval:
    return share_interval(int((first > 0).sum()), len(first))


def canary_report(of: FieldShare, canary: Canary, experiments: int = EXPERIMENTS, seed: int = SEED) -> CanaryReport:
    """Run A/A and A/B experiments; a share without a difference is tuned to a tenth of itself, and then has no power."""
    tau = abs(of.difference) or of.usual / 10
    same = looks_at(canary.arms(of.usual, of.usual, experiments, seed), tau)
    apart = looks_at(canary.arms(of.usual, of.new, experiments, seed + 1), tau)
    return CanaryReport(of, canary, tau, same, apart)


def canary_sentences(report: CanaryReport) -> list[str]:
    """Say what daily looks do to the plain test, and that the sequential one keeps its promise."""
    by_test = {str(row["test"]): row for row in report.table().to_dict("records")}
    daily, sequential = by_test["plain test, every day"], by_test["sequential test, every day"]
    experiments, days, of = len(report.same.daily), report.canary.days, report.of
    decided = sequential["days_to_decision"]
    return [
        phrase("canary.daily", experiments=experiments, days=days, false=daily["false_alarms"]),
        phrase("canary.sequential", false=sequential["false_alarms"]),
        phrase("canary.power", label=of.label, usual=of.usual, new=of.new, decides=decided == decided, days=decided),
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
