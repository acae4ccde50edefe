"""A visitor's record: sessions and incidents whose case is there, what is due, links to sessions, and all of it as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import time

import streamlit as st

from simulator.app.own_cases import case_now
from simulator.app.own_sessions import LINK_WIDTH, session_link, session_log, trail
from simulator.app.store.incident_log import StoredIncident
from simulator.app.store.session_files import read_visitor_file
from simulator.app.visitors import clock
from simulator.app.widgets import plain, upload
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.limits import SESSION_FILE
from simulator.paths import PAGES
from simulator.phrases import phrase
from simulator.session.next_steps import DAY_S, NextReview, Review, next_review, session_review
from simulator.session.session_signals import LEVELS, SIGNALS
from simulator.session.session_state import SessionState
from simulator.units import counted


@dataclass(frozen=True)
class OwnSession:
    """A session of a case that is there."""

    scenario: Scenario
    state: SessionState


@dataclass(frozen=True)
class OwnIncident:
    """An incident of a case that is there; review: None while it goes on."""

    scenario: Scenario
    stored: StoredIncident
    review: Review | None


@dataclass(frozen=True)
class OwnRecord:
    """Sessions and incidents, the latest first; lost: the number of those whose case is not here."""

    sessions: list[OwnSession]
    incidents: list[OwnIncident]
    lost: int = 0

    @property
    def oldest_first(self) -> list[OwnSession]:
        return self.sessions[::-1]


def own_record(
    incidents: Sequence[StoredIncident], review_of: Callable[[Scenario, StoredIncident], Review | None]
) -> OwnRecord:
    """Read the visitor's sessions, and add the incidents; raises StoreError where the database cannot be used."""
    logs = session_log().logs_of(trail())
    cases = {case: case_now(case)[0] for case in scenario_ids()}
    sessions = [
        OwnSession(scenario, SessionState.of(log.session, log.events))
        for log in logs
        if (scenario := cases.get(log.session.case)) is not None
    ]
    played = [
        OwnIncident(scenario, incident, review_of(scenario, incident))
        for incident in incidents
        if (scenario := cases.get(incident.case)) is not None
    ]
    return OwnRecord(sessions, played, len(logs) + len(incidents) - len(sessions) - len(played))


#: The most signals that are named.
_NAMED = 2


@dataclass(frozen=True)
class DueCase:
    """A case with its next review; page: the script of a session or of the incident; weakest: signals of the last session."""

    scenario: Scenario
    page: str
    planned: NextReview
    weakest: tuple[str, ...] = ()


def due_cases(record: OwnRecord) -> list[DueCase]:
    """Return every case that was practised to its end, the first to come back to at the head."""
    sessions = [(session.scenario, session_review(session.state)) for session in record.oldest_first]
    incidents = [(incident.scenario, incident.review) for incident in record.incidents]
    weakest = {
        session.scenario.id: weakest_signals(session.state)
        for session in record.oldest_first
        if session.state.ended_at is not None
    }
    planned = [
        *_planned(sessions, "session.py", lambda case: weakest.get(case, ())),
        *_planned(incidents, "incident.py", lambda case: ()),
    ]
    return sorted(planned, key=lambda due: due.planned.due_at)


def _planned(
    reviewed: Sequence[tuple[Scenario, Review | None]], page: str, weakest: Callable[[str], tuple[str, ...]]
) -> list[DueCase]:
    cases = {scenario.id: scenario for scenario, _ in reviewed}
    by_case = {case: next_review(review for own, review in reviewed if review is not None and own.id == case) for case in cases}
    return [DueCase(cases[case], page, planned, weakest(case)) for case, planned in by_case.items() if planned is not None]


def weakest_signals(state: SessionState) -> tuple[str, ...]:
    """Return the labels of the signals with the lowest level of a session, if that level is weak."""
    ranks = {
        signal.label: LEVELS.index(state.ratings[signal.name]) for signal in SIGNALS if state.ratings.get(signal.name) in LEVELS
    }
    lowest = min(ranks.values(), default=len(LEVELS))
    return tuple(label for label, rank in ranks.items() if rank == lowest) if lowest < len(LEVELS) // 2 else ()


def due_words(planned: NextReview, now: float) -> str:
    """Return the time of a review in days from now (s since 1970)."""
    days = (planned.due_at - now) / DAY_S
    if days <= 0:
        return "due today" if days > -1 else f"{counted(int(-days), 'day')} overdue"
    return "due tomorrow" if days <= 1 else f"due in {counted(round(days), 'day')}"


def reason_words(due: DueCase) -> str:
    """Return the reason of a date: the interval, the day of the last review with its outcome, and weak signals."""
    planned = due.planned
    after = f"{counted(planned.interval_days, 'day')} after {clock(planned.due_at - planned.interval_days * DAY_S)}"
    weak = f"; weak: {', '.join(due.weakest[:_NAMED])}" if due.weakest else ""
    return f"{after}: {planned.reason}{weak}"


def due_list(record: OwnRecord) -> None:
    """Show each case with the time to come back to it."""
    cases, now = due_cases(record), time()
    if not cases:
        return
    st.header("Come back to", anchor=False)
    for case in cases:
        is_due = case.planned.is_due(now)
        verb = "Practise" if case.page == "session.py" else "Be on call"
        words = due_words(case.planned, now)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.page_link(
                PAGES / case.page,
                label=f"{verb}: {plain(case.scenario.title)}",
                query_params={"case": case.scenario.id},
                width=LINK_WIDTH,
            )
            st.markdown(f":orange-badge[{words}]" if is_due else f":gray-badge[{words}]", width="content")
            st.caption(plain(reason_words(case)))


#: The number of sessions that are listed at first.
FIRST = 5


def session_list(sessions: list[OwnSession]) -> None:
    """List the latest sessions, and all of them on demand."""
    st.header("Sessions", anchor=False)
    every = len(sessions) > FIRST and st.toggle(f"Show all {len(sessions)} sessions", key="you:all_sessions")
    for session in sessions if every else sessions[:FIRST]:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            verb = "Continue" if session.state.ended_at is None else "Debrief"
            session_link(session.state.session, f"{verb}: {plain(session.scenario.title)}", width=LINK_WIDTH)
            st.caption(plain(session_words(session.state)))


def session_words(state: SessionState) -> str:
    """Return a session in a few words: its begin, its length, its runs and the verdicts of the last one."""
    runs, last = sum(run.ended is not None for run in state.runs), state.last_run
    ran = f"{counted(runs, 'run')}, the last: {last.verdict_counts}" if last else "no run"
    return " · ".join([clock(state.session.begun_at), counted(state.session.minutes, "minute"), ran])


#: The name of the exported file.
FILE = "casesim-practice.json"

#: The key of a sentence that the next run of the script shows.
_NOTE = "you:note"


def own_data(record: OwnRecord) -> None:
    """Offer the export, the import and the deletion."""
    st.header("Your data", anchor=False)
    if note := st.session_state.pop(_NOTE, ""):
        st.info(plain(note))
    st.markdown(phrase("record.browser"))
    left, right = st.columns(2, gap="large")
    with left:
        _export(record)
    with right:
        _import()
    _delete()


def _export(record: OwnRecord) -> None:
    st.subheader("Take it along", anchor=False)
    going_on = sum(not incident.stored.revealed for incident in record.incidents)
    owner = trail()  # the function below runs on a thread of its own, which belongs to no visitor
    content = partial(session_log().export, owner)
    st.download_button("Export everything", content, FILE, "application/json", key="you:export", on_click="ignore")
    if going_on:
        st.caption(f"{counted(going_on, 'incident')} under way stays here: the file would give the cause away.")
    drawer = st.popover("On the command line", type="tertiary", on_change="rerun", key="you:id")
    if drawer.open:
        with drawer:
            st.markdown("This is your id. A person with access to the server's database can use it; keep it to yourself.")
            st.code(f"casesim practice export {FILE} --visitor {trail()}", language=None, wrap_lines=True)


def _import() -> None:
    st.subheader("Bring it here", anchor=False)
    file = upload("A file that CaseSim has exported", ["json"], SESSION_FILE)
    if file is not None and st.button("Import this file", key="you:import"):
        try:
            count = session_log().take_in(trail(), file.getvalue())
            rooms = read_visitor_file(file.getvalue(), trail()).rooms
        except InputError as error:
            st.error(plain(str(error)))
            return
        words = f"{counted(count, 'new entry', 'new entries')} came in." if count else "All of it was here already."
        st.session_state[_NOTE] = words + (" Interviews of the file are listed on the page “Interview”." if rooms else "")
        st.rerun()


def _delete() -> None:
    with st.expander("Delete everything", key="you:deleting"):
        st.markdown(phrase("record.deletion"))
        sure = st.checkbox("Delete all of it", key="you:sure")
        st.button("Delete", key="you:delete", disabled=not sure, on_click=_deleted)


def _deleted() -> None:
    if not st.session_state.get("you:sure"):
        return
    st.session_state["you:sure"] = False
    try:
        session_log().delete(trail())
    except InputError as error:
        st.session_state[_NOTE] = str(error)
    else:
        st.session_state[_NOTE] = "Your sessions, incidents and runs are deleted."
