"""Heads of requests: addresses, names, cookies and headers of proxies, before anybody is in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from unittest.mock import patch
from urllib.parse import unquote

import h11
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message
from streamlit import config

from simulator.app.admission import Admission
from simulator.app.store.room_log import Access
from simulator.app.trails import TrailKey, Trails
from simulator.limits import ROOM_COOKIES, WRONG_TOKENS
from simulator.rooms import room_doors
from simulator.rooms import room_doors as rooms
from simulator.rooms.room_doors import RoomKeys
from simulator.serving.middleware import Proxied, VisitorCookies
from simulator.serving.server import Guard
from tests.fuzz.mutate import drawn
from tests.fuzz.runner import Kind, Limits, Refusal, Trial

_TOKEN, _CODE, _ROOM = "a token of the server", "7K2MQ9XR4TDV", "a room"
_KEY = TrailKey(b"k" * 32, 1000.0)

_METHODS = ("GET", "GET", "GET", "GET", "GET", "GET", "GET", "POST", "POST", "HEAD", "OPTIONS", "G\u00c4T")
_NAMES = (
    rooms.cookie_name(_ROOM, "candidate"), "casesim_room_", "casesim_room_x", "casesim_room_0123456789ab_candidate",
    "casesim_room_0123456789AB_observer", "casesim_room_0123456789ab_system", "casesim_admission_8501", "casesim_browser",
    "__Host-casesim_browser", "casesim_trail", _KEY.cookie, f"__Host-{_KEY.cookie}", "_streamlit_xsrf", "", " ", "x",
)  # fmt: skip
_VALUES = (
    "", _CODE, "7k2m-q9xr-4tdv", "0" * 12, "f" * 64, "a" * 22, "x" * 5000, _KEY.signed("t" * 22), f"{'t' * 22}.", ".", '"',
    '"\\', '"\\377\\000"', "\\", "=", "==;;", "<script>", "' OR 1=1 --", "%00", "\u00ff", "\t", "../../x", "9" * 500,
)  # fmt: skip
_HEADERS: dict[str, tuple[str, ...]] = {
    "Host": (
        "localhost:8501",
        "localhost",
        "evil.example",
        "",
        "[::1",
        "localhost:99999",
        "u@localhost",
        "\u00e9" * 300,
        "x" * 5000,
    ),
    "Origin": ("http://localhost:8501", "http://localhost:8501", "null", "", "http://[", "://", "x" * 5000),
    "Accept": ("text/html", "*/*", "", "text/html," * 500),
    "X-Forwarded-For": ("192.0.2.9", "192.0.2.9, 127.0.0.1", "", ",", "," * 5000, "::1%x", "0x7f.1", "[::1]:1", "9" * 500),
    "X-Forwarded-Proto": ("https", "http", "", "https,http", "x" * 500),
    "X-CaseSim-Guest": ("1", ""),
    "Content-Type": ("application/x-www-form-urlencoded", "x"),
    "Range": ("bytes=0-", "bytes=" + "0-1," * 1000),
}
_PATHS = (
    "/", "/room", "/enter", "/enter?key=", f"/enter?key={_CODE}", "/enter?key=%FF%00", "/enter?key=" + "%20" * 2000,
    "/?token=x", "/?token=" + "%E2%82%AC" * 900, "/?token=&" * 300, "/_stcore/health", "/_stcore/metrics", "/%00",
    "//evil.example/x?token=x", "/%ED%A0%80", "/..%2f..%2fetc/passwd", "/" + "a/" * 3000, "/?" + "a=1&" * 3000,
    "*", "http://evil.example/", "x",
)  # fmt: skip


def trials(begin: int, count: int) -> Iterator[Trial]:
    """Heads with cookies of every form, from one to thousands."""
    random = Random(begin)
    texts = drawn(
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=40), 300, begin
    )
    for number in range(count):
        lines = [f"{random.choice(_METHODS)} {random.choice(_PATHS)} HTTP/1.1"]
        for name, values in _HEADERS.items():
            if random.random() < (0.95 if name == "Host" else 0.3):
                value = random.choice([*values[:2] * 12, *values, random.choice(texts)])
                lines += [f"{name}: {value}"] * (2 if random.random() < 0.05 else 1)
        cookies = [_cookie(random, texts) for _ in range(random.choice((0, 1, 2, 5, 40, 400, 4000)))]
        if random.random() < 0.4:
            cookies.append(f"casesim_admission_{random.choice((8501, 0))}={_admitted()}")
        lines += [f"Cookie: {'; '.join(cookies)}"] if cookies else []
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        if random.random() < 0.05:
            head = bytes(random.randrange(256) if random.random() < 0.01 else byte for byte in head)
        yield Trial(f"{number:05d}", {"head": head}, changed=f"{len(cookies)} cookies: {lines[0][:60]}")


def _cookie(random: Random, texts: list[str]) -> str:
    return f"{random.choice([*_NAMES, random.choice(texts)])}={random.choice([*_VALUES, random.choice(texts)])}"


def attempt(trial: Trial, folder: Path) -> Refusal | None:
    """Send the head to a server with a token: few cookies are looked up, it does not fail, and says why it refuses."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data((folder / "head").read_bytes())
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        return Refusal(str(error), placed=True)
    if not isinstance(event, h11.Request):
        return Refusal("The head has no end.", placed=True)
    looks: list[str] = []
    status, cookies, text = asyncio.run(_answered(event, looks))
    assert status in (200, 303, 400, 403, 404, 405, 429, 431), f"status {status}: {text}"
    assert len(looks) <= min(ROOM_COOKIES.most, WRONG_TOKENS.most) + 1, f"{len(looks)} look-ups"
    assert status not in (400, 403, 429, 431) or not cookies, f"status {status} sets {cookies}"
    return None if status < 400 else Refusal(text, bool(text.strip()) or event.method == b"HEAD")


async def _answered(event: h11.Request, looks: list[str]) -> tuple[int, list[str], str]:
    """Return the status, the cookies and the text of the answer; looks: gets the secrets that were looked up."""
    path, _, query = event.target.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "server": ("127.0.0.1", 8501), "root_path": "",
        "client": ("127.0.0.1", 1), "scheme": "http", "method": event.method.decode("ascii"), "raw_path": path,
        "path": unquote(path.decode("ascii")), "query_string": query, "headers": list(event.headers),
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"key=x&token=x", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    def access(key: str) -> Access | None:
        looks.append(key)
        return Access(_ROOM, "candidate") if key == _CODE else None

    room_doors._LOOKING = ThreadPoolExecutor(1)  # the parent's threads are not in this process
    usual = config.get_option
    with (
        patch.object(rooms, "_KEYS", RoomKeys(access)),
        patch("simulator.serving.middleware.trails", lambda: Trails(_Store())),
        patch.object(config, "get_option", lambda key: ["localhost"] if key == "server.allowedHosts" else usual(key)),
    ):
        await Proxied(Guard(_admission()))(scope, receive, send)
    begin = sent[0]
    cookies = [value.decode("latin-1") for name, value in begin["headers"] if name == b"set-cookie"]
    return begin["status"], cookies, b"".join(message.get("body", b"") for message in sent[1:]).decode("latin-1")


class _Store:
    """A database with a key, and without visitors of an earlier version."""

    def key(self) -> tuple[bytes, float]:
        return _KEY.key, _KEY.since

    def has_before(self, trail: str, at: float) -> bool:
        return False


async def _page(request: Request) -> Response:
    return PlainTextResponse(f"{request.url} {request.cookies}".encode("latin-1", "replace"))


_pages = VisitorCookies(Starlette(routes=[rooms.DOOR, Route("/{path:path}", _page)]))


@cache
def _admission() -> Admission:
    return Admission(_pages, _TOKEN, is_guest=rooms.is_guest, doors=[f"/{rooms.PATH}"])


def _admitted() -> str:
    """Return the value of the cookie of a visitor who is in."""
    return _admission()._cookie


KIND = Kind("heads", 500, trials, attempt, prepare=_admission, limits=Limits(cpu_s=10, wall_s=60))
