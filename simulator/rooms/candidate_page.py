"""The candidate's page: brief, board, results, clock, a scratchpad and a way to ask. An observer reads along."""

from __future__ import annotations

import streamlit as st

from simulator.app.widgets import plain, shortened, show_fault
from simulator.case.phases import phases_of
from simulator.limits import SESSION_TEXT
from simulator.rooms.autosave_text import autosave_text
from simulator.rooms.hidden_bounds import brief_before
from simulator.rooms.own_task import OWN_TASK
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_events import ScratchpadSaved
from simulator.rooms.room_view import board, follow_talk, panel, verdicts
from simulator.rooms.status_row import status_row
from simulator.rooms.talk_panel import talk_panel
from simulator.session.session_events import QuestionAsked

#: The most letters of a question.
_LETTERS = 400


def candidate_page(room: RoomAtHand) -> None:
    """Show the room to a candidate, or to an observer, who changes nothing."""
    other = task_of(room) and room.scenario.id != OWN_TASK
    st.title(plain("Interview" if other else room.scenario.title), anchor=False)
    status_row(room)
    follow_talk(room)
    with st.container():
        if room.state.ended_at is not None:
            st.info("The interview has ended. Thank you. The board stays here to look at.")
    with st.container():
        show_fault()
    left, right = st.columns([1, 2.4], gap="medium")
    with left:
        # Each part has a container, so that the next one keeps its place: a browser makes what moves anew, and forgets what
        # is typed there.
        with st.container():
            talk_panel(room)
        with st.container():
            _brief(room)
        _questions(room)
        if room.role == "candidate":
            _scratchpad(room)
    with right:
        board(room)
        panel(room)
    with st.bottom:
        verdicts(room)


def task_of(room: RoomAtHand) -> str:
    """Return the interviewer's own task; empty where the brief of the case is the task."""
    settings = room.state.room.settings
    return settings.task if settings is not None else ""


#: The height (px) of a brief with so many letters or more: the fields below it stay in view while it is read.
_BRIEF_PX, _LONG = 300, 500


def _brief(room: RoomAtHand) -> None:
    text = brief_of(room)
    with (
        st.expander("The brief", expanded=room.state.phase == phases_of(room.scenario)[0].id),
        st.container(height=_BRIEF_PX if len(text) >= _LONG else "content", border=False),
    ):
        st.markdown(text)


def brief_of(room: RoomAtHand) -> str:
    """Return what the candidate reads, as Markdown: the interviewer's task, or the brief of the case without hidden bounds."""
    task = task_of(room)
    return plain(task) if task else brief_before(room.scenario, room.state.room.bounds)


def _questions(room: RoomAtHand) -> None:
    st.subheader("Ask", anchor=False)
    with st.container():
        for question in room.state.questions:
            with st.container(border=True):
                answer = room.state.room.answers.get(question.place)
                st.markdown(f"**{plain(question.event.words or '')}** {'(answered above)' if answer else 'No answer yet.'}")
    if room.role == "candidate" and room.state.ended_at is None:
        with st.form("room:ask", clear_on_submit=True, border=False):  # its button counts once, however often the page is drawn
            st.text_input("Your question, or “may I assume …?”", key="room:question")
            st.form_submit_button("Ask", on_click=_ask, args=(room,))


def _ask(room: RoomAtHand) -> None:
    if words := str(st.session_state["room:question"]).strip():
        room.take(QuestionAsked(words=shortened(words, _LETTERS)))


def _scratchpad(room: RoomAtHand) -> None:
    autosave_text(
        f"scratchpad:{room.id}",
        "Your scratchpad, for you alone",
        lambda: room.fresh_state.room.scratchpad,
        lambda text: room.append(ScratchpadSaved(text=text)),
        SESSION_TEXT.most,
    )
