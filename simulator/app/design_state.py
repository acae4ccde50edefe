"""The visitor's design of each case: the values of the widgets, apart for each case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from simulator.app.links import read, written
from simulator.app.live_session import LiveSession
from simulator.app.own_sessions import FIELD, session_log
from simulator.app.widgets import plain
from simulator.case.choices import Choice, Number, Pick
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.errors import InputError
from simulator.session.session_events import PickChanged

#: A widget's value survives a change of page.
KEPT: dict[str, Any] = {"persist_state": "session"}

#: The keys of the tabs of Explore and of Trade-offs. A tab is a part of the address, so that a reload and a link open it again.
EXPLORE_TAB, TRADEOFFS_TAB = "tab", "tradeoffs"

#: The key in the session that is set while a page has been opened and has not yet read its address.
OPENED = "page_opened"

#: The arguments of such tabs, besides their key.
IN_ADDRESS: dict[str, Any] = {"on_change": "rerun", "bind": "query-params"}


def key(case: str, name: str) -> str:
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
    """Set a whole design: missing picks go to their defaults, arguments that are None stay.

    To be called from a callback, or before the widgets are drawn. Raises ValueError for a pick that is not offered.
    """
    read = {name: widget_value(choice, picks.get(name, choice.default)) for name, choice in scenario.choices.items()}
    values = read | {"seed": seed, "replications": replications, "strikes": None if strikes is None else dict(strikes)}
    for name, value in values.items():
        if value is not None:
            st.session_state[key(scenario.id, name)] = value


def widget_value(choice: Choice, pick: Pick) -> Pick:
    """Return a pick as the widget of its choice holds it; raises ValueError for a pick that is not offered."""
    if isinstance(choice, Number) and choice.values is None:
        return choice.like(choice.read(pick))
    return choice.read(pick)


def fit(scenario: Scenario) -> None:
    """Reset choices without a valid pick to their defaults: the file of the case may have changed."""
    for name, choice in scenario.choices.items():
        try:
            choice.read(get(scenario, name, ""))
        except ValueError:
            st.session_state[key(scenario.id, name)] = widget_value(choice, choice.default)


def step(scenario: Scenario, picks: Mapping[str, Pick], choice: str, pick: Pick) -> None:
    """Take a step from a design: in the session that the address names, or else in the visitor's design of the case."""
    session = st.query_params.get(FIELD)
    if session is None:
        put(scenario, {**picks, choice: pick})
        return
    try:
        event = PickChanged(choice=choice, before=picks[choice], after=pick)
        LiveSession(session_log(), scenario, session).take("candidate", event)
    except InputError as error:
        st.toast(plain(str(error)))


def arrive(scenario: Scenario) -> list[str]:
    """Set the design in the address, where there is one; return a sentence for each part that could not be read.

    A link names a whole design, with the version of its case; the menu opens the page without one. To be called before the
    widgets are drawn.
    """
    complaints = key(scenario.id, "complaints")
    linked = bool(st.session_state.pop(OPENED, False)) and "version" in st.query_params
    if get(scenario, "seed") is None or linked or (_stepped() and "case" in st.query_params):
        request = read(scenario, address())
        put(scenario, request.picks, request.seed, request.replications, request.strikes)
        st.session_state[complaints] = request.complaints
        st.session_state.pop(key(scenario.id, "address"), None)
    return list(st.session_state.get(complaints, []))


def write(plan: Plan, seed: int, replications: int) -> None:
    """Write this design into the address; complaints about an earlier address go once the address changes."""
    design, name = written(plan, seed, replications), key(plan.scenario.id, "address")
    before = st.session_state.get(name)
    if before is not None and before != design:
        st.session_state.pop(key(plan.scenario.id, "complaints"), None)
    st.session_state[name] = design
    show_address(plan.scenario, design)


def note_page(name: str) -> None:
    """Note that a page is shown, for `arrive`; name: another one than before, once the visitor has opened another page."""
    if st.session_state.get("page_shown") != name:
        st.session_state["page_shown"], st.session_state[OPENED] = name, True


def address() -> dict[str, list[str]]:
    """Return the part of the address that names a design, without the open tab."""
    tabs = EXPLORE_TAB, TRADEOFFS_TAB
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in tabs}


def show_address(scenario: Scenario, design: Mapping[str, str | list[str]]) -> None:
    """Write a design into the address, beside the open tab, unless the address names the design already.

    Each change is a step of the browser's history: one that only spells the same design out would trap a step back.
    A run of the script that is interrupted here has changed the address of the server, and the browser has not heard of it:
    the next run then writes it once more.
    """
    now, unheard = address(), f"address:{scenario.id}"
    named = now.get("case") == [scenario.id] and read(scenario, now) == read(scenario, design)
    if named and unheard not in st.session_state:
        return
    st.session_state[unheard] = True
    for name in now.keys() - design.keys():
        del st.query_params[name]
    st.query_params.update(design)
    del st.session_state[unheard]


def _stepped() -> bool:
    context = get_script_run_ctx()
    return bool(context and context.is_history_navigation)
