"""The production incident: a control room until the close, then the reveal."""

import streamlit as st

from simulator.app.widgets import story
from simulator.incident.control_room import latest, news, notebook, strip, watched
from simulator.incident.incident_start import start
from simulator.incident.reveal import reveal
from simulator.incident.sessions import Game, chosen_case, incident_of_address
from simulator.incident.step_panel import ended, steps
from simulator.paths import PAGES


def room(game: Game) -> None:
    strip(game, latest(game))
    left, right = st.columns([1.55, 1], gap="small")
    with left:
        news(game)
        watched(game)
    with right:
        (ended if game.over else steps)(game)
    notebook(game)


def over(game: Game) -> None:
    reveal(game)
    notebook(game)


scenario = chosen_case()
if scenario is None:
    st.title("No incident", anchor=False)
    st.markdown("None of the cases here has an `incident` section.")
    st.page_link(PAGES / "home.py", label="All cases")
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    story(scenario)
game = incident_of_address(scenario)
if game is None:
    start(scenario)
elif game.revealed:
    over(game)
else:
    room(game)
