"""A header that says where a visitor comes from counts only where the administrator has said that a proxy sets it."""

import socket
from functools import partial

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient

from simulator.app.admission import Admission
from simulator.serving import server
from simulator.serving.middleware import Proxied

TOKEN = "a token of the server"


async def page(request):
    return JSONResponse([request.client.host, request.url.scheme])


async def stream(channel):
    await channel.accept()
    await channel.send_json([channel.client.host, channel.url.scheme])


APP = Starlette(routes=[Route("/", page), WebSocketRoute("/stream", stream)])


@pytest.fixture
def served(monkeypatch):
    """The app as uvicorn serves it, with a small one in place of the pages."""
    configs = []
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # uvicorn's own variable
    monkeypatch.setattr(server, "_pages", APP)
    monkeypatch.setattr(server, "Admission", partial(Admission, now=lambda: 0.0))  # no guess is forgotten meanwhile
    monkeypatch.setattr(server.bootstrap, "load_config_options", lambda _: None)
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda self, **_: configs.append(self.config))
    monkeypatch.setattr(server, "_end_within", lambda _: None)
    monkeypatch.setattr(server, "open_browser", lambda _: None)

    def serve(token=None, **more):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server.run(listening, "localhost", [], "http://localhost", token, **more)
        configs[-1].load()
        return configs[-1].loaded_app

    return serve


def statuses(app):
    """Guess 200 times through a proxy that hands on what the visitor wrote."""
    browser = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1), follow_redirects=False)
    return [
        browser.get(
            "/", params={"token": f"guess number {number}"}, headers={"X-Forwarded-For": f"198.51.100.{number}"}
        ).status_code
        for number in range(200)
    ]


def test_a_header_that_a_visitor_wrote_is_no_other_address(served):
    assert statuses(served(TOKEN)) == [403] * 10 + [429] * 190


def test_a_server_behind_a_proxy_counts_each_visitor_alone(served):
    app = served(TOKEN, proxy=True)
    assert statuses(app) == [403] * 100 + [429] * 100  # the proxy says 200 addresses: the limit of all is met


def test_no_header_says_https_unless_asked(served):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.8;proto=https"}
    answers = [
        TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)).get("/", headers=headers).json()
        for app in (served(), served(proxy=True))
    ]
    assert answers == [["127.0.0.1", "http"], ["192.0.2.9", "https"]]


SAID = {
    "192.0.2.9": "192.0.2.9",
    "203.0.113.1, 192.0.2.9": "192.0.2.9",
    "203.0.113.1,127.0.0.1": "127.0.0.1",  # the proxy added the last; what stands before is a visitor's
    "2001:db8::1": "2001:db8::1",
    "192.0.2.9, ": "127.0.0.1",
    "unknown": "127.0.0.1",
    "192.0.2.9:80": "127.0.0.1",
    "x" * 5000: "127.0.0.1",
    "": "127.0.0.1",
}


@pytest.mark.parametrize(("header", "address"), SAID.items(), ids=lambda text: text[:30])
def test_the_address_that_the_proxy_added_last_counts(header, address):
    browser = TestClient(Proxied(APP), client=("127.0.0.1", 1))
    assert browser.get("/", headers={"X-Forwarded-For": header}).json()[0] == address


def test_the_last_of_two_headers_counts():
    browser = TestClient(Proxied(APP), client=("::1", 1))
    two = [("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "192.0.2.9")]
    assert browser.get("/", headers=two).json()[0] == "192.0.2.9"


@pytest.mark.parametrize("proto", ["ftp", "", "https, http", "HTTPS"])
def test_another_scheme_is_none(proto):
    browser = TestClient(Proxied(APP), client=("127.0.0.1", 1))
    assert browser.get("/", headers={"X-Forwarded-Proto": proto}).json()[1] == "http"


def test_the_socket_of_a_page_has_the_address_and_the_scheme_too():
    browser = TestClient(Proxied(APP), client=("::ffff:127.0.0.1", 1))
    with browser.websocket_connect(
        "/stream", headers={"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https"}
    ) as channel:
        assert channel.receive_json() == ["192.0.2.9", "wss"]


def test_a_visitor_who_passes_by_the_proxy_says_nothing():
    browser = TestClient(Proxied(APP), client=("192.0.2.4", 1))
    headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
    assert browser.get("/", headers=headers).json() == ["192.0.2.4", "http"]


def test_a_cookie_is_for_https_alone_where_the_proxy_says_https():
    browser = TestClient(Proxied(Admission(APP, TOKEN, lambda: 0.0)), client=("127.0.0.1", 1), follow_redirects=False)
    answer = browser.get("/", params={"token": TOKEN}, headers={"X-Forwarded-Proto": "https"})
    assert "; Secure" in answer.headers["set-cookie"]
