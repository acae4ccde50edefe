"""The visitor's incidents in a list: each with the diagnosis and, once it is over, whether it was right."""

from __future__ import annotations

import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.engine.plan import case_hash
from simulator.errors import InputError
from simulator.incident.player_actions import DiagnoseAction, read_actions
from simulator.incident.secret import draw
from simulator.paths import PAGES
from simulator.session.spacing import Review
from simulator.units import counted
from simulator.you.own_record import LINK_WIDTH, OwnIncident


def incident_list(incidents: list[OwnIncident]) -> None:
    """List the incidents, the latest first."""
    st.header("Incidents", anchor=False)
    for one in incidents:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            verb = "Reveal" if one.stored.revealed else "Continue"
            address = {"case": one.scenario.id, "incident": one.stored.id}
            label = f"{verb}: {plain(one.scenario.title)}"
            st.page_link(PAGES / "incident.py", label=label, query_params=address, width=LINK_WIDTH)
            parts = [clock(one.stored.at), counted(len(one.stored.actions), "action"), diagnosis_words(one)]
            st.caption(plain(" · ".join(parts)))


def diagnosis_words(one: OwnIncident) -> str:
    """Return the last diagnosis with its confidence; whether it was right only once the incident is over."""
    named, spec = _last_diagnosis(one), one.scenario.incident
    if named is None or spec is None:
        return "no cause named"
    cause = spec.causes.get(named.cause)
    verdict = {True: ": right", False: ": wrong", None: ""}[was_right(one)]
    return f"“{cause.label if cause else named.cause}”, {100 * named.confidence:.0f}% sure{verdict}"


def was_right(one: OwnIncident) -> bool | None:
    """Return whether the last diagnosis names the cause; None before the reveal, and where the case has changed since."""
    if not one.stored.revealed or one.stored.scenario_hash != case_hash(one.scenario):
        return None
    hidden, named = one.stored.hidden, _last_diagnosis(one)
    try:
        secret = draw(one.scenario, hidden.seed, hidden.cause, hidden.shape, hidden.salt)
    except InputError:
        return None
    return named is not None and named.cause in secret.causes


def incident_review(one: OwnIncident) -> Review | None:
    """Return the review that an incident is, at its begin: strong for a right diagnosis; None while it goes on."""
    right = was_right(one)
    return None if right is None else Review(one.stored.at, "strong" if right else "weak")


def _last_diagnosis(one: OwnIncident) -> DiagnoseAction | None:
    try:
        actions = read_actions(one.stored.actions)
    except InputError:  # of an imported file, or of an earlier version of the case
        return None
    return next((action for action in reversed(actions) if isinstance(action, DiagnoseAction)), None)
