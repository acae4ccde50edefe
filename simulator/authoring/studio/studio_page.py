"""The page Studio: the editor with its faults, the candidate's page beside it, and forms, coverage and versions below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from simulator.app.bundles import FRONTEND, address
from simulator.app.component_files import component_beside
from simulator.app.news import FOLLOW_JS, Latest, follow, offer
from simulator.app.widgets import faults_shown, plain
from simulator.authoring.studio.case_folder import CaseFolder, own_folder
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.studio_forms import choice_form, figure_form, new_case_form, objective_form
from simulator.authoring.studio.studio_panels import coverage_panel, save_dialog, tests_panel, versions_panel
from simulator.case.document import ScenarioError
from simulator.case.load import ENDINGS
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import fingerprint
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.files import stamp_of
from simulator.limits import STUDIO_BYTES
from simulator.panels.case_picture import case_picture
from simulator.panels.choice_widget import choice_widget
from simulator.units import counted, spoken_bound

#: The bundle: CodeMirror and the editor. `frontend/editor/` holds its source, and `make editor` builds it.
BUNDLE = FRONTEND / "editor.js"

# A run sends a few lines only; the browser imports the bundle once and keeps it.
_component = component_beside(__file__, "studio", FOLLOW_JS)


def editor(draft: Draft, on_save: Callable[[], None], height: int = 520) -> None:
    """Show the editor of a draft; on_save: called once the author wants to save, when the draft has the text of the browser.

    Text, faults, completions and hints travel on the socket of news: no key runs the script.
    """
    key = f"studio:editor:{draft.name}"

    def wants_to_save() -> None:
        said: Any = st.session_state[key].get("save")
        if isinstance(said, dict) and isinstance(said.get("text"), str) and isinstance(said.get("number"), int):
            draft.take(said["number"], said["text"])
        on_save()

    token = offer(key, draft.look, hear=draft.hear, longest=STUDIO_BYTES)
    data = {"bundle": address(BUNDLE), "token": token, "file": draft.name, "height": height}
    _component(key=key, data=data, on_save_change=wants_to_save)


def candidate_preview(draft: Draft) -> None:
    """Draw the page of the last text without faults."""
    checked, scenario = draft.wholly_checked(), draft.readable()
    if scenario is None:
        st.info("The candidate's page appears once the text can be read as a case.")
        return
    if checked.faults:
        st.caption("The text has faults; this is the last version without any, or what can be read of it.")
    st.header(plain(scenario.title), anchor=False)
    st.markdown(plain(scenario.summary))
    st.markdown(scenario.brief)
    if scenario.objectives:
        st.subheader("Objectives", anchor=False)
        st.markdown("\n".join(f"- {_objective(objective, scenario)}" for objective in scenario.objectives))
    if scenario.choices:
        st.subheader("Choices", anchor=False)
        for name, choice in scenario.choices.items():
            key = f"studio:choice:{name}:{fingerprint([choice.model_dump(mode='json')])}"
            st.session_state.setdefault(key, choice.read(choice.default))
            choice_widget(choice, key=key)
    if scenario.questions:
        st.subheader("Questions", anchor=False)
        for question in scenario.questions:
            with st.expander(plain(question.ask), type="compact"):
                st.markdown(question.answer)
    if not checked.faults:
        st.subheader("Picture", anchor=False)
        case_picture(compile_plan(scenario))
    st.caption(f"{counted(scenario.minutes, 'minute')}, {counted(len(scenario.choices), 'choice')}")


def _objective(objective: Objective, scenario: Scenario) -> str:
    metric = scenario.metrics.get(objective.metric)
    bound = spoken_bound(objective.bound, metric.unit if metric else "")
    return plain(f"{objective.label}: at {'least' if objective.upward else 'most'} {bound}")


#: The field of the address with the case.
FIELD = "case"

_FILE, _WANTED = "studio:file", "studio:save"

#: The panels below the editor.
PANELS: dict[str, Callable[[Draft], None]] = {
    "Tests": tests_panel,
    "Figures": figure_form,
    "Choices": choice_form,
    "Objectives": objective_form,
    "Coverage": coverage_panel,
    "Versions": versions_panel,
}


def studio_page() -> None:
    """Draw the page; it exists for the author alone, at a server that was started with a folder of cases."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Studio", anchor=False, width="content")
        folder = own_folder()
        draft = None if folder is None else _draft_at_hand(folder)
        if folder is not None and folder.root == folder.named:
            new_case_form(folder, _open)
    if draft is None:
        st.info("There is no case to edit: the folder of this server holds no file that ends in .yaml.")
        return
    saving = st.session_state.pop(_WANTED, False)
    _workbench(draft)
    if saving:  # outside of the fragment, which would close the dialog when it is drawn again
        save_dialog(draft, draft.text)


def _want_to_save() -> None:
    st.session_state[_WANTED] = True


def _draft_at_hand(folder: CaseFolder) -> Draft | None:
    """Return the draft of the file that the address or the visitor names; None where the folder has no file."""
    names = list(folder.files())
    if not names:
        return None
    wanted = st.query_params.get(FIELD, "")
    named = [f"{wanted}{ending}" for ending in ENDINGS if f"{wanted}{ending}" in names]
    if _FILE not in st.session_state or st.session_state[_FILE] not in names:
        st.session_state[_FILE] = named[0] if named else names[0]
    name = st.selectbox("File", names, key=_FILE, on_change=_file_picked, width=420, help=f"in {folder.root}")
    if wanted and not named:
        st.warning(f"There is no file of a case “{plain(wanted)}” in this folder.")
    drafts: dict[str, Draft] = st.session_state.setdefault("studio:drafts", {})
    if name not in drafts:
        with faults_shown(stops=True):
            drafts[name] = Draft(folder, name)
    return drafts[name]


def _open(name: str) -> None:
    st.session_state[_FILE] = name
    _file_picked()


def _file_picked() -> None:
    st.query_params[FIELD] = str(st.session_state[_FILE]).rpartition(".")[0]


@st.fragment
def _workbench(draft: Draft) -> None:
    """Draw the editor and all that follows its text, again once the author pauses or the file has changed.

    One fragment: of two that follow at once, Streamlit may draw one alone.
    """
    if _WANTED in st.session_state:
        st.rerun()
    follow(f"studio {draft.name}", lambda: Latest(f"{draft.paused().revision} {stamp_of(draft.path)}"))
    with st.container():
        _file_notice(draft)
    with st.grid(2, min_column_width=480):
        with st.container():
            editor(draft, on_save=_want_to_save)
        with st.container(height=740, key="candidate"):
            candidate_preview(draft)
    _panels(draft)


def _file_notice(draft: Draft) -> None:
    """Take in what another program has saved; where the author has changes too, say so."""
    try:
        if not draft.follow_file() and draft.is_stale():
            changed = "Another program or tab has changed this file since you opened it. Save shows both texts."
            st.warning(f"{plain(draft.name)}: {changed}")
    except InputError as error:
        st.warning(plain(str(error)))


def _panels(draft: Draft) -> None:
    for (title, panel), tab in zip(PANELS.items(), st.tabs(list(PANELS), key="studio:panel", on_change="rerun"), strict=True):
        if tab.open:
            with tab:
                st.header(title, anchor=False)
                try:
                    panel(draft)
                except ScenarioError:
                    st.info("The text is no YAML at the moment. Mend the faults beside the editor first.")
