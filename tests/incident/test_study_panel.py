"""What many incidents taught, on the screen: each chart says what its table holds."""

import pandas as pd
import pytest

from simulator.case.load import load
from simulator.incident.study_panel import (
    cause_labels,
    delay_curves,
    fixes_by_cause,
    hits_by_cause,
    load_study,
    players_compared,
    promises,
    quickest,
)

STUDY, SPEC = load_study("production-drift"), load("production-drift").incident


def curve(name, *points):
    rows = pd.DataFrame(points, columns=["threshold", "alarms_a_week", "delay_h", "caught"])
    for figure in ("alarms_a_week", "delay_h", "caught"):
        rows[f"{figure}_low"], rows[f"{figure}_high"] = rows[figure], rows[figure]
    return rows.assign(monitor=name, cause="any")


def test_the_quickest_monitor_is_so_at_a_bearable_rate_of_false_alarms():
    slow = curve("slow", (1, 5.0, 2.0, 1.0), (2, 0.2, 30.0, 0.9), (3, 0.0, 50.0, 0.8))
    quick = curve("quick", (1, 0.25, 20.0, 0.7), (2, 0.1, float("inf"), 0.4))
    loud = curve("loud", (1, 9.0, 1.0, 1.0), (2, 8.0, 1.0, 1.0))
    found = quickest(pd.concat([slow, quick, loud]))
    assert list(found["monitor"]) == ["quick", "slow"] and list(found["delay_h"]) == [20.0, 30.0]


def test_a_set_of_monitors_that_miss_most_is_told_so():
    missed = curve("deaf", (1, 0.1, float("inf"), 0.2))
    assert "none of these monitors rings in half" in delay_curves(missed, "any", ["deaf"]).takeaway


@pytest.mark.parametrize("cause", list(STUDY.monitors["cause"].unique()))
def test_curves_of_what_ships_are_drawn_and_told(cause):
    chosen = list(STUDY.monitors["monitor"].unique())[:4]
    chart = delay_curves(STUDY.monitors, cause, chosen)
    assert len(chart.figure.data) == 4
    assert chart.takeaway.startswith("With at most one false alarm in four weeks")
    assert cause_labels(STUDY.monitors, SPEC)[cause]


def test_a_promise_is_told_beside_what_the_worst_monitor_does():
    worst = STUDY.quiet.sort_values("rings").iloc[-1]
    chart = promises(STUDY.quiet)
    assert f"'{worst['monitor']}' rings in {100 * worst['rings']:.0f}%" in chart.takeaway
    assert len(chart.table) == len(STUDY.quiet)


def test_every_fix_and_every_cause_has_its_square():
    chart = fixes_by_cause(STUDY.fixes, SPEC)
    [heat] = chart.figure.data
    assert len(heat.y) == STUDY.fixes["cause"].nunique() and len(heat.x) == STUDY.fixes["fix"].nunique()
    assert "takes away four fifths of the harm of" in chart.takeaway


def test_investigators_are_compared_by_their_share_of_right_answers():
    chart = players_compared(STUDY.players)
    share = STUDY.players.query("player == 'sensible'")["right"].mean()
    assert f"sensible {100 * share:.0f}%" in chart.takeaway
    rows = hits_by_cause(STUDY.players, SPEC, "sensible")
    own = STUDY.players.query("player == 'sensible'")
    assert len(rows) == len(own.groupby(["cause", "shape"]))
