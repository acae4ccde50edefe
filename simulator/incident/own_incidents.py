"""The visitor's own incidents: links to continue each or to see its reveal, with the diagnosis and, at the end, its verdict."""

from __future__ import annotations

import streamlit as st

from simulator.app.own_sessions import LINK_WIDTH, trail
from simulator.app.store.faults import StoreError
from simulator.app.store.incident_log import StoredIncident
from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.errors import InputError
from simulator.incident.player_actions import DiagnoseAction, read_actions
from simulator.incident.secret import USUAL
from simulator.incident.sessions import FIVE, games, secret_from
from simulator.paths import PAGES
from simulator.session.next_steps import Review
from simulator.units import counted

#: The most incidents that stand on the page of incidents; the page “You” has all.
_LISTED = 6


def own_of_case(scenario: Scenario) -> list[StoredIncident]:
    """Return the visitor's incidents of a case, the latest first; none without a database."""
    try:
        return [incident for incident in own_incidents() if incident.case == scenario.id]
    except StoreError:
        return []


def own_incidents() -> list[StoredIncident]:
    """Return all incidents of the visitor, the latest first; raises StoreError where the database cannot be used."""
    return games().store.of(trail())


def own_list(scenario: Scenario, own: list[StoredIncident]) -> None:
    """List the latest incidents of a case; nothing without any."""
    if not own:
        return
    st.subheader("Your incidents", anchor=False)
    for incident in own[:_LISTED]:
        own_line(scenario, incident)
    if len(own) > _LISTED:
        st.page_link(PAGES / "you.py", label=f"All {len(own)}")


def own_line(scenario: Scenario, incident: StoredIncident) -> None:
    """Draw the link to an incident, with its time, its kind and its diagnosis."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        verb = "Reveal" if incident.revealed else "Continue"
        label = f"{verb}: {plain(scenario.title)}"
        address = {"case": scenario.id, "incident": incident.id}
        st.page_link(PAGES / "incident.py", label=label, query_params=address, width=LINK_WIDTH)
        parts = [
            clock(incident.at),
            *_kind(incident),
            counted(len(incident.actions), "action"),
            diagnosis_words(scenario, incident),
        ]
        st.caption(plain(" · ".join(parts)))


def _kind(incident: StoredIncident) -> list[str]:
    hidden = incident.hidden
    kinds = [f"incident of {hidden.day}"] if hidden.day else []
    kinds += [f"{hidden.place} of {FIVE} in a row"] if hidden.series else []
    return kinds + ([hidden.level] if hidden.level != USUAL else [])


def diagnosis_words(scenario: Scenario, incident: StoredIncident) -> str:
    """Return the last diagnosis with its confidence; whether it was right only once the incident is over."""
    named, spec = _last_diagnosis(incident), scenario.incident
    if named is None or spec is None:
        return "no cause named"
    cause = spec.causes.get(named.cause)
    verdict = {True: ": right", False: ": wrong", None: ""}[was_right(scenario, incident)]
    return f"“{cause.label if cause else named.cause}”, {100 * named.confidence:.0f}% sure{verdict}"


def was_right(scenario: Scenario, incident: StoredIncident) -> bool | None:
    """Return whether the last diagnosis names the cause; None before the reveal, and where the case has changed since."""
    if not incident.revealed or incident.scenario_hash != case_hash(scenario):
        return None
    named = _last_diagnosis(incident)
    try:
        secret = secret_from(scenario, incident.hidden)
    except InputError:
        return None
    return named is not None and named.cause in secret.causes


def incident_review(scenario: Scenario, incident: StoredIncident) -> Review | None:
    """Return the review that an incident is, at its begin: strong for a right diagnosis; None while it goes on."""
    right = was_right(scenario, incident)
    return None if right is None else Review(incident.at, "strong" if right else "weak")


def _last_diagnosis(incident: StoredIncident) -> DiagnoseAction | None:
    try:
        actions = read_actions(incident.actions)
    except InputError:  # of an imported file, or of an earlier version of the case
        return None
    return next((action for action in reversed(actions) if isinstance(action, DiagnoseAction)), None)
