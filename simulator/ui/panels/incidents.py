"""Incidents on the evidence page: how late monitors ring, what fixes take away, and how scripted investigators fare."""

from __future__ import annotations

import streamlit as st

from simulator.analysis.incidents.players import PLAYERS
from simulator.analysis.incidents.secret import spec_of
from simulator.evidence.incidents import IncidentStudy, load_study, studied
from simulator.scenario.incident import Incident
from simulator.ui.charts.incident_study import (
    causes_told,
    delay_curves,
    fixes_by_cause,
    hits_by_cause,
    kept_promises_of,
    players_compared,
)
from simulator.ui.widgets import draw, plain, scenario_of

#: As many curves as can be told apart.
_CURVES = 6


def incidents() -> None:
    """The panel of the evidence page; raises StudyError."""
    names = studied()
    if not names:
        st.caption("No incidents were studied; casesim incident-study does it.")
        return
    labels = {name: scenario_of(name).title for name in names}
    case = names[0] if len(names) == 1 else st.selectbox("Case", names, format_func=labels.__getitem__, key="incident_case")
    study, spec = load_study(case), spec_of(scenario_of(case))
    st.markdown(
        f"Many incidents of the case *{plain(labels[case])}*, simulated: each frame is an image as it was measured, and only "
        "the stream is drawn."
    )
    st.subheader("How late a monitor rings, beside how often for nothing", anchor=False)
    _monitors(study, spec)
    st.subheader("What a promised rate of false alarms is worth", anchor=False)
    draw(kept_promises_of(study.quiet), key="incident_quiet")
    st.subheader("What each fix takes away", anchor=False)
    draw(fixes_by_cause(study.fixes, spec), key="incident_fixes")
    st.subheader("How scripted investigators fare", anchor=False)
    draw(players_compared(study.players), key="incident_players")
    player = st.segmented_control("Investigator", list(PLAYERS), default="sensible", key="incident_player") or "sensible"
    st.dataframe(
        hits_by_cause(study.players, spec, player), hide_index=True, alt=f"How the {player} investigator fares by cause."
    )


def _monitors(study: IncidentStudy, spec: Incident) -> None:
    causes = causes_told(study.monitors, spec)
    names = list(study.monitors["monitor"].unique())
    with st.grid(2, min_column_width=300):
        cause = st.selectbox("Incidents", list(causes), format_func=causes.__getitem__, key="incident_cause")
        chosen = st.multiselect("Monitors", names, names[:_CURVES], key="incident_monitors")
    draw(delay_curves(study.monitors, cause, chosen), key="incident_delays")
