"""Trade-offs: what else is possible around a design, which lever matters, and where an answer stops being true."""

import streamlit as st

from simulator.app.design_state import IN_ADDRESS, TRADEOFFS_TAB
from simulator.app.widgets import plain
from simulator.sweeps.design_space import DesignPoint
from simulator.tradeoffs.front_panel import front
from simulator.tradeoffs.study_panels import base_design, best, breakevens, capacity, design_link, sensitivity

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
    design_link(base, DesignPoint(base.picks), "Change this design")
tabs = st.tabs(list(SECTIONS), key=TRADEOFFS_TAB, **IN_ADDRESS)
for name, panel in zip(SECTIONS, tabs, strict=True):
    if panel.open:
        with panel:
            SECTIONS[name](base)
