"""Practice: choose a design at the side, and see at once what it misses, how long requests wait and what it costs."""

import streamlit as st

from simulator.analysis.run.replicate import REPLICATIONS
from simulator.scenario import Scenario, ScenarioError, scenario_ids
from simulator.scenario.choices import Pick
from simulator.serving.plan import Plan, compile_plan
from simulator.ui.diagram import diagram
from simulator.ui.exhibits import panels as panels_of
from simulator.ui.jobs import registry
from simulator.ui.links import SEEDS, command, link
from simulator.ui.own_cases import case_now, follow, tell
from simulator.ui.widgets import draw_diagram, plain
from simulator.ui.workbench.choices import form
from simulator.ui.workbench.runs import current, last_full, verdicts
from simulator.ui.workbench.state import KEPT, fit, get, key, put


def chosen_case() -> Scenario:
    """The case named in the address; else the last one; else the first one. A broken one shows its faults."""
    wanted, known = st.query_params.get("case"), scenario_ids()
    last = st.session_state.get("case")
    case = wanted if wanted in known else last if last in known else known[0]
    follow()
    scenario, faults = case_now(case)
    if faults:
        tell(faults, scenario)
    if scenario is None:
        st.stop()
    if wanted is not None and wanted not in known:
        st.warning(f"There is no case “{plain(wanted)}”. This is “{scenario.title}”.")
    st.session_state["case"] = scenario.id
    return scenario


def prepare(scenario: Scenario) -> None:
    """The defaults, when a case is opened for the first time, and of choices that its author has added since."""
    if get(scenario, "seed") is None:
        put(scenario, {}, seed=1, replications=scenario.run.replications, strikes={})
        st.session_state[key(scenario.id, "live")] = True
    fit(scenario)


def drawers(scenario: Scenario) -> None:
    """The brief and the questions, each behind a button."""
    if st.button("Brief", key="brief"):
        _brief(scenario)
    if scenario.questions and st.button("Questions you may ask", key="questions"):
        _questions(scenario)


@st.dialog("Brief", position="right", width="medium")
def _brief(scenario: Scenario) -> None:
    st.markdown(scenario.brief)


@st.dialog("Questions you may ask", position="right", width="medium")
def _questions(scenario: Scenario) -> None:
    for question in scenario.questions:
        with st.expander(question.ask, type="compact"):
            st.markdown(question.answer)


def planned(scenario: Scenario, picks: dict[str, Pick], struck: dict[str, float | None]) -> Plan | None:
    """The plan for these picks; if there is none, a sentence for each reason."""
    try:
        return compile_plan(scenario, picks, struck)
    except ScenarioError as error:
        for fault in error.faults:
            st.error(f"{fault.field}: {fault.message}")
    return None


def run_row(scenario: Scenario) -> bool:
    """The Run button and the switch beside it; whether it was pressed."""
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Run", type="primary", key="run_button", shortcut="Ctrl+Enter")
        st.toggle("Live", key=key(scenario.id, "live"), help="A changed choice runs by itself.", **KEPT)
    return pressed


def settings(scenario: Scenario) -> tuple[int, int]:
    """How runs are made: with which seed and how many replications."""
    with st.expander("Run settings", key=key(scenario.id, "settings")):
        replications = st.number_input("Replications", *REPLICATIONS, key=key(scenario.id, "replications"), **KEPT)
        seed = st.number_input("Seed", *SEEDS, key=key(scenario.id, "seed"), **KEPT)
    return seed, replications


def link_and_command(plan: Plan, seed: int, replications: int) -> None:
    """What gives this run again."""
    with st.popover("Link and command", type="tertiary"):
        st.markdown("This link opens the same design and seed:")
        st.code(f"{st.context.url or ''}{link(plan, seed, replications)}", language=None, wrap_lines=True)
        st.markdown("This command runs it:")
        st.code(command(plan, seed, replications), language="bash", wrap_lines=True)


scenario = chosen_case()
prepare(scenario)
st.title(scenario.title, anchor=False)
with st.sidebar:
    pressed = run_row(scenario)
    picks = form(scenario)
    seed, replications = settings(scenario)
plan = planned(scenario, picks, {})
if plan is not None and pressed:
    registry().start(plan, seed, replications)
with st.bottom:
    job = current(scenario, plan, seed, replications)
    last = last_full(scenario, job)
    verdicts(scenario, job, last, None)

with st.container(horizontal=True, vertical_alignment="center"):
    drawers(scenario)
    if plan is not None:
        link_and_command(plan, seed, replications)
shown = panels_of(scenario)
panels = st.tabs(["Design", *shown], key=key(scenario.id, "panel"), on_change="rerun")
if plan is not None and panels[0].open:
    with panels[0]:
        draw_diagram(diagram(plan))
for panel, show in zip(panels[1:], shown.values(), strict=True):
    if panel.open:
        with panel:
            if last is None:
                st.markdown("The first run is on its way.")
            else:
                for part in show:
                    part(last.summary)
