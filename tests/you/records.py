"""Sessions of a small history, made by hand."""

from __future__ import annotations

from simulator.app.store.incident_log import Hidden, StoredIncident
from simulator.case.load import load
from simulator.engine.compiled_plan import case_hash
from simulator.incident.sessions import incident_review
from simulator.session.event_log import Session
from simulator.session.session_events import RunAsked, RunEnded
from simulator.session.session_state import RunSeen, SessionPrediction, SessionState, Settlement
from simulator.you.own_record import OwnIncident, OwnSession

ASKED = RunAsked(picks={"replicas": 2}, seed=1, replications=2)
STORM, DRIFT = "retry-storm", "production-drift"


def prediction(place, low, high, value, metric="latency_served_p95_s"):
    """A prediction that a run has settled at the time of its place; None as value: the run has no such figure."""
    held = None if value is None else low <= value <= high
    score = None if value is None else high - low
    settled = Settlement(float(place), "0" * 12, value, None, held, score)
    return SessionPrediction(place, float(place), "d" * 12, metric, low, high, None, settled)


def session(case=STORM, ended_at=None, ratings=None, predictions=(), begun_at=0.0):
    head = Session("s" * 22, case, 1, "0" * 12, "o" * 22, 1, 20, True, begun_at, ended_at)
    run = RunSeen(0, 1.0, ASKED, RunEnded(design=ASKED.design, run_hash="0" * 12), 2.0)
    state = SessionState(head, ended_at=ended_at, runs=(run,), ratings=ratings or {}, predictions=tuple(predictions))
    return OwnSession(load(case), state)


def incident(actions, revealed=True, cause="overload", scenario_hash=None):
    scenario = load(DRIFT)
    known = scenario_hash or case_hash(scenario)
    hidden = Hidden(5, cause, "abrupt", "0" * 32)
    stored = StoredIncident("i" * 22, DRIFT, 1, known, hidden, actions, revealed, 100.0)
    return OwnIncident(scenario, stored, incident_review(scenario, stored))
