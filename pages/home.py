"""The first page: one design already run, and every case with a picture of what it is about."""

import streamlit as st

from simulator.app.own_cases import case_now, follow_files, show_faults
from simulator.case.document import Fault, ScenarioError
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan, compile_plan
from simulator.home.home_page import card, hook
from simulator.paths import PAGES


def default_plan(scenario: Scenario) -> tuple[Plan | None, list[Fault]]:
    try:
        return compile_plan(scenario), []
    except ScenarioError as error:
        return None, error.faults


follow_files()
st.title("Run your ML system design, then defend it", anchor=False)
st.markdown(
    "Pick models, machines, thresholds and people. A simulation on measured latencies and measured scores shows "
    "**who is missed, who waits and what it costs**, with an interval and a source for every number."
)

above, read, faults = st.container(), [], []
for case in scenario_ids():
    scenario, found = case_now(case)
    faults += found
    if scenario is None:
        continue
    plan, problems = default_plan(scenario)
    if plan is not None and scenario.objectives and not any(before for _, before, _ in read):
        hook(plan)  # before the other cases are read
    read.append((scenario, plan, problems))
if faults:
    with above:
        show_faults(faults, None)
with st.grid(2 if len(read) in (1, 2, 4) else 3, min_column_width=340):
    for scenario, plan, problems in read:
        card(scenario, plan, problems)
st.page_link(PAGES / "evidence.py", label="The measurements behind it")
