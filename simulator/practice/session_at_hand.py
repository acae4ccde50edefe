"""The session in the address: read from the log at each run of the script, changed by events alone, and its runs."""

from __future__ import annotations

import streamlit as st

from simulator.app.jobs import WATCHED, Job, Watcher, job_id, registry
from simulator.app.live_session import LiveSession
from simulator.app.own_sessions import FIELD, session_log, trail
from simulator.app.widgets import FAULT, scenario_of
from simulator.case.document import ScenarioError
from simulator.case.load import scenario_ids
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, case_hash
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import Result
from simulator.session.event_log import AnyEvent, Role, Session
from simulator.session.session_events import GoalSet, PhaseBegun
from simulator.session.session_record import ended_event, run_asked

#: The seed of the runs of a session.
SEED = 1


def begin(scenario: Scenario, minutes: int, nudges: bool, goal: str | None = None) -> Session:
    """Begin a session with its first phase, and return it; raises StoreError where the database cannot be used.

    goal: the signal that the session is to train
    """
    session = session_log().begin(
        trail(), scenario.id, scenario.version, case_hash(scenario), seed=SEED, minutes=minutes, nudges=nudges
    )
    session_log().append(session.id, "system", PhaseBegun(phase=phases_of(scenario)[0].id))
    if goal is not None:
        session_log().append(session.id, "candidate", GoalSet(signal=goal))
    return session


def session_at_hand() -> LiveSession | None:
    """Return the session that the address names; None without one, and after a sentence for an unknown one."""
    name = st.query_params.get(FIELD)
    if name is None:
        return None
    try:
        head = session_log().get(name)
        if head is None or head.case not in scenario_ids():
            st.warning("There is no session with this link. Begin a new one.")
            return None
        return LiveSession(session_log(), scenario_of(head.case), name)
    except InputError as error:
        st.error(str(error))
        return None


def take(live: LiveSession, *events: AnyEvent, role: Role = "candidate") -> None:
    """Append events; where one is refused, leave out those behind it, and keep the sentence for the next run of the script."""
    try:
        for event in events:
            live.take(role, event)
    except InputError as error:
        st.session_state[FAULT] = str(error)


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
    job = registry().get(job_id(plan, seed, replications))
    return job if job is not None and not job.cancelled else registry().start(watcher, plan, seed, replications, WATCHED)


def result_at_hand(live: LiveSession) -> Result | None:
    """Return the result of the design at hand; None before its run has ended, and where it cannot run."""
    try:
        plan = plan_at_hand(live)
    except ScenarioError:
        return None
    job = registry().get(job_id(plan, live.state.session.seed, live.scenario.run.replications))
    shown = live.state.revealed(live.state.design_at_hand(live.scenario))
    return job.summary if job is not None and job.succeeded and shown else None


def note_result(live: LiveSession, job: Job) -> None:
    """Note the result of the design at hand, once."""
    design = live.state.design_at_hand(live.scenario)
    if job.succeeded and not live.state.revealed(design):
        take(live, ended_event(design, job.summary), role="system")
        for key in [name for name in st.session_state if str(name).startswith("session:predict:")]:
            del st.session_state[key]
