"""The time at which a curveball strikes: its own, a suggested one, or that of a call."""

import pytest

from simulator.case.document import ScenarioError
from simulator.engine.plan import strike_times
from tests.builders import pool, scenario
from tests.case.test_curveballs import ball


def test_a_curveball_strikes_at_its_own_time_at_a_clocks_or_on_call():
    run = {"starts_at": "08:00", "days": 1, "drain_days": 1, "replications": 2}
    balls = {
        "timed": {"kind": "traffic", "label": "A", "times": 2, "at_s": 60},
        "clock": {"kind": "traffic", "label": "B", "times": 2, "at": "07:00"},
        "called": {"kind": "traffic", "label": "C", "times": 2},
    }
    made = scenario({"p": pool()}, run=run, curveballs=balls)
    assert strike_times(made, {}) == {"timed": 60, "clock": 23 * 3600}
    assert strike_times(made, {"called": 5, "timed": 7, "clock": None}) == {"timed": 7, "clock": 23 * 3600, "called": 5}
    with pytest.raises(ScenarioError, match="no time of its own; say when, such as called@43200"):
        strike_times(made, {"called": None})
    with pytest.raises(ScenarioError, match="did you mean 'called'"):
        strike_times(made, {"caled": 1})
    with pytest.raises(ScenarioError, match="before 86,400 s"):
        strike_times(made, {"called": 90_000})


@pytest.mark.parametrize("suggested", [{"suggested_at_s": 82_800}, {"suggested_at": "07:00"}])
def test_a_suggested_time_does_not_strike_by_itself_and_is_the_one_of_a_call_without_a_time(suggested):
    run = {"starts_at": "08:00", "days": 1, "drain_days": 1, "replications": 2}
    balls = {"rush": {"kind": "traffic", "label": "A", "times": 2} | suggested}
    made = scenario({"p": pool()}, run=run, curveballs=balls)
    assert strike_times(made, {}) == {}
    assert strike_times(made, {"rush": None}) == {"rush": 82_800}
    assert strike_times(made, {"rush": 7}) == {"rush": 7}
    assert made.curveballs["rush"].usual_time(made) == 82_800


def test_the_usual_time_is_the_author_s_or_halfway():
    balls = {"timed": {"kind": "traffic", "label": "A", "times": 2, "at_s": 60}, "called": ball("traffic", times=2)["ball"]}
    made = scenario({"p": pool()}, seconds=100, curveballs=balls)
    assert [one.usual_time(made) for one in made.curveballs.values()] == [60, 50]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ({"at_s": 1, "suggested_at_s": 2}, "give at_s or suggested_at_s, not both"),
        ({"suggested_at": "08:00", "suggested_at_s": 2}, "give suggested_at_s or suggested_at, not both"),
        ({"suggested_at_s": 1_000}, "ball.suggested_at_s: should strike from 0 s on and before 100 s"),
    ],
)
def test_a_suggested_time_that_cannot_be_is_refused_at_its_place(times, message):
    with pytest.raises(ScenarioError) as caught:
        scenario({"p": pool()}, curveballs={"ball": {"kind": "traffic", "label": "A", "times": 2} | times})
    assert message in str(caught.value)
