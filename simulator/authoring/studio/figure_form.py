"""The form for a figure: its value, its range, its kind of evidence and its source."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import streamlit as st

from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.form_parts import data_of, keyed, number_of, put, report, written_number
from simulator.authoring.studio.yaml_patches import patched_text
from simulator.case.document import Path, dotted
from simulator.case.fields import EVIDENCE_KINDS
from simulator.errors import InputError


def figures_in(data: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each mapping of the text that holds a value with its evidence."""
    if isinstance(data, dict):
        if "value" in data and not isinstance(data["value"], dict | list) and set(data) & set(EVIDENCE_KINDS):
            yield path, data
            return
        for key, value in data.items():
            yield from figures_in(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from figures_in(value, (*path, index))


def figure_form(draft: Draft) -> None:
    """Show the fields of one figure, and write them into the text."""
    report()
    figures = {dotted(path): (path, data) for path, data in figures_in(data_of(draft))}
    if not figures:
        st.markdown("The text has no figure with evidence yet: `{value: 5, assumed: why}`.")
        return
    place = st.selectbox("Figure", list(figures), key="studio:figure")
    path, data = figures[place]
    kind = next(kind for kind in EVIDENCE_KINDS if kind in data)
    low, high = (*(data.get("between") or ()), None, None)[:2]
    with st.form(keyed(f"figure:{place}", data), border=True):
        with st.grid(3, min_column_width=180):
            value = st.text_input("Value", written_number(data["value"]))
            least = st.text_input("Lowest that it may be", written_number(low))
            most = st.text_input("Highest that it may be", written_number(high))
        chosen = st.radio("Evidence", EVIDENCE_KINDS, EVIDENCE_KINDS.index(kind), horizontal=True)
        source = st.text_area("Source, or the reason of the assumption", str(data[kind] or ""), height=80)
        if st.form_submit_button("Put into the text", type="primary"):
            try:
                changed = _figure(data, value, (least, most), chosen, source)
            except InputError as error:
                st.error(str(error))
            else:
                put(draft, partial(patched_text, path=path, value=changed))


def _figure(data: dict[str, Any], value: str, ends: tuple[str, str], kind: str, source: str) -> dict[str, Any]:
    """Return the figure with the fields of the form; other keys of the author stay. Raises InputError."""
    number, low, high = number_of(value, "Value"), number_of(ends[0], "Lowest"), number_of(ends[1], "Highest")
    if number is None:
        raise InputError("Value: expected a number, got nothing")
    if not source.strip():
        raise InputError(f"Source: a figure that is {kind} names its source or its reason")
    if (low is None) != (high is None):
        raise InputError("Lowest and highest: give both, or none")
    changed: dict[str, Any] = {}
    for key, old in data.items():
        if key in EVIDENCE_KINDS:
            changed[kind] = " ".join(source.split())
        elif key == "value":
            changed[key] = number
        elif key != "between":
            changed[key] = old
        elif low is not None:
            changed[key] = [low, high]
    return changed if low is None else changed | {"between": [low, high]}
