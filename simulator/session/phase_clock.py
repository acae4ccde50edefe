"""Planned and used minutes of a session's phases at a time."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.session.session_state import SessionState


@dataclass(frozen=True)
class PhaseTime:
    """A phase on the clock: planned and used seconds, and whether it is the present one."""

    id: str
    title: str
    planned_s: float
    used_s: float
    present: bool


def phase_times(scenario: Scenario, state: SessionState, now: float) -> list[PhaseTime]:
    """Return every phase of a session at a time (s since 1970), in the order of the case."""
    used = state.used_at(now)
    return [
        PhaseTime(phase.id, phase.title, 60 * phase.minutes, used.get(phase.id, 0.0), phase.id == state.phase)
        for phase in phases_of(scenario, state.session.minutes)
    ]


def left_s(state: SessionState, now: float) -> float:
    """Return the seconds that are left of a whole session at a time (s since 1970); below 0 where it runs over."""
    return 60 * state.session.minutes - sum(state.used_at(now).values())
