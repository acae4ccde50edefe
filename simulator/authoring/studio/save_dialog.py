"""Saving: the difference first, then the file in one step; a file that has changed meanwhile is shown beside the text."""

from __future__ import annotations

from time import time

import streamlit as st

from simulator.app.widgets import plain
from simulator.authoring.studio.case_folder import CaseText, CaseVersions, ChangedFileError
from simulator.authoring.studio.draft import Draft
from simulator.authoring.studio.studio_panels import show_difference
from simulator.errors import InputError
from simulator.units import counted


@st.dialog("Save the case", width="large")
def save_dialog(draft: Draft, text: str) -> None:
    """Show the difference between the file and a text, and save the text that is shown."""
    try:
        now: CaseText | None = draft.folder.read(draft.name)
    except InputError:
        now = None
    if (now.digest if now else "") != draft.known:
        _conflict(draft, text, now)
        return
    _say_faults(draft)
    show_difference(draft.saved, text, ("file", "your text"))
    if text != draft.saved and st.button("Save", type="primary", key="studio:save:yes"):
        _save(draft, text, draft.known)


def _say_faults(draft: Draft) -> None:
    faults = len(draft.checked().faults)
    if faults:
        st.warning(f"The text has {counted(faults, 'fault')}. You can save it; the case runs once all faults are mended.")


def _conflict(draft: Draft, text: str, now: CaseText | None) -> None:
    """Show both texts, and let the author choose; the text that loses is kept among the versions."""
    name = plain(draft.name)
    if now is None:
        st.warning(f"{name} is gone, or cannot be read any more. Saving makes it anew.")
        if st.button("Save as a new file", type="primary", key="studio:save:new"):
            _save(draft, text, "")
        return
    st.warning(f"{name} has changed since you opened it. Nothing is saved yet.")
    ways, yours, theirs = st.tabs(["Difference", "Your text", "The file now"])
    with ways:
        st.caption("From the file as it is now to your text:")
        show_difference(now.text, text, ("file now", "your text"))
    yours.code(text, language=None, wrap_lines=True)
    theirs.code(now.text, language=None, wrap_lines=True)
    _say_faults(draft)
    with st.container(horizontal=True):
        if st.button("Save my text over it", key="studio:save:over"):
            _save(draft, text, now.digest)
        if st.button("Take the file's text", key="studio:save:theirs"):
            CaseVersions(draft.path).add(text, time())
            draft.take_file(now)
            st.rerun()


def _save(draft: Draft, text: str, known: str) -> None:
    try:
        save(draft, text, known)
    except ChangedFileError as error:
        st.error(f"{plain(str(error))}. Nothing is saved; close this and save again to see both texts.")
    except InputError as error:
        st.error(plain(str(error)))
    else:
        st.toast(f"{plain(draft.name)} is saved")
        st.rerun()


def save(draft: Draft, text: str, known: str) -> None:
    """Write a text over the bytes with the hash `known`; the text before and the new one are kept as versions."""
    versions = CaseVersions(draft.path)
    digest = draft.folder.save(draft.name, text, known, draft.crlf, before=lambda before: versions.add(before.text, time()))
    versions.add(text, time())
    draft.was_saved(text, digest)
