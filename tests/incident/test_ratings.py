"""Ratings of an incident: after the reveal alone, in its log, and beside the level that the log decides."""

import pytest

from simulator.app.store.incident_log import Hidden, Incidents
from simulator.errors import InputError
from simulator.incident.player_actions import CloseAction, DiagnoseAction, WaitAction
from simulator.incident.sessions import GameError, Games
from tests.incident.plays import case

CASE = case()
SIGNAL = "evidence"


@pytest.fixture
def store(tmp_path):
    return Incidents(f"sqlite:///{tmp_path / 'kept.db'}")


def test_a_rating_is_refused_before_the_reveal_and_kept_after_it(store):
    room = Games(store)
    named = DiagnoseAction(kind="diagnose", cause="overload", confidence=0.9)
    name = room.begin(CASE, [WaitAction(kind="wait", hours=6), named], Hidden(3, "overload", "abrupt"))
    with pytest.raises(GameError, match="Close the incident first"):
        room.rate(name, CASE, SIGNAL, "weak")
    assert store.get(name).ratings == {}
    room.act(name, CASE, CloseAction(kind="close"))
    room.rate(name, CASE, SIGNAL, "weak")
    room.rate(name, CASE, SIGNAL, "very_weak")
    game = Games(store).find(name, CASE)  # as after a restart of the server
    assert game.ratings == {SIGNAL: "very_weak"} and game.revealed and len(game.notes) == 3
    with pytest.raises(InputError, match="the incident is over"):
        room.act(name, CASE, WaitAction(kind="wait", hours=1))
