"""Admission of visitors to a server that others reach: a token, in a link or pasted into a form, becomes a cookie.

Without the cookie a page answers with a form for the token, and everything else is refused, WebSockets included. Wrong tokens
are counted by address and in all. Cookies of admission are not counted, so that no attack keeps out visitors who are in. To
guess a token by its cookie is slow instead, because scrypt makes the cookie.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from hashlib import scrypt, sha256
from html import escape
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from pathlib import Path
from secrets import compare_digest, token_urlsafe
from string import Template
from time import monotonic
from urllib.parse import parse_qs, quote, unquote_plus, urlencode

from cachetools import LRUCache
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from simulator.app.visitors import cookie_line
from simulator.errors import InputError
from simulator.limits import TOKEN, TOKEN_ADDRESSES, WRONG_TOKENS, WRONG_TOKENS_OF_ALL

_STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_PAGE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))


def admission_page(reason: str = "") -> str:
    """Return the page in HTML; reason: a sentence on the token that was refused."""
    words = (
        "This server opens by a link with a token. Open the link that the administrator gave you, or paste its token here.\n"
        "The token stands after <code>token=</code> in the link."
    )
    field = '<input id="token" name="token" type="password" autocomplete="off" required autofocus>'
    names = {"title": "CaseSim: token needed", "heading": "CaseSim needs a token", "label": "Token", "name": "token"}
    return _page(reason, words=words, field=field, button="Open CaseSim", **names)


def door_page(reason: str = "") -> str:
    """Return the page that asks for the code of a room, in HTML; reason: a sentence on the code that was refused."""
    words = "An interviewer has given you a link or a code such as 7K2M-Q9XR-4TDV. Open the link, or type the code here."
    field = '<input id="key" name="key" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus>'
    names = {"title": "CaseSim: enter a room", "heading": "Enter a room", "label": "Code", "name": "key"}
    return _page(reason, words=words, field=field, button="Enter", **names)


def _page(reason: str, **parts: str) -> str:
    alert = f'<p role="alert">{escape(reason)}</p>' if reason else ""
    return _PAGE.substitute(parts, style=_STYLE, alert=alert)


#: The environment variable with a server's token, which other users of the machine do not see, unlike a command line.
VARIABLE = "CASESIM_TOKEN"

#: The name of the token in an address and in the form.
FIELD = "token"

#: The fewest characters of a token.
SHORTEST = 16

#: Lifetime of the cookie of a visitor who is in (s).
ADMITTED_S = 30 * 24 * 3600

#: Paths that answer without a token: the health check, and the metrics, which the guard shows to this machine alone.
_OPEN = ("/_stcore/health", "/_stcore/metrics")

#: Time in which a browser on the server's machine opens the first page (s).
_TICKET_S = 60.0

#: Seconds until one more wrong token may come after too many: from an address, and from all.
_PAUSE_S, _PAUSE_OF_ALL_S = 30.0, 1.0

#: Most bytes of the form's content.
_FORM_BYTES = 8 * TOKEN.most


def drawn_token() -> str:
    return token_urlsafe(32)


def checked_token(text: str) -> str:
    """Return a token that an administrator gives, without spaces around it; raises InputError for one that cannot be used."""
    token = text.strip()
    if not SHORTEST <= len(token) <= TOKEN.most:
        wanted = f"expected {SHORTEST} to {TOKEN.most} characters"
        raise InputError(f"the token has {len(token)} characters; {wanted}, since others may try to guess it")
    if not token.isprintable():
        raise InputError("the token has a character that is no letter, digit, sign or space, so no visitor can type it")
    return token


def link_with(url: str, token: str) -> str:
    return f"{url}/?{urlencode({FIELD: token})}"


def opens_a_page(request: HTTPConnection) -> bool:
    scope = request.scope
    return scope["type"] == "http" and scope["method"] == "GET" and "text/html" in request.headers.get("accept", "")


#: The header that marks the requests of a guest for the pages; what a browser sends under this name is removed.
GUEST = "x-casesim-guest"


class TooManyWrongError(InputError):
    """Too many wrong tokens or codes came; wait_s: seconds until the next one is looked at."""

    def __init__(self, tokens: str, wait_s: float) -> None:
        super().__init__(f"Too many wrong {tokens} came. Try again in {ceil(wait_s)} s.")
        self.wait_s = wait_s

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(ceil(self.wait_s))}


async def _no_guest(_: HTTPConnection) -> bool:
    return False


class Admission:
    """Middleware that lets in visitors who have shown the token, and guests.

    now: a clock in seconds
    is_guest: whether a request comes from a guest, who is let in without the token and marked; raises TooManyWrongError
    doors: further paths that answer without a token
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        now: Callable[[], float] = monotonic,
        is_guest: Callable[[HTTPConnection], Awaitable[bool]] = _no_guest,
        doors: Sequence[str] = (),
    ) -> None:
        self._app, self._is_guest, self._doors = app, is_guest, doors
        self._token = _digest(token)
        self._cookie = scrypt(token.encode(), salt=b"casesim cookie", n=2**15, r=8, p=1, maxmem=2**26, dklen=32).hex()
        self._wrong, self._now = WrongTokens(now), now
        self._tickets: dict[bytes, float] = {}

    def ticket(self) -> str:
        """Return a token that lets in one visitor within a minute.

        It is for the command line of a browser, which other users of the machine can list.
        """
        drawn = drawn_token()
        self._tickets[_digest(drawn)] = self._now() + _TICKET_S
        return drawn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests with the cookie; turn a right token into one; refuse all others."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._doors:
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        admitted = self._has_cookie(request)
        if scope["path"] in _OPEN:
            await self._app(scope, receive, send if admitted else _without_cookies(send))
            return
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != GUEST.encode()]}
        refusal = None
        if not admitted:
            try:
                admitted = await self._is_guest(request)
            except TooManyWrongError as error:
                refusal = error
            if admitted:
                scope["headers"].append((GUEST.encode(), b"1"))
        if scope["type"] == "websocket":
            answer: ASGIApp | None = None if admitted else WebSocketClose(1008)
        else:
            answer = await self._answer(Request(scope, receive), admitted, refusal)
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, request: Request, admitted: bool, refusal: TooManyWrongError | None) -> Response | None:
        """Return the answer to a request that does not reach the app; None for one that does.

        refusal: of the codes of rooms in its cookies
        """
        if not (token := await field_of(request, FIELD, _FORM_BYTES)):
            return None if admitted else _refusal(request, refusal)
        if not admitted:
            try:
                self._wrong.check(address_of(request))
            except TooManyWrongError as error:
                return _refusal(request, error)
            if not self._is_right(token):
                self._wrong.add(address_of(request))
                return _refusal(request, "This token is wrong.")
        return self._entry(request)

    def _has_cookie(self, request: HTTPConnection) -> bool:
        return compare_digest(request.cookies.get(_cookie_name(request), "").encode(), self._cookie.encode())

    def _is_right(self, token: str) -> bool:
        given = _digest(token)
        return compare_digest(given, self._token) or self._tickets.pop(given, 0.0) > self._now()

    def _entry(self, request: Request) -> Response:
        """Set the cookie, and send the browser to its address without the token, so that the token does not stay there."""
        cookie = cookie_line(_cookie_name(request), self._cookie, ADMITTED_S, https=request.url.scheme == "https")
        return Response(
            status_code=303, headers={"Location": _without_token(request), "Set-Cookie": cookie, "Cache-Control": "no-store"}
        )


class WrongTokens:
    """Counts of the wrong tokens of each address and of all; after too many, further tokens have to wait.

    now: a clock in seconds; tokens: a word for them
    """

    def __init__(self, now: Callable[[], float], tokens: str = "tokens") -> None:
        self._now, self._tokens = now, tokens
        self._of_address: LRUCache[str, LeakyBucket] = LRUCache(TOKEN_ADDRESSES.most)
        self._of_all = LeakyBucket(WRONG_TOKENS_OF_ALL.most, _PAUSE_OF_ALL_S)

    def wait_s(self, address: str) -> float:
        """Return the seconds until a token from this address is looked at; 0: now."""
        own, now = self._of_address.get(address), self._now()
        return max(own.wait_s(now) if own else 0.0, self._of_all.wait_s(now))

    def check(self, address: str) -> None:
        """Raise TooManyWrongError if a token from this address has to wait."""
        wait_s = self.wait_s(address)
        if wait_s > 0:
            raise TooManyWrongError(self._tokens, wait_s)

    def add(self, address: str) -> None:
        own = self._of_address.setdefault(address, LeakyBucket(WRONG_TOKENS.most, _PAUSE_S))
        for bucket in (own, self._of_all):
            bucket.add(self._now())


class LeakyBucket:
    """A bucket that holds `most` drops and loses one every `drop_s` seconds."""

    def __init__(self, most: int, drop_s: float) -> None:
        self._most, self._drop_s = most, drop_s
        self._empty_at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until there is room for one more drop."""
        return max(self._empty_at_s - now_s - (self._most - 1) * self._drop_s, 0.0)

    def add(self, now_s: float) -> None:
        self._empty_at_s = max(self._empty_at_s, now_s) + self._drop_s


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _cookie_name(request: HTTPConnection) -> str:
    """Return a name with the port: browsers send a cookie to every port of a host, and a host may have several servers."""
    return f"casesim_admission_{request.url.port or 0}"


def address_of(request: HTTPConnection) -> str:
    """Return the client's address as `network_of` does."""
    return network_of(request.client.host if request.client else "")


def network_of(host: str) -> str:
    """Return the address by which wrong tokens count; of IPv6 the network, since each client of it has very many addresses."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    return str(address.ipv4_mapped or ip_network(f"{host.partition('%')[0]}/64", strict=False))


async def field_of(request: Request, name: str, most: int) -> str | None:
    """Return a field of the address, or of a form of so many bytes at most; None without a form."""
    if request.method == "GET":
        return request.query_params.get(name, "").strip()
    if request.method != "POST" or not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    content = b""
    try:
        async for part in request.stream():
            content += part
            if len(content) > most:
                return None
    except ClientDisconnect:
        return None
    return parse_qs(content.decode(errors="replace")).get(name, [""])[0].strip()


def _without_token(request: Request) -> str:
    """Return the request's own address without the token, relative to itself, so that it can lead to no other server."""
    query = request.scope["query_string"].decode("latin-1")
    rest = "&".join(part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) != FIELD)
    place = "./" + quote(request.scope["path"].rpartition("/")[2], safe="")
    return f"{place}?{rest}" if rest else place


def _refusal(request: Request, reason: str | TooManyWrongError | None = None) -> Response:
    """Return a page with a form for the token where a browser opens a page or has sent the form, and a line otherwise."""
    status, more = (429, reason.headers) if isinstance(reason, TooManyWrongError) else (403, {})
    headers = {"Cache-Control": "no-store"} | more
    if opens_a_page(request) or request.method == "POST":
        return HTMLResponse(admission_page(str(reason or "")), status, headers)
    return PlainTextResponse(f"{reason or 'CaseSim needs a token here.'}\n", status, headers)


def _without_cookies(send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            del MutableHeaders(scope=message)["Set-Cookie"]
        await send(message)

    return answer
