"""The moving picture of an encounter in the browser, which plays it, stops it and moves through it without a run of the app."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from simulator.app.widgets import as_table, plain
from simulator.vehicle.encounter_scene import EncounterScene

_HTML = '<div id="encounter"></div>'

_CSS = """
#encounter { font: 400 .875rem/1.4 var(--st-font); color: var(--st-text-color); }
p, ul { margin: 0; padding: 0; }
ul { display: flex; flex-wrap: wrap; gap: .1rem .9rem; list-style: none; }
ul svg { width: 1.3rem; height: .8rem; margin-right: .35rem; vertical-align: middle; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .75rem; margin-bottom: .75rem; }
.controls label { flex: 1 1 14rem; display: flex; align-items: center; gap: .6rem; white-space: nowrap; }
.pane { margin-top: .75rem; }
.pane > svg { display: block; width: 100%; overflow: hidden; }
.now { font-variant-numeric: tabular-nums; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
text { font: 400 .75rem var(--st-font); fill: var(--st-text-color); }
button { min-height: 2.25rem; padding: .25rem .75rem; font: inherit; color: inherit; cursor: pointer;
         background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color);
         border-radius: var(--st-base-radius); }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
input { flex: 1 1 8rem; min-width: 6rem; height: 1.5rem; margin: 0; appearance: none; background: none; cursor: pointer; }
input::-webkit-slider-runnable-track { height: .25rem; border-radius: .2rem; background: var(--st-border-color); }
input::-webkit-slider-thumb { appearance: none; width: 1rem; height: 1rem; margin-top: -.38rem; border-radius: 50%;
                              background: var(--st-primary-color); }
input::-moz-range-track { height: .25rem; border-radius: .2rem; background: var(--st-border-color); }
input::-moz-range-thumb { width: 1rem; height: 1rem; border: 0; border-radius: 50%; background: var(--st-primary-color); }
input:focus-visible, button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
@media (prefers-reduced-motion: reduce) { .play { display: none; } }
"""

_JS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

_component = st.components.v2.component("encounter", html=_HTML, css=_CSS, js=_JS)


def draw_encounter(scene: EncounterScene, key: str, controls: bool = True) -> None:
    """Show an encounter under its sentences, at its end; controls: whether it can be played."""
    st.markdown(f"**{plain(scene.takeaway)}**")
    _component(key=key, data={"scene": scene.to_json(), "controls": controls})
    as_table(scene.table(), key)
