"""The board of a room on the server: what a browser says is taken once, in order, by its role; nothing private is sent."""

import json
import random

import pytest

from simulator.board.box_fields import choices_at
from simulator.case.load import load
from simulator.rooms import room_at_hand
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.room_events import BoardLocked, NotesSaved, TagSet
from simulator.session.event_log import LoggedEvent
from simulator.session.session_events import CurveballStruck, SessionEnded
from tests.rooms.rooms import new_room

MOVE = {"op": "move", "box": "check", "x": 5, "y": 6}


@pytest.fixture
def room(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.rooms.room_at_hand.job_of", lambda live, *_: None)
    return new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")


def test_operations_are_taken_once_and_in_order(room):
    add = {"op": "add", "box": "second", "preset": "preset:check", "x": 0, "y": 0}
    rename = {"op": "rename", "box": "second", "label": "Second check"}
    assert room.say("candidate", add, rename) | {"place": 0} == {"acknowledged": 2, "refused": {}, "place": 0}
    assert room.say("candidate", add, rename) | {"place": 0} == {
        "acknowledged": 2,
        "refused": {},
        "place": 0,
    }  # sent again: no answer had come
    assert room.say("candidate", add, first=2)["acknowledged"] == 2
    board = room.live.state.board(room.live.scenario)
    assert board.boxes["second"].label == "Second check"
    assert len(room.live.state.operations) == 2


def test_a_server_that_lost_its_memory_takes_no_operation_twice(room):
    room.say("candidate", MOVE, {"op": "rename", "box": "check", "label": "New"})
    room.desks.clear()
    room.live = LiveRoom(room.log, room.live.scenario, room.made.session.id)
    assert room.say("candidate", MOVE, {"op": "rename", "box": "check", "label": "New"})["acknowledged"] == 2
    assert len(room.live.state.operations) == 2


def test_a_choice_at_a_box_is_a_change_of_the_design(room):
    assert room.say("interviewer", {"op": "set", "box": "again", "field": "choice:retries", "value": "none"})["refused"] == {}
    assert room.live.state.picks(room.live.scenario)["retries"] == "none"
    fields = {
        one["name"]: one for box in room.desk("candidate").content(room.live.state, None)["boxes"] for one in box["fields"]
    }
    assert fields["choice:retries"]["by"] == "interviewer"


@pytest.mark.parametrize("role", ["observer", "rater"])
def test_roles_that_only_watch_change_nothing(room, role):
    assert room.say(role, MOVE) == {"acknowledged": 0, "refused": {}}
    assert room.live.state.operations == ()


@pytest.mark.parametrize(
    "said",
    [None, [], "x", 7, {}, {"operations": 3}, {"operations": [None, 3, {"number": "1"}, {"number": True, "op": MOVE}]},
     {"tab": {"deep": []}, "operations": [{"number": 1, "op": {**MOVE, "role": "interviewer"}}]},
     {"tab": "x" * 10_000, "operations": [{"number": 1, "op": {"op": "rename", "box": "check", "label": "x" * 10_000}}]},
     {"operations": [{"number": 10**30, "op": None}]}],
)  # fmt: skip
def test_hostile_messages_change_nothing_and_get_a_reply(room, said):
    reply = room.desk("candidate").hear(said)
    assert set(reply) == {"acknowledged", "refused", "place"}
    assert all(isinstance(sentence, str) and sentence for sentence in reply["refused"].values())
    assert room.live.state.operations == ()


def test_a_revoked_link_ends_at_the_next_step(room):
    desk = room.desk("candidate")
    parts = desk.look().paint().keys()
    room.log.revoke(room.made.session.id, "candidate")
    room_at_hand._OPEN.clear()
    closed = desk.look().paint()
    assert (closed["boxes"], closed["editable"], closed["message"]) == ([], False, "This link is not open any more.")
    assert closed.keys() == parts  # the browser reads each of them
    assert room.say("candidate", MOVE) == {"acknowledged": 0, "refused": {}}
    assert room.say("interviewer", MOVE)["acknowledged"] == 1


def test_what_the_interviewer_keeps_private_is_in_no_line_of_the_candidates_board(room):
    room.live.take("interviewer", NotesSaved(text="a secret note"))
    room.live.take("interviewer", TagSet(signal="framing", plus=False, text="a secret mark"))
    scenario = room.live.scenario
    private = ["a secret", *(probe.ask for probe in scenario.interview.probes), scenario.interview.notes]
    private += scenario.interview.notes_on.values()
    private += [hint.step or hint.question or "" for phase in scenario.phases for hint in phase.hints]
    private += [lesson.text for lesson in scenario.debrief] + [one.text for one in scenario.reference.values()]
    for role in ("candidate", "observer"):
        desk = room.desk(role)
        line = json.dumps(desk.content(room.at_hand(role).state, None))
        assert not [text for text in private if text and text[:40] in line]
        assert "at_least" not in line and "at_most" not in line


def test_a_locked_board_is_read_only_for_the_candidate_alone(room):
    room.live.take("interviewer", BoardLocked())
    assert room.say("candidate", MOVE)["refused"] == {"1": "The interviewer has locked the board."}
    assert room.desk("candidate").content(room.at_hand("candidate").state, None)["editable"] is False
    assert room.say("interviewer", MOVE)["refused"] == {}


def test_a_curveball_changes_the_design_at_hand(room):
    before = room.live.state.design_at_hand(room.live.scenario)
    name = next(iter(room.live.scenario.curveballs))
    room.live.take("interviewer", CurveballStruck(curveball=name, at_s=60))
    assert room.live.state_for("candidate").design_at_hand(room.live.scenario) != before


def test_text_is_text(room):
    label = "<img src=x onerror=alert(1)>"
    room.say("candidate", {"op": "rename", "box": "check", "label": label})
    boxes = {box["id"]: box for box in room.desk("interviewer").content(room.live.state, None)["boxes"]}
    assert boxes["check"]["label"] == label  # the browser shows it as text: see tests/browser


def operations_of(source: random.Random) -> dict:
    box = source.choice(["check", "again", "checked", "new_1", "new_2"])
    return source.choice([
        {"op": "move", "box": box, "x": source.randrange(500), "y": 0},
        {"op": "rename", "box": box, "label": f"L{source.randrange(99)}"},
        {"op": "add", "box": f"new_{source.randrange(3)}", "preset": "kind:pool", "x": 0, "y": 0},
        {"op": "remove", "box": box},
        {"op": "connect", "box": box, "port": "to", "target": source.choice(["check", "checked", "new_1"])},
        {"op": "note", "note": f"n{source.randrange(4)}", "text": "a", "x": 0, "y": 0},
        {"op": "restore", "box": box},
        {"op": "set", "box": box, "field": "replicas", "value": source.randrange(1, 9)},
    ])  # fmt: skip


def test_two_people_with_500_random_operations_end_with_one_board_and_lose_none(room):
    """Each browser resends what it believes to be lost; both orders of arrival are mixed at random."""
    source = random.Random(32)
    waiting = {role: [operations_of(source) for _ in range(250)] for role in ("candidate", "interviewer")}
    acknowledged, sent = {"candidate": 0, "interviewer": 0}, {"candidate": 0, "interviewer": 0}
    refused: dict[str, set[int]] = {"candidate": set(), "interviewer": set()}
    while any(acknowledged[role] < 250 for role in waiting):
        role = source.choice([role for role in waiting if acknowledged[role] < 250])
        start = acknowledged[role]
        sent[role] = min(250, max(sent[role], start + source.randrange(1, 6)))
        reply = room.say(role, *waiting[role][start : sent[role]], first=start + 1)
        refused[role] |= {int(number) for number in reply["refused"]}
        if source.random() < 0.8:  # else the reply is lost
            acknowledged[role] = reply["acknowledged"]
    other = LiveRoom(room.log, load("retry-storm"), room.made.session.id)  # another server
    boards = [live.state.board(live.scenario) for live in (room.live, other)]
    assert boards[0] == boards[1]
    numbers = {(one.event.browser, one.event.number) for one in room.live.state.operations}
    assert len(numbers) == len(room.live.state.operations)
    assert room.live.state_for("candidate").board(room.live.scenario) == boards[0]
    for role in waiting:
        taken = {number for browser, number in numbers if browser == f"browser-of-{role}"}
        assert taken | refused[role] == set(range(1, 251))
        assert not taken & refused[role]
    assert sum(map(len, refused.values())) > 20


def test_after_the_end_the_board_is_closed(room):
    room.live.take("interviewer", SessionEnded())
    assert "has ended" in room.say("candidate", MOVE)["refused"]["1"]


def test_two_tabs_of_one_role_are_numbered_apart(room):
    for tab, label in (("tab-one-of-two", "One"), ("tab-two-of-two", "Two")):
        assert room.say("interviewer", {"op": "rename", "box": "check", "label": label}, tab=tab)["acknowledged"] == 1
    assert [one.event.operation.label for one in room.live.state.operations] == ["One", "Two"]


def test_a_clock_that_is_set_back_takes_no_minute_from_the_interview(room):
    events = room.live.events
    late, early = (
        LoggedEvent(len(events) + place, at, "interviewer", BoardLocked(locked=place == 0))
        for place, at in enumerate((9e9, 1.0))
    )
    state = room.live.state.after([late, early])
    assert state.last_at == 9e9
    assert all(seconds >= 0 for seconds in state.used_s.values())
    assert sum(state.used_at(5.0).values()) == sum(state.used_s.values())


FIELD = {"op": "set", "box": "classifier", "field": "precision", "value": "int8_dynamic"}


@pytest.mark.parametrize(
    ("field", "choice"),
    [
        ("precision", "precision"),
        ("model", "architecture"),  # one of several places of the choice
        ("replicas", "replicas"),
    ],
)
def test_a_choice_that_is_closed_to_the_candidate_is_not_changed_by_its_field(monkeypatch, tmp_path, field, choice):
    """Both ways to one place of the case: the choice itself, and the field of the box that it writes to."""
    monkeypatch.setattr("simulator.rooms.room_at_hand.job_of", lambda live, *_: None)
    value = {"precision": "int8_dynamic", "model": "resnet50", "replicas": 7}[field]
    for opened, sentence in (("hardware", "The interviewer has not opened this choice."), (choice, "")):
        room = new_room(monkeypatch, f"sqlite:///{tmp_path / opened}.db", "skin-cancer-triage", choices=(opened,))
        operation = {**FIELD, "field": field, "value": value}
        assert room.say("candidate", operation)["refused"].get("1", "") == sentence
        assert len(room.live.state.operations) == (not sentence)
        assert room.say("interviewer", operation)["refused"] == {}
        boxes = {
            role: {one["id"]: one for one in room.desk(role).content(room.live.state, None)["boxes"]}
            for role in ("candidate", "interviewer")
        }
        offered = {
            role: {one["name"] for one in boxes[role]["classifier"]["fields"]} & {field, f"choice:{choice}"} for role in boxes
        }
        assert offered["candidate"] == (set() if sentence else offered["interviewer"])


def test_a_choice_that_writes_a_whole_stage_writes_to_each_of_its_fields():
    case = load("skin-cancer-triage")
    assert choices_at(case, "familiar", "routes.0.at_sensitivity") == ["foreign_check"]
    assert choices_at(case, "start", "label") == choices_at(case, "usd", "label") == []
