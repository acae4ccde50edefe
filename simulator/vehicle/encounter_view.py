"""The moving picture of an encounter in the browser, which plays it, stops it and moves through it without a run of the app."""

from __future__ import annotations

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.widgets import as_table, plain
from simulator.vehicle.encounter_scene import EncounterScene

_component = component_beside(__file__, "encounter")


def draw_encounter(scene: EncounterScene, key: str, controls: bool = True) -> None:
    """Show an encounter under its sentences, at its end; controls: whether it can be played."""
    st.markdown(f"**{plain(scene.takeaway)}**")
    _component(key=key, data={"scene": scene.to_json(), "controls": controls})
    as_table(scene.table(), key)
