"""A study on the page: a button that begins it, its progress with a way to cancel, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.analysis.sweeps.sweep import Submit
from simulator.errors import InputError
from simulator.ui.tradeoffs.studies import LOOK_S, Study, begin, studies
from simulator.ui.widgets import plain


def study(name: str, button: str, work: Callable[[Submit], Any], show: Callable[[Any], None]) -> None:
    """What a study under this name has found, or the button that begins it.

    name: identifies all that it depends on; show: draws what was found
    """
    one = studies().get(name)
    if one is not None and one.found is not None:
        show(one.found)
        return
    if one is None or not one.running:
        if one is not None and one.error is not None:
            _tell(one.error)
        st.button(button, key=f"begin {name}", on_click=begin, args=(name, work), type="primary")
        return
    st.fragment(run_every=LOOK_S)(_progress)(name, one)


def _progress(name: str, one: Study[Any]) -> None:
    if not one.running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{one.runs:,} designs run so far.")
        if st.button("Cancel", key=f"cancel {name}", type="tertiary"):
            one.cancel()
            st.rerun()


def _tell(error: Exception) -> None:
    if isinstance(error, InputError):
        st.error(plain(str(error)))
    else:
        raise error
