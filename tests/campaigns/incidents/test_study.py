"""The curve of a monitor, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from campaigns.incidents.study import Watched, failing_seeds, false_windows, summary_of, trade_off
from simulator.case.load import load
from simulator.incident.secret import DAY_S

DAYS = np.arange(8, 15) * DAY_S  # seven windows, known at the ends of days 8 to 14


def watched(scores, onset_day=np.inf):
    return Watched(DAYS, np.array(scores, float), onset_day * DAY_S, weeks=1.0)


def test_alarms_are_counted_once_a_day_and_delays_from_the_onset():
    calm = [watched([0, 5, 5, 0, 0, 0, 0]), watched([0, 0, 0, 0, 0, 0, 0])]
    late = [watched([9, 0, 0, 0, 9, 9, 9], 10), watched([0, 0, 0, 0, 0, 0, 4], 10), watched([0, 0, 9, 0, 0, 0, 0], 9.5)]
    rows = trade_off(calm, late, 15 * DAY_S, np.array([3.0, 6.0])).set_index("threshold")
    # two alarms in the first week that was watched, none in the second
    assert rows.loc[3.0, "alarms_a_week"] == pytest.approx(1.0)
    assert rows.loc[6.0, "alarms_a_week"] == 0.0
    # the alarm of day 8 came before the onset; the others 48, 96 and 12 hours after it
    assert rows.loc[3.0, "delay_h"] == pytest.approx(48)
    assert rows.loc[3.0, "caught"] == 1.0
    assert rows.loc[6.0, "caught"] == pytest.approx(2 / 3)


def test_the_median_delay_of_incidents_that_are_mostly_missed_is_never():
    late = [watched([0] * 7, 10), watched([0] * 7, 10), watched([0, 0, 0, 9, 0, 0, 0], 10)]
    rows = trade_off([watched([0] * 7)] * 2, late, 15 * DAY_S, np.array([3.0]))
    assert rows["delay_h"].iloc[0] == np.inf


def test_false_windows_are_a_share_over_runs():
    found = false_windows([watched([0, 5, 5, 0, 0, 0, 0]), watched([0] * 7)], 3.0)
    assert found.value == pytest.approx(1 / 7)
    assert found.low < 1 / 7 < found.high


def test_seeds_of_incidents_are_those_whose_cause_does_harm():
    spec = load("production-drift").incident
    assert spec is not None
    seeds = failing_seeds("production-drift", 20)
    assert len(seeds) == 20
    assert seeds == sorted(set(seeds))


def test_a_summary_has_each_player_over_all_first():
    rows = pd.DataFrame(
        {
            "player": ["a", "a", "b"],
            "cause": ["x", "y", "x"],
            "shape": "abrupt",
            "right": [True, False, True],
            "brier": [0.0, 0.5, 0.1],
            "detected_h": [1.0, 3.0, 2.0],
            "diagnosed_h": [2.0, np.nan, 4.0],
            "mitigated_h": [2.0, np.nan, 4.0],
            "wrong_fixes": [0, 1, 0],
            "usd": [10.0, 20.0, 30.0],
            "total_usd": [15.0, 30.0, 40.0],
            "kept": [0.1, 1.0, 0.2],
        }
    )
    table = summary_of(rows).set_index("who")
    assert list(table.index)[:2] == ["a / all", "b / all"]
    assert table.loc["a / all", "hits"] == 0.5
    assert table.loc["a / all", "diagnosed_h"] == 2.0
    assert table.loc["a / all", "usd"] == 15.0
    # Clopper and Pearson: one of two
    assert table.loc["a / all", "low"] == pytest.approx(0.0126, abs=1e-4)
