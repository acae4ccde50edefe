"""The list of cases, and one example that has already been run."""

from contextlib import suppress

import streamlit as st

from simulator.analysis.run.replicate import replicate
from simulator.analysis.run.result import Result
from simulator.analysis.run.scorecard import judge
from simulator.paths import PAGES
from simulator.scenario import Scenario, ScenarioError, load_all
from simulator.serving.plan import Plan, compile_plan
from simulator.ui.charts import referrals_by_sensitivity
from simulator.ui.jobs import job_id
from simulator.ui.widgets import draw, plain, scenario_of, verdict_card

#: Few enough to finish at once; the page says how many.
EXAMPLE_REPLICATIONS = 5
EXAMPLE_SEED = 1


@st.cache_data(max_entries=4, show_spinner="Running the example …")
def example(job: str, _plan: Plan) -> Result:
    return replicate(_plan, EXAMPLE_SEED, EXAMPLE_REPLICATIONS)


def first_plan(scenarios: list[Scenario]) -> Plan | None:
    """The default design of the first case that can run; None where none can."""
    for scenario in scenarios:
        with suppress(ScenarioError):
            return compile_plan(scenario)
    return None


def card(scenario: Scenario) -> None:
    with st.container(border=True):
        st.subheader(scenario.title, anchor=False)
        st.markdown(scenario.summary)
        verdicts = [judge(objective, scenario.metrics, {}) for objective in scenario.objectives]
        st.markdown("\n".join(f"- {verdict.objective.label}: **{verdict.asked}**" for verdict in verdicts))
        st.caption(f"{scenario.minutes} minutes, {len(scenario.choices)} choices, {len(scenario.questions)} questions to ask")
        if st.button(f"Practise: {scenario.title}", type="primary", key=f"practise_{scenario.id}"):
            st.switch_page(PAGES / "practice.py", query_params={"case": scenario.id})


st.title("Run your ML system design, then defend it", anchor=False)
st.markdown(
    "Pick models, machines, thresholds and people for a computer-vision service. A simulation on measured latencies and "
    "measured scores shows **who is missed, who waits and what it costs**, with an interval and a source for every number."
)

st.page_link(PAGES / "evidence.py", label="How these figures were measured, and how far off the simulation is")

scenarios, faults = load_all(scenario_of)
plan = first_plan(scenarios)
cases, lesson = st.columns([2, 3], gap="large")
with cases:
    for scenario in scenarios:
        card(scenario)
    for fault in faults:
        st.error(plain(str(fault)))
with lesson:
    if plan is not None and plan.scores is not None:
        draw(referrals_by_sensitivity(plan), key="lesson")

if plan is None:
    st.stop()
st.subheader(f"Already run for you: the default design of “{plan.scenario.title}”", anchor=False)
summary = example(job_id(plan, EXAMPLE_SEED, EXAMPLE_REPLICATIONS), plan)
with st.grid(4, border=True, min_column_width=160):
    for index, verdict in enumerate(summary.verdicts):
        with st.container():
            verdict_card(verdict, key=f"example_{index}")
st.caption(f"{summary.replications} replications, {summary.requests:,} requests, run hash {summary.run_hash}")
