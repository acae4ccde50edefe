"""The first page: a session to start or to continue, and a card with a picture for each case."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import cast

import pandas as pd
import streamlit as st

from simulator.app.jobs import HOUSE, Watcher, job_id, registry
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.own_sessions import begun_words, continue_label, session_link, sessions_that_go_on
from simulator.app.turns import Submitter
from simulator.app.widgets import CONFIG, as_table, badges, plain
from simulator.case.document import Fault
from simulator.case.schema import Scenario
from simulator.charts.look import HEIGHT, Picture, inked
from simulator.engine.compiled_plan import Plan
from simulator.incident.incident_charts import Example, example, pager
from simulator.metrics.overload import goodput_of
from simulator.panels.case_pictures import braking, collapse, flagged, objectives
from simulator.paths import PAGES
from simulator.processes import KilledError
from simulator.units import counted

#: The length of the session that the page offers.
MINUTES = 20

#: The seed that a case is opened with, so that a picture's run is there already when it is opened.
SEED = 1

#: The priority of a picture: after the first figures of a run, before its later ones.
SOON = 1

#: The watcher of results that all visitors share.
_ALL = Watcher(HOUSE, "")


def start(scenario: Scenario) -> None:
    """Offer a short session of a case, and below it the visitor's last session that goes on."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Start a {MINUTES}-minute session", type="primary", key="start"):
            st.switch_page(PAGES / "session.py", query_params={"case": scenario.id, "minutes": str(MINUTES)})
        st.caption(plain(scenario.title))
    if last := next(iter(sessions_that_go_on()), None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            session_link(last, continue_label(last))
            st.caption(begun_words(last))


def card(scenario: Scenario, plan: Plan | None, faults: Sequence[Fault] = ()) -> None:
    """Show a case with its summary and its picture; plan: its default design, None where `faults` say why it cannot run."""
    with st.container(border=True, height="stretch"):
        st.subheader(plain(scenario.title), anchor=False)
        st.markdown(plain(scenario.summary))
        for problem in dict.fromkeys(fault.message for fault in faults):
            st.warning(f"This case cannot run yet: {plain(problem)}.")
        made = plan and case_picture(plan)
        with st.container(horizontal=True, vertical_alignment="center"):
            case = {"case": scenario.id}
            if st.button("Practise", key=f"session_{scenario.id}"):
                st.switch_page(PAGES / "session.py", query_params=case)
            if st.button("Explore", key=f"practise_{scenario.id}"):
                st.switch_page(PAGES / "practice.py", query_params=case)
            if scenario.incident and st.button("Be on call", key=f"incident_{scenario.id}"):
                st.switch_page(PAGES / "incident.py", query_params=case)
            st.caption(f"{counted(scenario.minutes, 'minute')}, {_holds(scenario)}", width="content")
            if made:
                as_table(made.chart.table, f"picture_{scenario.id}")


def _holds(scenario: Scenario) -> str:
    if scenario.incident:
        return counted(len(scenario.incident.causes), "suspect")
    return counted(sum(not choice.situation for choice in scenario.choices.values()), "choice")


def case_picture(plan: Plan) -> Picture | None:
    """Show the picture of a case once it is made, and return it; until then say that the default design is running."""
    try:
        made = picture_of(plan)
    except KilledError as error:
        st.caption(plain(f"There is no picture: {error}."))
        return None
    if made is None:
        _waiting(plan)
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.metric(plain(made.meaning), made.value, label_visibility="collapsed", width="content")
        st.markdown(f"{plain(made.meaning)} {badges(made.kinds)}", width="stretch")
    if made.chart.figure is not None:
        drawn = inked(made.chart.figure, st.context.theme.type)
        st.plotly_chart(drawn, alt=made.chart.takeaway, config=CONFIG, key=f"picture_{plan.scenario.id}")
    return made


@st.fragment
def _waiting(plan: Plan) -> None:
    follow(f"picture of {plan.scenario.id}", lambda: Latest(str(_is_made(plan))), PROGRESS_S)
    try:
        made = picture_of(plan)
    except KilledError:
        st.rerun()
    if made is not None:
        st.rerun()
    with st.container(height=HEIGHT + 60, border=False):
        st.caption("The default design is running …")


def _is_made(plan: Plan) -> bool:
    """Return whether the picture is made, or cannot be."""
    try:
        return picture_of(plan) is not None
    except KilledError:
        return True


def picture_of(plan: Plan) -> Picture | None:
    """Return the picture of a case: an incident, scores, encounters, retries, or its objectives; None while it is made."""
    if plan.scenario.incident is not None:
        rung = _ring(job_id(plan, SEED, 1), plan)
        return pager(plan.scenario.incident, rung.result()) if rung.done() else None
    if plan.scores is not None and plan.scenario.population is not None:
        return _flagged(job_id(plan, SEED, 1), plan)
    if plan.scenario.encounters is not None:
        return _braking(job_id(plan, SEED, 1), plan)
    if "overload" in plan.scenario.shown():
        frame = _goodput(job_id(plan, SEED, 1), plan)
        return collapse(plan, frame.result()) if frame.done() else None
    job = registry().start(_ALL, plan, SEED, plan.scenario.run.replications)
    return objectives(plan, job.quick.verdicts) if job.quick else None


@st.cache_resource(max_entries=32, show_spinner=False)
def _flagged(design: str, _plan: Plan) -> Picture:
    return flagged(_plan)


@st.cache_resource(max_entries=32, show_spinner=False)
def _braking(design: str, _plan: Plan) -> Picture:
    return braking(_plan)


@st.cache_resource(max_entries=32, show_spinner=False)
def _ring(design: str, _plan: Plan) -> Future[Example | None]:
    return cast(
        "Future[Example | None]", registry().workers.submit(Submitter(HOUSE, design, SOON), example, _plan.scenario, SEED)
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def _goodput(design: str, _plan: Plan) -> Future[pd.DataFrame]:
    return cast("Future[pd.DataFrame]", registry().workers.submit(Submitter(HOUSE, design, SOON), goodput_of, _plan, SEED))
