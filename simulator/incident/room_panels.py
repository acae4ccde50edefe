"""The editor of what is watched: the monitors one by one with what they cost a week, and a form that adds one."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import ValidationError

from simulator.app.widgets import plain
from simulator.case.schema import Scenario
from simulator.charts.look import rounded
from simulator.incident.monitoring import priced
from simulator.incident.pictures import pictures
from simulator.incident.play import NotebookEntry
from simulator.incident.section import Incident, Watch
from simulator.incident.sessions import Game
from simulator.incident.wording import BY, TESTS, came_of, hours, moment, name_of, title_of, usd, whole

_RULES = {"spread": "standard deviations of quiet windows", "p": "p value, as if frames were independent"}
_REFERENCES = {"first": "the first days of production", "collected": "the images that were collected"}


def editor(scenario: Scenario, now: list[Watch], key: str) -> list[Watch]:
    """The monitors as the person wants them; now: those to begin with; key: a new one begins anew."""
    spec = scenario.incident
    assert spec is not None
    kept: list[Watch] = st.session_state.setdefault(f"watches:{key}", list(now))
    prices = {name: figure.value for name, figure in spec.usd_a_week.items()}
    for place, watch in enumerate(kept):
        left, right = st.columns([5, 1], gap="xsmall", vertical_alignment="center")
        left.markdown(f":small[{plain(whole(watch))}]")
        if right.button("Remove", key=f"remove:{key}:{place}:{len(kept)}", type="tertiary", help=f"Monitor {place + 1}"):
            kept.pop(place)
            st.rerun()
    st.markdown(f"{len(kept)} monitors, **{usd(priced(kept, prices))} a week**.")
    with st.expander("Add a monitor", type="compact", key=f"adding:{key}"):
        _form(spec, kept, key)
    return kept


def _form(spec: Incident, kept: list[Watch], key: str) -> None:
    with st.form(f"form:{key}", border=False):
        given = _given(spec, key)
        added = st.form_submit_button("Add it")
    if not added:
        return
    try:
        kept.append(Watch(**given))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            st.error(plain(fault["msg"].removeprefix("Value error, ")))
        return
    st.rerun()


def _given(spec: Incident, key: str) -> dict[str, Any]:
    """What the form says."""

    def name(field: str) -> str:
        return f"new:{key}:{field}"

    def priced_name(statistic: str) -> str:
        return f"{name_of(statistic)}, {usd(spec.usd_a_week[statistic].value)} a week"

    statistics = list(spec.usd_a_week)
    return {
        "statistic": st.selectbox("Figure", statistics, format_func=priced_name, key=name("statistic")),
        "by": st.selectbox("Of", [*BY], format_func=lambda name: BY[name], key=name("by")),
        "test": st.selectbox("Compared by", [*TESTS], format_func=lambda name: TESTS[name], key=name("test")),
        "window_h": st.select_slider("Window (h)", [1, 3, 6, 12, 24, 48, 72, 168], 24, key=name("window")),
        "reference": st.selectbox("Against", [*_REFERENCES], format_func=lambda name: _REFERENCES[name], key=name("reference")),
        "rings": st.selectbox("Rings by", [*_RULES], format_func=lambda name: _RULES[name], key=name("rings")),
        "at": st.number_input("Rings beyond, or below this p", 0.0001, 1000.0, 4.0, format="%g", key=name("at")),
        "correct": st.checkbox("Correct p for the number of slices", True, key=name("correct")),
        "sampled": st.slider("Frames that are read", 5, 100, 100, 5, format="%d%%", key=name("sampled")) / 100,
    }


def notebook(game: Game) -> None:
    """All of it."""
    st.subheader("Notebook", anchor=False)
    if not game.notes:
        st.markdown("It fills itself with what you do and what you find.")
    for place, note in reversed(list(enumerate(game.notes))):
        _entry(game, note, place)


def _entry(game: Game, note: NotebookEntry, place: int) -> None:
    waited = note.action.kind == "wait"
    cost = [moment(game.scenario, note.until_s if waited else note.at_s)]
    took = hours(note.until_s - note.at_s)
    cost += [f"after {took}" if waited else took] if note.until_s > note.at_s else []
    cost += [usd(note.usd)] if note.usd else []
    with st.container(border=True, gap="xxsmall"):
        head = f"**{place + 1}. {plain(title_of(note, game.play.spec))}** :small[{plain(', '.join(cost))}]"
        st.markdown(f"{head}  \n{plain(came_of(note, game.play.spec))}")
        if note.finding is not None and len(note.finding.table):
            with st.expander(f"Figures of {place + 1}", expanded=note is game.notes[-1], type="compact"):
                st.dataframe(rounded(note.finding.table), hide_index=True, key=f"found:{place}")
                pictures(game, note)


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
