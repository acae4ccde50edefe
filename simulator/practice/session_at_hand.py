"""The session in the address: its begin, its events, and its runs; it is read from the log at each run of the script."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from simulator.app.jobs import WATCHED, Job, Watcher, job_id, registry
from simulator.app.live_session import LiveSession
from simulator.app.own_cases import case_now
from simulator.app.own_sessions import FIELD, begun_words, continue_label, session_log, sessions_that_go_on, trail
from simulator.app.widgets import FAULT, faults_shown, plain, scenario_of
from simulator.case.document import ScenarioError
from simulator.case.load import scenario_ids
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan, case_hash
from simulator.engine.plan import compile_plan
from simulator.errors import InputError
from simulator.explain.result import Result
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.session.event_log import AnyEvent, Role, Session
from simulator.session.next_steps import EXERCISES
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
    with faults_shown():
        head = session_log().get(name)
        if head is not None and head.case in scenario_ids():
            return LiveSession(session_log(), scenario_of(head.case), name)
        st.warning("There is no session with this link. Begin a new one.")
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


#: The lengths that are offered (minutes).
MINUTES = (20, 30, 45)

#: The most sessions that are listed.
_LISTED = 3

#: The field of the address with the signal that a new session is to train.
GOAL = "goal"

_CASE = "session:case"


def begin_panel(scenario: Scenario) -> None:
    """Offer a new session of a case, and the visitor's sessions that go on."""
    st.title("Practise a case", anchor=False)
    st.markdown(phrase("session.about"))
    with st.container(width=760):
        _case(scenario)
        goal = goal_at_hand()
        if goal is not None:
            st.info(plain(f"The goal of this session: {EXERCISES[goal].goal}"))
        minutes = st.radio("Minutes", MINUTES, _wanted_minutes(), horizontal=True, key="session:minutes")
        nudges = st.toggle("Tell me when a phase takes longer than planned", value=True, key="session:nudges")
        st.caption(" · ".join(f"{phase.title} {phase.minutes:g} min" for phase in phases_of(scenario, minutes)))
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Begin", type="primary", key="session:begin"):
                _begin(scenario, minutes, nudges, goal)
            st.page_link(PAGES / "practice.py", label="Explore the case without a clock", query_params={"case": scenario.id})
        _that_go_on()


def _case(scenario: Scenario) -> None:
    """Let the person pick another case; the address follows."""
    scenarios = [case_now(case)[0] for case in scenario_ids()]
    titles = {scenario.id: scenario.title for scenario in scenarios if scenario is not None}
    often = {title for title, count in Counter(titles.values()).items() if count > 1}
    # Streamlit finds a pick by its words: a copy of a case needs words of its own.
    words = {case: f"{title} ({case})" if title in often else title for case, title in titles.items()}
    st.session_state[_CASE] = scenario.id
    st.selectbox("Case", list(words), format_func=lambda case: words[case], key=_CASE, on_change=_picked)
    st.markdown(plain(scenario.summary))


def _picked() -> None:
    st.query_params["case"] = st.session_state[_CASE]


def _wanted_minutes() -> int:
    """Return the place of the length that the address names; that of the shortest without one, and after a sentence."""
    wanted, offered = st.query_params.get("minutes", ""), [str(minutes) for minutes in MINUTES]
    if wanted and wanted not in offered:
        st.warning(plain(f"A session takes {', '.join(offered[:-1])} or {offered[-1]} minutes, not “{wanted}”."))
    return offered.index(wanted) if wanted in offered else 0


def _begin(scenario: Scenario, minutes: int, nudges: bool, goal: str | None) -> None:
    with faults_shown():
        st.query_params.from_dict({FIELD: begin(scenario, minutes, nudges, goal).id})
        st.rerun()


def _that_go_on() -> None:
    sessions = sessions_that_go_on()[:_LISTED]
    if not sessions:
        return
    st.header("Sessions that go on", anchor=False)
    for session in sessions:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button(continue_label(session), key=f"session:open:{session.id}"):
                st.query_params.from_dict({FIELD: session.id})
                st.rerun()
            st.caption(begun_words(session))


def goal_at_hand() -> str | None:
    """Return the signal that the address wants to be trained; None without one, and after a sentence for an unknown one."""
    wanted = st.query_params.get(GOAL)
    if wanted and wanted not in EXERCISES:
        st.warning(plain(phrase("session.no_goal", goal=wanted)))
    return wanted if wanted in EXERCISES else None
