"""The interviewer's page: the script on the left, what the candidate sees in the middle, the controls on the right."""

from __future__ import annotations

import streamlit as st

from simulator.app.widgets import plain, show_fault
from simulator.rooms.control_panel import events_panel, mark_panel, notes_panel, questions_panel, room_panel
from simulator.rooms.room_at_hand import RoomAtHand
from simulator.rooms.room_view import board, follow_talk, panel, verdicts
from simulator.rooms.scorecard_page import scorecard_page
from simulator.rooms.script_panel import phase_row, script_panel
from simulator.rooms.status_row import status_row
from simulator.units import counted

#: The shortcut on a button in the colour of the theme is as easy to read as the button's words.
_SHORTCUT_STYLE = "<style>[data-testid=stBaseButton-primary] kbd { color: inherit !important; opacity: 1 !important; }</style>"


def interviewer_page(room: RoomAtHand) -> None:
    """Show the room to its interviewer; after the end, the scorecard and the replay."""
    settings = room.state.room.settings
    st.title(plain((settings.title if settings else "") or room.scenario.title), anchor=False)
    st.html(_SHORTCUT_STYLE)
    status_row(room)
    follow_talk(room)
    with st.container():
        show_fault()
    if room.state.ended_at is not None:
        scorecard_page(room)
        return
    phase_row(room)
    left, middle, right = st.columns([1, 3, 1.1], gap="small")
    with left:
        script_panel(room)
    with middle:
        board(room)
        panel(room)
    with right:
        _controls(room)
    with st.bottom:
        verdicts(room)


def _controls(room: RoomAtHand) -> None:
    waiting = sum(question.place not in room.state.room.answers for question in room.state.questions)
    # The line has a container, so that the tabs keep their place when it goes: a browser makes anew what moves, and forgets
    # what is typed there.
    with st.container():
        if waiting:
            st.info(f"{counted(waiting, 'question')} of the candidate: see “Talk”.")
    titles = ["Talk", "Events", "Marks", "Notes", "Room"]
    parts = [questions_panel, events_panel, mark_panel, notes_panel, room_panel]
    for tab, part in zip(st.tabs(titles, key="room:controls"), parts, strict=True):
        with tab:
            part(room)
