"""Framing: the brief, questions one at a time, assumptions, and the objectives in the person's own order."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.metrics.summary import judged
from simulator.practice_session.session_at_hand import say, shortened, take
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionRemoved,
    AssumptionWritten,
    ObjectivesRanked,
    QuestionAsked,
    RankedObjective,
)
from simulator.session.session_record import assumption_words

#: The most objectives that a person may state.
_RANKS = 5

#: The reply to a question in own words: no program reads it.
_UNANSWERED = "No answer of the case is found by own words. Look for the question in the list, or write down what you assume."

#: The most letters of a question or an assumption in a person's own words.
_LETTERS = 400

#: The most letters of an objective.
_OBJECTIVE = 300


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
        format_func=lambda asked: live.scenario.questions[asked].ask if isinstance(asked, int) else asked,
        placeholder="Type a word of your question, and pick it; or ask in your own words",
        key="session:question",
        accept_new_options=True,
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

    for one in live.state.questions:
        if one.question is None:
            with st.container(border=True):
                st.markdown(f"**{plain(one.words or '')}**")
                st.markdown(_UNANSWERED)


def _ask(live: LiveSession) -> None:
    asked: int | str | None = st.session_state.get("session:question")
    if asked is None:
        say("Choose a question first: type a word of it, and pick it from the list.")
        return
    st.session_state["session:question"] = None
    take(live, QuestionAsked(question=asked) if isinstance(asked, int) else QuestionAsked(words=shortened(asked, _LETTERS)))


def _assumptions(live: LiveSession) -> None:
    st.header("Assume", anchor=False)
    for one in live.state.assumptions:
        if not one.removed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"- {plain(assumption_words(live.scenario, one))}")
                event = AssumptionRemoved(assumption=one.place)
                st.button("Remove", type="tertiary", key=f"session:unpin:{one.place}", on_click=take, args=(live, event))
    st.text_input("An assumption of your own", key="session:assumption", on_change=_assume, args=(live,))


def _assume(live: LiveSession) -> None:
    words = str(st.session_state["session:assumption"]).strip()
    st.session_state["session:assumption"] = ""
    if words:
        take(live, AssumptionWritten(text=shortened(words, _LETTERS)))


def _objectives(live: LiveSession) -> None:
    st.header("Objectives, the most important first", anchor=False)
    stated = "\n".join(one.words for one in live.state.objectives)
    st.session_state.setdefault("session:objectives", stated)
    st.text_area("One in a line, in your own words", key="session:objectives")
    st.button("Keep this order", key="session:rank", on_click=_rank, args=(live,))
    if live.state.objectives:
        st.markdown("The case asks for:")
        asked = judged(live.scenario, {})
        st.markdown("\n".join(f"- {plain(f'{one.statement}')}" for one in asked))


def _rank(live: LiveSession) -> None:
    lines = [line.strip() for line in str(st.session_state["session:objectives"]).splitlines() if line.strip()]
    if not lines:
        say("Write at least one objective, then keep the order.")
        return
    if len(lines) > _RANKS:
        say(f"Only the first {_RANKS} objectives are kept.")
    ranked = tuple(RankedObjective(words=shortened(line, _OBJECTIVE)) for line in lines[:_RANKS])
    take(live, ObjectivesRanked(objectives=ranked))
