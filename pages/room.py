"""Interview room: an interviewer leads a live session with a candidate at one whiteboard that runs."""

import streamlit as st

from simulator.app.widgets import faults_shown
from simulator.rooms.candidate_page import candidate_page
from simulator.rooms.interviewer_page import interviewer_page
from simulator.rooms.lobby import lobby
from simulator.rooms.room_at_hand import room_at_hand
from simulator.rooms.room_doors import ROOM
from simulator.rooms.scorecard_page import rater_page

PAGES_OF = {
    "interviewer": interviewer_page,
    "candidate": candidate_page,
    "observer": candidate_page,
    "rater": rater_page,
}

with faults_shown(stops=True):
    room = room_at_hand()
if room is None:
    lobby(unknown=ROOM in st.query_params)
else:
    PAGES_OF[room.role](room)
