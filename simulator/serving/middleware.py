"""Middleware around the app: what a proxy says, bounds of what browsers send, and the cookies of a visitor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from secrets import token_hex

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.proto.BackMsg_pb2 import BackMsg

from simulator.app.admission import opens_a_page
from simulator.app.store.faults import StoreError
from simulator.app.trails import COOKIE as TRAIL
from simulator.app.trails import new_trail, trails
from simulator.app.visitors import COOKIE as BROWSER
from simulator.app.visitors import LOOPBACK, cookie_line, known, own_cookie
from simulator.limits import ADDRESS, FIELD_TEXT
from simulator.rooms.room_doors import PATH

#: Schemes by what a proxy says, and by the kind of a connection.
_SCHEMES = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}


class Proxied:
    """Middleware that takes the headers of a proxy on this machine.

    Of several addresses the last one counts: the proxy has added it, and a visitor may have written those before it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in _SCHEMES and _is_of_this_machine(scope):
            headers = Headers(scope=scope)
            with suppress(ValueError):
                scope = {**scope, "client": (str(ip_address(_last_entry(headers, "x-forwarded-for"))), 0)}
            scheme = _SCHEMES[scope["type"]].get(_last_entry(headers, "x-forwarded-proto"), scope["scheme"])
            scope = {**scope, "scheme": scheme}
        await self._app(scope, receive, send)


def _is_of_this_machine(scope: Scope) -> bool:
    return bool(scope["client"]) and scope["client"][0].removeprefix("::ffff:") in LOOPBACK


def _last_entry(headers: Headers, name: str) -> str:
    """Return the last entry of a header that each proxy makes longer; empty without one."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()


#: The status of a socket that closes for a message beyond its bound.
_TOO_BIG = 1009


class Bounded:
    """Middleware that refuses an address beyond its bound, and cuts a text that a page sends to its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is within the bounds; end a socket of a page that asks for a longer address."""
        length = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if length > ADDRESS.most:
            reason = f"The address has {length:,} characters; expected at most {ADDRESS}.\n"
            refused = PlainTextResponse(reason, 414) if scope["type"] == "http" else WebSocketClose(_TOO_BIG)
            await refused(scope, receive, send)
            return

        async def within() -> Message:
            message = await receive()
            if (data := message.get("bytes")) is None:
                return message
            if (bounded := within_bounds(data)) is not None:
                return {**message, "bytes": bounded}
            await send({"type": "websocket.close", "code": _TOO_BIG})
            return {"type": "websocket.disconnect", "code": _TOO_BIG}

        of_a_page = scope["type"] == "websocket" and scope["path"].endswith("/_stcore/stream")
        await self._app(scope, within if of_a_page else receive, send)


def within_bounds(data: bytes) -> bytes | None:
    """Return a message of a page with its long texts cut; None where its address, or the state of a component, is too long."""
    try:
        said = BackMsg.FromString(data)
    except DecodeError:
        return data  # Streamlit refuses it too
    states = said.rerun_script.widget_states.widgets
    whole = [said.rerun_script.query_string, said.rerun_script.context_info.url]
    whole += [text for state in states for text in (state.json_value, state.json_trigger_value)]
    if any(len(text) > ADDRESS.most for text in whole):
        return None
    return said.SerializeToString() if _cut(said) else data


def _cut(message: Protobuf) -> bool:
    """Cut each text of a message; return whether there was one to cut."""
    cut = False
    for field, value in message.ListFields():
        values = [value] if isinstance(value, str | Protobuf) else value if field.type in _WITH_TEXTS else []
        if field.type == field.TYPE_MESSAGE:
            cut |= sum(map(_cut, values)) > 0
        elif any(len(text) > FIELD_TEXT.most for text in values):
            short = [text[: FIELD_TEXT.most] for text in values]
            message.ClearField(field.name)
            message.MergeFrom(type(message)(**{field.name: short[0] if isinstance(value, str) else short}))
            cut = True
    return cut


_FIELD = BackMsg.DESCRIPTOR.fields[0]
_WITH_TEXTS = (_FIELD.TYPE_MESSAGE, _FIELD.TYPE_STRING)


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
        lines = await run_in_threadpool(_missing_cookies, request.cookies, https=scope["scheme"] == "https")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                for line in lines:
                    MutableHeaders(scope=message).append("Set-Cookie", line)
            await send(message)

        await self._app(scope, receive, answer)


def _is_no_page(path: str) -> bool:
    """Return whether a path answers to browsers that are not in, or to scripts."""
    return path == f"/{PATH}" or path.startswith("/_stcore/")


def _missing_cookies(cookies: Mapping[str, str], *, https: bool) -> list[str]:
    """Return the Set-Cookie headers of the cookies that a browser lacks; none of the trail where the database has no key."""
    lines = [] if known(own_cookie(cookies, BROWSER, https=https)) else [_cookie(BROWSER, token_hex(32), https=https)]
    try:
        if trails().issued(cookies, https=https):
            return lines
        key, inherited = trails().key, trails().inherited(cookies)
    except StoreError:
        return lines
    lines.append(_cookie(key.cookie, key.signed(inherited or new_trail()), https=https))
    if inherited:  # scripts of an earlier version set it; no script reads it from now on
        lines.append(cookie_line(TRAIL, inherited, REMEMBERED_S, https=https))
    return lines


def _cookie(name: str, value: str, *, https: bool) -> str:
    return cookie_line(name, value, REMEMBERED_S, https=https, of_host=True)
