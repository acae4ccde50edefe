"""Trade-offs: what else is possible around a design, which lever matters, and where an answer stops being true."""

import streamlit as st

from simulator.app.widgets import plain
from simulator.paths import PAGES
from simulator.tradeoffs.design_at_hand import base_design
from simulator.tradeoffs.front_panel import front
from simulator.tradeoffs.study_panels import best, breakevens, capacity, sensitivity

SECTIONS = {
    "Front": front,
    "Best design": best,
    "Capacity": capacity,
    "Break-evens": breakevens,
    "What matters": sensitivity,
}

base = base_design()
with st.container(horizontal=True, vertical_alignment="center"):
    st.markdown(plain(base.sentence))
    st.page_link(PAGES / "practice.py", label="Change this design", query_params={"case": base.scenario.id})
for name, panel in zip(SECTIONS, st.tabs(list(SECTIONS), key="tradeoffs", on_change="rerun"), strict=True):
    if panel.open:
        with panel:
            SECTIONS[name](base)
