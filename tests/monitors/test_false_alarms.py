"""Quiet weeks: how often a difference is claimed where there is none, by the plain test and by the one that keeps blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2_contingency, ks_2samp

from simulator.intervals import Interval, share_interval
from simulator.metrics.distances import Cells, cells_of_numbers, chi_squared, ks
from simulator.monitors.blocks import Blocks, block_length, contiguous, grouped, permutation_p, resampling
from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.monitor_tables import MonitoredTable
from tests.monitors.worlds import ar1, scenes

Week = Callable[[np.random.Generator], pd.DataFrame]


def series(rng: np.random.Generator) -> pd.DataFrame:
    """A row every ten minutes of a week that forgets half in about an hour."""
    return pd.DataFrame({"brightness": ar1(rng, 1008, 0.9)})


def dwelling(rng: np.random.Generator) -> pd.DataFrame:
    """80 scenes of 12 rows on average."""
    values, names = scenes(rng, 80, 12)
    return pd.DataFrame({"brightness": values, "scene": names})


def weather(rng: np.random.Generator) -> pd.DataFrame:
    """The same scenes, each with a weather of its own."""
    _, names = scenes(rng, 80, 12)
    return pd.DataFrame({"weather": rng.choice(["clear", "fog", "rain"], 80, p=[0.6, 0.3, 0.1])[names], "scene": names})


def alarms(week: Week, asked: ReportRequest, weeks: int) -> Interval:
    """The share of quiet weeks in which something differs, with its exact 95% interval."""
    claims = 0
    for seed in range(weeks):
        rng = np.random.default_rng([seed, 14])
        reference, production = MonitoredTable("reference", week(rng)), MonitoredTable("production", week(rng))
        claims += bool(compare(reference, production, asked).differing)
    return share_interval(claims, weeks)


def within(found: Interval, weeks: int) -> bool:
    """Whether so many alarms are to be expected of a promise of 5% that is kept: the middle 99% of the binomial."""
    low, high = binom.ppf([0.005, 0.995], weeks, 0.05) / weeks
    return bool(low <= found.value <= high)


def quick_alarms(week: Week, group: str | None, weeks: int) -> tuple[Interval, Interval]:
    """The same of KS or chi-squared alone, without effects: of rows taken for independent, and of blocks."""
    plain = kept = 0
    for seed in range(weeks):
        rng = np.random.default_rng([seed, 14])
        reference, production = week(rng), week(rng)
        first, second = (frame.iloc[:, 0] for frame in (reference, production))
        blocks = grouped(reference[group], production[group]) if group else _contiguous(first, second)
        words = week is weather
        cells = cells_of_words(first, second) if words else cells_of_numbers(first.to_numpy(), second.to_numpy())
        rows = resampling((cells.reference, cells.production), len(cells.support), blocks)
        statistic = chi_squared if words else ks
        kept += permutation_p(float(statistic(*rows.counted)[0]), rows.permuted(statistic, 199, seed)) <= 0.05
        table = np.concatenate(rows.counted)
        told = chi2_contingency(table, correction=False) if words else ks_2samp(first, second, method="asymp")
        plain += told.pvalue <= 0.05
    return share_interval(plain, weeks), share_interval(kept, weeks)


def cells_of_words(reference: pd.Series, production: pd.Series) -> Cells:
    codes, names = pd.factorize(pd.concat([reference, production]), sort=True)
    return Cells(codes[: len(reference)], codes[len(reference) :], np.arange(len(names), dtype=float))


def _contiguous(first: pd.Series, second: pd.Series) -> Blocks:
    sizes = (len(first), len(second))
    return contiguous(sizes, block_length([first.to_numpy()], sizes))


@pytest.mark.long
@pytest.mark.parametrize(("week", "group"), [(series, None), (dwelling, "scene"), (dwelling, None), (weather, "scene")])
def test_the_plain_test_breaks_its_promise_of_5_percent_and_blocks_keep_it(week: Week, group: str | None) -> None:
    plain, kept = quick_alarms(week, group, 200)
    print(f"{week.__name__}, by {group or 'autocorrelation'}: plain {plain}, blocks {kept}")
    assert plain.low > 0.4
    assert within(kept, 200)


@pytest.mark.long
@pytest.mark.parametrize("test", ["ks", "psi", "wasserstein", "cusum"])
@pytest.mark.parametrize(("week", "group"), [(series, None), (dwelling, "scene"), (dwelling, None)])
def test_every_test_keeps_its_promise_over_a_thousand_quiet_weeks(week: Week, group: str | None, test: str) -> None:
    """By autocorrelation a few more are allowed: neighbouring blocks still resemble each other at their edges."""
    kept = alarms(week, ReportRequest(tests=(test,), group=group, columns=("brightness",)), 1000)
    print(f"{test}, {week.__name__}, by {group or 'autocorrelation'}: {kept}")
    assert within(kept, 1000) or (group is None and kept.value <= 0.08)
