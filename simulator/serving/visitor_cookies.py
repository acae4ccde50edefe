"""The cookies of a visitor: one of the browser, and one of its trail. A visitor who is in gets them with a page."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.app.admission import opens_a_page
from simulator.app.cookies import cookie_line, own_cookie
from simulator.app.store.faults import StoreError
from simulator.app.trails import COOKIE as TRAIL
from simulator.app.trails import new_trail, trails
from simulator.app.visitors import COOKIE as BROWSER
from simulator.app.visitors import known
from simulator.rooms.room_doors import PATH

#: Lifetime of a visitor's cookies (s): the 400 days that browsers keep a cookie at most.
REMEMBERED_S = 400 * 24 * 3600


class VisitorCookies:
    """Middleware behind the admission, which gives a browser the cookies that it lacks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope) if scope["type"] == "http" else None
        if request is None or not opens_a_page(request) or _is_no_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        lines = await run_in_threadpool(_missing, request.cookies, https=scope["scheme"] == "https")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                for line in lines:
                    MutableHeaders(scope=message).append("Set-Cookie", line)
            await send(message)

        await self._app(scope, receive, answer)


def _is_no_page(path: str) -> bool:
    """Return whether a path answers to browsers that are not in, or to scripts."""
    return path == f"/{PATH}" or path.startswith("/_stcore/")


def _missing(cookies: Mapping[str, str], *, https: bool) -> list[str]:
    """Return the Set-Cookie headers of the cookies that a browser lacks; none of the trail where the database has no key."""
    lines = [] if known(own_cookie(cookies, BROWSER, https=https)) else [_line(BROWSER, token_hex(32), https=https)]
    try:
        if trails().issued(cookies, https=https):
            return lines
        key, inherited = trails().key, trails().inherited(cookies)
    except StoreError:
        return lines
    lines.append(_line(key.cookie, key.signed(inherited or new_trail()), https=https))
    if inherited:  # scripts of an earlier version set it; no script reads it from now on
        lines.append(cookie_line(TRAIL, inherited, REMEMBERED_S, https=https))
    return lines


def _line(name: str, value: str, *, https: bool) -> str:
    return cookie_line(name, value, REMEMBERED_S, https=https, of_host=True)
