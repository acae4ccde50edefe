"""The strip at the top of the room: the incident's clock and what it has cost so far."""

from __future__ import annotations

import streamlit as st

from simulator.ui.incident.games import Game
from simulator.ui.incident.words import hours, moment, usd

_CSS = """
dl { display: flex; flex-wrap: wrap; margin: 0; border: 1px solid var(--st-border-color);
     border-radius: var(--st-base-radius); overflow: hidden; }
dl > div { flex: 1 1 7.5rem; padding: .3rem .7rem; border-left: 1px solid var(--st-border-color); margin-left: -1px; }
dt { font: 400 .78rem/1.3 var(--st-font); color: var(--st-text-color); }
dd { margin: 0; font: 600 1.1rem/1.3 var(--st-font); color: var(--st-text-color); font-variant-numeric: tabular-nums; }
.state { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""

_HTML = """
<dl></dl>
<div class="state" role="status" aria-live="polite"></div>
"""

_JS = """
export default function ({ data, parentElement }) {
  parentElement.querySelector("dl").replaceChildren(...data.cells.map(([name, value]) => {
    const cell = document.createElement("div"), term = document.createElement("dt"), told = document.createElement("dd");
    term.textContent = name;
    told.textContent = value;
    cell.append(term, told);
    return cell;
  }));
  const state = parentElement.querySelector(".state");
  if (state.textContent !== data.state) state.textContent = data.state;
}
"""

_component = st.components.v2.component("incident_strip", html=_HTML, css=_CSS, js=_JS)


def strip(game: Game, state: str) -> None:
    """The clock, and what was spent; state: what a screen reader is told when it changes."""
    page = game.paged
    cells = [
        ("Clock of the incident", moment(game.scenario, game.now_s)),
        ("Since the page", hours(game.now_s - page.until_s) if page else "nothing rang yet"),
        ("Spent", usd(game.usd)),
        ("Frames labelled", f"{game.labels:,}"),
    ]
    _component(key="incident_strip", data={"cells": cells, "state": state})
