"""The visitor's data: an export of everything, an import, the id for the command, and a deletion that asks first."""

from __future__ import annotations

from functools import partial

import streamlit as st

from simulator.app.own_sessions import session_log, trail
from simulator.app.store.session_files import read_visitor_file
from simulator.app.widgets import plain, upload
from simulator.errors import InputError
from simulator.limits import SESSION_FILE
from simulator.units import counted
from simulator.you.own_record import OwnRecord

#: The name of the exported file.
FILE = "casesim-practice.json"

#: The key of a sentence that the next run of the script shows.
_NOTE = "you:note"


def own_data(record: OwnRecord) -> None:
    """Offer the export, the import and the deletion."""
    st.header("Your data", anchor=False)
    if note := st.session_state.pop(_NOTE, ""):
        st.info(plain(note))
    st.markdown(
        "Sessions, incidents and runs belong to this browser. There is no account: a file carries them to another browser."
    )
    left, right = st.columns(2, gap="large")
    with left:
        _export(record)
    with right:
        _import()
    _delete()


def _export(record: OwnRecord) -> None:
    st.subheader("Take it along", anchor=False)
    going_on = sum(not incident.stored.revealed for incident in record.incidents)
    owner = trail()  # the function below runs on a thread of its own, which belongs to no visitor
    content = partial(session_log().export, owner)
    st.download_button("Export everything", content, FILE, "application/json", key="you:export", on_click="ignore")
    if going_on:
        st.caption(f"{counted(going_on, 'incident')} under way stays here: the file would give the cause away.")
    drawer = st.popover("On the command line", type="tertiary", on_change="rerun", key="you:id")
    if drawer.open:
        with drawer:
            st.markdown("This is your id. A person with access to the server's database can use it; keep it to yourself.")
            st.code(f"casesim practice export {FILE} --visitor {trail()}", language=None, wrap_lines=True)


def _import() -> None:
    st.subheader("Bring it here", anchor=False)
    file = upload("A file that CaseSim has exported", ["json"], SESSION_FILE)
    if file is not None and st.button("Import this file", key="you:import"):
        try:
            count = session_log().take_in(trail(), file.getvalue())
            rooms = read_visitor_file(file.getvalue(), trail()).rooms
        except InputError as error:
            st.error(plain(str(error)))
            return
        words = f"{counted(count, 'new entry', 'new entries')} came in." if count else "All of it was here already."
        st.session_state[_NOTE] = words + (" Interviews of the file are listed on the page “Interview”." if rooms else "")
        st.rerun()


def _delete() -> None:
    with st.expander("Delete everything", key="you:deleting"):
        st.markdown(
            "This deletes your sessions, incidents and runs from the database of this server, for good. "
            "Export them first if you may want them again."
        )
        sure = st.checkbox("Delete all of it", key="you:sure")
        st.button("Delete", key="you:delete", disabled=not sure, on_click=_deleted)


def _deleted() -> None:
    if not st.session_state.get("you:sure"):
        return
    st.session_state["you:sure"] = False
    try:
        session_log().delete(trail())
    except InputError as error:
        st.session_state[_NOTE] = str(error)
    else:
        st.session_state[_NOTE] = "Your sessions, incidents and runs are deleted."
