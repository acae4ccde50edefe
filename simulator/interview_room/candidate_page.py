"""The candidate's page: brief, board, results, clock, a scratchpad and a way to ask. An observer reads along."""

from __future__ import annotations

import streamlit as st

from simulator.app.autosave_text import autosave_text
from simulator.app.widgets import plain
from simulator.case.phases import phases_of
from simulator.interview_room.room_at_hand import RoomAtHand, say, show_fault
from simulator.interview_room.room_view import board, follow_talk, panel, verdicts
from simulator.interview_room.status_row import status_row
from simulator.limits import SESSION_TEXT
from simulator.metrics.summary import judged
from simulator.session.room_events import ScratchpadSaved
from simulator.session.session_events import HintTaken, QuestionAsked

#: The most letters of a question.
_LETTERS = 400


def candidate_page(room: RoomAtHand) -> None:
    """Show the room to a candidate, or to an observer, who changes nothing."""
    st.title(plain("Interview" if task_of(room) else room.scenario.title), anchor=False)
    status_row(room)
    follow_talk(room)
    with st.container():
        if room.state.ended_at is not None:
            st.info("The interview has ended. Thank you. The board stays here to look at.")
    show_fault()
    left, right = st.columns([1, 2.4], gap="medium")
    with left:
        # Each part has a container, so that the next one keeps its place: a browser makes what moves anew, and forgets what
        # is typed there.
        with st.container():
            _brief(room)
        with st.container():
            _told(room)
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


def _brief(room: RoomAtHand) -> None:
    with st.expander("The brief", expanded=room.state.phase == phases_of(room.scenario)[0].id):
        task = task_of(room)
        st.markdown(plain(task) if task else room.scenario.brief)


def _told(room: RoomAtHand) -> None:
    """Show what the interviewer has told: curveballs, hints, bounds."""
    for name in room.state.strikes:
        ball = room.scenario.curveballs[name]
        st.warning(plain(f"{ball.label}: {ball.note}." if ball.note else f"{ball.label}."))
    for words in hint_words(room):
        st.info(plain(words))
    found = {one.metric.name: one for one in judged(room.scenario, {})}
    for metric in room.state.room.bounds:
        if metric in found:
            st.info(plain(f"{found[metric].objective.label}: {found[metric].requirement}."))


def hint_words(room: RoomAtHand) -> list[str]:
    """Return the hints that were pushed, in words."""
    phases = {phase.id: phase for phase in phases_of(room.scenario)}
    found = []
    for one in room.state.hints:
        event = one.event
        if isinstance(event, HintTaken) and event.phase in phases and event.step <= len(phases[event.phase].hints):
            hint = phases[event.phase].hints[event.step - 1]
            found.append(hint.question or hint.step or f"{hint.text or 'Look'} (panel {hint.panel})")
    return found


def _questions(room: RoomAtHand) -> None:
    st.subheader("Ask", anchor=False)
    with st.container():
        for one in room.state.questions:
            with st.container(border=True):
                st.markdown(f"**{plain(one.words or '')}**")
                answer = room.state.room.answers.get(one.place)
                st.markdown(plain(answer.text) if answer else "No answer yet.")
    if room.role == "candidate" and room.state.ended_at is None:
        with st.form("room:ask", clear_on_submit=True, border=False):  # its button counts once, however often the page is drawn
            st.text_input("Your question, or “may I assume …?”", key="room:question")
            st.form_submit_button("Ask", on_click=_ask, args=(room,))


def _ask(room: RoomAtHand) -> None:
    words = str(st.session_state["room:question"]).strip()
    if len(words) > _LETTERS:
        say(f"Only the first {_LETTERS} letters are kept.")
    if words:
        room.take(QuestionAsked(words=words[:_LETTERS]))


def _scratchpad(room: RoomAtHand) -> None:
    autosave_text(
        f"scratchpad:{room.id}",
        "Your scratchpad, for you alone",
        lambda: room.fresh_state.room.scratchpad,
        lambda text: room.append(ScratchpadSaved(text=text)),
        SESSION_TEXT.most,
    )
