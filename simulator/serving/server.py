"""The web server: names that it answers to, headers of its answers, and its end."""

from __future__ import annotations

import logging
import os
import re
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from importlib.resources import files
from secrets import token_hex
from threading import Timer
from urllib.parse import urlsplit

import streamlit as st
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.cli_util import open_browser
from streamlit.web import bootstrap
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from simulator.app import bundles, news
from simulator.app.admission import Admission, link_with
from simulator.app.jobs import registry
from simulator.app.uploads import Uploading
from simulator.app.visitors import LOOPBACK
from simulator.app.widgets import plain
from simulator.errors import InputError
from simulator.limits import PAGE_BYTES, REQUEST_HEAD
from simulator.paths import APP
from simulator.phrases import phrase
from simulator.processes import ORPHANED
from simulator.rooms import room_doors as rooms
from simulator.serving.middleware import Bounded, Proxied, VisitorCookies
from simulator.serving.preparation import Preparation
from simulator.serving.streamlit_repairs import keep_downloads, run_callbacks_whole, send_fragments_whole, take_history_steps

#: Most characters of a name in a refusal.
_MOST_SHOWN = 60


class Guard:
    """Middleware around the whole app, its errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse requests that are not for this server; pass on the others, and add headers to each answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        host, origin = request.headers.get("host", ""), request.headers.get("origin")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > REQUEST_HEAD.most:
            too_long = f"The headers of this request have more than {REQUEST_HEAD}. Delete the cookies of this site.\n"
            await _refusal_answer(scope, 431, too_long)(scope, receive, answer)
        elif reason := refusal(host, origin):
            await _refusal_answer(scope, 403, reason)(scope, receive, answer)
        elif _shows_metrics(scope) and not _comes_from_here(request):
            await PlainTextResponse("Not Found", 404)(scope, receive, answer)
        else:
            await self._app(scope, receive, answer)


def _refusal_answer(scope: Scope, status: int, reason: str) -> ASGIApp:
    return PlainTextResponse(reason, status) if scope["type"] == "http" else WebSocketClose(1008)


def refusal(host: str, origin: str | None) -> str | None:
    """Return the reason why a request is refused; None where it is answered.

    A page of another site reaches this machine by a name that the site's owner points here (DNS rebinding), or names its own
    site as the origin. Both end here, before Streamlit asks outside whether that site might be this machine.
    """
    if not is_host_allowed(host):
        name = re.sub(r"[^\w.:\[\]-]", "?", host)[:_MOST_SHOWN]
        return phrase("serving.other_name", name=name)
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return "CaseSim answers requests of its own pages only.\n"
    return None


def _shows_metrics(scope: Scope) -> bool:
    return scope["type"] == "http" and bool(scope["path"].rstrip("/").endswith("/_stcore/metrics"))


#: Headers that proxies add; `x-forwarded-` begins several.
_OF_PROXIES = ("forwarded", "x-forwarded-", "x-real-ip", "via")


def _comes_from_here(request: HTTPConnection) -> bool:
    """Return whether a request comes from this machine, by a name of the machine for itself and past no proxy."""
    client, name = request.client, urlsplit(f"//{request.headers.get('host', '')}").hostname
    passed_on = any(header.startswith(_OF_PROXIES) for header in request.headers)
    return client is not None and client.host in LOOPBACK and name in LOOPBACK and not passed_on


def headers() -> dict[str, str]:
    """Return the headers of every answer: content comes from this server only, and no other site may frame it."""
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
    page = files("streamlit").joinpath("static", "index.html").read_bytes()
    scripts = [rest.partition(b"</script>")[0] for rest in page.split(b"<script>")[1:]]
    return " ".join(f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts)


#: Time for requests under way to end with the server (s).
GRACE_S = 1


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Start the processes before the first visitor comes, and end them with the server."""
    run_callbacks_whole()
    send_fragments_whole()
    take_history_steps()
    keep_downloads()
    workers = registry().workers
    workers.start()
    preparation = Preparation(workers)
    preparation.begin()
    try:
        yield
    finally:
        preparation.end()
        workers.stop()


def show_error(error: Exception) -> bool:
    """Show an error on the page in a sentence; return True, so that no traceback is shown.

    A fault of CaseSim's own has a code, which stands in the log beside the traceback.
    """
    if isinstance(error, InputError):
        st.error(plain(str(error)))
        return True
    code = token_hex(4)
    logging.getLogger(__name__).error("page error %s: %s: %s", code, type(error).__name__, error)
    st.error(f"This part of the page cannot be shown: a fault of CaseSim's own. The server's log has details at {code}.")
    return True


_app = st.App(APP, lifespan=lifespan, routes=[news.ROUTE, bundles.ROUTE, rooms.DOOR], on_script_error=show_error)
_pages = VisitorCookies(Uploading(_app))


def run(
    listening: socket.socket,
    address: str,
    hosts: Sequence[str],
    url: str,
    token: str | None,
    *,
    proxy: bool = False,
) -> None:
    """Serve the app until a signal ends it, which is then raised again: an interrupt as KeyboardInterrupt.

    listening: a bound socket; hosts: the names that the server answers to, besides a machine's names of itself
    url: what a browser on this machine opens; token: lets visitors in, None: every visitor comes in
    proxy: whether a reverse proxy on this machine says where a visitor comes from; no header is trusted otherwise
    """
    port = listening.getsockname()[1]
    bootstrap.load_config_options({"server.address": address, "server.port": port, "server.allowedHosts": [*LOOPBACK, *hosts]})
    admission = Admission(_pages, token, is_guest=rooms.is_guest, doors=[f"/{rooms.PATH}"]) if token else None
    if not st.get_option("server.headless"):
        open_browser(link_with(url, admission.ticket()) if admission else url)  # it waits until the server accepts
    guard = Guard(Bounded(admission or _pages))
    config = uvicorn.Config(
        Proxied(guard) if proxy else guard,
        loop="asyncio",  # another loop would keep signals from `simulator.cli.signals`
        proxy_headers=False,  # uvicorn trusts every header from this machine unless it is told not to
        access_log=False,
        log_level="warning",
        use_colors=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=PAGE_BYTES.most,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        _end_within(GRACE_S)


def _end_within(seconds: float) -> None:
    """End this process after `seconds`, even if a page still works."""
    last = Timer(seconds, os._exit, (ORPHANED,))
    last.daemon = True
    last.start()
