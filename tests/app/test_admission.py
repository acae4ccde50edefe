"""Without the token nothing of a shared server is reached; with it a visitor stays in, however many others guess."""

import logging
import re
from http.cookies import SimpleCookie

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.web.server.starlette import starlette_routes, starlette_websocket

from simulator.app.admission import Admission, LeakyBucket, WrongTokens, checked_token, drawn_token
from simulator.errors import InputError
from simulator.serving.server import Guard

TOKEN = "a token & its spaces"
HERE = "http://class.example:8501"
PAGE = {"Accept": "text/html,*/*"}
#: Streamlit's own addresses, besides those of pages.
ENDPOINTS = [
    starlette_routes.ROUTE_HOST_CONFIG,
    starlette_routes.ROUTE_SCRIPT_HEALTH,
    f"{starlette_routes.BASE_ROUTE_UPLOAD_FILE}/tab/file",
    f"{starlette_routes.BASE_ROUTE_MEDIA}/a.png",
    f"{starlette_routes.BASE_ROUTE_COMPONENT}/a/b.js",
    "_stcore/bidi-components/a/b.js",
    "_stcore/agent/interact",
    f"{starlette_routes.BASE_ROUTE_STATIC}/js/index.js",
    f"{starlette_routes.BASE_ROUTE_APP_STATIC}/a.png",
    "",
    "practice",
    "favicon.png",
    "_stcore/health/x",
    "_STCORE/HEALTH",
    "_stcore/health/../host-config",
]
ADMITTED = "casesim_admission_8501"
STREAM = starlette_websocket._ROUTE_WEBSOCKET_STREAM


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reached():
    """The requests that came as far as the app."""
    return []


@pytest.fixture
def server(reached, clock, monkeypatch):
    """A small app behind the guard and the token."""
    usual = config.get_option
    names = ["localhost", "127.0.0.1", "::1", "class.example"]
    monkeypatch.setattr(config, "get_option", lambda key: names if key == "server.allowedHosts" else usual(key))

    async def page(request):
        reached.append(f"{request.method} {request.url.path}")
        return PlainTextResponse("here")

    async def stream(channel):
        reached.append("stream")
        await channel.accept()
        await channel.close()

    methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]
    app = Starlette(routes=[WebSocketRoute(f"/{STREAM}", stream), Route("/{path:path}", page, methods=methods)])
    return Guard(Admission(app, TOKEN, clock))


@pytest.fixture
def browser(server):
    """Makes browsers at addresses."""

    def make(address="192.0.2.1", base=HERE):
        return TestClient(server, base_url=base, client=(address, 1), follow_redirects=False)

    return make


@pytest.fixture
def inside(browser):
    """A browser that is in."""
    made = browser("192.0.2.77")
    assert made.get("/", params={"token": TOKEN}).status_code == 303
    return made


def connected(made, path=STREAM):
    """How a WebSocket of the browser goes: accepted, or the code that it is closed with."""
    cookies = "; ".join(f"{name}={value}" for name, value in made.cookies.items())
    headers = {"Host": "class.example:8501", "Origin": HERE} | ({"Cookie": cookies} if cookies else {})
    try:
        with made.websocket_connect(f"/{path}", headers=headers):
            return "accepted"
    except WebSocketDisconnect as refused:
        return refused.code


def test_a_link_becomes_a_cookie_and_its_address_loses_the_token_alone(browser, reached):
    ann = browser()
    answer = ann.get("/practice?case=a%20b&token=a+token+%26+its%20spaces&set=x&set=%26y&empty=", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "./practice?case=a%20b&set=x&set=%26y&empty=")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if "casesim_admission" in one]
    assert re.fullmatch(r"casesim_admission_8501=[0-9a-f]{64}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax", cookie)
    assert reached == []
    assert ann.get("/practice?case=a", headers=PAGE).text == "here"
    assert connected(ann) == "accepted"
    assert reached == ["GET /practice", "stream"]


def test_the_cookie_is_for_https_alone_where_the_page_came_that_way(browser):
    answer = browser(base="https://class.example").get("/", params={"token": TOKEN})
    [morsel] = [one for name, one in SimpleCookie(answer.headers["set-cookie"]).items() if "admission" in name]
    assert morsel["secure"]


def test_the_cookie_tells_nothing_of_the_token_and_is_that_of_no_other_token(browser, server):
    given = browser().get("/", params={"token": TOKEN}).headers["set-cookie"]
    assert not set(re.findall(r"\w{4,}", TOKEN)) & set(re.findall(r"\w{4,}", given))
    other, again = (Admission(server, token)._cookie for token in (f"{TOKEN}!", TOKEN))
    assert other not in given
    assert again in given  # also after a restart, and on another server with the token


@pytest.mark.parametrize("cookie", [{}, {ADMITTED: "f" * 64}, {ADMITTED: TOKEN}, {"casesim_browser": "f" * 64}], ids=str)
def test_no_request_without_the_cookie_reaches_the_app(cookie, browser, reached):
    made = browser()
    made.cookies.update(cookie)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        for path in ENDPOINTS:
            assert made.request(method, f"/{path}").status_code == 403
    for path in (STREAM, f"{STREAM}?token=a+token+%26+its+spaces", "other"):
        assert connected(made, path) == 1008
    assert reached == []


def test_every_request_with_the_cookie_reaches_it(inside, reached):
    for path in ENDPOINTS:
        assert inside.get(f"/{path}").text == "here"
    assert inside.post("/x", content=b"{}", headers={"Content-Type": "application/json"}).text == "here"


def test_the_health_check_is_open(browser):
    assert browser().get("/_stcore/health").text == "here"


HOME = "http://localhost:8501"


def test_metrics_are_for_this_machine_alone_and_not_for_the_other_side_of_a_proxy(browser, inside, reached):
    for address, base in (("127.0.0.1", HOME), ("::1", "http://[::1]:8501"), ("127.0.0.1", "http://127.0.0.1")):
        assert browser(address, base).get("/_stcore/metrics").text == "here"
    reached.clear()
    passed_on = ({"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}, {"X-Forwarded-Proto": "https"}, {"Via": "x"})
    others = [(browser("127.0.0.1", HOME), headers) for headers in passed_on]
    others += [(made, {}) for made in (browser("192.0.2.1", HOME), browser("127.0.0.1", HERE), inside)]
    for made, headers in others:
        for path in ("/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"):
            assert made.get(path, headers=headers).status_code == 404
    assert reached == []


def test_a_page_asks_for_the_token_and_other_requests_get_a_line(browser):
    asked = browser().get("/practice", headers=PAGE)
    assert (asked.status_code, asked.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert '<form method="post">' in asked.text
    assert 'role="alert"' not in asked.text
    assert not re.search(r"<script|https?://|src=|<link(?! rel=\"icon\" href=\"data:,\")", asked.text)
    assert "color-scheme: light dark" in asked.text
    assert asked.headers["cache-control"] == "no-store"
    assert browser().get("/practice").text == "CaseSim needs a token here.\n"
    wrong = browser().get("/practice", params={"token": "<b>not right</b>"}, headers=PAGE)
    assert '<p role="alert">This token is wrong.</p>' in wrong.text
    assert "not right" not in wrong.text


def test_a_pasted_token_lets_in_and_leads_back(browser):
    ann = browser()
    answer = ann.post("/practice?case=a", data={"token": f" {TOKEN}\n"}, headers={"Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "./practice?case=a")
    assert ann.get("/practice?case=a").text == "here"


def test_a_page_of_another_site_cannot_paste(browser):
    answer = browser().post("/", data={"token": TOKEN}, headers={"Origin": "http://evil.example"})
    assert (answer.status_code, answer.text) == (403, "CaseSim answers requests of its own pages only.\n")


def test_a_form_without_an_end_is_not_read(browser):
    pieces = []

    def endless():
        while len(pieces) < 1000:
            pieces.append(1)
            yield b"token=" + b"x" * 1000

    answer = browser().post("/", content=endless(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 403
    assert 'role="alert"' not in answer.text


LOCATIONS = {
    "/": "./",
    "//evil.example/": "./",
    "//evil.example/x": "./x",
    "/%5Cevil.example": "./%5Cevil.example",
    "/%5C%5Cevil.example": "./%5C%5Cevil.example",
    "/a/javascript:alert(1)": "./javascript%3Aalert%281%29",
    "/x%0D%0ASet-Cookie:%20a=b": "./x%0D%0ASet-Cookie%3A%20a%3Db",
}


def test_a_redirect_stays_on_the_server(browser):
    for path, location in LOCATIONS.items():
        answer = browser().get(f"{HERE}{path}?token=a+token+%26+its+spaces")
        assert (answer.status_code, answer.headers["location"]) == (303, location)


def guess(made, number, **more):
    return made.get("/", params={"token": f"guess number {number}"}, headers=PAGE, **more)


def test_after_ten_wrong_tokens_an_address_waits_for_half_a_minute(browser, inside, clock):
    ann, ben = browser("192.0.2.1"), browser("192.0.2.2")
    assert [guess(ann, number).status_code for number in range(12)] == [403] * 10 + [429] * 2
    last = guess(ann, 12)
    assert last.headers["retry-after"] == "30"
    assert '<p role="alert">Too many wrong tokens came. Try again in 30 s.</p>' in last.text
    assert ann.get("/", params={"token": TOKEN}).status_code == 429  # no token is looked at, or guessing would go on
    assert ann.post("/", data={"token": TOKEN}).status_code == 429
    assert ann.get("/", headers=PAGE).status_code == 403  # the form is shown all the same
    assert guess(ben, 0).status_code == 403
    clock.now_s += 29
    assert ann.get("/", params={"token": TOKEN}).headers["retry-after"] == "1"
    clock.now_s += 1
    assert ann.get("/", params={"token": TOKEN}).status_code == 303


def test_a_visitor_who_is_in_never_waits(server, browser):
    ann = browser("192.0.2.1")
    ann.get("/", params={"token": TOKEN})
    neighbour = browser("192.0.2.1")
    for number in range(20):
        guess(neighbour, number)
    for number in range(200):
        guess(browser(f"198.51.100.{number}"), 0)
    assert ann.get("/").text == "here"
    assert ann.get("/", params={"token": TOKEN}).status_code == 303
    assert ann.get("/", params={"token": "an old one of last week"}).status_code == 303  # loses the token, and stays in


def test_wrong_tokens_of_many_addresses_wait_too_and_little_is_remembered(clock):
    wrong = WrongTokens(clock)
    for number in range(100):
        assert wrong.wait_s(f"a{number}") == 0
        wrong.add(f"a{number}")
    assert wrong.wait_s("another") == 1
    clock.now_s += 1
    assert wrong.wait_s("another") == 0
    for number in range(5000):
        wrong.add(f"b{number}")
    assert len(wrong._of_address) == 1024


def test_a_bucket_by_hand():
    """Of three drops, one every ten seconds: at 0 s three fit, at 10 s one more, and after a minute three again."""
    bucket = LeakyBucket(3, 10.0)
    for _ in range(3):
        assert bucket.wait_s(0.0) == 0
        bucket.add(0.0)
    assert (bucket.wait_s(0.0), bucket.wait_s(4.0), bucket.wait_s(10.0)) == (10, 6, 0)
    bucket.add(10.0)
    assert bucket.wait_s(10.0) == 10
    for _ in range(3):
        assert bucket.wait_s(60.0) == 0
        bucket.add(60.0)
    assert bucket.wait_s(60.0) == 10


def test_addresses_of_one_network_of_version_6_wait_together_and_mapped_ones_apart(browser):
    for number in range(10):
        guess(browser(f"2001:db8::{number:x}"), number)
    assert guess(browser("2001:db8::ffff"), 0).status_code == 429
    assert guess(browser("2001:db8:0:1::1"), 0).status_code == 403
    for number in range(10):
        guess(browser("::ffff:192.0.2.1"), number)
    assert guess(browser("192.0.2.1"), 0).status_code == 429
    assert guess(browser("::ffff:192.0.2.2"), 0).status_code == 403
    assert guess(browser("fe80::1%eth0"), 0).status_code == 403


def test_a_ticket_lets_in_one_browser_within_a_minute(reached, clock):
    async def app(scope, receive, send):
        await PlainTextResponse("here")(scope, receive, send)

    admission = Admission(app, TOKEN, clock)

    def status(token):
        return TestClient(admission, base_url=HERE, follow_redirects=False).get("/", params={"token": token}).status_code

    first, second = admission.ticket(), admission.ticket()
    assert [status(first), status(first)] == [303, 403]
    clock.now_s += 61
    assert status(second) == 403
    assert status(TOKEN) == 303


def test_no_log_holds_the_token(browser, caplog):
    with caplog.at_level(logging.DEBUG):
        for made in (browser(), browser("192.0.2.9")):
            made.get("/", params={"token": TOKEN})
            made.post("/", data={"token": TOKEN})
    own = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not any("its" in message and "spaces" in message for message in own)


@pytest.mark.parametrize("token", ["", "short", "fifteen letters", " fifteen letters ", "x" * 513])
def test_a_token_that_is_easy_to_guess_or_too_long_is_refused_without_repeating_it(token):
    with pytest.raises(InputError, match=rf"^the token has {len(token.strip())} characters; expected 16 to 512"):
        checked_token(token)


@pytest.mark.parametrize("character", ["\udcff", "\x1b", "\n", "\0"])
def test_a_token_that_nobody_can_type_is_refused(character):
    with pytest.raises(InputError, match="no visitor can type it"):
        checked_token(f"sixteen {character} letters")


def test_tokens_that_are_given_lose_their_spaces_and_drawn_ones_hold_256_bits():
    assert checked_token(" sixteen letters! ") == "sixteen letters!"
    assert len({drawn_token() for _ in range(100)}) == 100
    assert re.fullmatch(r"[\w-]{43}", drawn_token())
