"""Five incidents on one budget of monitors: prices added up by hand."""

from itertools import pairwise

import pytest

from simulator.app.store.incident_log import Hidden, StoredIncident
from simulator.incident.player_actions import read_actions
from simulator.incident.sessions import BUDGET_USD, BudgetError, FiveInARow, affordable, dearest_watches
from tests.incident.plays import case

SPEC = case().incident
ROW = "r" * 22
WAIT = {"kind": "wait"}
CHEAP = {"kind": "watch", "watches": [{"statistic": "bytes"}, {"statistic": "bytes", "by": "site"}]}  # 5 USD: once a figure
DEAR = {"kind": "watch", "watches": [{"statistic": "recall"}, {"statistic": "features"}]}  # 420 and 120 USD
USUAL = 27


def stored(place, *actions, revealed=True, series=ROW):
    hidden = Hidden(series=series, place=place)
    return StoredIncident(f"{place}" * 22, "production-drift", 1, "0" * 12, hidden, list(actions), revealed, 100.0 + place)


def row(*incidents):
    return FiveInARow.of(SPEC, incidents[::-1], ROW)


@pytest.mark.parametrize(
    ("actions", "usd"), [([CHEAP, WAIT], 1), ([WAIT], USUAL), ([CHEAP, WAIT, DEAR], 45), ([WAIT, CHEAP], USUAL), ([], 0)]
)
def test_the_dearest_set_of_an_incident_counts(actions, usd):
    assert dearest_watches(SPEC, read_actions(actions)) == usd


def test_what_one_incident_takes_the_next_ones_lack():
    first, second = stored(1, CHEAP, WAIT), stored(2, DEAR, WAIT, revealed=False)
    five = row(first, second, stored(1, DEAR, series="other"))
    assert [one.hidden.place for one in five.incidents] == [1, 2]
    assert five.left_usd == BUDGET_USD - 46 and five.next_place is None and not five.over
    assert row(first).next_place == 2 and row().next_place == 1
    whole = row(*(stored(place, CHEAP) for place in range(1, 6)))
    assert whole.over and whole.next_place is None


def test_monitors_beyond_the_budget_are_refused_with_what_is_left():
    spent = [stored(place, DEAR, WAIT) for place in (1, 2)]  # 90 of 120 USD
    now = stored(3, CHEAP, WAIT, revealed=False)
    five = row(*spent, now)
    [dear, cheap] = read_actions([DEAR, CHEAP])
    five.check(SPEC, now, cheap)
    five.check(SPEC, now, read_actions([WAIT])[0])
    new = stored(3, revealed=False)
    row(*spent, new).check(SPEC, new, read_actions([{"kind": "watch", "watches": [{"statistic": "recall"}]}])[0])
    with pytest.raises(BudgetError, match="cost 45 USD a week, and 30 USD a week are left"):
        five.check(SPEC, now, dear)


def test_the_monitors_of_the_case_that_still_fit_are_offered():
    prices = [len(affordable(SPEC, usd)) for usd in (0, 2, 6, 7, USUAL)]
    assert prices == [0, 1, 2, 3, 4] and all(one <= other for one, other in pairwise(prices))
