"""The weakest signal is the lowest level, the log's before the person's, and an exercise is reached by its rule."""

import pytest

from simulator.session.next_steps import EXERCISES, goal_reached, known_levels, nothing_done, weakest
from simulator.session.session_events import PhaseBegun, SelfRated, SessionEnded
from simulator.session.session_signals import SIGNALS
from simulator.session.signal_rules import RULES
from tests.session.session_bots import case, played_session
from tests.session.test_signal_rules import FRAMED, HEAD, change, played, run


def rated(**levels):
    return [SessionEnded(), *(SelfRated(signal=name, level=level) for name, level in levels.items())]


def test_each_signal_has_an_exercise_whose_rules_are_there():
    assert list(EXERCISES) == [signal.name for signal in SIGNALS]
    rules = {rule.name: rule for rule in RULES}
    for exercise in EXERCISES.values():
        assert all(rules[name].level == "strong" for name in exercise.reached_by)
        assert all(rules[name].level == "very_weak" for name in exercise.avoids)


def test_the_log_s_level_goes_before_the_person_s_and_the_first_of_equals_is_trained():
    state = played(*FRAMED, *run(), *rated(framing="very_weak", data="weak", communication="weak"))
    assert known_levels(case(HEAD.case), state)["framing"] == "strong"
    assert weakest(case(HEAD.case), state) == ("serving", True)  # nothing was done for it: very weak by the log
    assert weakest(case(HEAD.case), played(*rated(model="weak", safety="weak"))) == ("model", True)


def test_a_strong_signal_is_never_the_weakest_one():
    state = played(*FRAMED, change("replicas", 3), change("quality_gate", "lenient"), change("on_timeout", "message"), *run())
    assert known_levels(case(HEAD.case), state) == {"framing": "strong"}
    assert weakest(case(HEAD.case), state) == ("model", False)  # no change, no panel, no question
    every = {signal.name: "strong" for signal in SIGNALS}
    assert weakest(case(HEAD.case), played(*FRAMED, *rated(**every))) == ("model", False)  # the questions served other phases


def test_an_empty_session_leads_to_the_first_signal_and_a_visit_fills_none():
    empty = played(PhaseBegun(phase="frame"), PhaseBegun(phase="data"), SessionEnded())
    assert nothing_done(empty)
    assert weakest(case(HEAD.case), empty) == ("framing", False)
    assert not nothing_done(played(change("replicas", 3)))


@pytest.mark.parametrize(
    ("signal", "reference", "naive"), [("framing", True, False), ("data", True, False), ("communication", None, None)]
)
def test_a_goal_is_reached_by_the_bot_that_does_it(signal, reference, naive):
    for bot, reached in (("reference", reference), ("naive", naive)):
        assert goal_reached(case("retry-storm"), played_session("retry-storm", bot, 1), signal) is reached
