"""The form for a new case: from six answers, or as a copy of a case that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.app.widgets import plain
from simulator.authoring.blank_case import (
    SCHEMA_FILE,
    CaseAnswers,
    blank_case,
    checked_id,
    checked_word,
    copied_case,
    measured_models,
    plural,
    usual_bound,
    usual_rate,
)
from simulator.authoring.new_command import write_schema
from simulator.authoring.studio.case_folder import CaseFolder
from simulator.authoring.studio.studio_forms import number_of
from simulator.case.document import ScenarioError
from simulator.case.load import scenario_ids
from simulator.errors import InputError

_NOTHING = "nothing: one model and one queue"
_FIELDS = ("id", "title", "from", "word", "model", "people", "rate", "within")


_OPEN, _FAULT = "studio:new:open", "studio:new:fault"


def new_case_form(folder: CaseFolder, written: Callable[[str], None]) -> None:
    """Offer a form that writes a new file into the folder; written: takes the name of the file, before the page is drawn."""
    with st.popover("New case", key=_OPEN, on_change="rerun"), st.form("studio:new", border=False):
        keys = {name: f"studio:new:{name}" for name in _FIELDS}
        st.text_input("Name of the file", key=keys["id"], placeholder="parcel-damage")
        st.text_input("Title", key=keys["title"], placeholder="Parcel damage")
        st.selectbox("Begin with", [_NOTHING, *scenario_ids()], key=keys["from"])
        st.caption("For a case from nothing:")
        st.text_input("Word for one request", "photo", key=keys["word"])
        models = measured_models()
        st.selectbox("Model", models, models.index("resnet50") if "resnet50" in models else 0, key=keys["model"])
        st.toggle("People look at what the model flags", key=keys["people"])
        st.text_input("Requests a second", key=keys["rate"], placeholder="by the model, with people 1")
        seconds = "Seconds for 95% of the answers, or of the waits for people"
        st.text_input(seconds, key=keys["within"], placeholder="by the model")
        if fault := st.session_state.get(_FAULT):
            st.error(plain(fault))
        st.form_submit_button("Write the file", type="primary", on_click=_write, args=(folder, keys, written))


def _write(folder: CaseFolder, keys: dict[str, str], written: Callable[[str], None]) -> None:
    given = {name: st.session_state[key] for name, key in keys.items()}
    name = f"{given['id']}.yaml"
    st.session_state[_FAULT] = None
    try:
        folder.save(name, _text(given), "")
        write_schema(folder.root / SCHEMA_FILE)
    except (InputError, ScenarioError) as error:
        there = f"There is a file {name} already." if name in folder.files() else str(error)
        st.session_state[_FAULT] = there
    else:
        st.session_state[_OPEN] = False
        written(name)


def _text(given: dict[str, Any]) -> str:
    """Return the text of the new case; raises InputError and ScenarioError."""
    case_id = checked_id(given["id"])
    if given["from"] != _NOTHING:
        return copied_case(given["from"], case_id, given["title"] or None)
    title = given["title"] or case_id.replace("-", " ").capitalize()
    word, people, model = checked_word(given["word"]), given["people"], given["model"]
    rate = _within(given["rate"], "Requests a second", 0.01, 5000, usual_rate(model, people))
    seconds = _within(given["within"], "Seconds", 0.001, 3600, usual_bound(model, people))
    return blank_case(CaseAnswers(case_id, title, word, plural(word), model, people, rate, seconds))


def _within(text: str, field: str, low: float, high: float, usual: float) -> float:
    """Read a number from low to high, or the usual one where none is written; raises InputError."""
    number = number_of(text, field)
    if number is None:
        return usual
    if not low <= number <= high:
        raise InputError(f"{field}: should be between {low:g} and {high:g}, got {number:g}")
    return float(number)
