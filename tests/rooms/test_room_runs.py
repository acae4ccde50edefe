"""Runs of a room: one that goes on at the end is recorded once, and a curveball makes no further design."""

from types import SimpleNamespace

import pytest

from simulator.rooms import room_view
from simulator.rooms.lobby import _column
from simulator.session.session_events import CurveballStruck, PickChanged, RunAsked, RunEnded, SessionEnded
from tests.rooms.rooms import new_room


@pytest.fixture
def job(monkeypatch):
    """The run of the board, which goes on until a test ends it."""
    job = SimpleNamespace(id="one", succeeded=False, running=True, summary=None)
    monkeypatch.setattr("simulator.rooms.room_at_hand.job_of", lambda *_: job)
    ended = lambda design, result: RunEnded(design=design, run_hash="0" * 12)  # noqa: E731
    monkeypatch.setattr("simulator.rooms.room_at_hand.ended_event", ended)
    return job


@pytest.fixture
def room(job, monkeypatch, tmp_path):
    return new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")


def test_a_run_that_goes_on_at_the_end_is_recorded_once_and_has_the_page_drawn_again(room, job, monkeypatch):
    pages = []
    monkeypatch.setattr(room_view, "follow", lambda _, look: pages.append(look))
    lead = room.at_hand("interviewer")
    for at_hand in (lead, room.at_hand("candidate")):
        room_view.follow_talk(at_hand)
    lead.take(SessionEnded())
    before = [look().revision for look in pages]
    assert [run.ended for run in room.live.state.runs] == [None]
    job.succeeded = True
    after = [look().revision for look in pages]
    assert after[0] != before[0] and after[1] != before[1]
    room.desk("candidate").look()
    assert [look().revision for look in pages] == after
    kinds = [one.event.kind for one in room.live.events]
    assert kinds[-3:] == ["run_asked", "session_ended", "run_ended"]
    assert kinds.count("run_ended") == 1


def test_no_run_is_asked_for_at_the_end_where_the_result_is_there(room, job):
    job.succeeded = True
    room.desk("candidate").look()
    room.at_hand("interviewer").take(SessionEnded())
    kinds = [one.event.kind for one in room.live.events]
    assert kinds[-3:] == ["run_asked", "run_ended", "session_ended"]


def test_a_run_under_a_curveball_is_of_no_further_design(room):
    live = room.live
    ball = next(iter(live.scenario.curveballs))

    def run():
        state = live.state
        picks = state.picks(live.scenario)
        live.take("system", RunAsked(picks=picks, strikes=state.strikes, seed=1, replications=8))

    run()
    live.take("interviewer", CurveballStruck(curveball=ball, at_s=60))
    run()
    assert _column(live)["designs run"] == "1"
    live.take("candidate", PickChanged(choice="replicas", before=live.state.picks(live.scenario)["replicas"], after=4))
    run()
    assert _column(live)["designs run"] == "2"
