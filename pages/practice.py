"""Explore: choose a design at the side, and see at once what it misses, how long requests wait and what it costs."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from simulator.app import design_state as address
from simulator.app.design_state import EXPLORE_TAB, IN_ADDRESS, KEPT, fit, get, key
from simulator.app.links import SEEDS, command, link, written
from simulator.app.news import follow, page_begins, page_is_drawn, pays
from simulator.app.own_cases import chosen_case
from simulator.app.widgets import plain, story
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.charts.design_diagram import diagram
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.metrics.replications import REPLICATIONS, looks_of
from simulator.panels.lever_panel import levers
from simulator.paths import PAGES
from simulator.practice import design_runs, history
from simulator.practice.exhibit_panels import PANEL_WANTED, challenge, hero, panel_of, panels, why
from simulator.practice.side_panel import against_calm, armed_in, banner, calm_of, fire, form, picks_of

#: Streamlit writes the shortcut on the Run button at three fifths of its colour, which is too faint to read.
SHORTCUT_STYLE = "<style>.st-key-run_button kbd { opacity: 1 !important; }</style>"

LEVERS, RUNS = "Try each lever", "Runs"


def head(scenario: Scenario) -> DeltaGenerator:
    """Show the title and its buttons; return their row."""
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        story(scenario)
        if scenario.incident:
            st.page_link(PAGES / "incident.py", label="Play the incident", query_params={"case": scenario.id})
        st.page_link(PAGES / "session.py", label="Practise with a clock", query_params={"case": scenario.id})
    return row


@st.fragment(key=design_runs.TRADEOFFS)
def tradeoffs_link(scenario: Scenario) -> None:
    """Link to the trade-offs of the submitted design; its address names the design, so that a new tab opens it too."""
    plan: Plan | None = get(scenario, "plan")
    of_design = {"case": scenario.id} if plan is None else written(plan, get(scenario, "seed"), scenario.run.replications)
    st.page_link(PAGES / "tradeoffs.py", label="Trade-offs", query_params=of_design)


def run_row(scenario: Scenario) -> None:
    """Show the Run button and its switch."""
    changed = {"args": (scenario,)}
    st.html(SHORTCUT_STYLE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Run", type="primary", key="run_button", shortcut="Ctrl+Enter", on_click=run_pressed, **changed)
        live = {"key": key(scenario.id, "live"), "help": "A changed choice runs by itself."}
        st.toggle("Live", on_change=design_runs.design_changed, **live, **changed, **KEPT)


def run_pressed(scenario: Scenario) -> None:
    """Have the design run; a callback."""
    st.session_state["run_pressed"] = True
    design_runs.design_changed(scenario)


def settings(scenario: Scenario) -> None:
    """Ask for the seed and the number of replications."""
    changed = {"on_change": design_runs.design_changed, "args": (scenario,)}
    with st.expander("Run settings", key=key(scenario.id, "settings")):
        st.number_input("Replications", *REPLICATIONS, key=key(scenario.id, "replications"), **changed, **KEPT)
        st.number_input("Seed", *SEEDS, key=key(scenario.id, "seed"), **changed, **KEPT)


def planned(scenario: Scenario) -> Plan | None:
    """Compile the plan of the drawing; if it is not possible, show a sentence for each reason. A box says its own fault."""
    drawn = design_runs.own_drawing(scenario).case
    if drawn.scenario is None:
        return None
    try:
        picks, armed = drawn.picks(picks_of(scenario)), armed_in(scenario)
        return compile_plan(
            drawn.scenario, picks, {name: at for name, at in armed.items() if name in drawn.scenario.curveballs}
        )
    except ScenarioError as error:
        for fault in error.faults:
            st.error(plain(fault.words))
    return None


def run_of(scenario: Scenario) -> tuple[int, int]:
    """Return the seed and the number of replications."""
    return get(scenario, "seed"), get(scenario, "replications")


@st.fragment(key=design_runs.SUBMISSION)
def submit(scenario: Scenario) -> None:
    """Submit the design, again once the drawing has changed; the bar of the verdicts follows its run."""
    drawing = design_runs.own_drawing(scenario)
    follow("own drawing", drawing.changed)
    plan, (seed, replications) = planned(scenario), run_of(scenario)
    st.session_state[key(scenario.id, "plan")] = plan
    drawing.show(plan, picks_of(scenario), design_runs.shown_of(scenario))
    if plan is not None:
        address.write(plan, seed, replications)
        if st.session_state.pop("run_pressed", False):
            design_runs.start(scenario, plan, seed, replications)
    calm = calm_of(design_runs.current(scenario, plan, seed, replications))
    design_runs.shown_of(scenario).calm = calm.id if calm else ""
    if complaints := get(scenario, "complaints"):
        st.warning("\n".join(f"- {plain(sentence)}" for sentence in complaints))


@st.fragment(key=design_runs.REASONS)
@pays(design_runs.REASONS)
def reasons(scenario: Scenario) -> None:
    """Show the curveballs, changes, met objectives, and reasons for the others in the last run, once it has come to its end."""
    job = design_runs.shown_of(scenario).job
    history.remember(job)
    last = design_runs.last_full(scenario, job)
    if last is None:
        return
    with st.container(key=f"of_run_{last.id}_reasons"):
        banner(last)
        if last.plan.strikes:
            against_calm(last)
        else:
            history.comparison(last)
        challenge(last.summary)
        why(last.summary, last.id)


@st.fragment(key=design_runs.DIAGRAM)
def design(scenario: Scenario) -> None:
    """Show the design as a board, which can be changed, and its most loaded stage in a sentence."""
    design_runs.drawing_board(scenario)
    plan: Plan | None = get(scenario, "plan")
    if plan is not None:
        st.caption(plain(diagram(plan).takeaway))


@st.fragment(key=design_runs.DRAWERS)
def drawers(scenario: Scenario) -> None:
    """Offer the loads as a table."""
    plan: Plan | None = get(scenario, "plan")
    table = st.popover("As a table", type="tertiary", on_change="rerun", key=key(scenario.id, design_runs.LOADS))
    if plan is not None and table.open:
        table.dataframe(diagram(plan).table, hide_index=True)


@st.fragment(key=design_runs.REPEAT)
def link_and_command(scenario: Scenario) -> None:
    """Offer the link and the command that repeat the run of this design."""
    plan: Plan | None = get(scenario, "plan")
    drawer = st.popover(
        "Link and command", type="tertiary", on_change="rerun", key=key(scenario.id, design_runs.LINK), width="content"
    )
    if plan is not None and drawer.open:
        with drawer:
            repeat_run(plan, *run_of(scenario))


def repeat_run(plan: Plan, seed: int, replications: int) -> None:
    """Show the link and the command that repeat this run."""
    st.markdown("This link opens the same design and seed:")
    st.code(f"{st.context.url or ''}{link(plan, seed, replications)}", language=None, wrap_lines=True)
    st.markdown("This command runs it:")
    job = design_runs.shown_of(plan.scenario).job
    until_decided = len(looks_of(replications)) > 1 and (job is None or job.until_decided)
    st.code(command(plan, seed, replications, until_decided), language=None, wrap_lines=True)


@st.fragment(key=design_runs.PANEL)
@pays(design_runs.PANEL)
def of_run(scenario: Scenario, title: str) -> None:
    """Draw a panel of the last run, and again once the run of the design has come to its end."""
    shown = design_runs.shown_of(scenario)
    last = design_runs.last_full(scenario, shown.job)
    if title == RUNS:
        history.strip(scenario, shown.job)
        return
    if last is None:
        st.markdown("The first run is on its way." if shown.live else "No design has run yet.")
        return
    with st.container(key=f"of_run_{last.id}_panel"):
        if title == LEVERS:
            levers(last)
            return
        if title == design_runs.first_panel(scenario):
            hero(last.summary)
            return
        for part in panels(scenario)[title]:
            part(last.summary)


def tabs(scenario: Scenario) -> None:
    """Show the picture of the case, the design as a diagram, a panel a question, the levers, and every run so far."""
    titles = list(dict.fromkeys([design_runs.first_panel(scenario), design_runs.DESIGN, *panels(scenario), LEVERS, RUNS]))
    if wanted := st.session_state.pop(PANEL_WANTED, None):
        st.session_state[EXPLORE_TAB] = panel_of(wanted, scenario)
    for title, panel in zip(titles, st.tabs(titles, key=EXPLORE_TAB, **IN_ADDRESS), strict=True):
        if panel.open:
            with panel:
                if title == design_runs.DESIGN:
                    design(scenario)
                    drawers(scenario)
                else:
                    of_run(scenario, title)


page_begins()
scenario = chosen_case()
address.arrive(scenario)
fit(scenario)
st.session_state.setdefault(key(scenario.id, "live"), True)
row = head(scenario)
design_runs.owe_run(scenario)
submit(scenario)
with row:
    tradeoffs_link(scenario)
    link_and_command(scenario)
with st.bottom:
    design_runs.verdicts(scenario, design_runs.last_full(scenario, design_runs.shown_of(scenario).job))
with st.sidebar:
    run_row(scenario)
    fire(scenario)
    form(scenario)
    settings(scenario)
tabs(scenario)
reasons(scenario)
page_is_drawn()
