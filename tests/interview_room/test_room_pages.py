"""The interviewer's page: what is sent is what the fields hold at that moment, and a room's clock waits for its start."""

from time import time

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app.store.session_files import read_visitor_file
from simulator.case.phases import phases_of
from simulator.interview_room.room_files import files
from simulator.session.phase_clock import left_s
from simulator.session.room_events import TagSet
from simulator.session.session_events import QuestionAsked, SessionEnded
from tests.interview_room.rooms import new_room


@pytest.fixture
def room(monkeypatch, tmp_path):
    return new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}", task="Draw me a visual search.\n\nAsk what you need.")


def card(room):
    from simulator.interview_room.scorecard_page import _card

    _card(room)


def events(room):
    from simulator.interview_room.control_panel import events_panel, questions_panel

    questions_panel(room)
    events_panel(room)


def brief(room):
    from simulator.interview_room.candidate_page import _brief

    _brief(room)


def test_a_rating_is_kept_as_its_fields_are_when_the_button_is_pressed(room):
    """A rater presses the button at once: the page has not been drawn since the fields changed."""
    for event in (TagSet(signal="framing", plus=True), SessionEnded()):
        room.live.take("interviewer", event)
    page = AppTest.from_function(card, kwargs={"room": room.at_hand("interviewer")}).run()
    page.radio(key="room:rate:framing").set_value("strong")
    page.text_input(key="room:sentence:framing").set_value("asked for the prices first")
    page.button(key="room:keep:framing").click().run()
    kept = room.live.state.room.ratings_of("interviewer")["framing"]
    assert (kept.level, kept.text) == ("strong", "asked for the prices first")


def test_a_level_that_a_case_describes_by_no_words_stands_by_its_name(room, monkeypatch):
    monkeypatch.setattr("simulator.interview_room.scorecard_page.signals_of", lambda scenario: [])
    room.live.take("interviewer", SessionEnded())
    page = AppTest.from_function(card, kwargs={"room": room.at_hand("interviewer")}).run()
    assert page.radio(key="room:rate:framing").options == ["Very weak", "Weak", "Strong", "Very strong"]


def test_the_panel_that_is_shown_and_the_answer_that_is_sent_are_those_picked_last(room):
    room.live.take("candidate", QuestionAsked(words="What is lost?"))
    place = room.live.state.questions[0].place
    page = AppTest.from_function(events, kwargs={"room": room.at_hand("interviewer")}).run()
    wanted = room.live.scenario.questions[1]
    page.selectbox(key=f"room:known:{place}").set_value(room.live.scenario.questions[0].ask).run()
    page.selectbox(key="room:push").set_value("cost")
    page.button(key="room:push:show").click().run()
    assert room.live.state.room.pushed == "cost"
    page.selectbox(key=f"room:known:{place}").set_value(wanted.ask)
    page.button(key=f"room:send:{place}").click().run()
    assert room.live.state.room.answers[place].text == wanted.answer


def with_components(room):
    from simulator.interview_room.candidate_page import candidate_page
    from simulator.interview_room.mark_panel import notes_panel

    candidate_page(room)
    notes_panel(room)


def test_a_room_whose_random_id_holds_two_underscores_is_shown(monkeypatch, tmp_path):
    """Streamlit refuses them in the keys of components; one room in about two hundred has them."""
    monkeypatch.setattr("simulator.app.store.room_log.new_id", lambda: "hQ2___x7Ydk2VbE5Yt3c0A")
    monkeypatch.setattr("simulator.interview_room.room_view.job_of", lambda *_: None)
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")
    page = AppTest.from_function(with_components, kwargs={"room": room.at_hand("candidate")}).run()
    assert not page.exception
    assert "hQ2_" in room.at_hand("candidate").id


def script(room):
    from simulator.interview_room.script_panel import script_panel

    script_panel(room)


def test_private_notes_on_a_phase_are_on_the_interviewers_page_alone(room, monkeypatch):
    phase = phases_of(room.live.scenario)[0].id
    interview = room.live.scenario.interview.model_copy(update={"notes_on": {phase: "A private word."}})
    scenario = room.live.scenario.model_copy(update={"interview": interview})
    monkeypatch.setattr(type(room.at_hand("interviewer")), "scenario", scenario, raising=False)
    shown = AppTest.from_function(script, kwargs={"room": room.at_hand("interviewer")}).run()
    assert any("A private word." in one.value for one in shown.info)
    candidate = AppTest.from_function(brief, kwargs={"room": room.at_hand("candidate")}).run()
    assert not [one for one in (*candidate.markdown, *candidate.info) if "A private word." in one.value]


def test_the_clock_of_a_new_room_waits_for_its_start(room):
    """Links are sent days before the interview."""
    assert left_s(room.live.state, time() + 3 * 86_400) == pytest.approx(45 * 60, abs=1)


def test_a_task_stands_in_place_of_the_brief(room):
    words = " ".join(
        one.value for one in AppTest.from_function(brief, kwargs={"room": room.at_hand("candidate")}).run().markdown
    )
    assert "Draw me a visual search" in words
    assert room.live.scenario.brief[:40] not in words


@pytest.mark.parametrize("role", ["interviewer", "candidate"])
def test_the_log_of_an_ended_room_is_taken_in_as_ended(room, monkeypatch, role):
    made = {}
    monkeypatch.setattr(
        "simulator.interview_room.room_files.st.download_button", lambda label, data, **_: made.update({label: data})
    )
    room.live.take("interviewer", SessionEnded())
    files(room.at_hand(role))
    written = made["Whole log (JSON)" if role == "interviewer" else "The candidate's log (JSON)"]()
    [taken] = read_visitor_file(written.encode(), "a trail").rooms
    assert taken.session.ended_at == room.live.state.ended_at is not None
