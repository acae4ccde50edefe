"""The address of the page: read when a case is opened or the person goes back or forward, written after every change.

Each address that differs from the one before is a step in the browser's history. While a change is on its way, the browser
still sends the address of before, so that the widgets say what is asked, except after a step back or forward.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from simulator.scenario import Scenario
from simulator.serving.plan import Plan
from simulator.ui.links import read, written
from simulator.ui.workbench.state import get, key, put


def arrive(scenario: Scenario) -> list[str]:
    """Set the design that the address asks for, where it is asked; what could not be read, a sentence each.

    To be called before the widgets are drawn.
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
    """Have the address carry this design; complaints about the address of before are done with once it changes."""
    address, name = written(plan, seed, replications), key(plan.scenario.id, "address")
    before = st.session_state.get(name)
    if before is not None and before != address:
        st.session_state.pop(key(plan.scenario.id, "complaints"), None)
    st.session_state[name] = address
    st.query_params.from_dict(address)


def _stepped() -> bool:
    """Whether this run of the page answers a step back or forward in the browser."""
    context = get_script_run_ctx()
    return bool(context and context.is_history_navigation)
