"""The script of a page with one encounter under two designs, made by hand."""

import streamlit as st

from simulator.vehicle.encounter_panel import draw_encounter
from simulator.vehicle.encounter_scene import EncounterScene
from tests.charts.meetings import followed

st.title("One encounter")
late = followed(confirmed_s=1.2, braking_s=1.4, seen_s=0.9)
draw_encounter(EncounterScene({"This design": followed(), "The pinned run": late}), key="encounter")
