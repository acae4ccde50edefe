"""The parts of a case that no test and no claim touches."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.untested import coverage

_WORDS = {"option": "Options", "number": "Numbers", "question": "Answers", "hint": "Hints", "curveball": "Curveballs"}


def coverage_panel(draft: Draft) -> None:
    """Show the share of each kind that tests or claims touch, and the untouched parts by name."""
    scenario = draft.readable()
    if scenario is None:
        st.info("Coverage appears once the text can be read as a case.")
        return
    parts = coverage(scenario)
    kinds = [kind for kind in _WORDS if any(part.kind == kind for part in parts)]
    with st.container(horizontal=True):
        for kind in kinds:
            times = [part.times for part in parts if part.kind == kind]
            st.metric(_WORDS[kind], f"{sum(map(bool, times))} of {len(times)}", width="content")
    untouched = [(part.kind, part.name) for part in parts if not part.times]
    if not untouched:
        st.markdown("A test or a claim touches every option, answer, hint and curveball.")
        return
    st.markdown("No test and no claim touches these:")
    st.dataframe(pd.DataFrame(untouched, columns=["kind", "name"]), hide_index=True, alt="parts without a test or a claim")
