"""Before an incident: what it is about, and the pager."""

from __future__ import annotations

import re

import streamlit as st

from simulator.analysis.incidents.actions import Action, WaitAction, WatchAction
from simulator.errors import InputError
from simulator.scenario import Scenario
from simulator.scenario.incident.schema import Watch
from simulator.ui.incident.games import games
from simulator.ui.incident.monitors import editor
from simulator.ui.widgets import plain


def start(scenario: Scenario) -> None:
    """Take the pager, or choose first what is watched."""
    assert scenario.incident is not None
    st.markdown(_opening(scenario.brief))
    st.markdown(
        f"Something will ring, and {len(scenario.incident.causes)} things may be behind it. Look closer, which takes time and "
        "money; say what it is and how sure you are; put it right. The stream goes on meanwhile."
    )
    if st.button("Take the pager", key="pager", type="primary"):
        _begin(scenario, [])
    with st.expander("Choose what is watched first", key="first_watches", width=720):
        watches = editor(scenario, scenario.incident.watches, f"start:{scenario.id}")
        if st.button("Take the pager with these monitors", key="pager_watching"):
            _begin(scenario, _watching(scenario, watches))


def _opening(brief: str) -> str:
    """The first two sentences of what a person is told."""
    first = " ".join(brief.split("\n\n")[0].split())
    return " ".join(re.split(r"(?<=[.!?])\s+", first)[:2])


def _watching(scenario: Scenario, watches: list[Watch]) -> list[Action]:
    assert scenario.incident is not None
    return [] if watches == scenario.incident.watches else [WatchAction(kind="watch", watches=watches)]


def _begin(scenario: Scenario, actions: list[Action]) -> None:
    """A new incident, which begins with the first ring."""
    try:
        name = games().begin(scenario, [*actions, WaitAction(kind="wait")])
    except InputError as error:
        st.error(plain(str(error)))
        return
    st.query_params.from_dict({"case": scenario.id, "incident": name})
    st.rerun()
