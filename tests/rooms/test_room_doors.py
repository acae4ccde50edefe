"""Doors of rooms: secrets become cookies; guesses, forged cookies, revoked and expired links get one and the same answer."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from secrets import token_hex
from threading import Event
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from simulator.app.admission import Admission, WrongTokens
from simulator.app.store import room_log as store
from simulator.app.store.room_log import Access, RoomLog, digest_of, letters_of, new_code
from simulator.app.store.session_log import SessionLog
from simulator.app.store.session_rows import ROOM_LINKS
from simulator.limits import WRONG_TOKENS
from simulator.rooms import room_doors as rooms
from simulator.rooms.room_doors import RoomKeys
from simulator.rooms.room_events import RoomOpened
from simulator.serving.server import Guard
from tests.patience import PATIENCE_S


@pytest.fixture
def clock():
    """A clock (s) that a test turns: its first item."""
    return [1000.0]


@pytest.fixture
def looks():
    """The secrets that were looked up, and whether an event loop had to wait for that."""
    return []


@pytest.fixture
def log(monkeypatch, tmp_path, clock, looks):
    log = RoomLog(f"sqlite:///{tmp_path / 'rooms.db'}")

    def access(key):
        looks.append((key, _in_a_loop()))
        return log.access(key)

    monkeypatch.setattr(rooms, "room_log", lambda: log)
    monkeypatch.setattr(rooms, "_KEYS", RoomKeys(access, lambda: clock[0]))
    return log


def _in_a_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


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


def test_a_link_is_stored_in_the_words_and_numbers_that_earlier_versions_read(made, log):
    with log._connected() as connection:
        rows = connection.exec_driver_sql("SELECT role, room, revoked FROM room_links ORDER BY role").fetchall()
    room = made.session.id
    assert [tuple(row) for row in rows] == [(role, room, 0) for role in ("candidate", "interviewer", "observer", "rater")]


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


def test_guesses_are_slowed_for_an_address_and_in_all(made, browser, clock):
    answers = [browser.post(f"/{rooms.PATH}", data={"key": new_code()}).status_code for _ in range(200)]
    assert answers[:10] == [403] * 10
    assert set(answers[10:]) == {429}
    assert browser.post(f"/{rooms.PATH}", data={"key": made.keys["candidate"]}).status_code == 429  # a right one waits as well
    clock[0] += 40
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


@pytest.fixture
def served(log):
    """A server with a token, whose page says whether the visitor is a guest; for browsers at addresses."""

    async def page(request):
        return PlainTextResponse(request.headers.get("x-casesim-guest", ""))

    app = Starlette(routes=[rooms.DOOR, Route("/room", page)])
    server = Admission(app, "a token of the server", is_guest=rooms.is_guest, doors=["/enter"])

    def browser(address="192.0.2.1"):
        return TestClient(server, client=(address, 1), follow_redirects=False)

    return browser


def test_a_guest_of_a_room_needs_no_token_of_the_server(made, log, served, clock):
    served = served()
    assert served.get("/room").status_code == 403
    assert served.get("/room", headers={"x-casesim-guest": "1"}).status_code == 403
    served.cookies.set(rooms.cookie_name(made.session.id, "candidate"), made.keys["candidate"])
    assert served.get("/room").content == b"1"
    log.revoke(made.session.id, "candidate")
    clock[0] += 6
    assert served.get("/room").status_code == 403
    assert served.get("/enter").status_code == 200


def asked(browser, *cookies):
    return browser.get("/room", headers={"Cookie": "; ".join(cookies)})


def a_code():
    return f"casesim_room_{token_hex(6)}_candidate={new_code()}"


def test_few_cookies_are_looked_up_and_no_event_loop_waits_for_it(made, served, looks):
    known = f"{rooms.cookie_name(made.session.id, 'rater')}={made.keys['rater']}"
    assert asked(served(), *(a_code() for _ in range(4000))).status_code == 429
    assert len(looks) == 10  # then this address has to wait
    looks.clear()
    assert asked(served("192.0.2.2"), *(a_code() for _ in range(4000)), known).content == b"1"
    assert looks == [(made.keys["rater"], False)]  # the latest cookie stands last
    served("192.0.2.3").get(f"/{rooms.link_path(made.keys['observer'])}")
    assert looks[1:] == [(made.keys["observer"], False)]


def test_no_more_rooms_are_looked_up_than_a_browser_may_be_in(made, served, looks, monkeypatch):
    monkeypatch.setattr(rooms._KEYS, "_wrong", WrongTokens(lambda: 0.0))
    monkeypatch.setattr("simulator.app.admission.WRONG_TOKENS", replace(WRONG_TOKENS, most=1000))
    assert asked(served(), *(a_code() for _ in range(100))).status_code == 403
    assert len(looks) == 16


@pytest.mark.parametrize(
    "cookie",
    [
        "casesim_room_{n}={n}",
        "casesim_room_{n:012x}_candidate=short",
        "casesim_room_{n:012x}_system=7K2M-Q9XR-4TDV",
        "casesim_room_=",
    ],
)
def test_a_cookie_of_a_form_that_no_server_gives_is_a_guess_and_not_looked_up(cookie, served, looks):
    answers = [asked(served(), cookie.format(n=number)).status_code for number in range(200)]
    assert answers == [403] * 10 + [429] * 190
    assert looks == []


def test_wrong_codes_in_cookies_wait_with_wrong_codes_at_the_door(served, made, looks, clock):
    browser = served()
    assert [asked(browser, a_code()).status_code for _ in range(5)] == [403] * 5
    assert [browser.post("/enter", data={"key": new_code()}).status_code for _ in range(5)] == [403] * 5
    refused = asked(browser, a_code())
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert refused.text == "Too many wrong codes came. Try again in 30 s.\n"
    assert browser.post("/enter", data={"key": made.keys["candidate"]}).status_code == 429
    assert len(looks) == 10
    clock[0] += 30
    assert browser.post("/enter", data={"key": made.keys["candidate"]}).status_code == 303


def test_a_wrong_code_that_comes_again_is_no_further_guess(served, looks):
    stale = a_code()
    assert {asked(served(), stale).status_code for _ in range(50)} == {403}  # an open page asks again and again
    assert len(looks) == 1
    assert asked(served(), a_code()).status_code == 403


def test_a_guest_who_is_in_stays_in_however_many_guess_at_that_address(served, made, log, clock):
    guest = served()
    assert guest.post("/enter", data={"key": made.keys["candidate"]}).status_code == 303
    assert asked(served(), *(a_code() for _ in range(16))).status_code == 429
    clock[0] += 6
    assert guest.get("/room").content == b"1"
    log.revoke(made.session.id, "candidate")
    clock[0] += 6
    assert guest.get("/room").status_code == 403  # at once, and no guess


def test_a_database_that_answers_slowly_stops_no_other_request(served, monkeypatch):
    """The look-up of a guest waits until another request has its answer: on the event loop neither would end."""
    answered = Event()

    def access(key):
        assert answered.wait(PATIENCE_S)

    monkeypatch.setattr(rooms, "_KEYS", RoomKeys(access))
    with served() as browser, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(asked, browser, a_code())
        assert browser.get("/enter").status_code == 200
        answered.set()
        assert slow.result(PATIENCE_S).status_code == 403


@pytest.mark.parametrize("typed", ["7k2m q9xr 4tdv", "7K2M   Q9XR   4TDV", "7K2M-Q9XR-4TDV"])
def test_the_cookie_of_a_code_lets_in_however_the_code_was_typed(typed, served, monkeypatch):
    monkeypatch.setattr(
        rooms, "_KEYS", RoomKeys(lambda key: Access("a room", "candidate") if letters_of(key) == "7K2MQ9XR4TDV" else None)
    )
    browser = served()
    assert browser.post("/enter", data={"key": typed}).status_code == 303
    assert browser.get("/room").content == b"1"


def test_a_guest_whose_link_is_revoked_while_a_page_is_open_sees_no_other_page(made, log, monkeypatch):
    cookies = {rooms.cookie_name(made.session.id, "observer"): made.keys["observer"]}
    context = SimpleNamespace(cookies=cookies, headers={"x-casesim-guest": "1"}, ip_address=None)
    monkeypatch.setattr(rooms, "st", SimpleNamespace(context=context))
    assert rooms.is_confined() and rooms.confined_to() == (made.session.id, "observer")
    log.revoke(made.session.id, "observer")
    assert rooms.is_confined() and rooms.confined_to() is None
    context.headers = {}
    assert not rooms.is_confined()


def test_rooms_of_a_visitor_are_no_practice_sessions(made, log):
    assert [one.id for one in log.sessions_of("a trail")] == [made.session.id]
    assert SessionLog(log.url).sessions_of("a trail") == []
