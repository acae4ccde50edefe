"""A role's state is a function of the events that it may see: no other event changes a byte of it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.board import operations as ops
from simulator.case.load import load
from simulator.rooms.own_task import OwnTask
from simulator.rooms.room_events import (
    CARD_SIGNALS,
    BoardChanged,
    BoardLocked,
    BoundRevealed,
    ClockPaused,
    CurveballArmed,
    MessageSent,
    NotesSaved,
    PanelPushed,
    ProbeTicked,
    QuestionAnswered,
    RoomOpened,
    ScorecardSubmitted,
    ScratchpadSaved,
    SignalRated,
    TagRemoved,
    TagSet,
    TaskSet,
    shared,
    visible,
)
from simulator.rooms.room_session import RoomSession, latest_moment, moments, offered_moments, room_record
from simulator.rooms.scorecard_page import both_raters, rated_twice
from simulator.session.event_log import LoggedEvent, Session, event_kinds, read_event, stored_event
from simulator.session.session_events import (
    CurveballStruck,
    CurveballWithdrawn,
    PhaseBegun,
    PickChanged,
    QuestionAsked,
    RunAsked,
    RunEnded,
    SessionEnded,
)
from simulator.session.session_record import minute_of
from simulator.session.session_state import SessionState, refusal

FUTURE = SignalRated(signal="framing", level="weak", evidence=(99,))
GONE = BoardChanged(operation=ops.MoveBox(op="move", box="gone", x=0, y=0), browser="browser-1", number=2)
SESSION = Session("x" * 22, "retry-storm", 1, "0123456789ab", "", 1, 45, True, 0.0)
MOVE = BoardChanged(operation=ops.MoveBox(op="move", box="check", x=1, y=2), browser="browser-1", number=1)
OWN = OwnTask(name="A task", rate_per_s=5, bounds={"done_share": 0.9, "latency_p95_s": 0.3})
#: One event of each kind, and the role behind it.
EACH = [
    ("system", RoomOpened(title="A room", choices=("retries",))),
    ("candidate", MOVE),
    ("candidate", QuestionAsked(words="May I assume that phones retry?")),
    ("interviewer", QuestionAnswered(question=2, text="You may.")),
    ("interviewer", CurveballArmed(curveball="second_surge")),
    ("interviewer", PanelPushed(panel="outcomes")),
    ("interviewer", BoundRevealed(metric="done_share")),
    ("interviewer", TagSet(signal="framing", plus=True, about=2, text="a secret word")),
    ("interviewer", NotesSaved(text="a secret note")),
    ("candidate", ScratchpadSaved(text="my own thought")),
    ("interviewer", BoardLocked()),
    ("interviewer", ClockPaused()),
    ("candidate", PickChanged(choice="retries", before="naive", after="none")),
    ("interviewer", SignalRated(signal="framing", level="strong", evidence=(2,))),
    ("interviewer", ScorecardSubmitted()),
    ("interviewer", TaskSet(text="Draw less", minutes=30, own=OWN)),
    ("interviewer", MessageSent(text="Ten minutes are left.")),
    ("interviewer", CurveballWithdrawn(curveball="second_surge")),
    ("interviewer", ProbeTicked(ask="a secret probe")),
]
#: The fields of each kind that a candidate's file holds: of a new kind or field, decide it here.
IN_THE_CANDIDATES_FILE = {
    "phase_begun": {"phase"},
    "question_asked": {"question", "words"},
    "assumption_written": {"text"},
    "assumption_pinned": {"question"},
    "assumption_removed": {"assumption"},
    "objectives_ranked": {"objectives"},
    "pick_changed": {"choice", "before", "after"},
    "prediction_made": {"design", "metric", "low", "high", "stage"},
    "run_asked": {"picks", "strikes", "seed", "replications", "drawing"},
    "run_ended": {"design", "run_hash", "figures", "bottleneck"},  # without standings of hidden bounds
    "panel_opened": {"panel"},
    "hint_taken": {"phase", "step"},
    "help_asked": {"tool", "design"},
    "curveball_struck": {"curveball", "at_s"},
    "defence_answered": {"prompt", "text", "ticked"},
    "self_rated": {"signal", "level"},
    "goal_set": {"signal"},
    "session_ended": set(),
    "incident_action": {"action"},
    "room_opened": {"choices", "empty_board", "levers", "panels", "task"},
    "board_changed": {"operation", "browser", "number"},
    "question_answered": {"question", "text"},
    "panel_pushed": {"panel", "lead"},
    "lead_ended": set(),
    "bound_revealed": {"metric"},
    "board_locked": {"locked"},
    "clock_paused": {"paused"},
    "task_set": {"text", "minutes", "own"},  # without hidden bounds
    "message_sent": {"text"},
    "curveball_withdrawn": {"curveball"},
}
#: Fields that are left out of them, and kinds of which nothing is in the file, by the roles that see them.
LEFT_OUT = {"room_opened": {"title", "level"}}
OF_RATERS = {"curveball_armed", "tag_set", "tag_removed", "notes_saved", "signal_rated", "scorecard_submitted", "probe_ticked"}
OF_THE_CANDIDATE = {"scratchpad_saved"}
#: What only the interviewer and the second rater may see.
PRIVATE = (CurveballArmed, TagSet, TagRemoved, NotesSaved, SignalRated, ScorecardSubmitted, ProbeTicked)


def logged(events) -> list[LoggedEvent]:
    return [LoggedEvent(place, 10.0 * place, role, event) for place, (role, event) in enumerate(events)]


def test_a_new_kind_of_event_or_field_is_not_seen_by_a_candidate_by_oversight():
    assert set(event_kinds()) == {*IN_THE_CANDIDATES_FILE, *OF_RATERS, *OF_THE_CANDIDATE}
    for kind, model in event_kinds().items():
        everyone, fields = model.seen_by >= {"candidate", "observer", "interviewer", "rater"}, set(model.model_fields)
        assert everyone == (kind in IN_THE_CANDIDATES_FILE), kind
        assert not everyone or fields == IN_THE_CANDIDATES_FILE[kind] | LEFT_OUT.get(kind, set()), kind
        assert kind not in OF_RATERS or not model.seen_by & {"candidate", "observer"}
        assert kind not in OF_THE_CANDIDATE or model.seen_by == {"candidate"}


def test_a_file_for_the_candidate_holds_no_event_and_no_field_that_one_of_the_two_may_not_see():
    events = [("system", RoomOpened(title="A secret name", level="staff", task="Draw")), *EACH[1:]]
    held = {one.event.kind: one.event.payload() for one in shared(logged(events))}
    assert held.keys() == {event.kind for _, event in events} & IN_THE_CANDIDATES_FILE.keys()
    assert held["room_opened"] == {"task": "Draw"}
    assert "secret" not in repr(held) and "my own thought" not in repr(held)
    assert held["task_set"]["own"]["bounds"] == {"done_share": 0.9}  # that of the latency is hidden


@pytest.mark.parametrize("role", ["candidate", "observer"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_private_events_change_nothing_of_what_a_candidate_or_an_observer_sees(role, data):
    events = data.draw(st.lists(st.sampled_from(EACH), max_size=30))
    every = logged(events)
    without = [one for one in every if not isinstance(one.event, PRIVATE)]
    seen, plain = (RoomSession.of(SESSION, visible(listed, role)) for listed in (every, without))
    assert seen == plain
    assert "secret" not in repr(seen)
    assert ("my own thought" in repr(seen)) == (
        role == "candidate" and any(isinstance(one.event, ScratchpadSaved) for one in every)
    )


def test_the_interviewer_does_not_see_the_scratchpad():
    assert RoomSession.of(SESSION, visible(logged(EACH), "interviewer")).room.scratchpad == ""


def test_every_kind_of_event_is_read_back_as_it_was_written():
    for _, event in EACH:
        assert read_event(event.payload() | {"kind": event.kind, "version": event.version}) == event
    assert {type(event) for _, event in EACH} <= set(event_kinds().values())


def test_one_rater_sees_nothing_of_the_other_until_both_have_submitted():
    rated = [
        (role, SignalRated(signal=signal, level=level, evidence=(2,)))
        for role, level in (("interviewer", "weak"), ("rater", "very_strong"))
        for signal in CARD_SIGNALS
    ]
    first = [*EACH[:13], ("interviewer", SessionEnded()), *rated, ("interviewer", ScorecardSubmitted())]
    for own, other in (("interviewer", "rater"), ("rater", "interviewer")):
        state = RoomSession.of(SESSION, visible(logged(first), own))
        assert (state.room.notes, len(state.room.tags)) == (("", 0) if own == "rater" else ("a secret note", 1))
        assert state.room.ratings_of(own).keys() == set(CARD_SIGNALS)
        assert state.room.ratings_of(other) == {}
        assert rated_twice(state) == {}
    both = RoomSession.of(SESSION, visible(logged([*first, ("rater", ScorecardSubmitted())]), "rater"))
    assert (both.room.notes, len(both.room.tags)) == ("a secret note", 1)
    assert list(rated_twice(both)) == list(CARD_SIGNALS)
    assert set(figures_of_both(both)) == {("3", "2")}


def test_a_signal_that_a_rater_has_not_observed_counts_as_no_number():
    rated = [
        (role, SignalRated(signal=signal, level=level if signal == "framing" else "strong", evidence=(2,)))
        for role, level in (("interviewer", "not_observed"), ("rater", "very_strong"))
        for signal in CARD_SIGNALS
    ]
    done = [(role, ScorecardSubmitted()) for role in ("interviewer", "rater")]
    first, *others = figures_of_both(RoomSession.of(SESSION, logged([*EACH[:13], *rated, *done])))
    assert CARD_SIGNALS[0] == "framing"
    assert first == ("none", "none")
    assert set(others) == {("3", "0")}


def figures_of_both(state):
    """The mean level and the levels between both raters, a pair a signal."""
    table = both_raters(state)
    return list(zip(table["mean (1 to 4)"], table["steps apart"], strict=True))


def test_a_level_rests_on_a_moment_or_an_absence_or_is_not_observed():
    with pytest.raises(ValueError, match="give a moment of the log, or say what was absent"):
        SignalRated(signal="framing", level="weak", absence=" ")
    assert SignalRated(signal="framing", level="weak", absence="no figure was named").evidence == ()
    assert SignalRated(signal="framing", level="not_observed").absence == ""
    early = {"signal": "framing", "level": "weak", "evidence": [3]}
    assert stored_event("signal_rated", 1, early) == SignalRated(signal="framing", level="weak", evidence=(3,))


def test_each_moment_has_the_place_of_its_own_event():
    """A run begins at 5 and ends at 8, behind a question and its answer, which stand at 6 and 7."""
    case = load("retry-storm")
    asked = RunAsked(picks={}, seed=1, replications=1)
    events = logged([
        *EACH[:5],
        ("system", asked),
        ("candidate", QuestionAsked(words="What is lost?")),
        ("interviewer", QuestionAnswered(question=6, text="One request in ten.")),
        ("system", RunEnded(design=asked.design, run_hash="0" * 12)),
        ("interviewer", TagSet(signal="framing", plus=False, about=8)),
        ("interviewer", TagSet(signal="framing", plus=True, about=6)),
    ])  # fmt: skip
    state = RoomSession.of(SESSION, events)
    words = moments(case, state)
    assert words[6] == "1 min, Question: What is lost? Answer: One request in ten."
    assert words[7] == "1 min, Answer: “What is lost?” One request in ten."
    assert words[5] == words[8] == "1 min, Run: run hash 000000000000" and latest_moment(case, state) == 8
    assert list(offered_moments(case, state)) == [2, 3, 5, 6, 7]
    rows = {row.place: (row.what, row.details) for row in room_record(case, state)}
    assert rows[2] == ("Question", "May I assume that phones retry?") and rows[6][0] == "Question" and rows[7][0] == "Answer"
    assert rows[9] == ("Mark", f"− Framing (about {words[5]})")
    assert rows[10] == ("Mark", f"+ Framing (about {words[6]})")


def taken(*events, role_state: RoomSession | None = None) -> RoomSession:
    return RoomSession.of(SESSION, logged([("system", RoomOpened(choices=("retries",))), *events]))


@pytest.mark.parametrize(
    ("before", "role", "event", "sentence"),
    [
        ([], "candidate", NotesSaved(text="x"), "may not do this"),
        ([], "candidate", BoundRevealed(metric="done_share"), "may not do this"),
        ([], "observer", MOVE, "may not do this"),
        ([], "rater", BoardLocked(), "may not do this"),
        ([], "candidate", CurveballStruck(curveball="second_surge", at_s=1), "The interviewer decides"),
        ([], "candidate", PickChanged(choice="replicas", before=2, after=3), "not opened this choice"),
        ([("interviewer", BoardLocked())], "candidate", MOVE, "locked the board"),
        ([("interviewer", BoardLocked())], "interviewer", MOVE, ""),
        ([("candidate", MOVE)], "candidate", MOVE, "taken already"),
        ([], "candidate", GONE, "not on the board"),
        ([], "interviewer", QuestionAnswered(question=7, text="x"), "no such question"),
        ([], "interviewer", CurveballArmed(curveball="flood"), "no curveball"),
        ([], "interviewer", TagSet(signal="charm", plus=True), "no signal"),
        ([], "interviewer", TagSet(signal="framing", plus=True, about=99), "lies in the future"),
        ([], "interviewer", SignalRated(signal="framing", level="weak", evidence=(0,)), "after the end"),
        ([("interviewer", SessionEnded())], "interviewer", ScorecardSubmitted(), "Rate every signal first"),
        ([("interviewer", SessionEnded())], "candidate", MOVE, "has ended"),
        ([("interviewer", SessionEnded())], "interviewer", FUTURE, "in the future"),
    ],
)  # fmt: skip
def test_the_rules_of_a_room_hold_on_the_server(before, role, event, sentence):
    found = refusal(load("retry-storm"), taken(*before), role, event)
    assert (sentence in found) if sentence else found == ""


def test_a_paused_clock_stands_still():
    events = logged([EACH[0], ("interviewer", ClockPaused()), ("interviewer", ClockPaused(paused=False))])
    times = [0.0, 60.0, 300.0]
    state = RoomSession.of(SESSION, [replace(one, at=at) for one, at in zip(events, times, strict=True)])
    assert sum(state.used_at(360.0).values()) == 60.0 + 60.0


def test_minutes_are_counted_from_the_start_of_the_clock():
    """A room is created on one day, and its clock starts on the next."""
    events = logged([("interviewer", ClockPaused()), ("interviewer", ClockPaused(paused=False)), EACH[0]])
    times = [0.01, 86_400.0, 86_520.0]
    state = RoomSession.of(SESSION, [replace(one, at=at) for one, at in zip(events, times, strict=True)])
    assert sum(state.used_at(86_520.0).values()) == pytest.approx(120.0, abs=0.1)
    assert minute_of(state, 0.01) == 0.0
    assert minute_of(state, 86_520.0) == pytest.approx(2.0)


def test_a_pause_in_the_middle_is_no_start():
    events = logged([EACH[0], ("interviewer", ClockPaused()), ("interviewer", ClockPaused(paused=False))])
    state = RoomSession.of(SESSION, [replace(one, at=at) for one, at in zip(events, (0.0, 60.0, 300.0), strict=True)])
    assert minute_of(state, 360.0) == 6.0


def test_the_clock_of_a_room_goes_on_while_a_run_is_computed():
    asked = RunAsked(picks={"replicas": 2}, seed=1, replications=2)
    rows = [(0, RoomOpened()), (10, PhaseBegun(phase="serve")), (70, asked), (100, PhaseBegun(phase="frame"))]
    log = [LoggedEvent(place, 1000.0 + after_s, "interviewer", event) for place, (after_s, event) in enumerate(rows)]
    head = Session("s" * 22, "retry-storm", 1, "0" * 12, "", 1, 45, True, 1000.0)
    assert RoomSession.of(head, log).used_s == {"": 10, "serve": 90}


def test_an_event_of_a_room_changes_no_session_that_is_none():
    head = Session("s" * 22, "retry-storm", 1, "0" * 12, "", 1, 45, True, 1000.0)
    rows = [RoomOpened(), ClockPaused(), BoardLocked()]
    state = SessionState.of(head, [LoggedEvent(place, 1000.0, "interviewer", event) for place, event in enumerate(rows)])
    assert state.ignored == (0, 1, 2)
    assert not state.is_room
