"""A visitor's record: the states of the sessions and the incidents, each with its case where that is still there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.app.own_cases import case_now
from simulator.app.own_sessions import session_log, trail
from simulator.app.store.incident_log import StoredIncident
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.session.next_steps import Review
from simulator.session.session_state import SessionState


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
