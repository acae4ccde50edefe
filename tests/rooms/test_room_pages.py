"""The interviewer's page: what is sent is what the fields hold at that moment, and a room's clock waits for its start."""

from time import time

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app.store.session_files import read_visitor_file
from simulator.case.phases import phases_of
from simulator.rooms.room_events import CurveballArmed, PanelPushed, QuestionAnswered, SignalRated, TagSet
from simulator.rooms.scorecard_page import files, sheet
from simulator.session.session_events import QuestionAsked, SessionEnded
from simulator.session.session_state import left_s
from tests.patience import PATIENCE_S
from tests.rooms.rooms import new_room


@pytest.fixture
def room(monkeypatch, tmp_path):
    return new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}", task="Draw me a visual search.\n\nAsk what you need.")


#: The most time (s) for a page of a test: a busy machine draws it late.


def card(room):
    from simulator.rooms.scorecard_page import _card

    _card(room)


def events(room):
    from simulator.rooms.control_panel import events_panel, questions_panel

    questions_panel(room)
    events_panel(room)


def brief(room):
    from simulator.rooms.candidate_page import _brief

    _brief(room)


def test_a_rating_is_kept_as_its_fields_are_when_the_button_is_pressed(room):
    """A rater presses the button at once: the page has not been drawn since the fields changed."""
    for event in (TagSet(signal="framing", plus=True), SessionEnded()):
        room.live.take("interviewer", event)
    page = AppTest.from_function(card, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("interviewer")}).run()
    page.radio(key="room:rate:framing").set_value("strong")
    page.text_input(key="room:sentence:framing").set_value("asked for the prices first")
    page.button(key="room:keep:framing").click().run(timeout=PATIENCE_S)
    kept = room.live.state.room.ratings_of("interviewer")["framing"]
    assert (kept.level, kept.text) == ("strong", "asked for the prices first")


def test_a_level_that_a_case_describes_by_no_words_stands_by_its_name(room, monkeypatch):
    monkeypatch.setattr("simulator.rooms.scorecard_page.signals_of", lambda scenario: [])
    room.live.take("interviewer", SessionEnded())
    page = AppTest.from_function(card, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("interviewer")}).run()
    assert page.radio(key="room:rate:framing").options == ["Very weak", "Weak", "Strong", "Very strong", "Not observed"]


@pytest.fixture
def ended(room):
    """A room with a question, its answer and a mark, that has ended."""
    room.live.take("candidate", QuestionAsked(words="Who labels?"))
    question = room.live.state.questions[0].place
    room.live.take("interviewer", QuestionAnswered(question=question, text="Two readers."))
    room.live.take("interviewer", TagSet(signal="framing", plus=True, about=question, text="first of all"))
    room.live.take("interviewer", SessionEnded())
    return room


def test_a_question_stays_among_the_evidence_with_its_answer_and_a_mark_says_its_moment(ended):
    page = AppTest.from_function(card, default_timeout=PATIENCE_S, kwargs={"room": ended.at_hand("interviewer")}).run()
    offered = page.multiselect(key="room:evidence:framing")
    assert "0 min, Question: Who labels? Answer: Two readers." in offered.options
    assert "0 min, Answer: “Who labels?” Two readers." in offered.options
    mark = "0 min, Mark: + Framing: first of all (about 0 min, Question: Who labels? Answer: Two readers.)"
    assert mark in offered.options and offered.value == [ended.live.state.room.tags[0].place]


def test_a_second_rater_finds_no_mark_no_evidence_and_no_level_of_the_first(ended):
    place = ended.live.state.room.tags[0].place
    ended.live.take("interviewer", SignalRated(signal="framing", level="weak", evidence=(place,), text="a secret reason"))
    page = AppTest.from_function(card, default_timeout=PATIENCE_S, kwargs={"room": ended.at_hand("rater")}).run()
    assert page.radio(key="room:rate:framing").value is None
    assert page.multiselect(key="room:evidence:framing").value == []
    assert not [one for one in page.multiselect(key="room:evidence:framing").options if "Mark" in one]
    assert {one.value for one in page.caption if "Marks" in one.value} == {"Marks: 0 plus, 0 minus."}
    assert page.text_input(key="room:sentence:framing").value == ""


@pytest.mark.parametrize(
    ("level", "absence", "kept"),
    [
        ("weak", "", None),
        ("weak", "asked for no rate", ("weak", "asked for no rate")),
        ("not_observed", "", ("not_observed", "")),
    ],
)
def test_a_level_without_a_moment_needs_an_absence_or_is_not_observed(room, level, absence, kept):
    room.live.take("interviewer", SessionEnded())
    page = AppTest.from_function(card, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("interviewer")}).run()
    page.radio(key="room:rate:data").set_value(level)
    page.text_input(key="room:absence:data").set_value(absence)
    page.button(key="room:keep:data").click().run(timeout=PATIENCE_S)
    found = room.live.state.room.ratings_of("interviewer").get("data")
    assert (found and (found.level, found.absence)) == kept
    assert ("fault" in page.session_state) == (kept is None)


def marks(room):
    from simulator.rooms.control_panel import mark_panel

    mark_panel(room)


def test_a_mark_is_about_the_moment_or_the_probe_that_is_chosen_else_about_the_latest_moment(room):
    """A curveball that is armed is no moment, and a move of a box is none either."""
    room.live.take("candidate", QuestionAsked(words="Who labels?"))
    room.live.take("interviewer", PanelPushed(panel="outcomes"))
    question, shown = room.live.state.questions[0].place, room.live.state.room.steps[0].place
    room.live.take("interviewer", CurveballArmed(curveball=next(iter(room.live.scenario.curveballs))))
    page = AppTest.from_function(marks, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("interviewer")}).run()
    probe = next(one for one in page.selectbox(key="room:mark:about").options if one.startswith("Probe: "))
    for chosen in (None, question, probe.removeprefix("Probe: ")):
        page.selectbox(key="room:mark:about").set_value(chosen)
        page.button(key="room:plus:framing").click().run(timeout=PATIENCE_S)
    tags = room.live.state.room.tags
    assert [(tag.event.about, tag.event.probe) for tag in tags] == [
        (shown, ""),
        (question, ""),
        (None, probe.removeprefix("Probe: ")),
    ]
    listed = " ".join(one.value for one in page.markdown)
    for words in ("Outcomes", "Who labels?", "probe “"):
        assert words in listed
    sheet_words = sheet(room.live.scenario, room.live.state_for("interviewer"), "interviewer")
    assert "+ Framing (about 0 min, Question: Who labels?)" in sheet_words


def test_the_panel_that_is_shown_and_the_answer_that_is_sent_are_those_picked_last(room):
    room.live.take("candidate", QuestionAsked(words="What is lost?"))
    place = room.live.state.questions[0].place
    page = AppTest.from_function(events, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("interviewer")}).run()
    wanted = room.live.scenario.questions[1]
    page.selectbox(key=f"room:known:{place}").set_value(room.live.scenario.questions[0].ask).run(timeout=PATIENCE_S)
    page.selectbox(key="room:push").set_value("cost")
    page.button(key="room:push:show").click().run(timeout=PATIENCE_S)
    assert room.live.state.room.pushed == "cost"
    page.selectbox(key=f"room:known:{place}").set_value(wanted.ask)
    page.button(key=f"room:send:{place}").click().run(timeout=PATIENCE_S)
    assert room.live.state.room.answers[place] == wanted.answer


def with_components(room):
    from simulator.rooms.candidate_page import candidate_page
    from simulator.rooms.control_panel import notes_panel

    candidate_page(room)
    notes_panel(room)


def test_a_room_whose_random_id_holds_two_underscores_is_shown(monkeypatch, tmp_path):
    """Streamlit refuses them in the keys of components; one room in about two hundred has them."""
    monkeypatch.setattr("simulator.app.store.room_log.new_id", lambda: "hQ2___x7Ydk2VbE5Yt3c0A")
    monkeypatch.setattr("simulator.rooms.room_view.job_of", lambda *_: None)
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")
    page = AppTest.from_function(with_components, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("candidate")}).run()
    assert not page.exception
    assert "hQ2_" in room.at_hand("candidate").id


def script(room):
    from simulator.rooms.interviewer_page import script_panel

    script_panel(room)


def test_private_notes_on_a_phase_are_on_the_interviewers_page_alone(room, monkeypatch):
    phase = phases_of(room.live.scenario)[0].id
    interview = room.live.scenario.interview.model_copy(update={"notes_on": {phase: "A private word."}})
    scenario = room.live.scenario.model_copy(update={"interview": interview})
    monkeypatch.setattr(type(room.at_hand("interviewer")), "scenario", scenario, raising=False)
    shown = AppTest.from_function(script, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("interviewer")}).run()
    assert any("A private word." in one.value for one in shown.info)
    candidate = AppTest.from_function(brief, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("candidate")}).run()
    assert not [one for one in (*candidate.markdown, *candidate.info) if "A private word." in one.value]


def test_the_clock_of_a_new_room_waits_for_its_start(room):
    """Links are sent days before the interview."""
    assert left_s(room.live.state, time() + 3 * 86_400) == pytest.approx(45 * 60, abs=1)


def test_a_task_stands_in_place_of_the_brief(room):
    words = " ".join(
        one.value
        for one in AppTest.from_function(brief, default_timeout=PATIENCE_S, kwargs={"room": room.at_hand("candidate")})
        .run()
        .markdown
    )
    assert "Draw me a visual search" in words
    assert room.live.scenario.brief[:40] not in words


@pytest.mark.parametrize("role", ["interviewer", "candidate"])
def test_the_log_of_an_ended_room_is_taken_in_as_ended(room, monkeypatch, role):
    made = {}
    monkeypatch.setattr("streamlit.download_button", lambda label, data, **_: made.update({label: data}))
    room.live.take("interviewer", SessionEnded())
    files(room.at_hand(role))
    written = made["Whole log (JSON)" if role == "interviewer" else "The candidate's log (JSON)"]()
    [taken] = read_visitor_file(written.encode(), "a trail").rooms
    assert taken.session.ended_at == room.live.state.ended_at is not None
