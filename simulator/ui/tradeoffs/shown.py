"""A study on the page: a button that begins it, its progress with a way to cancel, what it found, and that as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from simulator.analysis.sweeps.told import to_parquet
from simulator.errors import InputError
from simulator.ui.charts import Chart
from simulator.ui.charts.export import PICTURES, SUFFIXES, chart_file, draws_pictures
from simulator.ui.tradeoffs.studies import LOOK_S, Study, Work, begin, studies
from simulator.ui.widgets import download, plain


def study(name: str, button: str, work: Work[Any], show: Callable[[Any], None]) -> None:
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
    what, done, total = one.phase
    with st.container(horizontal=True, vertical_alignment="center"):
        parts = f": {done:,} of {total:,}" if total else ""
        st.progress(done / total if total else 0.0, f"{what[0].upper()}{what[1:]}{parts}; {one.runs:,} designs run so far")
        if st.button("Cancel", key=f"cancel {name}", type="tertiary"):
            one.cancel()
            st.rerun()


def _tell(error: Exception) -> None:
    if isinstance(error, InputError):
        st.error(plain(str(error)))
    else:
        raise error


def exports(chart: Chart, name: str, told: Mapping[str, Any]) -> None:
    """The table and the picture of a chart as files, each made when its button is pressed.

    name: of the files, without an ending; told: what identifies it all, as the Parquet file keeps it
    """
    with st.popover("Export", type="tertiary"):
        download("Table (CSV)", chart.table, f"{name}.csv")
        _button("Table (Parquet)", partial(to_parquet, chart.table, told), f"{name}.parquet")
        if chart.figure is None:
            return
        pictures = draws_pictures()
        for suffix in SUFFIXES:
            if pictures or suffix not in PICTURES:
                _button(f"Chart ({suffix[1:].upper()})", partial(chart_file, chart, suffix), f"{name}{suffix}")
        if not pictures:
            st.caption("SVG and PNG need `pip install 'casesim[pictures]'`, and Chrome or Chromium where the app runs.")


def _button(label: str, content: Callable[[], bytes], file: str) -> None:
    st.download_button(label, content, file, key=file, on_click="ignore")
