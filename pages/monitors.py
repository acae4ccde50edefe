"""Monitors: does production differ from the reference, column by column, by slice and over time?"""

import streamlit as st

from simulator.monitors.monitor_page import monitors

st.title("Does production differ from the reference?", anchor=False)
st.markdown(
    "A camera sees one scene for minutes, so that rows resemble those before them. A test that treats them as independent "
    "claims differences that do not exist; here whole scenes stay together."
)
monitors()
