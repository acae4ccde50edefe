"""The editor of what is watched: the monitors one by one with what they cost a week, and a form that adds one."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import ValidationError

from simulator.analysis.incidents.watching import priced
from simulator.scenario import Scenario
from simulator.scenario.incident import Incident
from simulator.scenario.incident.schema import Watch
from simulator.ui.incident.words import BY, TESTS, name_of, usd, whole
from simulator.ui.widgets import plain

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
