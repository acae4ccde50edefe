"""The visitor's incidents in a list: each with the diagnosis and, once it is over, whether it was right."""

from __future__ import annotations

import streamlit as st

from simulator.incident.own_incidents import own_line, was_right
from simulator.session.spacing import Review
from simulator.you.own_record import OwnIncident


def incident_list(incidents: list[OwnIncident]) -> None:
    """List the incidents, the latest first."""
    st.header("Incidents", anchor=False)
    for one in incidents:
        own_line(one.scenario, one.stored)


def incident_review(one: OwnIncident) -> Review | None:
    """Return the review that an incident is, at its begin: strong for a right diagnosis; None while it goes on."""
    right = was_right(one.scenario, one.stored)
    return None if right is None else Review(one.stored.at, "strong" if right else "weak")
