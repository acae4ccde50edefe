"""The data lab: which photos are labelled, by whom, for which price, and what it buys."""

import streamlit as st

from simulator.app.widgets import plain

st.title("What do better data buy?", anchor=False)
st.markdown(
    "The skin case's network has a head on frozen features of 1,071 photos. Choose photos and labels, each with its price; the "
    "head is refitted at once, on the same patients and folds as the case."
)
try:
    from simulator.datalab.datalab_page import data_lab
except ModuleNotFoundError as error:
    st.error(plain(f"The data lab needs {error.name}, which is not installed: pip install 'casesim[lab]'"))
else:
    data_lab()
