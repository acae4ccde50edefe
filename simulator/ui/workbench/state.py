"""What a person has set up, by case: the values of the widgets. Nothing of one case is seen by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from simulator.scenario import Scenario
from simulator.scenario.choices import Choice, Number, Pick

#: A widget's value survives a change of page.
KEPT: dict[str, Any] = {"persist_state": "session"}


def key(case: str, name: str) -> str:
    """The key of a widget of a case: of a choice, or of `seed`, `replications` and `live`."""
    return f"{case}:{name}"


def get(scenario: Scenario, name: str, default: Any = None) -> Any:
    """What a widget of a case holds."""
    return st.session_state.get(key(scenario.id, name), default)


def put(
    scenario: Scenario,
    picks: Mapping[str, Pick],
    seed: int | None = None,
    replications: int | None = None,
    strikes: Mapping[str, float | None] | None = None,
) -> None:
    """Set a whole design: picks that are missing go to their defaults, what is None stays.

    To be called from a callback, or before the widgets are drawn. Raises ValueError for a pick that is not offered.
    """
    read = {name: _value(choice, picks.get(name, choice.default)) for name, choice in scenario.choices.items()}
    values = read | {"seed": seed, "replications": replications, "strikes": None if strikes is None else dict(strikes)}
    for name, value in values.items():
        if value is not None:
            st.session_state[key(scenario.id, name)] = value


def _value(choice: Choice, pick: Pick) -> Pick:
    if isinstance(choice, Number) and choice.values is None:
        return choice.like(choice.read(pick))
    return choice.read(pick)


def fit(scenario: Scenario) -> None:
    """Set choices that hold no pick, or one that is not offered, to their defaults: the file of the case may have changed."""
    for name, choice in scenario.choices.items():
        try:
            choice.read(get(scenario, name, ""))
        except ValueError:
            st.session_state[key(scenario.id, name)] = _value(choice, choice.default)


def step(scenario: Scenario, picks: Mapping[str, Pick], choice: str, pick: Pick) -> None:
    """One choice at another pick, all others as in `picks`: what a button "Take this step" calls."""
    put(scenario, {**picks, choice: pick})
