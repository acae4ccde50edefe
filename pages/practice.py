"""Practice: choose a design at the side, and see at once what it misses, how long requests wait and what it costs."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from simulator.app import design_state as address
from simulator.app.design_state import KEPT, fit, key
from simulator.app.jobs import Job
from simulator.app.links import SEEDS, command, link, written
from simulator.app.own_cases import chosen_case
from simulator.app.widgets import draw_diagram, plain, story
from simulator.case.choices import Pick
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.charts.design_diagram import diagram
from simulator.engine.plan import Plan, compile_plan
from simulator.metrics.replications import REPLICATIONS
from simulator.paths import PAGES
from simulator.practice import history
from simulator.practice.choice_panel import form
from simulator.practice.curveball_panel import against_calm, banner, calm_of, fire
from simulator.practice.design_runs import current, last_full, start, verdicts
from simulator.practice.exhibit_panels import panel_of, panels
from simulator.practice.lever_panel import levers
from simulator.practice.why_panel import PANEL_WANTED, challenge, why

DESIGN, LEVERS, RUNS = "Design", "Try each lever", "Runs"


def head(scenario: Scenario) -> DeltaGenerator:
    """Show the title and its buttons; return their row."""
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        story(scenario)
        if scenario.incident:
            st.page_link(PAGES / "incident.py", label="Play the incident", query_params={"case": scenario.id})
    return row


def run_row(scenario: Scenario) -> bool:
    """Show the Run button and its switch; return whether the button was pressed."""
    live = key(scenario.id, "live")
    st.session_state.setdefault(live, True)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Run", type="primary", key="run_button", shortcut="Ctrl+Enter")
        st.toggle("Live", key=live, help="A changed choice runs by itself.", **KEPT)
    return pressed


def settings(scenario: Scenario) -> tuple[int, int]:
    """Ask for the seed and the number of replications."""
    with st.expander("Run settings", key=key(scenario.id, "settings")):
        replications = st.number_input("Replications", *REPLICATIONS, key=key(scenario.id, "replications"), **KEPT)
        seed = st.number_input("Seed", *SEEDS, key=key(scenario.id, "seed"), **KEPT)
    return seed, replications


def planned(scenario: Scenario, picks: dict[str, Pick], struck: dict[str, float | None]) -> Plan | None:
    """Compile the plan; if it is not possible, show a sentence for each reason."""
    try:
        return compile_plan(scenario, picks, struck)
    except ScenarioError as error:
        for fault in error.faults:
            st.error(plain(f"{fault.field}: {fault.message}"))
    return None


def explanation(scenario: Scenario, last: Job) -> None:
    """Show the curveballs, changes, met objectives, and reasons for the others in the last run."""
    banner(last)
    if last.plan.strikes:
        against_calm(last)
    else:
        history.comparison(last)
    challenge(last.summary)
    unmet = list(last.summary.reasons)
    if unmet:
        with st.grid(min(len(unmet), 3), border=True, min_column_width=240):
            for place in unmet:
                with st.container():
                    st.markdown(f"**{plain(scenario.objectives[place].label)}**")
                    why(last.summary, place)


def link_and_command(plan: Plan, seed: int, replications: int) -> None:
    """Show the link and the command that repeat this run."""
    with st.popover("Link and command", type="tertiary"):
        st.markdown("This link opens the same design and seed:")
        st.code(f"{st.context.url or ''}{link(plan, seed, replications)}", language=None, wrap_lines=True)
        st.markdown("This command runs it:")
        st.code(command(plan, seed, replications), language=None, wrap_lines=True)


def tabs(scenario: Scenario, plan: Plan | None, job: Job | None, last: Job | None) -> None:
    """Show the design as a diagram, a panel a question, the levers, and every run so far."""
    shown, chosen = panels(scenario), key(scenario.id, "panel")
    if wanted := st.session_state.pop(PANEL_WANTED, None):
        st.session_state[chosen] = panel_of(wanted, scenario)
    opened = dict(
        zip([DESIGN, *shown, LEVERS, RUNS], st.tabs([DESIGN, *shown, LEVERS, RUNS], key=chosen, on_change="rerun"), strict=True)
    )
    for title, panel in opened.items():
        if not panel.open:
            continue
        with panel:
            if title == DESIGN:
                if plan is not None:
                    draw_diagram(diagram(plan))
                    link_and_command(plan, seed, replications)
            elif title == RUNS:
                history.strip(scenario, job)
            elif last is None:
                st.markdown("The first run is on its way.")
            elif title == LEVERS:
                levers(last)
            else:
                for part in shown[title]:
                    part(last.summary)


scenario = chosen_case()
complaints = address.arrive(scenario)
fit(scenario)
row = head(scenario)
if complaints:
    st.warning("\n".join(f"- {plain(sentence)}" for sentence in complaints))
with st.sidebar:
    pressed = run_row(scenario)
    struck = fire(scenario)
    picks = form(scenario)
    seed, replications = settings(scenario)
plan = planned(scenario, picks, struck)
if plan is not None:
    address.write(plan, seed, replications)
    row.page_link(PAGES / "tradeoffs.py", label="Trade-offs", query_params=written(plan, seed, replications))
    if pressed:
        start(plan, seed, replications)
with st.bottom:
    job = current(scenario, plan, seed, replications)
    last = last_full(scenario, job)
    verdicts(scenario, job, last, calm_of(job) if job else None)
history.remember(job)
if last is not None:
    explanation(scenario, last)
tabs(scenario, plan, job, last)
