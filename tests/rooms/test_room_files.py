"""Files of a room: what each may hold, and a replay in another installation with the same boards and designs."""

import random
import re

import pytest

from simulator.app.store.room_log import RoomLog
from simulator.board.case_drawing import case_text
from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.room_at_hand import plan_of
from simulator.rooms.room_events import (
    CARD_SIGNALS,
    BoundRevealed,
    NotesSaved,
    QuestionAnswered,
    ScratchpadSaved,
    SignalRated,
    TagSet,
    shared,
)
from simulator.rooms.room_replay import ReplayDesk
from simulator.rooms.room_session import RoomSession, drawing_of
from simulator.rooms.scorecard_page import candidate_log, candidate_page, sheet, whole_log
from simulator.session.session_events import CurveballStruck, QuestionAsked, RunAsked, RunEnded, RunFigure, SessionEnded
from tests.rooms.rooms import new_room
from tests.rooms.test_board_desk import operations_of


@pytest.fixture
def played(monkeypatch, tmp_path):
    """A room that was played and ended, with private marks, notes and ratings."""
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")
    source = random.Random(7)
    room.say("candidate", *(operations_of(source) for _ in range(30)))
    room.live.take("candidate", QuestionAsked(words="May I assume retries?"))
    room.live.take("interviewer", TagSet(signal="framing", plus=True, text="a secret mark"))
    room.live.take("interviewer", QuestionAnswered(question=room.live.state.questions[0].place, text="You may."))
    room.live.take("interviewer", NotesSaved(text="a secret note"))
    room.live.take("candidate", ScratchpadSaved(text="my own thought"))
    room.say("interviewer", {"op": "set", "box": "again", "field": "choice:retries", "value": "none"})
    room.live.take("interviewer", CurveballStruck(curveball="second_rush", at_s=300))
    room.live.take("interviewer", SessionEnded())
    for signal in CARD_SIGNALS:
        rated = SignalRated(
            signal=signal, level="strong", evidence=(room.live.state.room.tags[0].place,), text="a secret reason"
        )
        room.live.take("interviewer", rated)
    return room


def elsewhere(room, tmp_path, content) -> LiveRoom:
    """The room as another installation has it, after the file was taken in."""
    log = RoomLog(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    log.take_in("another trail", content.encode())
    (head,) = log.sessions_of("another trail")
    return LiveRoom(log, load(head.case), head.id)


def test_a_replay_elsewhere_has_the_same_board_and_design_at_every_moment(played, tmp_path):
    there = elsewhere(played, tmp_path, whole_log(played.live.state.session, list(played.live.seen_events("interviewer"))))
    visible = played.live.seen_events("interviewer")
    assert len(there.events) == len(visible)
    for place in range(0, len(there.events), 5):
        desks = []
        for live, at in ((played.live, visible[place].place), (there, place)):
            hand = played.at_hand("interviewer")
            object.__setattr__(hand, "live", live)
            desks.append(ReplayDesk(hand, place=at))
        here, other = (desk.state_at() for desk in desks)
        assert here.board(played.live.scenario) == other.board(there.scenario)
        assert here.design_at_hand(played.live.scenario) == other.design_at_hand(there.scenario)
        plans = [plan_of(live, state).plan for live, state in ((played.live, here), (there, other))]
        assert (plans[0] is None) == (plans[1] is None)
        assert plans[0] is None or plans[0].identity == plans[1].identity
    state = there.state_for("interviewer")
    assert list(state.room.answers.values()) == ["You may."]
    assert state.room.answers.keys() == {one.place for one in state.questions}
    assert {rating.evidence for rating in state.room.ratings.values()} == {(state.room.tags[0].place,)}


def test_the_candidates_files_hold_nothing_of_the_interviewers_own(played, tmp_path):
    head, scenario = played.live.state.session, played.live.scenario
    log = candidate_log(head, played.live.events)
    page = candidate_page(scenario, RoomSession.of(head, shared(played.live.events)))
    for content in (log, page):
        assert "secret" not in content
        assert "You may." in content
        assert "my own thought" not in content  # the interviewer downloads it, and the scratchpad is for the candidate alone
    there = elsewhere(played, tmp_path, log).state_for("candidate")
    assert there.room.answers.keys() == {one.place for one in there.questions}


def test_the_raters_sheet_has_ratings_with_their_evidence(played):
    content = sheet(played.live.scenario, played.live.state_for("interviewer"), "interviewer")
    assert content.count("a secret reason") == len(CARD_SIGNALS)
    assert "a secret note" in content
    assert "my own thought" not in content


@pytest.mark.parametrize("role", ["candidate", "observer"])
def test_a_verdict_is_seen_with_its_bound_and_not_before(monkeypatch, tmp_path, role):
    """One run that meets one objective and misses the other; the bound of the second is revealed afterwards."""
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")
    first, second = [one.metric for one in room.live.scenario.objectives[:2]]
    asked = RunAsked(picks=room.live.state.picks(room.live.scenario), seed=1, replications=2)
    figures = tuple(RunFigure(metric=name, value=0.5, standing=word) for name, word in ((first, "met"), (second, "not met")))
    room.live.take("interviewer", asked)
    room.live.take("system", RunEnded(design=asked.design, run_hash="0" * 12, figures=figures))
    head, scenario = room.live.state.session, room.live.scenario

    def seen():
        page = candidate_page(scenario, RoomSession.of(head, shared(room.live.events)))
        return room.live.state_for(role).runs[0].ended.verdicts, candidate_log(head, room.live.events), page

    verdicts, log, page = seen()
    assert verdicts == {} and "standing" not in log and not re.search(r"\bmet[ );,]", page)
    assert f"{scenario.metrics[first].label}: " in page
    room.live.take("interviewer", BoundRevealed(metric=second))
    verdicts, log, page = seen()
    assert verdicts == {second: "not met"} and log.count("standing") == 1 and "(not met)" in page and "(met)" not in page
    assert room.live.state_for("interviewer").runs[0].ended.verdicts == {first: "met", second: "not met"}


def test_a_drawing_for_a_candidate_lacks_answers_probes_and_unrevealed_bounds(monkeypatch, tmp_path):
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'other.db'}")
    room.live.take("interviewer", BoundRevealed(metric="checked_share"))
    drawing = drawing_of(room.live.scenario, room.live.state)
    text = case_text(drawing, "mine", bounds=room.live.state.room.bounds)
    case = loads(text, "mine.yaml")
    assert [one.metric for one in case.objectives] == ["checked_share"]
    assert not (case.questions or case.debrief or case.interview.probes or case.reference)
    found, whole = (replicate(compile_plan(one), 1, 2).metrics["checked_share"] for one in (case, load("retry-storm")))
    assert found == whole  # the same figures, under another hash
