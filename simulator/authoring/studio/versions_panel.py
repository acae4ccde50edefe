"""Earlier versions of the file: the difference to the text, line by line, and the way back."""

from __future__ import annotations

from difflib import unified_diff

import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.authoring.studio.case_folder import CaseVersions, text_of
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.studio_forms import draw_again
from simulator.errors import InputError


def versions_panel(draft: Draft) -> None:
    """Let the author pick an earlier version, see what differs, and bring it back into the editor."""
    versions = {version.place.stem: version for version in CaseVersions(draft.path).listed()}
    if not versions:
        st.markdown("There is no earlier version yet. Each save keeps one, the last fifty of a file.")
        return

    def words(name: str) -> str:
        return f"{clock(versions[name].at)}, {versions[name].digest[:6]}"

    picked = st.selectbox("Version", list(versions), format_func=words, key=f"studio:version:{draft.name}", width=420)
    try:
        text = text_of(versions[picked])
    except InputError as error:
        st.error(plain(str(error)))
        return
    if text != draft.text and st.button("Bring this version back", key="studio:version:back"):
        draft.change(lambda _: text)
        draw_again()
    st.caption("From the text in the editor to this version. Nothing is saved until you save.")
    show_difference(draft.text, text, ("editor", "this version"))


def difference(before: str, after: str, names: tuple[str, str]) -> str:
    """Return the lines that differ, with three lines around each; empty for equal texts."""
    lines = unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "\n".join(lines)


def show_difference(before: str, after: str, names: tuple[str, str]) -> None:
    """Show the lines that differ, or say that none does."""
    found = difference(before, after, names)
    if found:
        st.code(found, language=None, wrap_lines=True)
    else:
        st.markdown("The two texts are equal.")
