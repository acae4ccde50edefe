"""A browser gets its cookies from the server, with a page, once it is in: no script sets or reads one."""

import re

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_routes import ROUTE_HEALTH

from simulator.app.admission import Admission
from simulator.app.store.drawn_secrets import TrailStore
from simulator.app.store.faults import StoreError
from simulator.app.store.session_log import SessionLog
from simulator.app.trails import COOKIE, Trails
from simulator.rooms import room_doors as rooms
from simulator.serving import middleware, server
from simulator.serving.middleware import VisitorCookies

PAGE = {"Accept": "text/html,*/*"}
TOKEN = "a token of the server"
OLD = "old-visitor_" + "v" * 10


@pytest.fixture
def trails(monkeypatch, tmp_path):
    made = Trails(TrailStore(f"sqlite:///{tmp_path / 'trails.db'}"))
    monkeypatch.setattr(middleware, "trails", lambda: made)
    return made


async def page(request):
    return HTMLResponse("<p>here</p>", headers={"Set-Cookie": "_streamlit_xsrf=2"} if "health" in request.url.path else {})


APP = VisitorCookies(Starlette(routes=[rooms.DOOR, Route("/{path:path}", page)]))


@pytest.fixture
def client(trails):
    return TestClient(APP)


def given(answer):
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


def test_a_browser_gets_both_cookies_with_its_first_page_and_keeps_them(client, trails):
    attributes = "; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"
    cookies = given(client.get("/", headers=PAGE))
    assert set(cookies) == {"casesim_browser", trails.key.cookie}
    assert re.fullmatch(rf"casesim_browser=[0-9a-f]{{64}}{attributes}", cookies["casesim_browser"])
    assert re.fullmatch(rf"casesim_trail_[0-9a-f]{{8}}=[\w-]{{22}}\.[\w-]{{43}}{attributes}", cookies[trails.key.cookie])
    assert trails.issued(dict(client.cookies))
    assert given(client.get("/you", headers=PAGE)) == {}


def test_over_https_no_other_host_sets_them(trails):
    client = TestClient(APP, base_url="https://class.example")
    cookies = given(client.get("/", headers=PAGE))
    assert set(cookies) == {"__Host-casesim_browser", f"__Host-{trails.key.cookie}"}
    assert all(line.endswith("; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure") for line in cookies.values())
    assert given(client.get("/", headers=PAGE)) == {}


@pytest.mark.parametrize("path", ["/_stcore/health", "/_stcore/host-config", "/enter", "/enter?key=wrong"])
def test_what_is_no_page_sets_no_cookie_of_a_visitor(client, path):
    assert not {name for name in given(client.get(path, headers=PAGE)) if name.startswith("casesim")}
    assert given(client.get("/", headers={"Accept": "*/*"})) == {}


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/metrics", "/enter", "/enter?key=wrong", "/?token=wrong"])
def test_a_person_who_is_not_in_gets_none(trails, path):
    client = TestClient(Admission(APP, TOKEN, is_guest=rooms.is_guest, doors=["/enter"]), follow_redirects=False)
    for headers in (PAGE, {}):
        assert given(client.get(path, headers=headers)) == {}
    assert client.get("/", params={"token": TOKEN}).status_code == 303
    assert set(given(client.get("/_stcore/health"))) == {"_streamlit_xsrf"}
    assert set(given(client.get("/", headers=PAGE))) == {"casesim_browser", trails.key.cookie}


@pytest.mark.parametrize("value", ["a" * 22, "x" * 64, OLD, "<script>alert(1)</script>", "x.y", ""])
def test_a_value_that_no_server_has_made_is_replaced(client, trails, value):
    client.cookies.set(trails.key.cookie, value)
    client.cookies.set("casesim_browser", value)
    client.cookies.set(COOKIE, value)
    cookies = given(client.get("/", headers=PAGE))
    assert set(cookies) == {"casesim_browser", trails.key.cookie}
    assert f"={value}." not in cookies[trails.key.cookie]


def test_a_visitor_of_an_earlier_version_keeps_the_trail(client, trails):
    SessionLog(trails._store.url).begin(OLD, "some-case", 1, "0" * 12)
    client.cookies.set(COOKIE, OLD)
    cookies = given(client.get("/", headers=PAGE))
    assert cookies[trails.key.cookie].startswith(f"{trails.key.cookie}={OLD}.")
    assert cookies[COOKIE] == f"{COOKIE}={OLD}; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax"  # no script reads it any more
    assert given(client.get("/", headers=PAGE)) == {}


def test_a_page_comes_without_the_database_and_has_no_trail_then(monkeypatch):
    class Broken:
        def key(self):
            raise StoreError("no connection")

    broken = Trails(Broken())
    monkeypatch.setattr(middleware, "trails", lambda: broken)
    answer = TestClient(APP).get("/", headers=PAGE)
    assert (answer.text, set(given(answer))) == ("<p>here</p>", {"casesim_browser"})


def test_the_pages_of_the_server_have_them():
    assert isinstance(server._pages, VisitorCookies)
    assert middleware._is_no_page(f"/{ROUTE_HEALTH}")
