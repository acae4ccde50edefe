"""Monitors: does production differ from the reference, column by column, by slice and over time?"""

import streamlit as st

from simulator.monitors.camera_weeks import camera_weeks
from simulator.monitors.monitor_page import monitors
from simulator.monitors.monitor_tables import MonitoredTable
from simulator.phrases import phrase


def example() -> tuple[MonitoredTable, MonitoredTable]:
    st.markdown(phrase("monitors.example"))
    return example_tables()


@st.cache_resource(show_spinner="Drawing two weeks")
def example_tables() -> tuple[MonitoredTable, MonitoredTable]:
    return camera_weeks()


st.title("Does production differ from the reference?", anchor=False)
st.markdown(phrase("monitors.about"))
monitors(example)
