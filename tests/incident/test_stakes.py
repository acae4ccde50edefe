"""Stakes: expected costs and the value of a look by hand; courses in hindsight and regret."""

import numpy as np
import pytest

from simulator.case.load import load
from simulator.incident.beliefs import load_beliefs, minutes_of, questions
from simulator.incident.hindsight import KNOWING, courses, regret
from simulator.incident.incident_score import score
from simulator.incident.play import Play
from simulator.incident.player_actions import read_actions
from simulator.incident.secret import draw, spec_of
from simulator.incident.stakes import Stakes

CASE = load("production-drift")
SPEC = spec_of(CASE)
BELIEFS = load_beliefs(CASE)
STAKES = Stakes.of(CASE, SPEC, BELIEFS)
DAYS = 20.0


def only(cause):
    """All of the probability on the shapes of one cause."""
    shares = np.array([name == cause for name in BELIEFS.causes], float)
    return shares / shares.sum()


def test_the_cost_of_a_fix_is_its_price_and_the_harm_that_it_leaves():
    costs = dict(zip(STAKES.fixes, STAKES.costs(only("swapped_colours"), DAYS), strict=True))
    a_day = float(STAKES.rate @ only("swapped_colours"))
    assert a_day > 0
    assert costs["nothing"] == pytest.approx(a_day * DAYS)
    hour = SPEC.fixes["roll_back"].minutes / 1440
    assert costs["roll_back"] == pytest.approx(SPEC.fixes["roll_back"].usd + a_day * hour, rel=0.02)
    assert STAKES.best_fix(only("swapped_colours"), DAYS) == "roll_back"
    assert STAKES.best_fix(only("guideline"), DAYS) == "nothing"


def test_a_look_that_cannot_change_the_fix_is_worth_less_than_its_price():
    """A cause that is known leaves nothing to learn: a look costs its price and the harm while it lasts."""
    known = only("swapped_colours")
    look = questions(SPEC)["counters"]
    minutes, usd = SPEC.look_cost(SPEC.looks[look.look], look.frames)
    harm = float(STAKES.rate @ known) * minutes / 1440
    assert STAKES.gain("counters", look, known, DAYS, ahead=False) == pytest.approx(-usd - harm)
    assert minutes_of(SPEC, look) == minutes + 10


def test_a_look_that_tells_two_causes_apart_is_worth_its_price():
    doubt = (only("overload") + only("raised_threshold")) / 2
    assert STAKES.gain("counters", questions(SPEC)["counters"], doubt, DAYS, ahead=False) > 0


def test_what_a_sure_fix_ended_counts_as_nothing():
    after = BELIEFS.by_cause(STAKES.after("roll_back", (only("swapped_colours") + only("fog_season")) / 2))
    assert after["nothing"] == pytest.approx(0.5) and after["fog_season"] == pytest.approx(0.5)


def test_doing_nothing_and_knowing_the_cause_stand_beside_a_total():
    secret = draw(CASE, 3, "blurred_camera", "abrupt")
    closed = Play(CASE, secret, read_actions([{"kind": "watch", "watches": []}, {"kind": "close"}]))
    totals = courses(CASE, secret)
    assert totals["nothing"] == pytest.approx(score(closed).total_usd)
    assert totals[KNOWING] < totals["nothing"]
    assert regret(totals["nothing"], totals) == pytest.approx(totals["nothing"] - min(totals.values()))
    assert regret(0.0, totals) == 0
