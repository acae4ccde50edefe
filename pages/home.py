"""The first page: a session to start, and every case with a picture of what it is about."""

import streamlit as st

from simulator.app.own_cases import case_now, follow_files, show_faults
from simulator.case.document import Fault, ScenarioError
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.home.home_page import card, start
from simulator.paths import PAGES
from simulator.phrases import phrase


def default_plan(scenario: Scenario) -> tuple[Plan | None, list[Fault]]:
    try:
        return compile_plan(scenario), []
    except ScenarioError as error:
        return None, error.faults


follow_files()
st.title("Run your ML system design, then defend it", anchor=False)
st.markdown(phrase("home.about"))

above, read, faults = st.container(), [], []
for case in scenario_ids():
    scenario, found = case_now(case)
    faults += found
    if scenario is None:
        continue
    if not read:
        start(scenario)
        st.header("Cases", anchor=False)
    read.append((scenario, *default_plan(scenario)))
if faults:
    with above:
        show_faults(faults, None)
with st.grid(2 if len(read) in (1, 2, 4) else 3, min_column_width=340):
    for scenario, plan, problems in read:
        card(scenario, plan, problems)
st.page_link(PAGES / "evidence.py", label="The measurements behind it")
