"""Doors of rooms: secrets become cookies; guesses, forged cookies, revoked and expired links get one and the same answer."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from simulator.app import rooms
from simulator.app.admission import Admission, WrongTokens
from simulator.app.server import Guard
from simulator.app.store import room_log as store
from simulator.app.store.room_log import RoomLog
from simulator.app.store.room_rows import ROOM_LINKS, digest_of, new_code
from simulator.app.store.session_log import SessionLog
from simulator.session.room_events import RoomOpened


@pytest.fixture
def log(monkeypatch, tmp_path):
    log = RoomLog(f"sqlite:///{tmp_path / 'rooms.db'}")
    monkeypatch.setattr(rooms, "room_log", lambda: log)
    monkeypatch.setattr(rooms, "_WRONG", WrongTokens(lambda: 0.0))
    rooms._GUESTS.clear()
    return log


@pytest.fixture
def made(log):
    return log.create("a trail", "retry-storm", 1, "0123456789ab", RoomOpened(), "frame", seed=1, minutes=45)


@pytest.fixture
def browser():
    return TestClient(Starlette(routes=[rooms.DOOR]), follow_redirects=False)


@pytest.mark.parametrize("role", ["interviewer", "candidate", "observer", "rater"])
def test_a_link_becomes_a_cookie_and_an_address_without_a_secret(made, browser, role):
    key = made.keys[role]
    answer = browser.get(f"/{rooms.link_path(key)}")
    assert answer.status_code == 303
    place = urlsplit(answer.headers["location"])
    assert parse_qs(place.query) == {"room": [made.session.id], "as": [role]}
    assert key not in answer.headers["location"]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert rooms.access_of(dict(browser.cookies), made.session.id, role) == (made.session.id, role)


def test_no_secret_is_stored(made, log):
    with log._connected() as connection:
        rows = connection.execute(ROOM_LINKS.select()).fetchall()
    assert not [key for key in made.keys.values() if key in repr(rows)]
    assert len({row.digest for row in rows}) == 4
    assert len(made.keys["interviewer"]) == 22  # 128 bits in base 64


def test_a_code_is_read_however_it_is_typed(made, browser):
    code = made.keys["candidate"]
    for typed in (
        code.lower(),
        code.replace("-", ""),
        f"  {code.replace('-', ' ')} ",
        code.replace("0", "O").replace("1", "l"),
    ):
        assert browser.post(f"/{rooms.PATH}", data={"key": typed}).status_code == 303, typed


def test_a_code_has_60_bits():
    codes = {new_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert len({letter for code in codes for letter in code} - {"-"}) == 32
    assert all(len(code.replace("-", "")) == 12 for code in codes)


def test_every_key_that_opens_nothing_gets_the_same_answer(made, log, browser, monkeypatch):
    log.revoke(made.session.id, "observer")
    wrong = ["x", new_code(), "y" * 22, made.keys["observer"], "' OR 1=1 --", "<script>alert(1)</script>"]
    answers = {
        (answer.status_code, answer.text) for key in wrong if (answer := browser.post(f"/{rooms.PATH}", data={"key": key}))
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 403
    monkeypatch.setattr(store, "time", lambda: time.time() + store.LINK_S + 1)
    assert browser.post(f"/{rooms.PATH}", data={"key": made.keys["interviewer"]}).text == next(iter(answers))[1]


def test_guesses_are_slowed_for_an_address_and_in_all(made, browser, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(rooms, "_WRONG", WrongTokens(lambda: clock[0]))
    answers = [browser.post(f"/{rooms.PATH}", data={"key": new_code()}).status_code for _ in range(200)]
    assert answers[:10] == [403] * 10
    assert set(answers[10:]) == {429}
    assert browser.post(f"/{rooms.PATH}", data={"key": made.keys["candidate"]}).status_code == 429  # a right one waits as well
    clock[0] = 40.0
    assert browser.post(f"/{rooms.PATH}", data={"key": made.keys["candidate"]}).status_code == 303


def test_an_oversize_form_opens_nothing(browser):
    assert browser.post(f"/{rooms.PATH}", content=b"key=" + b"x" * 10_000).status_code == 200


def test_a_page_of_another_site_cannot_open_a_room(made):
    served = TestClient(Guard(Starlette(routes=[rooms.DOOR])), base_url="http://localhost", follow_redirects=False)
    key = made.keys["candidate"]
    assert served.post("/enter", data={"key": key}, headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert served.post("/enter", data={"key": key}, headers={"origin": "http://localhost"}).status_code == 303
    assert served.get("/enter").headers["referrer-policy"] == "no-referrer"


def test_a_forged_role_opens_nothing(made):
    room, candidate = made.session.id, made.keys["candidate"]
    cookies = {rooms.cookie_name(room, "interviewer"): candidate, rooms.cookie_name("other" * 4, "candidate"): candidate}
    assert rooms.access_of(cookies, room, "interviewer") is None
    assert rooms.access_of(cookies, room, "candidate") is None
    assert rooms.access_of(cookies, "other" * 4, "candidate") is None


def test_a_new_link_revokes_the_old_one(made, log):
    key = log.renew(made.session.id, "candidate")
    assert log.access(made.keys["candidate"]) is None
    assert log.access(key) == (made.session.id, "candidate")
    assert digest_of(key) != digest_of(made.keys["candidate"])


def test_a_guest_of_a_room_needs_no_token_of_the_server(made, log):
    async def page(scope, receive, send):
        marked = dict(scope["headers"]).get(b"x-casesim-guest", b"")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": marked})

    served = TestClient(Admission(page, "a token of the server", is_guest=rooms.is_guest, doors=["/enter"]))
    assert served.get("/room").status_code == 403
    assert served.get("/room", headers={"x-casesim-guest": "1"}).status_code == 403
    served.cookies.set(rooms.cookie_name(made.session.id, "candidate"), made.keys["candidate"])
    assert served.get("/room").content == b"1"
    log.revoke(made.session.id, "candidate")
    rooms._GUESTS.clear()
    assert served.get("/room").status_code == 403
    assert served.get("/enter").status_code == 200


def test_rooms_of_a_visitor_are_no_practice_sessions(made, log):
    assert [one.id for one in log.sessions_of("a trail")] == [made.session.id]
    assert SessionLog(log.url).sessions_of("a trail") == []
