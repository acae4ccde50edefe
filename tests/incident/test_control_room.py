"""Charts and sentences of the control room: nothing of the future, and numbers with their units."""

import zlib
from base64 import urlsafe_b64encode
from functools import partial

import numpy as np
import pytest

from simulator.case.load import load
from simulator.incident.incident_charts import MonitorMarks, monitor, reading
from simulator.incident.incident_score import DebriefStep, Excess
from simulator.incident.monitoring import Ring, WindowSeries
from simulator.incident.player_actions import ActionError, LookAction, WaitAction
from simulator.incident.reveal import harm, looks
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.sessions import MOST, packed, unpacked
from simulator.incident.watches import Watch
from simulator.incident.wording import first_moves, hours, moment, price

CASE = load("production-drift")
FOUND = Watch(statistic="found", at=5)


def series(watch=FOUND, late_s=0.0, rings=(9,)):
    """Twelve days of a window each, the value being its number."""
    ends, count = np.arange(1, 13) * DAY_S, 12
    rung = np.isin(np.arange(count), rings)
    return WindowSeries(watch, "all", ends, ends + late_s, np.arange(count, dtype=float), np.zeros(count), rung, (0.0, 8.0))


def drawn(day):
    """The chart of the series as it is known on that day."""
    return monitor(FOUND, [series().until(day * DAY_S)], marks(day), partial(moment, CASE))


def marks(day):
    return MonitorMarks(28 * DAY_S, day * DAY_S, (8 * DAY_S,))


def test_a_picture_its_table_and_its_words_end_where_a_person_knows_no_more():
    chart = drawn(8)
    assert max(chart.figure.data[0].x) == 9  # the midnight after eight days
    assert len(chart.table) == 8
    assert "7.00, usually 0 to 8.00" in chart.takeaway
    assert "rings" not in chart.takeaway


def test_labels_are_known_when_they_are_there_not_when_their_window_ends():
    late = series(late_s=2 * DAY_S).until(8 * DAY_S)
    assert len(late.day) == 6


def test_what_rings_says_so_for_a_day_and_that_it_rang_afterwards():
    at = {day: drawn(day).takeaway for day in (9, 10, 12)}
    assert "It rings." not in at[9]
    assert "It rings." in at[10]
    assert "It rang before." in at[12]


def test_before_the_first_window_nothing_is_known():
    none = series().until(0.0)
    assert reading([none], marks(0)) == "nothing is known yet"
    assert drawn(0).takeaway.endswith("nothing is known yet.")


def test_the_usual_range_of_a_share_goes_no_farther_than_shares_do():
    watch = Watch(statistic="dropped", window_h=6)
    shares = WindowSeries(watch, "all", *(np.array([DAY_S]),) * 2, np.array([0.0]), np.zeros(1), np.zeros(1, bool), (-0.2, 0.2))
    assert reading([shares.until(2 * DAY_S)], marks(2)) == "0.0%, usually 0.0% to 20.0%"


def test_harm_by_day_is_that_of_the_frames_of_the_day():
    at_s = np.array([0.5, 1.5, 1.6, 27.9]) * DAY_S
    went, untouched = Excess(at_s, np.array([1.0, 2.0, 3.0, 0.0])), Excess(at_s, np.array([1.0, 2.0, 3.0, 40.0]))
    chart = harm(went, untouched, 28 * DAY_S, [("it begins", DAY_S)])
    assert list(chart.table.iloc[1])[1:] == [5.0, 5.0]
    assert "40.0 weighted objects less" in chart.takeaway
    same = harm(went, went, 28 * DAY_S, [])
    assert same.takeaway == "The harm was 6.00 weighted objects, the same as without any action."


def test_looks_stand_beside_the_best_ones_of_their_moment():
    steps = [
        DebriefStep("What rang", 0.0, 0.4, "Replay", 1.2, "found", 0.1),
        DebriefStep("Replay", HOUR_S, None, "Log", 0.9, "same", 0.8),
    ]
    chart = looks(steps, lambda at_s: moment(CASE, at_s))
    assert [list(bar.x) for bar in chart.figure.data] == [[1.2, 0.9], [0.4, 0]]
    assert "80%" in chart.takeaway


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0, "2.00 over 24 h, below the usual 3.00 to 5.00"),
        (7.5, "7.50 over 24 h, above the usual"),
        (4.0, "the usual range is"),
    ],
)
def test_what_rang_says_its_value_and_the_usual_range(value, expected):
    assert expected in Ring(0.0, FOUND, "all", value, (3.0, 5.0)).sentence()


def test_a_ring_by_p_says_below_which():
    watch = Watch(statistic="brightness", test="ks", rings="p", at=0.01, by="site")
    sentence = Ring(0.0, watch, "Depot", 0.2, (np.nan, np.nan)).sentence()
    assert sentence.endswith("(Depot) is 0.200 over 24 h; p is below 0.01.")
    assert watch.line().endswith("KS distance against the first days, p below 0.01, corrected")


def test_times_and_costs_are_read_aloud():
    assert moment(CASE, 0.0) == "day 1, Mon 00:00"
    assert moment(CASE, 12.6 * DAY_S) == "day 13, Sat 14:24"
    assert [hours(seconds) for seconds in (1200, 9000, 7 * DAY_S)] == ["20 min", "2.5 h", "7 days"]
    assert price(*CASE.incident.look_cost(CASE.incident.looks["labels"], 60)) == "90 min, 75 USD"
    assert "read the log of changes" in first_moves(CASE.incident)


def test_actions_come_back_from_a_link_and_rubbish_does_not():
    actions = [WaitAction(kind="wait"), LookAction(kind="look", look="pictures", site="depot")]
    assert unpacked(packed(actions)) == actions
    nested = urlsafe_b64encode(zlib.compress(b"[" * 3000)).decode().rstrip("=")
    for rubbish in ("", "nonsense", packed(actions)[:-9], packed([actions[0]] * (MOST + 1)), nested):
        with pytest.raises(ActionError):
            unpacked(rubbish)
