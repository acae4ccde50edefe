"""What a person has reached, what that rests on, and the challenge to defend it."""

from __future__ import annotations

import streamlit as st

from simulator.analysis.run.challenge import Ground, challenge_of
from simulator.analysis.run.result import Result
from simulator.ui.widgets import plain


def challenge(result: Result) -> None:
    """How many objectives are met; when all are, what that rests on, the weakest evidence first."""
    found = challenge_of(result)
    if found is None:
        return
    if not found.all_met:
        st.markdown(plain(found.met))
        return
    with st.container(border=True):
        st.markdown(f"**{plain(found.met)}** {plain(found.sentence.removeprefix(found.met).strip())}")
        if found.grounds:
            with st.popover("All that it rests on", type="tertiary"):
                st.markdown("\n".join(f"- {plain(_told(ground))}" for ground in found.grounds))


def _told(ground: Ground) -> str:
    return f"{ground.sentence} Source: {ground.source}." if ground.source else ground.sentence
