"""Framing: the brief, questions one at a time, assumptions, and the objectives in the person's own order."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.metrics.summary import judged
from simulator.practice_session.session_at_hand import take
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionRemoved,
    AssumptionWritten,
    ObjectivesRanked,
    QuestionAsked,
    RankedObjective,
)
from simulator.session.session_state import Assumption

#: The most objectives that a person may state.
_RANKS = 5


def frame_panel(live: LiveSession) -> None:
    """Show the brief beside the questions and the assumptions."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(live.scenario.brief)
    with right:
        _questions(live)
        _assumptions(live)
        _objectives(live)


def _questions(live: LiveSession) -> None:
    st.header("Ask", anchor=False)
    left = [index for index in range(len(live.scenario.questions)) if not live.state.asked(index)]
    st.selectbox(
        "Your question",
        left,
        index=None,
        format_func=lambda index: live.scenario.questions[index].ask,
        placeholder="Type a word of your question",
        key="session:question",
    )
    st.button("Ask", key="session:ask", on_click=_ask, args=(live,))
    for index, answer in live.state.answers(live.scenario).items():
        with st.container(border=True):
            st.markdown(f"**{plain(live.scenario.questions[index].ask)}**")
            st.markdown(plain(answer))
            pinned = any(one.question == index and not one.removed for one in live.state.assumptions)
            if not pinned:
                event = AssumptionPinned(question=index)
                st.button("Pin as an assumption", key=f"session:pin:{index}", on_click=take, args=(live, event))


def _ask(live: LiveSession) -> None:
    index = st.session_state.get("session:question")
    if index is not None:
        st.session_state["session:question"] = None
        take(live, QuestionAsked(question=index))


def assumption_words(live: LiveSession, one: Assumption) -> str:
    """Return an assumption in words: the person's own, or the question whose answer was pinned."""
    if one.question is None:
        return one.text or ""
    return live.scenario.questions[one.question].ask if one.question < len(live.scenario.questions) else ""


def _assumptions(live: LiveSession) -> None:
    st.header("Assume", anchor=False)
    for one in live.state.assumptions:
        if not one.removed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"- {plain(assumption_words(live, one))}")
                event = AssumptionRemoved(assumption=one.place)
                st.button("Remove", type="tertiary", key=f"session:unpin:{one.place}", on_click=take, args=(live, event))
    st.text_input("An assumption of your own", key="session:assumption", max_chars=400, on_change=_assume, args=(live,))


def _assume(live: LiveSession) -> None:
    words = str(st.session_state["session:assumption"]).strip()
    st.session_state["session:assumption"] = ""
    if words:
        take(live, AssumptionWritten(text=words))


def _objectives(live: LiveSession) -> None:
    st.header("Objectives, the most important first", anchor=False)
    stated = "\n".join(one.words for one in live.state.objectives)
    st.session_state.setdefault("session:objectives", stated)
    st.text_area("One in a line, in your own words", key="session:objectives", max_chars=1500)
    st.button("Keep this order", key="session:rank", on_click=_rank, args=(live,))
    if live.state.objectives:
        st.markdown("The case asks for:")
        asked = judged(live.scenario, {})
        st.markdown("\n".join(f"- {plain(f'{one.statement}')}" for one in asked))


def _rank(live: LiveSession) -> None:
    lines = [line.strip()[:300] for line in str(st.session_state["session:objectives"]).splitlines() if line.strip()]
    if lines:
        take(live, ObjectivesRanked(objectives=tuple(RankedObjective(words=line) for line in lines[:_RANKS])))
