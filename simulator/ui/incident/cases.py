"""Which case, and which incident of it, an address asks for."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from simulator.analysis.incidents.play import Play
from simulator.errors import InputError
from simulator.scenario import Scenario, scenario_ids
from simulator.ui.incident.games import Game, games
from simulator.ui.incident.replay import unpacked
from simulator.ui.own_cases import case_now, follow, tell
from simulator.ui.widgets import plain


def chosen_case() -> Scenario | None:
    """The case of the address, else the first one, of those that have an incident; None: there is none."""
    follow()
    found, faults = {}, []
    for case in scenario_ids():
        scenario, mine = case_now(case)
        faults += mine
        if scenario is not None and scenario.incident is not None:
            found[case] = scenario
    if faults:
        tell(faults, None)
    wanted = st.query_params.get("case")
    if wanted is not None and wanted not in found:
        st.warning(f"There is no incident of a case “{plain(wanted)}”.")
    if len(found) > 1 and wanted not in found:
        wanted = st.selectbox("Case", list(found), format_func=lambda case: found[case].title, key="incident_case")
    return found.get(wanted or "", next(iter(found.values()), None))


def asked_incident(scenario: Scenario) -> Game | None:
    """The incident of the address as it stands; None, with a sentence where need be: there is none."""
    name = st.query_params.get("incident")
    if name is None:
        return None
    try:
        game = games().find(name, scenario)
    except InputError as error:
        st.error(plain(str(error)))
        return None
    return _replayed(game)


def _replayed(game: Game) -> Game:
    """The incident with the actions of the address in place of its own, once nothing of it is secret any more."""
    carried = st.query_params.get("actions")
    if carried is None or not game.revealed:
        return game
    try:
        play = _play_of(game, carried)
    except InputError as error:
        st.warning(plain(f"{error}. This is the incident as it was played."))
        return game
    return replace(game, play=play, now_s=play.now_s, notes=tuple(play.notes), usd=play.usd, labels=play.labels)


def _play_of(game: Game, carried: str) -> Play:
    return Play(game.scenario, game.play.secret, unpacked(carried))
