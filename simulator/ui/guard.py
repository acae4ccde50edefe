"""What stands before the app: it answers to its own names and its own pages only, and tells browsers what a page may do."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from simulator.ui.visitor import COOKIE, known

#: How long a browser is known again (s): the 400 days that browsers keep a cookie at most.
REMEMBERED_S = 400 * 24 * 3600

#: As much of a name as a refusal repeats.
_MOST_SHOWN = 60


class Guard:
    """Middleware around the whole app, its errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is not for this server; pass on the rest, and add to each answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        host, origin = asked.headers.get("host", ""), asked.headers.get("origin")
        cookie = None if known(asked.cookies.get(COOKIE)) else _cookie(scope["scheme"]) if _opens_a_page(asked) else None

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                told.update(self._headers)
                if cookie:
                    told.append("Set-Cookie", cookie)
            await send(message)

        if reason := refusal(host, origin):
            refused = PlainTextResponse(reason, 403) if scope["type"] == "http" else WebSocketClose(1008)
            await refused(scope, receive, answer)
        else:
            await self._app(scope, receive, answer)


def refusal(host: str, origin: str | None) -> str | None:
    """Why a request is not answered; None if it is.

    A page of another site reaches this machine by a name that the site's owner points here (DNS rebinding), or names its own
    site as the origin. Both end here, before Streamlit asks outside whether that site might be this machine.
    """
    if not is_host_allowed(host):
        name = re.sub(r"[^\w.:\[\]-]", "?", host)[:_MOST_SHOWN]
        return f"CaseSim does not answer to the name '{name}'. Who runs it can allow a name: casesim serve --allow-host NAME\n"
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return "CaseSim answers to its own pages only.\n"
    return None


def headers() -> dict[str, str]:
    """What every answer tells the browser: nothing comes from elsewhere, goes elsewhere or is framed elsewhere."""
    policy = {
        "default-src": "'self'",
        "script-src": f"'self' blob: {_inline_scripts()}",  # Streamlit loads the code of components from blobs
        "style-src": "'self' 'unsafe-inline'",  # styles are made as components are drawn
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{what} {sources}" for what, sources in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _inline_scripts() -> str:
    """The scripts that Streamlit's own page contains, by their hashes; no others run."""
    page = files("streamlit").joinpath("static", "index.html").read_bytes()
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts)


def _opens_a_page(asked: HTTPConnection) -> bool:
    return asked.scope["type"] == "http" and asked.scope["method"] == "GET" and "text/html" in asked.headers.get("accept", "")


def _cookie(scheme: str) -> str:
    """A cookie for a browser that has none; Lax, as who follows a link from elsewhere would otherwise become somebody else."""
    secure = "; Secure" if scheme == "https" else ""
    return f"{COOKIE}={token_hex(32)}; Path=/; Max-Age={REMEMBERED_S}; HttpOnly; SameSite=Lax{secure}"
