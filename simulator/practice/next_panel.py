"""The next step: an exercise for the weakest signal, and another case."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.own_sessions import session_log, trail
from simulator.app.store.faults import StoreError
from simulator.app.widgets import plain, scenario_of
from simulator.case.load import scenario_ids
from simulator.paths import PAGES
from simulator.session.next_steps import EXERCISES, goal_reached, known_levels, nothing_done, weakest
from simulator.session.session_signals import SIGNALS
from simulator.session.spacing import next_review, session_review
from simulator.units import counted

#: The field of the address with the signal that a new session is to train.
GOAL = "goal"

LABELS = {signal.name: signal.label for signal in SIGNALS}


def goal_at_hand() -> str | None:
    """Return the signal that the address wants to be trained; None without one, and after a sentence for an unknown one."""
    wanted = st.query_params.get(GOAL)
    if wanted and wanted not in EXERCISES:
        st.warning(plain(f"There is no goal “{wanted}”. This session has none."))
    return wanted if wanted in EXERCISES else None


def goal_line(live: LiveSession) -> None:
    """Show the goal of a session that has one."""
    if live.state.goal in EXERCISES:
        st.caption(plain(f"Goal: {EXERCISES[live.state.goal].goal}"))


def goal_panel(live: LiveSession) -> None:
    """Say whether the goal of the session was reached, if it had one."""
    if live.state.goal not in EXERCISES:
        return
    goal = EXERCISES[live.state.goal].goal
    reached = goal_reached(live.scenario, live.state, live.state.goal)
    words = {True: "Reached", False: "Not reached yet", None: "You decide whether it was reached"}[reached]
    (st.success if reached else st.info)(plain(f"The goal of this session: {goal} {words}."))


def next_panel(live: LiveSession) -> None:
    """Name the weakest signal, or the one practised least, and offer a short session whose goal trains it."""
    st.header("What next", anchor=False)
    name, is_weak = weakest(live.scenario, live.state)
    label = f"**{plain(LABELS[name])}**"
    no_level = "Nothing is rated below strong." if known_levels(live.scenario, live.state) else "No signal has a level yet."
    words = f"Your weakest signal is {label}." if is_weak else f"{no_level} You practised {label} least."
    words = f"Begin with {label}." if nothing_done(live.state) else words
    st.markdown(f"{words} {plain(EXERCISES[name].goal)}")
    fields = {"case": live.scenario.id, GOAL: name}
    st.page_link(PAGES / "session.py", label="Train it on this case", query_params=fields)
    if other := _untried(live):
        label = f"Or on another case: {plain(scenario_of(other).title)}"
        st.page_link(PAGES / "session.py", label=label, query_params={"case": other, GOAL: name})
    _when(live)


def _when(live: LiveSession) -> None:
    """Say when to come back to the case; the page You counts all sessions."""
    if (review := session_review(live.state)) is not None and (coming := next_review([review])) is not None:
        days = counted(coming.interval_days, "day")
        st.markdown(f"Come back to this case in {days}, or in more after several good sessions: the page You keeps the date.")
    st.page_link(PAGES / "you.py", label="You: all sessions, predictions, and the case that is due")


def _untried(live: LiveSession) -> str | None:
    """Return a case that the visitor has not practised; else None."""
    try:
        tried = {session.case for session in session_log().sessions_of(trail())} | {live.scenario.id}
    except StoreError:
        return None
    return next((name for name in scenario_ids() if name not in tried), None)
