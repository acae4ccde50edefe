"""The forms of Studio: for a new case, a figure, a choice and an objective; each writes its fields into a text."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import Any

import pandas as pd
import streamlit as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from streamlit.errors import StreamlitAPIException

from simulator.app.widgets import faults_shown, plain
from simulator.authoring import new_command
from simulator.authoring.case_checker import figures_in
from simulator.authoring.show_command import place_rows
from simulator.authoring.studio.case_folder import CaseFolder
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.yaml_patches import flow_text, patched_text, text_without
from simulator.case.designs import read_fields
from simulator.case.document import Path, ScenarioError, dotted, parse_document
from simulator.case.fields import EVIDENCE_KINDS
from simulator.case.load import scenario_ids
from simulator.errors import InputError

_REPORT = "studio:form"
#: The name of an entry that is not there yet, the kinds of choices, the bounds of objectives, the columns of options.
_NEW_CHOICE, _NEW_OBJECTIVE = "A new choice", "A new objective"
_KINDS = {"options": "named options", "number": "a number"}
_BOUNDS = {"at_least": "at least", "at_most": "at most"}
_COLUMNS = ["name", "label", "note", "writes"]


def data_of(draft: Draft) -> dict[str, Any]:
    """Return the plain data of the text as it is now; raises ScenarioError for a text that is not YAML."""
    data: dict[str, Any] = parse_document(draft.text, draft.name).data
    return data


def keyed(name: str, data: Any) -> str:
    """Return a widget's key that is another one once the data that it starts from are others."""
    return f"studio:{name}:{sha256(repr(data).encode()).hexdigest()[:12]}"


def read(words: str) -> Any:
    """Return what a field holds, as a case would; words that are no YAML stay, and the models of a case refuse them."""
    try:
        return YAML(typ="safe", pure=True).load(words)
    except YAMLError:
        return words


def written_number(value: Any) -> str:
    """Return a number of the text as its field shows it."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def change(draft: Draft, make: Callable[[str], str]) -> None:
    """Change the text, and draw the forms again; show a sentence where the change cannot be made."""
    with faults_shown():
        draft.change(make)
        st.session_state[_REPORT] = "The text has the change. Save keeps it; Undo in the editor takes it back."
        draw_again()


def draw_again() -> None:
    """Draw the fragment again, or the page where all of it is being drawn."""
    with suppress(StreamlitAPIException):
        st.rerun(scope="fragment")
    st.rerun()


def report() -> None:
    """Say that the last change is in the text, for some seconds: the page is drawn again as soon as the text is checked."""
    if said := st.session_state.pop(_REPORT, None):
        st.toast(said)


def sound(text: str, path: Path, value: Any) -> str:
    """Return the text with a value at a path; raises InputError with the faults that the models of a case find there."""
    changed = patched_text(text, path, value)
    _, faults = read_fields(parse_document(changed, "the text"))
    own = [fault.words for fault in faults if f"{fault.field}.".startswith(f"{dotted(path)}.")]
    if own:
        raise InputError("; ".join(own))
    return changed


def _buttons(draft: Draft, path: Path, value: Any, thing: str = "") -> None:
    """Draw the buttons below a form: they put the value into the text, and delete the thing that is there, if it has a name."""
    with st.container(horizontal=True):
        wanted = st.form_submit_button("Put into the text", type="primary")
        unwanted = thing and st.form_submit_button(f"Delete the {thing}")
    if unwanted:
        change(draft, partial(text_without, path=path))
    if wanted:
        change(draft, partial(sound, path=path, value=value))


def _place(known: Any, section: str, key: str | int, entry: Any) -> tuple[Path, Any]:
    """Return where an entry of a section goes, and its value there: the whole section where the text has none yet."""
    if known:
        return (section, key), entry
    return (section,), [entry] if isinstance(key, int) else {key: entry}


# ---- figures


def figure_form(draft: Draft) -> None:
    """Show the fields of one figure, and write them into the text; other keys of the author stay."""
    report()
    figures = {dotted(path): (path, data) for path, data in figures_in(data_of(draft)) if "value" in data}
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
            ends = [st.text_input("Lowest that it may be", written_number(low))]
            ends.append(st.text_input("Highest that it may be", written_number(high)))
        chosen = st.radio("Evidence", EVIDENCE_KINDS, EVIDENCE_KINDS.index(kind), horizontal=True)
        source = st.text_area("Source, or the reason of the assumption", str(data[kind] or ""), height=80)
        kept = {key: old for key, old in data.items() if key not in (*EVIDENCE_KINDS, "between")}
        between = {"between": [read(end) for end in ends]} if any(ends) else {}
        _buttons(draft, path, kept | {"value": read(value), chosen: " ".join(source.split()), **between})


# ---- choices


def choice_form(draft: Draft) -> None:
    """Show the fields of one choice, and write them into the text; empty ones are left out."""
    report()
    section = data_of(draft).get("choices")
    known: dict[str, Any] = section if isinstance(section, dict) else {}
    picked = st.selectbox("Choice", [*known, _NEW_CHOICE], key="studio:choice")
    data: dict[str, Any] = known[picked] if isinstance(known.get(picked), dict) else {}
    kind = str(data.get("kind", ""))
    if kind not in _KINDS:
        kind = st.radio("Kind", list(_KINDS), format_func=_KINDS.__getitem__, horizontal=True, key="studio:choice:kind")
    with st.form(keyed(f"choice:{picked}:{kind}", data), border=True):
        name = picked if picked in known else st.text_input("Name", placeholder="max_batch", help="small letters, digits and _")
        fields = {"kind": kind}
        with st.grid(2, min_column_width=220):
            fields["label"] = st.text_input("Label", str(data.get("label", "")))
            fields["group"] = st.text_input("Group", str(data.get("group", "")), placeholder="Design")
        fields["help"] = st.text_input("Help", str(data.get("help", "")))
        own = _option_fields(data) if kind == "options" else _number_fields(draft, data)
        entry = {key: value for key, value in (data | fields | own).items() if value not in (None, "", [])}
        _buttons(draft, *_place(known, "choices", name, entry), "choice" if data else "")


def _number_fields(draft: Draft, data: dict[str, Any]) -> dict[str, Any]:
    scenario = draft.readable()
    places = [row["place"] for row in place_rows(scenario) if isinstance(row["now"], int | float)] if scenario else []
    written = [str(place) for place in data.get("set") or []]
    with st.grid(5, min_column_width=120):
        fields = {
            field: read(st.text_input(label, written_number(data.get(field))))
            for field, label in {"default": "Default", "min": "Lowest", "max": "Highest", "step": "Step"}.items()
        }
        unit = st.text_input("Unit", str(data.get("unit", "")))
    values = ", ".join(map(written_number, data.get("values") or []))
    values = st.text_input("Values, in place of lowest, highest and step", values, placeholder="1, 2, 4, 8")
    chosen = st.multiselect("Places that it writes", list(dict.fromkeys([*written, *places])), written)
    return fields | {"values": read(f"[{values}]"), "unit": unit, "set": chosen}


def _option_fields(data: dict[str, Any]) -> dict[str, Any]:
    options = data.get("options")
    old: dict[str, Any] = options if isinstance(options, dict) else {}
    rows = [
        [name, str(option.get("label", "")), str(option.get("note", "")), flow_text(option.get("set") or {})]
        for name, option in old.items()
        if isinstance(option, dict)
    ]
    writes = st.column_config.TextColumn("writes", help="{stages.classifier.model: resnet50}", width="large")
    table = st.data_editor(
        pd.DataFrame(rows, columns=_COLUMNS, dtype=str), num_rows="dynamic", hide_index=True, column_config={"writes": writes}
    )
    default = st.text_input("Default", str(data.get("default", "")), placeholder="the name of an option")
    changed = {str(row["name"]).strip(): _option(old, row) for row in table.fillna("").to_dict("records")}
    return {"default": default, "options": changed}


def _option(old: dict[str, Any], row: dict[Any, Any]) -> dict[str, Any]:
    before = old.get(str(row["name"]).strip())
    fields = {"label": row["label"], "note": row["note"], "set": read(row["writes"])}
    option = (before if isinstance(before, dict) else {}) | fields
    return {key: value for key, value in option.items() if value not in ("", None)}


# ---- objectives


def objective_form(draft: Draft) -> None:
    """Show the fields of one objective, and write them into the text."""
    report()
    section = data_of(draft).get("objectives")
    known: list[Any] = section if isinstance(section, list) else []
    names = {f"{at + 1}. {entry.get('label', '')}": at for at, entry in enumerate(known) if isinstance(entry, dict)}
    picked = st.selectbox("Objective", [*names, _NEW_OBJECTIVE], key="studio:objective")
    at = names.get(picked, len(known))
    data: dict[str, Any] = known[at] if picked in names else {}
    scenario = draft.readable()
    labels = {name: f"{metric.label} ({name})" for name, metric in scenario.metrics.items()} if scenario else {}
    metrics = dict.fromkeys([*([data["metric"]] if "metric" in data else []), *labels])
    with st.form(keyed(f"objective:{at}", data), border=True):
        metric = st.selectbox("Metric", list(metrics), format_func=lambda name: labels.get(name, name))
        label = st.text_input("Label", str(data.get("label", "")))
        with st.grid(2, min_column_width=180):
            side = st.radio("Bound", list(_BOUNDS), int("at_most" in data), format_func=_BOUNDS.__getitem__, horizontal=True)
            bound = st.text_input("Number", written_number(data.get("at_most", data.get("at_least"))))
        kept = {key: value for key, value in data.items() if key not in _BOUNDS}
        entry = kept | {"metric": metric, "label": label.strip(), side: read(bound)}
        _buttons(draft, *_place(known, "objectives", at, entry), "objective" if data else "")


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
        models = new_command.measured_models()
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
        new_command.write_schema(folder.root / new_command.SCHEMA_FILE)
    except (InputError, ScenarioError) as error:
        there = f"There is a file {name} already." if name in folder.files() else str(error)
        st.session_state[_FAULT] = there
    else:
        st.session_state[_OPEN] = False
        written(name)


def _text(given: dict[str, Any]) -> str:
    """Return the text of the new case; raises InputError and ScenarioError."""
    case_id = new_command.checked_id(given["id"])
    if given["from"] != _NOTHING:
        return new_command.copied_case(given["from"], case_id, given["title"] or None)
    title = given["title"] or case_id.replace("-", " ").capitalize()
    word, people, model = new_command.checked_word(given["word"]), given["people"], given["model"]
    rate = _within(given["rate"], "Requests a second", 0.01, 5000, new_command.usual_rate(model, people))
    seconds = _within(given["within"], "Seconds", 0.001, 3600, new_command.usual_bound(model, people))
    return new_command.blank_case(
        new_command.CaseAnswers(case_id, title, word, new_command.plural(word), model, people, rate, seconds)
    )


def _within(text: str, field: str, low: float, high: float, usual: float) -> float:
    """Read a number from low to high, or the usual one where none is written; raises InputError."""
    number = usual if not text.strip() else read(text)
    if not isinstance(number, int | float) or not low <= number <= high:
        raise InputError(f"{field}: should be between {low:g} and {high:g}, got {text.strip()}")
    return float(number)
