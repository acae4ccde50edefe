"""The data lab: which photos are labelled, by whom, for which price, and what it buys."""

import streamlit as st

from simulator.app.widgets import plain
from simulator.phrases import phrase

st.title("What do better data buy?", anchor=False)
st.markdown(phrase("lab.about"))
try:
    from simulator.datalab.datalab_page import data_lab
except ModuleNotFoundError as error:
    st.error(plain(f"The data lab needs {error.name}, which is not installed: pip install 'casesim[lab]'"))
else:
    data_lab()
