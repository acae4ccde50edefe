"""Places of rooms: one room more than a server holds is refused with a sentence, and nobody who is in is thrown out."""

import os

import pytest

from simulator.errors import InputError
from simulator.limits import ROOMS_PER_CORE
from simulator.rooms import live_room, room_at_hand, room_places
from simulator.rooms.room_places import KEPT_S, VARIABLE, NoPlaceError, RoomPlaces, most_rooms
from simulator.session.session_events import SessionEnded
from tests.rooms.rooms import new_room

SENTENCE = "This server holds 2 interviews at once. Try again when one has ended."


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def places(now, monkeypatch):
    found = RoomPlaces(lambda: 2, lambda: now[0])
    for module in (live_room, room_at_hand):
        monkeypatch.setattr(module, "room_places", lambda: found)
    return found


def test_one_room_more_is_refused_until_one_is_left_for_a_minute(places, now):
    places.enter("one")
    places.enter("two")
    places.enter("one")  # the second person of a room that is in
    with pytest.raises(NoPlaceError, match=SENTENCE):
        places.enter("three")
    now[0] += KEPT_S - 1
    places.keep("one")
    with pytest.raises(NoPlaceError):
        places.enter("three")  # the people of the second room may be reloading their pages
    now[0] += 1
    places.enter("three")
    with pytest.raises(NoPlaceError):
        places.enter("two")


def test_a_room_that_ends_gives_its_place_back_at_once(places):
    places.enter("one")
    places.enter("two")
    places.free("one")
    places.enter("three")


def test_people_who_are_in_keep_their_place_whatever_the_number(places):
    for room in ("one", "two", "three"):
        places.keep(room)  # such as three that came back after the server had been started again
    for room in ("one", "two", "three"):
        places.enter(room)


@pytest.fixture
def visit(monkeypatch, tmp_path):
    """Enters a room as a new page, or as the page with the given session; returns the session."""
    room = new_room(monkeypatch, f"sqlite:///{tmp_path / 'rooms.db'}")
    monkeypatch.setattr(room_at_hand, "access_at_hand", lambda: room.log.access(room.made.keys["candidate"]))
    monkeypatch.setattr(room_at_hand, "live_room", lambda name: room.live)

    class Page:
        context = type("Context", (), {"cookies": {}})

    def enter(session=None):
        Page.session_state = {} if session is None else session
        monkeypatch.setattr(room_at_hand, "st", Page)
        assert room_at_hand.room_at_hand().live is room.live
        return Page.session_state

    enter.room = room
    return enter


def test_a_page_that_is_in_stays_in_and_a_new_one_is_refused_in_a_full_server(places, now, visit):
    session = visit()
    now[0] += KEPT_S  # the connection was lost for a while
    places.enter("one")
    places.enter("two")
    visit(session)
    with pytest.raises(NoPlaceError, match=SENTENCE):
        visit()
    visit.room.live.seen("tab", "candidate")  # the page is connected again: the room has a place
    visit()


def test_an_ended_room_opens_in_a_full_server_and_takes_no_place(places, visit):
    visit()
    visit.room.live.take("interviewer", SessionEnded())
    visit.room.live.seen("tab", "candidate")
    places.enter("one")
    places.enter("two")
    visit()


def test_the_number_is_by_cores_or_by_the_environment(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert most_rooms() == 3 * ROOMS_PER_CORE.most
    monkeypatch.setenv(VARIABLE, " 1 ")
    assert most_rooms() == 1
    with pytest.raises(NoPlaceError, match="This server holds 1 interview at once"):
        found = RoomPlaces()
        found.enter("one")
        found.enter("two")


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "1e9", "10001", "²"])
def test_a_number_of_rooms_that_is_none_is_refused_with_a_sentence(monkeypatch, value):
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(InputError, match=f"{VARIABLE}: expected a number of interviews"):
        room_places.most_rooms()
