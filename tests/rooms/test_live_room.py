"""A room in memory: what a role sees is what a fold of the whole log gives, and the tabs of a room share their reads."""

import random

import pytest
from cachetools import LRUCache

from simulator.board import case_drawing
from simulator.rooms import live_room, room_session
from simulator.rooms.room_events import BoundRevealed, NotesSaved, ScorecardSubmitted, SignalRated, TagSet, visible
from simulator.rooms.room_session import RoomSession
from simulator.session.session_events import CurveballStruck, PickChanged, QuestionAsked, RunAsked, RunEnded, RunFigure
from tests.rooms.rooms import new_room

MOVE = {"op": "move", "box": "check", "x": 5, "y": 6}
ROLES = ("candidate", "interviewer", "observer", "rater")


@pytest.fixture
def room(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.rooms.room_at_hand.job_of", lambda live, *_: None)
    return new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")


RUN = RunAsked(picks={}, seed=1, replications=1)
FIGURES = tuple(RunFigure(metric=name, standing="met") for name in ("done_share", "latency_served_p95_s"))


def some_event(source, scenario):
    by = source.choice(["interviewer", "rater"])
    return source.choice([
        ("interviewer", NotesSaved(text=f"note {source.randrange(99)}")),
        ("interviewer", TagSet(signal="framing", plus=True)),
        ("candidate", QuestionAsked(words="May I assume a peak?")),
        ("candidate", PickChanged(choice="retries", before="none", after="none")),
        ("interviewer", CurveballStruck(curveball=next(iter(scenario.curveballs)), at_s=60)),
        (by, SignalRated(signal="framing", level="weak", evidence=(0,))),
        (by, ScorecardSubmitted()),
        ("interviewer", RUN),
        ("system", RunEnded(design=RUN.design, run_hash="0" * 12, figures=FIGURES)),
        ("interviewer", BoundRevealed(metric=source.choice(["done_share", "latency_served_p95_s"]))),
    ])  # fmt: skip


def test_the_view_of_a_role_is_a_fold_of_all_that_it_may_see_whatever_was_looked_at_before(room):
    """The log is written past the rules, as another server would: ratings before, between and after both scorecards."""
    source, live = random.Random(7), room.live
    for _ in range(60):
        room.log.append(room.made.session.id, *some_event(source, live.scenario))
        if source.random() < 0.7:
            live.refresh()
            role = source.choice(ROLES)
            events = visible(room.log.events_after(room.made.session.id), role)
            assert list(live.seen_events(role)) == events
            assert live.state_for(role) == RoomSession.of(live.state.session, events)


def test_all_tabs_of_a_room_share_one_read_of_the_log(room, monkeypatch):
    now, reads = [100.0], []
    monkeypatch.setattr(live_room, "monotonic", lambda: now[0])
    events_after = room.log.events_after
    monkeypatch.setattr(room.log, "events_after", lambda *asked: reads.append(asked) or events_after(*asked))
    for _ in range(20):
        room.desk("candidate").look()
        room.desk("interviewer").look()
    assert len(reads) == 1
    now[0] += 2 * live_room.FRESH_S
    room.log.append(room.made.session.id, "candidate", QuestionAsked(words="Of another server"))
    room.desk("candidate").look()
    assert len(reads) == 2
    assert [asked.event.words for asked in room.live.state.questions] == ["Of another server"]


def test_what_this_server_takes_is_seen_at_once(room, monkeypatch):
    monkeypatch.setattr(live_room, "monotonic", lambda: 100.0)  # no time passes
    before = room.desk("interviewer").look().revision
    room.say("candidate", MOVE)
    assert room.desk("interviewer").look().revision != before


def test_a_look_at_a_changed_board_lays_out_no_case_again(room, monkeypatch):
    room.say("candidate", {"op": "rename", "box": "check", "label": "New"})
    room.live.state.design_at_hand(room.live.scenario)
    laid_out = []
    for module in (case_drawing, room_session):
        monkeypatch.setattr(module, "drawn", lambda *asked: laid_out.append(asked))
    for _ in range(5):
        room.live.state_for("interviewer").design_at_hand(room.live.scenario)
    assert laid_out == []


def test_a_room_that_a_page_holds_is_one_object_however_many_rooms_are_opened(room, monkeypatch):
    monkeypatch.setattr(live_room, "room_log", lambda: room.log)
    monkeypatch.setattr(live_room, "_ROOMS", LRUCache(1))
    held = live_room.live_room(room.made.session.id)
    other = new_room(monkeypatch, room.log.url)
    live_room.live_room(other.made.session.id)
    assert live_room.live_room(room.made.session.id) is held
