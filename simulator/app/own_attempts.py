"""The attempts of one browser: its trail, kept as a cookie, and the attempts that the database stores under it."""

from __future__ import annotations

from functools import cache
from secrets import token_urlsafe
from typing import TYPE_CHECKING

import streamlit as st

from simulator.app.store.attempts import TRAIL, Attempt, Attempts
from simulator.app.store.faults import StoreError

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

#: The cookie that holds the trail.
COOKIE = "casesim_trail"

_COOKIE_JS = """
export default function ({ data }) {
  document.cookie = `${data.cookie}; path=/; max-age=31536000; SameSite=Lax`;
}
"""

_cookie = st.components.v2.component("cookie", js=_COOKIE_JS)


@cache
def attempts() -> Attempts:
    return Attempts()


def trail() -> str:
    """Return the id of this browser's attempts: from its cookie, else a new one."""
    state, cookie = st.session_state, str(st.context.cookies.get(COOKIE, ""))
    if "trail" not in state:
        state["trail"] = cookie if TRAIL.fullmatch(cookie) else token_urlsafe(16)
    return str(state["trail"])


def keep_cookie() -> None:
    """Have the browser keep the trail for a year."""
    if st.context.cookies.get(COOKIE) != trail():
        _cookie(key=f"cookie:{COOKIE}", data={"cookie": f"{COOKIE}={trail()}"})


def attempts_at(scenario: Scenario) -> list[Attempt]:
    """Return this browser's attempts at a case, the oldest first; none where the database cannot be read."""
    try:
        return attempts().of(trail(), scenario.id)
    except StoreError as error:
        st.session_state["history_fault"] = str(error)
        return []
