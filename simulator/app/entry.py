"""The entry script of the app: the look of the window, and the only list of pages."""

import streamlit as st

from simulator.paths import APP, PAGES

#: The name of the app, beside the names of the pages.
LOGO = APP.with_name("logo.svg")

#: The width of the sidebar in pixels: the longest option of a case fits into its field. On a phone it is folded away.
SIDEBAR = 344


def main() -> None:
    """Draw the window and the page."""
    st.set_page_config(page_title="CaseSim", page_icon="🔬", layout="wide", initial_sidebar_state=SIDEBAR)
    st.logo(LOGO, size="large")
    cases = "Pick a case, or see one already run."
    practice = "Design a service, run it, see what it does."
    session = "Practise an interview with a clock: predict, run, defend, and see the record."
    incident = "Be on call: find out why a detector fails, and put it right."
    tradeoffs = "See what else is possible around a design, and where an answer stops being true."
    monitors = "Compare production with a reference: an example, or your own files."
    evidence = "The source of every number, and its error."
    pages = [
        st.Page(PAGES / "home.py", title="Cases", url_path="cases", default=True, help=cases),
        st.Page(PAGES / "practice.py", title="Practice", url_path="practice", help=practice),
        st.Page(PAGES / "session.py", title="Session", url_path="session", help=session),
        st.Page(PAGES / "tradeoffs.py", title="Trade-offs", url_path="trade-offs", help=tradeoffs),
        st.Page(PAGES / "incident.py", title="Incident", url_path="incident", help=incident),
        st.Page(PAGES / "monitors.py", title="Monitors", url_path="monitors", help=monitors),
        st.Page(PAGES / "evidence.py", title="Evidence", url_path="evidence", help=evidence),
    ]
    page = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{page.title} · CaseSim")
    page.run()


if __name__ == "__main__":
    main()
