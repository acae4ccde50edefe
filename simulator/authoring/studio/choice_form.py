"""The form for a choice: options that write values, or a number with its range."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from simulator.authoring.case_overview import place_rows
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.form_parts import data_of, keyed, number_of, put, report, written_number
from simulator.authoring.studio.yaml_patches import flow_text, patched_text, text_without
from simulator.case.document import ScenarioError, parse_document
from simulator.errors import InputError

_NEW = "A new choice"
_KINDS = {"options": "named options", "number": "a number"}
_COLUMNS = ["name", "label", "note", "writes"]


def choice_form(draft: Draft) -> None:
    """Show the fields of one choice, and write them into the text."""
    report()
    found = data_of(draft).get("choices")
    known: dict[str, Any] = found if isinstance(found, dict) else {}
    picked = st.selectbox("Choice", [*known, _NEW], key="studio:choice")
    data = known.get(picked) if isinstance(known.get(picked), dict) else {}
    assert data is not None
    kind = str(data.get("kind", ""))
    if kind not in _KINDS:
        kind = st.radio("Kind", list(_KINDS), format_func=lambda one: _KINDS[one], horizontal=True, key="studio:choice:kind")
    with st.form(keyed(f"choice:{picked}:{kind}", data), border=True):
        name = picked if picked in known else st.text_input("Name", placeholder="max_batch", help="small letters, digits and _")
        with st.grid(2, min_column_width=220):
            shared = {"label": st.text_input("Label", str(data.get("label", "")))}
            shared["group"] = st.text_input("Group", str(data.get("group", "")), placeholder="Design")
        shared["help"] = st.text_input("Help", str(data.get("help", "")))
        fields = _option_fields(data) if kind == "options" else _number_fields(draft, data)
        with st.container(horizontal=True):
            wanted = st.form_submit_button("Put into the text", type="primary")
            unwanted = bool(data) and st.form_submit_button("Delete the choice")
    if unwanted:
        put(draft, partial(text_without, path=("choices", name)))
    if wanted:
        try:
            made = _options(fields) if kind == "options" else _number(fields)
            changed = _choice(data, name, {"kind": kind, **shared, **made})
        except InputError as error:
            st.error(str(error))
        else:
            path, value = (("choices", name), changed) if known else (("choices",), {name: changed})
            put(draft, partial(patched_text, path=path, value=value))


def _choice(data: dict[str, Any], name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the choice with the fields of the form; empty ones are left out. Raises InputError."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise InputError(f"Name: expected small letters, digits and _, such as max_batch; got '{name}'")
    if not fields["label"]:
        raise InputError("Label: a choice has a label")
    kept = {key: value for key, value in data.items() if key not in fields}
    ordered = {key: fields[key] for key in data if key in fields} | fields
    merged = {key: kept.get(key, ordered.get(key)) for key in [*data, *(key for key in ordered if key not in data)]}
    return {key: value for key, value in merged.items() if value not in (None, "", [])}


# ---- numbers


def _number_fields(draft: Draft, data: dict[str, Any]) -> dict[str, Any]:
    scenario = draft.readable()
    places = [row["place"] for row in place_rows(scenario) if isinstance(row["now"], int | float)] if scenario else []
    written = [str(place) for place in data.get("set") or []]
    with st.grid(5, min_column_width=120):
        fields = {
            field: st.text_input(label, written_number(data.get(field)))
            for field, label in {"default": "Default", "min": "Lowest", "max": "Highest", "step": "Step"}.items()
        }
        fields["unit"] = st.text_input("Unit", str(data.get("unit", "")))
    values = ", ".join(map(written_number, data.get("values") or []))
    fields["values"] = st.text_input("Values, in place of lowest, highest and step", values, placeholder="1, 2, 4, 8")
    chosen = st.multiselect("Places that it writes", list(dict.fromkeys([*written, *places])), written)
    return fields | {"set": chosen}


def _number(fields: dict[str, Any]) -> dict[str, Any]:
    numbers = {field: number_of(fields[field], field.capitalize()) for field in ("default", "min", "max", "step")}
    values = [number_of(part, "Values") for part in fields["values"].split(",") if part.strip()]
    if numbers["default"] is None:
        raise InputError("Default: expected a number, got nothing")
    if not fields["set"]:
        raise InputError("Places: a choice writes at least one place")
    return {**numbers, "values": values, "unit": fields["unit"], "set": fields["set"]}


# ---- options


def _option_fields(data: dict[str, Any]) -> dict[str, Any]:
    options = data.get("options")
    rows = [
        [name, str(option.get("label", "")), str(option.get("note", "")), flow_text(option.get("set") or {})]
        for name, option in (options if isinstance(options, dict) else {}).items()
        if isinstance(option, dict)
    ]
    writes = st.column_config.TextColumn("writes", help="{stages.classifier.model: resnet50}", width="large")
    table = st.data_editor(
        pd.DataFrame(rows, columns=_COLUMNS, dtype=str), num_rows="dynamic", hide_index=True, column_config={"writes": writes}
    )
    default = st.text_input("Default", str(data.get("default", "")), placeholder="the name of an option")
    return {"rows": table.fillna("").to_dict("records"), "default": default, "old": options}


def _options(fields: dict[str, Any]) -> dict[str, Any]:
    old = fields["old"] if isinstance(fields["old"], dict) else {}
    options = {}
    for row in fields["rows"]:
        name = str(row["name"]).strip()
        if not name:
            raise InputError("Options: each option has a name")
        before = old.get(name) if isinstance(old.get(name), dict) else {}
        one = {**(before or {}), "label": row["label"], "note": row["note"], "set": _written(name, row["writes"])}
        options[name] = {key: value for key, value in one.items() if value not in ("", None)}
    if len(options) < 2:
        raise InputError(f"Options: expected at least two, got {len(options)}")
    if fields["default"] not in options:
        raise InputError(f"Default: '{fields['default']}' is no option; expected one of {', '.join(options)}")
    return {"default": fields["default"], "options": options}


def _written(name: str, words: str) -> dict[str, Any]:
    """Return what an option writes; raises InputError."""
    try:
        found: dict[str, Any] = parse_document(words, name).data
    except ScenarioError:
        found = {}
    if not found:
        raise InputError(
            f"{name}: expected what the option writes, such as {{stages.classifier.model: resnet50}}; got '{words}'"
        )
    return found
