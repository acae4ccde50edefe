"""The runs of a session: asked for by an event, computed by the jobs of the server, and noted once they have ended."""

from __future__ import annotations

import streamlit as st

from simulator.app.jobs import WATCHED, Job, Watcher, job_id, registry
from simulator.app.live_session import LiveSession
from simulator.case.document import ScenarioError
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.explain.result import Result
from simulator.practice.session_at_hand import take
from simulator.session.run_events import ended_event, run_asked


def plan_at_hand(live: LiveSession) -> Plan:
    """Compile the design at hand under the curveballs that have struck; raises ScenarioError where it cannot run."""
    return compile_plan(live.scenario, live.state.picks(live.scenario), live.state.strikes)


def was_asked(live: LiveSession) -> bool:
    """Return whether a run of the design at hand was asked for."""
    design = live.state.design_at_hand(live.scenario)
    return any(run.design == design for run in live.state.runs)


def ask_for_run(live: LiveSession) -> None:
    """Note that the design at hand is to run."""
    take(live, run_asked(live.scenario, live.state))


def job_at_hand(live: LiveSession) -> Job:
    """Return the run of the design at hand, which begins again after a restart of the server; raises ScenarioError."""
    plan, seed, replications = plan_at_hand(live), live.state.session.seed, live.scenario.run.replications
    watcher = Watcher(live.state.session.owner or live.state.session.id, live.state.session.id)
    known = registry().get(job_id(plan, seed, replications))
    return known if known is not None and not known.cancelled else registry().start(watcher, plan, seed, replications, WATCHED)


def result_at_hand(live: LiveSession) -> Result | None:
    """Return the result of the design at hand; None before its run has ended, and where it cannot run."""
    try:
        plan = plan_at_hand(live)
    except ScenarioError:
        return None
    job = registry().get(job_id(plan, live.state.session.seed, live.scenario.run.replications))
    return (
        job.summary
        if job is not None and job.succeeded and live.state.revealed(live.state.design_at_hand(live.scenario))
        else None
    )


def note_result(live: LiveSession, job: Job) -> None:
    """Note the result of the design at hand, once."""
    design = live.state.design_at_hand(live.scenario)
    if job.succeeded and not live.state.revealed(design):
        take(live, ended_event(design, job.summary), role="system")
        for key in [name for name in st.session_state if str(name).startswith("session:predict:")]:
            del st.session_state[key]
