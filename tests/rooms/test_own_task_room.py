"""A room with a task of one's own: drawn, run, judged, reloaded, changed, replayed, and taken elsewhere."""

from dataclasses import replace
from time import time

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app.store.room_log import RoomLog
from simulator.case.phases import phases_of
from simulator.errors import InputError
from simulator.rooms.candidate_page import brief_of, interviewer_talk
from simulator.rooms.interviewer_page import board_gaps
from simulator.rooms.live_room import LiveRoom, live_room
from simulator.rooms.own_task import OWN_TASK, OwnTask
from simulator.rooms.room_at_hand import job_of, note_result, plan_of
from simulator.rooms.room_events import BoundRevealed, MessageSent, ProbeTicked, QuestionAnswered, TaskSet
from simulator.rooms.room_session import drawing_of, room_record
from simulator.rooms.scorecard_page import candidate_log, whole_log
from simulator.rooms.task_form import checked_words, task_of_fields
from simulator.session.session_events import CurveballStruck, CurveballWithdrawn, QuestionAsked
from simulator.session.session_state import left_s
from tests.patience import PATIENCE_S
from tests.rooms.rooms import new_room

TASK = OwnTask(name="Visual search", rate_per_s=40, payload_mb=0.2, bounds={"latency_p95_s": 0.3, "done_share": 0.99})

DRAWN = (
    {"op": "add", "box": "look", "preset": "preset:index", "x": 0, "y": 0},
    {"op": "enter", "box": "look"},
    {"op": "connect", "box": "look", "port": "to", "target": "answered"},
)


@pytest.fixture
def room(monkeypatch, tmp_path):
    return new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}", own=TASK, empty_board=True)


def run_noted(room):
    """Have the board's run end, and its result noted in the log."""
    job = job_of(room.live)
    result = job.summary
    note_result(room.live, job)
    return result


def test_a_drawing_runs_and_gets_verdicts_on_the_objectives(room):
    assert list(room.desk("candidate").look().paint()["boxes"]) and room.live.scenario.title == "Visual search"
    reply = room.say("candidate", *DRAWN)
    assert reply["acknowledged"] == len(DRAWN) and not reply["refused"]
    result = run_noted(room)
    assert {verdict.metric.name for verdict in result.verdicts} == set(TASK.bounds)
    [ended] = [run.ended for run in room.live.state.runs]
    assert set(ended.verdicts) == set(TASK.bounds)
    assert ended.run_hash == result.run_hash


def test_the_room_is_the_same_after_a_restart_and_in_another_installation(room, monkeypatch, tmp_path):
    room.say("candidate", *DRAWN)
    expected = plan_of(room.live, room.live.state).plan.identity
    again = LiveRoom(room.log, TASK.case, room.live.state.session.id)
    assert plan_of(again, again.state).plan.identity == expected
    elsewhere = RoomLog(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    head = replace(room.live.state.session, ended_at=None)
    elsewhere.take_in("another trail", whole_log(head, list(room.live.seen_events("interviewer"))).encode())
    monkeypatch.setattr("simulator.rooms.live_room.room_log", lambda: elsewhere)
    [head] = elsewhere.sessions_of("another trail")
    taken = live_room(head.id)
    assert (taken.scenario.title, taken.state.room.own) == ("Visual search", TASK)
    assert plan_of(taken, taken.state).plan.identity == expected


def test_bounds_are_in_nothing_that_a_candidate_may_have(room):
    assert room.live.state_for("interviewer").room.own.bounds == TASK.bounds
    for role in ("candidate", "observer"):
        assert room.live.state_for(role).room.own.bounds == {}
    assert "latency_p95_s" not in candidate_log(room.live.state.session, room.live.events)
    assert "latency_p95_s" in whole_log(room.live.state.session, room.live.events)


def test_numbers_that_change_in_the_room_leave_earlier_runs_what_they_were(room):
    room.say("candidate", *DRAWN)
    first = run_noted(room)
    before = room.live.state
    faster = TASK.model_copy(update={"rate_per_s": 80.0})
    room.live.take("interviewer", TaskSet(own=faster))
    assert room.live.scenario is faster.case
    second = run_noted(room)
    assert [run.ended.run_hash for run in room.live.state.runs] == [first.run_hash, second.run_hash]
    assert plan_of(room.live, before).plan.identity == first.plan.identity  # as the replay sees it
    load = [result.metrics["utilization.look"].value for result in (first, second)]
    assert load == pytest.approx([0.4, 0.8], abs=0.02)  # rate times 10 ms


def test_a_case_keeps_its_numbers(monkeypatch, tmp_path):
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")
    with pytest.raises(InputError, match="those of its case"):
        room.live.take("interviewer", TaskSet(own=TASK))
    with pytest.raises(InputError, match="may not"):
        room.live.take("candidate", TaskSet(text="an easier one"))


def fields(**changes):
    usual = {"name": "A task", "rate": 10.0, "unit": "a second", "payload": 1.0}
    return usual | dict.fromkeys(TASK.bounds) | changes


def test_fields_become_a_task_in_its_units():
    task = task_of_fields(fields(rate=864_000, unit="a day", latency_p95_s=300, done_share=7))
    assert task == OwnTask(name="A task", rate_per_s=10, payload_mb=1, bounds={"latency_p95_s": 0.3, "done_share": 0.07})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "  "}, "Give the task a name."),
        ({"name": "x" * 10_000}, "10,000 letters"),
        ({"name": "{figure:x}"}, "no braces"),
        ({"rate": 0}, "above 0"),
        ({"rate": -3}, "above 0"),
        ({"rate": 1e300}, "one region"),
        ({"rate": float("nan")}, "one region"),
        ({"rate": None}, "Give a number for the requests"),
        ({"payload": -1}, "has a size"),
        ({"payload": 1e300}, "has a size"),
        ({"done_share": 101}, "is 100 at most"),
        ({"latency_p95_s": 0}, "above 0"),
        ({"goodput_per_s": 11}, "No design serves more than comes"),
    ],
)
def test_wrong_fields_get_a_sentence(changes, words):
    with pytest.raises(InputError, match=words):
        task_of_fields(fields(**changes))


def test_a_task_of_ten_thousand_letters_gets_a_sentence():
    with pytest.raises(InputError, match="10,000 letters"):
        checked_words("x" * 10_000)


def create():
    from simulator.rooms.lobby import _create

    _create()


def test_the_lobby_makes_the_room(monkeypatch, tmp_path):
    log = RoomLog(f"sqlite:///{tmp_path / 'rooms.db'}")
    monkeypatch.setattr("simulator.rooms.lobby.room_log", lambda: log)
    monkeypatch.setattr("simulator.rooms.lobby.trail", lambda: "the trail of a lead")
    page = AppTest.from_function(create, default_timeout=PATIENCE_S).run()
    page.selectbox(key="room:case").set_value("").run()
    assert page.toggle(key="room:empty:True").value
    page.number_input(key="room:own:rate").set_value(0.0)
    page.text_input(key="room:own:name").set_value("Visual search")
    page.button[0].click().run()
    assert "above 0" in page.error[0].value
    assert not log.sessions_of("the trail of a lead")
    page.number_input(key="room:own:rate").set_value(40.0)
    page.number_input(key="room:own:latency_p95_s").set_value(300.0)
    page.button[0].click().run()
    [head] = log.sessions_of("the trail of a lead")
    assert head.case == OWN_TASK
    live = LiveRoom(log, TASK.case, head.id)
    assert live.state.room.own == OwnTask(name="Visual search", rate_per_s=40, payload_mb=1, bounds={"latency_p95_s": 0.3})
    assert live.state.phase == phases_of(live.scenario)[0].id


def test_the_interviewer_sees_what_the_board_does_not_say(room):
    def gaps():
        state, case = room.live.state, room.live.scenario
        return board_gaps(state.board(case), drawing_of(case, state), case)

    assert gaps() == ["Requests enter nowhere."]
    room.say("candidate", *DRAWN[:1])
    assert "Nothing leads to “Index”." in gaps()
    room.say("candidate", *DRAWN[1:], {"op": "add", "box": "app", "preset": "kind:plain", "x": 0, "y": 0}, first=2)
    fields = "Time a request (ms), Replicas, USD an hour and Requests that may wait"
    unset = f"“Index” has the values that a new box comes with: {fields}."
    assert gaps() == [
        "1 plain box without time or cost: Plain box.",
        unset,
        "“Index” has one replica: nothing takes over when it fails.",
    ]
    room.say("candidate", {"op": "set", "box": "look", "field": "replicas", "value": 2}, first=5)
    assert not any("one replica" in sentence or "Replicas" in sentence for sentence in gaps())
    bare = OwnTask(name="A task", rate_per_s=1).case
    assert "The task has no objective, so no run gets a verdict." in board_gaps(
        room.live.state.board(bare), drawing_of(bare, room.live.state), bare
    )


def test_the_candidate_reads_the_interviewers_words_or_to_ask(room):
    assert "Ask for what you need to know" in brief_of(room.at_hand("candidate"))
    room.live.take("interviewer", TaskSet(text="Find *similar* shoes."))
    assert brief_of(room.at_hand("candidate")) == "Find \\*similar\\* shoes."


def test_a_curveball_that_is_left_out_is_named_to_the_interviewer_alone(room):
    """A drawing of a link alone has no machine that could be lost."""
    room.say("candidate", DRAWN[0] | {"preset": "preset:upload"}, *DRAWN[1:])
    messages = {role: room.desk(role).look().paint()["message"] for role in ("interviewer", "candidate")}
    assert "curveball" not in messages["candidate"]
    assert "curveball" in messages["interviewer"]


def test_the_interviewers_words_come_the_latest_first_and_bounds_of_one_go_as_one(room):
    room.live.take("candidate", QuestionAsked(words="How fast?"))
    room.live.take("interviewer", QuestionAnswered(question=room.live.state.place - 1, text="Soon."))
    room.live.take("interviewer", MessageSent(text="Ten minutes are left."))
    for metric in TASK.bounds:
        room.live.take("interviewer", BoundRevealed(metric=metric))
    words = [text for _, text in interviewer_talk(room.at_hand("candidate"))]
    assert words == [
        "95% of the answers within: at most 300 ms. Share of the requests served: at least 99.0%.",
        "Ten minutes are left.",
        "How fast? Soon.",
    ]


def test_a_curveball_that_is_withdrawn_is_in_no_later_run(room):
    room.say("candidate", *DRAWN)
    calm = plan_of(room.live, room.live.state).plan.identity
    name, ball = next(iter(room.live.scenario.curveballs.items()))
    with pytest.raises(InputError, match="has not struck"):
        room.live.take("interviewer", CurveballWithdrawn(curveball=name))
    room.live.take("interviewer", CurveballStruck(curveball=name, at_s=ball.usual_time(room.live.scenario)))
    assert plan_of(room.live, room.live.state).plan.identity != calm
    room.live.take("interviewer", CurveballWithdrawn(curveball=name))
    assert plan_of(room.live, room.live.state).plan.identity == calm
    assert interviewer_talk(room.at_hand("candidate"))[0][1] == f"{ball.label}: taken back."


def test_probes_that_were_asked_stand_in_the_record_and_reach_no_candidate(room):
    ask = room.live.scenario.interview.probes[0].ask
    room.live.take("interviewer", ProbeTicked(ask=ask))
    with pytest.raises(InputError, match="so already"):
        room.live.take("interviewer", ProbeTicked(ask=ask))
    record = room_record(room.live.scenario, room.live.state_for("interviewer"))
    assert ("Probe", ask) in [(row.what, row.details) for row in record]
    assert ask not in whole_log(room.live.state.session, list(room.live.seen_events("candidate")))
    room.live.take("interviewer", ProbeTicked(ask=ask, asked=False))
    assert room.live.state.room.probes == set()


def test_a_change_of_time_moves_the_clock_of_both(room):
    room.live.take("interviewer", TaskSet(minutes=20))
    for role in ("interviewer", "candidate"):
        assert left_s(room.live.state_for(role), time()) <= 20 * 60
    assert interviewer_talk(room.at_hand("candidate"))[0][1] == "The interview takes 20 minutes."
