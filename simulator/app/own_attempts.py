"""The attempts of one browser: its trail, and the attempts that the database stores under it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from simulator.app.store.attempts import Attempt, Attempts
from simulator.app.store.faults import StoreError
from simulator.app.trails import new_trail, trails

if TYPE_CHECKING:
    from simulator.case.schema import Scenario


@cache
def attempts() -> Attempts:
    return Attempts()


def trail() -> str:
    """Return the id of this browser's attempts: from its cookie, else a new one for the tab."""
    state = st.session_state
    if "trail" not in state:
        try:
            state["trail"] = trails().of(st.context.cookies) or new_trail()
        except StoreError:
            return new_trail()  # nothing is stored under it either
    return str(state["trail"])


def attempts_at(scenario: Scenario) -> list[Attempt]:
    """Return this browser's attempts at a case, the oldest first; none where the database cannot be read."""
    try:
        return attempts().of(trail(), scenario.id)
    except StoreError as error:
        st.session_state["history_fault"] = str(error)
        return []
