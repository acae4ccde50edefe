"""Monitors: does production differ from the reference, column by column, by slice and over time?"""

import streamlit as st

from simulator.ui.panels.monitors import monitors

st.title("Does production differ from the reference?", anchor=False)
st.markdown(
    "A camera sees one scene for minutes, so that rows resemble those before them. A test that takes them for independent "
    "claims differences that are none; here whole scenes stay together."
)
monitors()
