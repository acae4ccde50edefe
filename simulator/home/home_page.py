"""The first page: the default design of the first case, already run, and a card with a picture for each case."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import cast

import pandas as pd
import streamlit as st

from simulator.app.jobs import HOUSE, Job, Watcher, job_id, registry
from simulator.app.news import PROGRESS_S, Latest, follow
from simulator.app.turns import Submitter
from simulator.app.widgets import CONFIG, as_table, badges, plain
from simulator.case.document import Fault
from simulator.case.schema import Scenario
from simulator.charts.look import HEIGHT, Picture, inked
from simulator.engine.plan import Plan
from simulator.explain.result import Result
from simulator.home.case_pictures import braking, collapse, flagged, objectives
from simulator.incident.incident_charts import Example, example, pager
from simulator.metrics.overload import goodput_of
from simulator.metrics.summary import Verdict, judged
from simulator.paths import PAGES
from simulator.practice.design_runs import watcher
from simulator.practice.verdict_bar import bar, bar_content
from simulator.processes import KilledError
from simulator.units import counted

#: The seed that a case is opened with, so that what runs here is there already when it is opened.
SEED = 1

#: The priority of a picture: after the first figures of the run above it, before its later ones.
SOON = 1

#: The watcher of results that all visitors share.
_ALL = Watcher(HOUSE, "")


def hook(plan: Plan) -> None:
    job = registry().live(watcher(), plan, SEED, plan.scenario.run.replications)
    draw = st.fragment(_hook) if job.running else _hook
    draw(plan.scenario, job, job.running)


def _hook(scenario: Scenario, job: Job, looks: bool) -> None:
    if looks:
        follow("hook", lambda: Latest(f"{job.ready} {job.running}"))
    found = None if job.error else job.quick
    verdicts = found.verdicts if found else judged(scenario, {})
    st.header(_challenge(verdicts, found), anchor=False)
    bar(bar_content(verdicts, stale=found is None, early=job.running))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Change this design", type="primary", key="change"):
            st.switch_page(PAGES / "practice.py", query_params={"case": scenario.id})
        st.caption(f"{plain(scenario.title)}, the default design: {_size(job, found)}")


def _challenge(verdicts: list[Verdict], found: Result | None) -> str:
    total, met = len(verdicts), sum(one.standing == "met" for one in verdicts)
    unproven = sum(one.standing == "not proven" for one in verdicts)
    if found is None:
        return "Here is a design with its objectives"
    if met == total:
        return f"This design meets {_of(total, total)}. Can you do it with less?"
    if met + unproven == total:
        return f"This design is not proven to meet {_of(unproven, total)}. Can you?"
    return f"This design does not meet {_of(total - met - unproven, total)}. Can you?"


def _of(count: int, total: int) -> str:
    return "its only objective" if total == 1 else f"{count} of its {total} objectives"


def _size(job: Job, found: Result | None) -> str:
    if job.error:
        return f"the run failed: {plain(str(job.error))}"
    if found is None:
        return "the run is under way."
    so_far = f"{found.replications} of {job.total} so far; " if found.replications < job.total else ""
    return f"{so_far}{found.size}, run hash {found.run_hash}."


def card(scenario: Scenario, plan: Plan | None, faults: Sequence[Fault] = ()) -> None:
    """Show a case with its summary and its picture; plan: its default design, None where `faults` say why it cannot run."""
    with st.container(border=True, height="stretch"):
        st.subheader(plain(scenario.title), anchor=False)
        st.markdown(plain(scenario.summary))
        for problem in dict.fromkeys(fault.message for fault in faults):
            st.warning(f"This case cannot run yet: {plain(problem)}.")
        made = plan and _picture(plan)
        with st.container(horizontal=True, vertical_alignment="center"):
            if scenario.incident:
                verb, page, holds = "Be on call", "incident.py", _suspects(scenario)
            else:
                verb, page, holds = "Explore", "practice.py", _choices(scenario)
            case = {"case": scenario.id}
            if st.button(f"Practise: {plain(scenario.title)}", key=f"session_{scenario.id}"):
                st.switch_page(PAGES / "session.py", query_params=case)
            if st.button(f"{verb}: {plain(scenario.title)}", key=f"practise_{scenario.id}"):
                st.switch_page(PAGES / page, query_params=case)
            st.caption(f"{counted(scenario.minutes, 'minute')}, {holds}", width="content")
            if made:
                as_table(made.chart.table)


def _choices(scenario: Scenario) -> str:
    return counted(len(scenario.choices), "choice")


def _suspects(scenario: Scenario) -> str:
    return counted(len(scenario.incident.causes), "suspect") if scenario.incident else ""


def _picture(plan: Plan) -> Picture | None:
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
