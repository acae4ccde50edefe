"""A server behind a reverse proxy: the address of a visitor, and whether the page comes over https, as the proxy says."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.app.visitors import LOOPBACK

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
                scope = {**scope, "client": (str(ip_address(_last(headers, "x-forwarded-for"))), 0)}
            scheme = _SCHEMES[scope["type"]].get(_last(headers, "x-forwarded-proto"), scope["scheme"])
            scope = {**scope, "scheme": scheme}
        await self._app(scope, receive, send)


def _is_of_this_machine(scope: Scope) -> bool:
    return bool(scope["client"]) and scope["client"][0].removeprefix("::ffff:") in LOOPBACK


def _last(headers: Headers, name: str) -> str:
    """Return the last entry of a header that each proxy makes longer; empty without one."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()
