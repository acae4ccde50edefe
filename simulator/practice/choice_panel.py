"""The choices of a case at the side of the page: those that matter most first, the rest folded under their group."""

from __future__ import annotations

import streamlit as st

from simulator.app.design_state import KEPT, get, key
from simulator.app.widgets import plain
from simulator.case.choices import Choice, Pick
from simulator.case.schema import Scenario
from simulator.panels.choice_widget import choice_widget
from simulator.practice.design_runs import design_changed

#: The heading of the choices that the brief sets, and its explanation.
SITUATION, SET_BY_BRIEF = "Situation", "The brief sets these. After a change, no verdict counts."


def form(scenario: Scenario) -> None:
    """Show every choice as a widget, those of the situation last and under a heading of their own."""
    own = {name: choice for name, choice in scenario.choices.items() if not choice.situation}
    situation = {name: choice for name, choice in scenario.choices.items() if choice.situation}
    _widgets(scenario, own, "group")
    if situation:
        st.markdown(f"**{SITUATION}**")
        st.caption(SET_BY_BRIEF)
        _widgets(scenario, situation, "situation")


def picks_of(scenario: Scenario) -> dict[str, Pick]:
    """Return the picks of the widgets, which exist once the address was read."""
    return {name: get(scenario, name) for name in scenario.choices}


def _widgets(scenario: Scenario, choices: dict[str, Choice], fold: str) -> None:
    for name, choice in choices.items():
        if not choice.folded:
            _widget(scenario, name, choice, ())
    for group in dict.fromkeys(choice.group for choice in choices.values() if choice.folded):
        folded = {name: choice for name, choice in choices.items() if choice.folded and choice.group == group}
        fragment = f"{fold}:{group}"
        st.fragment(_group, key=fragment)(scenario, folded, fragment)


def _group(scenario: Scenario, folded: dict[str, Choice], fragment: str) -> None:
    label = f"{plain(next(iter(folded.values())).group)}{_changed(scenario, folded)}"
    with st.expander(label, key=key(scenario.id, fragment)):
        for name, choice in folded.items():
            _widget(scenario, name, choice, (fragment,))


def _changed(scenario: Scenario, folded: dict[str, Choice]) -> str:
    count = sum(get(scenario, name) not in (None, choice.read(choice.default)) for name, choice in folded.items())
    return f": {count} changed" if count else f" ({len(folded)})"


def _widget(scenario: Scenario, name: str, choice: Choice, fragments: tuple[str, ...]) -> None:
    """Show a choice; fragments: those that its change draws again besides the ones that show the design."""
    choice_widget(choice, key=key(scenario.id, name), on_change=design_changed, args=(scenario, *fragments), **KEPT)
