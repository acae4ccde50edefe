"""The clock of a session by hand: planned and used time."""

from simulator.case.load import load
from simulator.session.event_log import LoggedEvent, Session
from simulator.session.session_events import PhaseBegun
from simulator.session.session_state import SessionState, left_s, phase_times

#: The case takes 30 minutes; this session takes 15, so that the four minutes of a frame become two.
HEAD = Session("s" * 22, "retry-storm", 1, "0" * 12, "t" * 22, 1, 15, True, 1000.0)
FRAME, SERVE = PhaseBegun(phase="frame"), PhaseBegun(phase="serve")


def state(*rows, head=HEAD):
    return SessionState.of(
        head, [LoggedEvent(place, 1000.0 + after_s, "candidate", event) for place, (after_s, event) in enumerate(rows)]
    )


def test_planned_and_used_time_stand_side_by_side():
    times = phase_times(load("retry-storm"), state((0, FRAME), (100, SERVE)), now=1160.0)
    assert [(one.id, one.planned_s, one.used_s, one.present) for one in times if one.used_s] == [
        ("frame", 120.0, 100.0, False),
        ("serve", 240.0, 60.0, True),
    ]
    assert sum(one.planned_s for one in times) == 15 * 60
    assert left_s(state((0, FRAME), (100, SERVE)), now=1160.0) == 15 * 60 - 160
