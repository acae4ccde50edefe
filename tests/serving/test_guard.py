"""The server answers to its own names and its own pages only, and tells browsers what a page may do."""

import re
import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import config

from simulator.serving.server import Guard, refusal
from tests.loops import run

HERE = "localhost:8501"


@pytest.fixture
def names(monkeypatch):
    """The names that Streamlit's own option allows."""
    known = ["localhost", "127.0.0.1", "::1", "class.example"]
    usual = config.get_option
    monkeypatch.setattr(config, "get_option", lambda key: known if key == "server.allowedHosts" else usual(key))


@pytest.fixture
def client(names):
    """A browser before a small app behind the guard."""

    async def page(request):
        return HTMLResponse("<p>here</p>")

    async def broken(request):
        raise RuntimeError

    async def stream(channel):
        await channel.accept()
        await channel.close()

    routes = [Route("/", page), Route("/broken", broken), WebSocketRoute("/stream", stream)]
    return TestClient(Guard(Starlette(routes=routes)), base_url=f"http://{HERE}", raise_server_exceptions=False)


OWN = ["localhost", "LOCALHOST:8501", "localhost.:8501", "127.0.0.1:80", "[::1]:8501", "class.example", "Class.Example:443"]
FOREIGN = [
    "",
    "evil.example",
    "evil.example:8501",
    "localhost.evil.example",
    "u@localhost",
    "localhost/x",
    "localhost:x",
    "10.0.0.1",
]


@pytest.mark.parametrize("host", OWN)
def test_its_own_names_are_answered(host, names):
    assert refusal(host, None) is None
    assert refusal(host, f"https://{host.lower()}") is None


@pytest.mark.parametrize("host", FOREIGN)
def test_other_names_are_refused_though_the_origin_matches(host, names):
    assert "does not answer to the name" in refusal(host, f"http://{host}")
    assert "does not answer to the name" in refusal(host, None)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "http://[", f"http://{HERE}.evil.example", "http://localhost:3000", "http://localhost"],
)
def test_pages_of_other_sites_are_refused_and_nothing_is_looked_up(origin, names, monkeypatch):
    def outside(*wanted, **more):
        raise AssertionError(f"looked up {wanted}")

    monkeypatch.setattr(socket, "getaddrinfo", outside)
    monkeypatch.setattr("streamlit.net_util.get_external_ip", outside)
    assert refusal(HERE, origin) == "CaseSim answers requests of its own pages only.\n"


def test_a_refusal_repeats_no_more_than_the_letters_of_a_name(names):
    told = refusal("<script>" + "x" * 5000, None)
    assert "<" not in told
    assert len(told) < 250


def test_a_refused_page_and_a_refused_channel_never_reach_the_app(client):
    evil = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert client.get("/", headers=evil).status_code == 403
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/stream", headers=evil):
        pass
    assert refused.value.code == 1008
    with client.websocket_connect("/stream", headers={"Host": HERE, "Origin": f"http://{HERE}"}):
        pass


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nowhere", 404), ("/broken", 500)])
def test_every_answer_says_what_a_page_may_do(path, status, client):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"https?:|\*|unsafe-eval", answer.headers["content-security-policy"])
    assert "unsafe-inline" not in policy["script-src"]


def test_a_request_with_long_headers_reaches_no_page(client):
    few, many = ("; ".join(f"c{number}={'x' * 90}" for number in range(count)) for count in (300, 400))
    assert client.get("/", headers={"Cookie": few}).status_code == 200
    refused = client.get("/", headers={"Cookie": many})
    assert (refused.status_code, refused.headers["x-frame-options"]) == (431, "DENY")
    assert refused.text == "The headers of this request have more than 32,768 bytes. Delete the cookies of this site.\n"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/stream", headers={"Host": HERE, "Cookie": many}):
        pass


def test_what_begins_and_ends_the_app_passes():
    passed = []

    async def app(scope, receive, send):
        passed.append(scope["type"])

    run(Guard(app)({"type": "lifespan"}, None, None))
    assert passed == ["lifespan"]
