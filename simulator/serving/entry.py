"""The entry script of the app: the look of the window, and the only list of pages."""

from typing import Any

import streamlit as st

from simulator.app.component_files import chosen_tabs_in_view
from simulator.app.design_state import note_page
from simulator.app.visitors import is_author
from simulator.paths import APP, PAGES
from simulator.rooms.room_doors import is_confined

#: The name of the app, beside the names of the pages.
LOGO = APP.with_name("logo.svg")

#: The width of the sidebar in pixels: the longest option of a case fits into its field. On a phone it is folded away.
SIDEBAR = 344

#: Streamlit writes an open popover's button in a shade of the accent that is as dark as the dark background.
OPEN_BUTTON = '[data-testid="stPopoverButton"][aria-expanded="true"] { color: inherit; }'

#: Streamlit writes a chosen segment in the accent on a tint of it, with a contrast of 4.4 and less: the text colour has more.
CHOSEN_SEGMENT = 'button[data-variant][role][data-selected="true"] { color: inherit; }'

#: The component that keeps chosen tabs in view shows nothing, and takes no room.
NO_ROOM = ".st-key-tab_bar { position: absolute; }"

#: Pages that the navigation leaves out: another page leads to each.
_HIDDEN: dict[str, Any] = {"visibility": "hidden"}


def main() -> None:
    """Draw the window and the page."""
    st.set_page_config(page_title="CaseSim", page_icon="🔬", layout="wide", initial_sidebar_state=SIDEBAR)
    st.logo(LOGO, size="large")
    st.html(f"<style>{OPEN_BUTTON} {CHOSEN_SEGMENT} {NO_ROOM}</style>")
    chosen_tabs_in_view()
    cases = "Start a session, or pick a case."
    session = "Practise an interview with a clock: predict, run, defend, and see the record."
    incident = "Be on call: find out why a detector fails, and put it right."
    room = "Lead a live interview: two browsers, one whiteboard that runs."
    studio = "Write a case: faults, the candidate's page and tests beside the text."
    evidence = "The source of every number, and its error."
    you = "Your sessions, your predictions, and the case to come back to."
    explore = "Design a service, run it, see what it does."
    tradeoffs = "See what else is possible around a design, and where an answer stops being true."
    lab = "Choose photos and labels by their price, refit a head, and see what the next dollar buys."
    monitors = "Compare production with a reference: an example, or your own files."
    pages = [
        st.Page(PAGES / "home.py", title="Cases", url_path="cases", default=True, help=cases),
        st.Page(PAGES / "session.py", title="Practice", url_path="session", help=session),
        st.Page(PAGES / "incident.py", title="Incident", url_path="incident", help=incident),
        st.Page(PAGES / "room.py", title="Interview", url_path="room", help=room),
        *([st.Page(PAGES / "studio.py", title="Studio", url_path="studio", help=studio)] if is_author() else []),
        st.Page(PAGES / "evidence.py", title="Evidence", url_path="evidence", help=evidence),
        st.Page(PAGES / "you.py", title="You", url_path="you", help=you),
        st.Page(PAGES / "practice.py", title="Explore", url_path="practice", help=explore, **_HIDDEN),
        st.Page(PAGES / "tradeoffs.py", title="Trade-offs", url_path="trade-offs", help=tradeoffs, **_HIDDEN),
        st.Page(PAGES / "datalab.py", title="Data lab", url_path="data-lab", help=lab, **_HIDDEN),
        st.Page(PAGES / "monitors.py", title="Monitors", url_path="monitors", help=monitors, **_HIDDEN),
    ]
    confined = is_confined()
    if confined:
        pages = [page if page.url_path == "room" else _waiting_page(page.url_path) for page in pages]
    page = st.navigation(pages, position="hidden" if confined else "top")
    st.set_page_config(page_title=f"{page.title} · CaseSim")
    note_page(page.url_path)
    page.run()


def _waiting_page(url_path: str) -> Any:
    """Return the page that leads back to the room, at the address of another page; the first page has an empty address."""
    if not url_path:
        return st.Page(PAGES / "waiting.py", title="Interview", url_path="cases", default=True)
    return st.Page(PAGES / "waiting.py", title="Interview", url_path=url_path)


if __name__ == "__main__":
    main()
