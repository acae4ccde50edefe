"""Monitors: does production differ from the reference, column by column, by slice and over time?"""

import streamlit as st

from simulator.monitors.camera_weeks import camera_weeks
from simulator.monitors.monitor_page import monitors
from simulator.monitors.monitor_tables import MonitoredTable


def example() -> tuple[MonitoredTable, MonitoredTable]:
    st.markdown(
        "Two weeks of twelve cameras at four sites, a row of each camera every 20 minutes. All figures are drawn at random, so "
        "the fault is known: from Wednesday, 14 January, at nine, the office's cameras are out of focus, and the model is less "
        "sure of what it sees there."
    )
    return example_tables()


@st.cache_resource(show_spinner="Drawing two weeks")
def example_tables() -> tuple[MonitoredTable, MonitoredTable]:
    return camera_weeks()


st.title("Does production differ from the reference?", anchor=False)
st.markdown(
    "A camera sees one scene for minutes, so rows resemble the rows before them. A test that treats rows as independent "
    "claims differences that do not exist; here, rows that resemble each other stay together."
)
monitors(example)
