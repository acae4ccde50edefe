"""The design that the user has set up, by case: the values of the widgets. Cases do not share values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from simulator.app.links import read, written
from simulator.case.choices import Choice, Number, Pick
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan

#: A widget's value survives a change of page.
KEPT: dict[str, Any] = {"persist_state": "session"}


def key(case: str, name: str) -> str:
    """Return the key of a widget: of a choice, or of `seed`, `replications` and `live`."""
    return f"{case}:{name}"


def get(scenario: Scenario, name: str, default: Any = None) -> Any:
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
    """Set one choice to another pick, all others as in `picks`; a callback of buttons such as "Take this step"."""
    put(scenario, {**picks, choice: pick})


def arrive(scenario: Scenario) -> list[str]:
    """Set the design of the address, if there is one; return a sentence for each part that could not be read.

    Called before the widgets are drawn.
    """
    address = {name: st.query_params.get_all(name) for name in st.query_params}
    complaints = key(scenario.id, "complaints")
    if get(scenario, "seed") is None or (_stepped() and "case" in address):
        asked = read(scenario, address)
        put(scenario, asked.picks, asked.seed, asked.replications, asked.strikes)
        st.session_state[complaints] = asked.complaints
        st.session_state.pop(key(scenario.id, "address"), None)
    return list(st.session_state.get(complaints, []))


def write(plan: Plan, seed: int, replications: int) -> None:
    """Write this design to the address; a changed address clears complaints about the previous one."""
    address, name = written(plan, seed, replications), key(plan.scenario.id, "address")
    before = st.session_state.get(name)
    if before is not None and before != address:
        st.session_state.pop(key(plan.scenario.id, "complaints"), None)
    st.session_state[name] = address
    st.query_params.from_dict(address)


def _stepped() -> bool:
    """Return whether this run of the page follows a step back or forward in the browser."""
    context = get_script_run_ctx()
    return bool(context and context.is_history_navigation)
