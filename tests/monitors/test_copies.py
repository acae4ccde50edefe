"""Rows that come several times in any order: copies are seen, named and kept together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.monitor_tables import MonitoredTable


def week(rng: np.random.Generator, times: int, shift: float = 0.0, digits: int = 15, rows: int = 300) -> MonitoredTable:
    """Independent rows, each `times` times, shuffled."""
    values = np.repeat(rng.normal(50 + shift, 1, rows).round(digits), times)
    return MonitoredTable("a week", pd.DataFrame({"brightness": rng.permutation(values)}))


def reported(seed: int, times: int, shift: float = 0.0, digits: int = 15):
    rng = np.random.default_rng([seed, 52])
    return compare(week(rng, times, digits=digits), week(rng, times, shift, digits), ReportRequest())


def test_copies_are_named_and_count_once():
    found = reported(1, 5)
    assert any("80% of the rows of the reference are exact copies" in note for note in found.notes)
    assert found.findings[0].answer.independent[0] == pytest.approx(300, rel=0.25)
    assert reported(1, 5, shift=0.6).differing


@pytest.mark.parametrize(("times", "digits"), [(1, 15), (1, 1), (1, 2)])
def test_equal_values_by_chance_are_no_copies(times: int, digits: int):
    assert not any("copies" in note for note in reported(1, times, digits=digits).notes)


@pytest.mark.long
@pytest.mark.parametrize("times", [2, 5])
def test_quiet_weeks_of_copies_stay_quiet(times: int):
    weeks = 400
    claims = sum(bool(reported(seed, times).differing) for seed in range(weeks))
    print(f"{times} copies: {claims} of {weeks}")
    assert binom.ppf(0.005, weeks, 0.05) <= claims <= binom.ppf(0.995, weeks, 0.05)
