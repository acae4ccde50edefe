"""A visitor's record: sessions and incidents whose case is still there, the cases to come back to, links to the sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time

import streamlit as st

from simulator.app.own_cases import case_now
from simulator.app.own_sessions import LINK_WIDTH, session_link, session_log, trail
from simulator.app.store.incident_log import StoredIncident
from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.paths import PAGES
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
