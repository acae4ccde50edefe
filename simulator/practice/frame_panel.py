"""Framing: the brief, questions one at a time, assumptions, and the objectives in the person's own order."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain, say, shortened
from simulator.metrics.summary import judged
from simulator.practice.session_at_hand import take
from simulator.session.question_match import matched
from simulator.session.session_events import (
    AssumptionPinned,
    AssumptionRemoved,
    AssumptionWritten,
    ObjectivesRanked,
    QuestionAsked,
    RankedObjective,
)

#: The most objectives that a person may state.
_RANKS = 5

#: The reply to a question in own words that no question of the case is like.
_UNANSWERED = "The case has no answer to this. Write down what you assume."

#: The key of typed words that wait for the person: they may mean several questions, or none.
_DOUBTFUL = "session:doubtful"

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
    with st.form("session:asking", clear_on_submit=True, border=False):
        st.text_input("Your question", placeholder="In your own words", key="session:question")
        st.form_submit_button("Ask", key="session:ask", on_click=_ask, args=(live,))
    if _DOUBTFUL in st.session_state:
        _offer(live, st.session_state[_DOUBTFUL])
    for index, answer in reversed(live.state.answers(live.scenario).items()):  # the latest stands below the field
        with st.container(border=True):
            st.markdown(f"**{plain(live.scenario.questions[index].ask)}**")
            st.markdown(plain(answer))
            if not live.state.has_pinned(index):
                event = AssumptionPinned(question=index)
                st.button("Pin as an assumption", key=f"session:pin:{index}", on_click=take, args=(live, event))

    for question in live.state.questions:
        if question.event.question is None:
            with st.container(border=True):
                st.markdown(f"**{plain(question.event.words or '')}**")
                st.markdown(_UNANSWERED)


def _ask(live: LiveSession) -> None:
    """Ask the question that is meant by the typed words; where that is in doubt, keep them for the person to decide."""
    words = shortened(str(st.session_state["session:question"]).strip(), _LETTERS)
    st.session_state.pop(_DOUBTFUL, None)
    match = matched(live.scenario.questions, words)
    if not words:
        say("Type a question first.")
    elif match.clear:
        take(live, QuestionAsked(question=match.questions[0], words=words))
    else:
        st.session_state[_DOUBTFUL] = words


def _offer(live: LiveSession, words: str) -> None:
    """Offer the questions that typed words may mean, to ask them as they are, and to take them back."""
    offered = matched(live.scenario.questions, words).questions
    with st.container(border=True):
        asks = "Do you mean one of these?" if offered else "No question of the case is like this one."
        st.markdown(f"“{plain(words)}”: {asks}")
        for index in offered:
            event = QuestionAsked(question=index, words=words)
            label = plain(live.scenario.questions[index].ask)
            st.button(label, key=f"session:mean:{index}", on_click=_decide, args=(live, event))
        with st.container(horizontal=True):
            own = QuestionAsked(words=words)
            st.button("Ask it as it is", type="tertiary", key="session:own", on_click=_decide, args=(live, own))
            st.button("Take it back", type="tertiary", key="session:take_back", on_click=_decide, args=(live,))


def _decide(live: LiveSession, *asked: QuestionAsked) -> None:
    """Ask a question in place of the typed words, or none: then nothing is noted."""
    st.session_state.pop(_DOUBTFUL, None)
    take(live, *asked)


def _assumptions(live: LiveSession) -> None:
    st.header("Assume", anchor=False)
    for assumption in live.state.standing_assumptions:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"- {plain(assumption.event.details(live.scenario, live.state))}")
            event = AssumptionRemoved(assumption=assumption.place)
            st.button("Remove", type="tertiary", key=f"session:unpin:{assumption.place}", on_click=take, args=(live, event))
    st.text_input("An assumption of your own", key="session:assumption", on_change=_assume, args=(live,))


def _assume(live: LiveSession) -> None:
    words = str(st.session_state["session:assumption"]).strip()
    st.session_state["session:assumption"] = ""
    if words:
        take(live, AssumptionWritten(text=shortened(words, _LETTERS)))


def _objectives(live: LiveSession) -> None:
    st.header("Objectives, the most important first", anchor=False)
    stated = "\n".join(objective.words for objective in live.state.objectives)
    st.session_state.setdefault("session:objectives", stated)
    st.text_area("One in a line, in your own words", key="session:objectives")
    st.button("Keep this order", key="session:rank", on_click=_rank, args=(live,))
    if live.state.objectives:
        st.markdown("The case asks for:")
        st.markdown("\n".join(f"- {plain(verdict.statement)}" for verdict in judged(live.scenario, {})))


def _rank(live: LiveSession) -> None:
    lines = [line.strip() for line in str(st.session_state["session:objectives"]).splitlines() if line.strip()]
    if not lines:
        say("Write at least one objective, then keep the order.")
        return
    if len(lines) > _RANKS:
        say(f"Only the first {_RANKS} objectives are kept.")
    ranked = tuple(RankedObjective(words=shortened(line, _OBJECTIVE)) for line in lines[:_RANKS])
    st.session_state["session:objectives"] = "\n".join(objective.words for objective in ranked)
    take(live, ObjectivesRanked(objectives=ranked))
