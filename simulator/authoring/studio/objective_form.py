"""The form for an objective: its metric, its label and its bound."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.form_parts import data_of, keyed, number_of, put, report, written_number
from simulator.authoring.studio.yaml_patches import patched_text, text_without
from simulator.errors import InputError

_NEW = "A new objective"
_BOUNDS = {"at_least": "at least", "at_most": "at most"}


def objective_form(draft: Draft) -> None:
    """Show the fields of one objective, and write them into the text."""
    report()
    found = data_of(draft).get("objectives")
    known: list[Any] = found if isinstance(found, list) else []
    names = {f"{number}. {one.get('label', '')}": number - 1 for number, one in enumerate(known, 1) if isinstance(one, dict)}
    picked = st.selectbox("Objective", [*names, _NEW], key="studio:objective")
    at = names.get(picked, len(known))
    data: dict[str, Any] = known[at] if picked in names else {}
    scenario = draft.readable()
    metrics = dict.fromkeys([*([data["metric"]] if "metric" in data else []), *(scenario.metrics if scenario else ())])
    with st.form(keyed(f"objective:{at}", data), border=True):
        metric = st.selectbox("Metric", list(metrics), format_func=lambda name: _metric_words(draft, name))
        label = st.text_input("Label", str(data.get("label", "")))
        with st.grid(2, min_column_width=180):
            side = st.radio(
                "Bound", list(_BOUNDS), int("at_most" in data), format_func=lambda one: _BOUNDS[one], horizontal=True
            )
            bound = st.text_input("Number", written_number(data.get("at_most", data.get("at_least"))))
        with st.container(horizontal=True):
            wanted = st.form_submit_button("Put into the text", type="primary")
            unwanted = bool(data) and st.form_submit_button("Delete the objective")
    if unwanted:
        put(draft, partial(text_without, path=("objectives", at)))
    if wanted:
        try:
            changed = _objective(data, metric, label, side, bound)
        except InputError as error:
            st.error(str(error))
        else:
            one = ("objectives", at), changed
            path, value = one if known else (("objectives",), [changed])
            put(draft, partial(patched_text, path=path, value=value))


def _metric_words(draft: Draft, name: str) -> str:
    scenario = draft.readable()
    metric = scenario.metrics.get(name) if scenario else None
    return f"{metric.label} ({name})" if metric else name


def _objective(data: dict[str, Any], metric: str | None, label: str, side: str, bound: str) -> dict[str, Any]:
    """Return the objective with the fields of the form. Raises InputError."""
    number = number_of(bound, "Number")
    if metric is None or number is None or not label.strip():
        missing = "Metric" if metric is None else "Number" if number is None else "Label"
        raise InputError(f"{missing}: an objective has a metric, a label and a bound")
    kept = {key: value for key, value in data.items() if key not in _BOUNDS}
    return kept | {"metric": metric, "label": label.strip(), side: number}
