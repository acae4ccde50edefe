"""The entry script of the app: the look of the window, and the only list of pages."""

import streamlit as st

from simulator.paths import PAGES
from simulator.ui.jobs import registry

st.set_page_config(page_title="CaseSim", page_icon="🔬", layout="wide")

registry()  # its processes start while the person reads

st.navigation(
    [
        st.Page(PAGES / "home.py", title="Cases", url_path="cases", default=True, help="Pick a case; see one that was run."),
        st.Page(
            PAGES / "practice.py", title="Practice", url_path="practice", help="Design a service, run it, see what it does."
        ),
        st.Page(
            PAGES / "evidence.py", title="Evidence", url_path="evidence", help="Where every number comes from, and how far off."
        ),
    ],
    position="top",
).run()
