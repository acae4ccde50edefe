"""The forms of Studio: for a new case, a figure, a choice and an objective; each writes its fields into a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitAPIException

from simulator.app.widgets import plain
from simulator.authoring.new_command import (
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
    write_schema,
)
from simulator.authoring.show_command import place_rows
from simulator.authoring.studio.case_folder import CaseFolder
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.yaml_patches import flow_text, patched_text, text_without
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


def number_of(words: str, field: str) -> float | int | None:
    """Return the number that the author wrote; None for nothing. Raises InputError."""
    words = words.strip()
    if not words:
        return None
    try:
        number = float(words)
    except ValueError:
        raise InputError(f"{field}: expected a number, got '{words}'") from None
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def written_number(value: Any) -> str:
    """Return a number of the text as its field shows it."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def put(draft: Draft, make: Callable[[str], str]) -> None:
    """Change the text, and draw the forms again; show a sentence where the change cannot be made."""
    try:
        draft.change(make)
    except (InputError, ScenarioError) as error:
        st.error(plain(str(error)))
    else:
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


def _buttons(thing: str, deletable: bool) -> tuple[bool, bool]:
    """Draw the buttons below an entry: whether it shall be put into the text, and whether it shall be deleted."""
    with st.container(horizontal=True):
        wanted = st.form_submit_button("Put into the text", type="primary")
        unwanted = deletable and st.form_submit_button(f"Delete the {thing}")
    return wanted, unwanted


def _put_made(draft: Draft, make: Callable[[], tuple[Path, Any]]) -> None:
    """Write a value at its path into the text; show the sentence of an InputError that `make` raises."""
    try:
        path, value = make()
    except InputError as error:
        st.error(str(error))
    else:
        put(draft, partial(patched_text, path=path, value=value))


# ---- figures


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
            _put_made(draft, lambda: (path, _figure(data, value, (least, most), chosen, source)))


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


# ---- choices


def choice_form(draft: Draft) -> None:
    """Show the fields of one choice, and write them into the text."""
    report()
    section = data_of(draft).get("choices")
    known: dict[str, Any] = section if isinstance(section, dict) else {}
    picked = st.selectbox("Choice", [*known, _NEW_CHOICE], key="studio:choice")
    data = known.get(picked) if isinstance(known.get(picked), dict) else {}
    assert data is not None
    kind = str(data.get("kind", ""))
    if kind not in _KINDS:
        kind = st.radio("Kind", list(_KINDS), format_func=_KINDS.__getitem__, horizontal=True, key="studio:choice:kind")
    with st.form(keyed(f"choice:{picked}:{kind}", data), border=True):
        name = picked if picked in known else st.text_input("Name", placeholder="max_batch", help="small letters, digits and _")
        with st.grid(2, min_column_width=220):
            shared = {"label": st.text_input("Label", str(data.get("label", "")))}
            shared["group"] = st.text_input("Group", str(data.get("group", "")), placeholder="Design")
        shared["help"] = st.text_input("Help", str(data.get("help", "")))
        fields = _option_fields(data) if kind == "options" else _number_fields(draft, data)
        wanted, unwanted = _buttons("choice", bool(data))
    if unwanted:
        put(draft, partial(text_without, path=("choices", name)))
    if wanted:

        def made() -> tuple[Path, Any]:
            own = _options(fields) if kind == "options" else _number(fields)
            changed = _choice(data, name, {"kind": kind, **shared, **own})
            return (("choices", name), changed) if known else (("choices",), {name: changed})

        _put_made(draft, made)


def _choice(data: dict[str, Any], name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the choice with the fields of the form; empty ones are left out. Raises InputError."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise InputError(f"Name: expected small letters, digits and _, such as max_batch; got '{name}'")
    if not fields["label"]:
        raise InputError("Label: a choice has a label")
    return {key: value for key, value in (data | fields).items() if value not in (None, "", [])}


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
        before = old[name] if isinstance(old.get(name), dict) else {}
        option = before | {"label": row["label"], "note": row["note"], "set": _written(name, row["writes"])}
        options[name] = {key: value for key, value in option.items() if value not in ("", None)}
    if len(options) < 2:
        raise InputError(f"Options: expected at least two, got {len(options)}")
    if fields["default"] not in options:
        raise InputError(f"Default: '{fields['default']}' is no option; expected one of {', '.join(options)}")
    return {"default": fields["default"], "options": options}


def _written(name: str, words: str) -> dict[str, Any]:
    """Return what an option writes; raises InputError."""
    with suppress(ScenarioError):
        if values := parse_document(words, name).data:
            return dict(values)
    raise InputError(f"{name}: expected what the option writes, such as {{stages.classifier.model: resnet50}}; got '{words}'")


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
    metrics = dict.fromkeys([*([data["metric"]] if "metric" in data else []), *(scenario.metrics if scenario else ())])
    with st.form(keyed(f"objective:{at}", data), border=True):
        metric = st.selectbox("Metric", list(metrics), format_func=lambda name: _metric_words(draft, name))
        label = st.text_input("Label", str(data.get("label", "")))
        with st.grid(2, min_column_width=180):
            side = st.radio("Bound", list(_BOUNDS), int("at_most" in data), format_func=_BOUNDS.__getitem__, horizontal=True)
            bound = st.text_input("Number", written_number(data.get("at_most", data.get("at_least"))))
        wanted, unwanted = _buttons("objective", bool(data))
    if unwanted:
        put(draft, partial(text_without, path=("objectives", at)))
    if wanted:

        def made() -> tuple[Path, Any]:
            changed = _objective(data, metric, label, side, bound)
            return (("objectives", at), changed) if known else (("objectives",), [changed])

        _put_made(draft, made)


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
