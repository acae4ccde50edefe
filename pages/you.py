"""You: the case to come back to, your sessions and incidents, your predictions and signals, and all of it as a file."""

import streamlit as st

from simulator.app.widgets import faults_shown
from simulator.incident.sessions import incident_review, own_incidents, own_line
from simulator.paths import PAGES
from simulator.units import counted
from simulator.you.own_record import OwnRecord, due_list, own_data, own_record, session_list
from simulator.you.signal_history import predictions, signals


def record_of(record: OwnRecord) -> None:
    """Show the record, the most useful part first."""
    due_list(record)
    if record.sessions:
        session_list(record.sessions)
        predictions(record.sessions)
        signals(record.oldest_first)
    if record.incidents:
        st.header("Incidents", anchor=False)
        for incident in record.incidents:
            own_line(incident.scenario, incident.stored)
    if record.lost:
        st.caption(f"{counted(record.lost, 'entry', 'entries')} belong to cases that are not here.")


def nothing_yet() -> None:
    st.markdown("Nothing is here yet. Your first session takes 20 minutes, and its record will stand here.")
    if st.button("Start a session", type="primary", key="you:start"):
        st.switch_page(PAGES / "session.py")


st.title("You", anchor=False)
with faults_shown(stops=True):
    record = own_record(own_incidents(), incident_review)
if record.sessions or record.incidents or record.lost:
    record_of(record)
else:
    nothing_yet()
own_data(record)
