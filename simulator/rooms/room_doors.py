"""Doors of rooms: a secret in a link, or a code that is typed, becomes a cookie; the address then holds no secret.

A role in a room is read from the cookie at each step, so that a link that expires or is revoked ends at the next one. A secret
that has opened a room here is looked up whenever it comes. Each other one is a guess: it is looked up once, it counts as a
wrong code if it opens nothing, by address and in all, and after too many of those no further guess is looked up for a while.
Each wrong, expired or revoked one gets the same answer.
"""

from __future__ import annotations

import re
from asyncio import get_running_loop
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import streamlit as st
from cachetools import LRUCache
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from simulator.app.admission import GUEST, TooManyWrongError, WrongTokens, address_of, door_page, field_of, network_of
from simulator.app.store.faults import StoreError
from simulator.app.store.room_log import LINK_S, LINKED, Access, RoomLog, letters_of
from simulator.app.visitors import cookie_line
from simulator.limits import ROOM_COOKIES, ROOM_KEYS
from simulator.session.event_log import ROLES, Role

_PREFIX = "casesim_room_"
_NAME = re.compile(rf"{_PREFIX}[0-9a-f]{{12}}_(?:{'|'.join(LINKED)})")

#: The form of a token, and of a code with or without its signs.
_KEY = re.compile(r"[0-9A-Za-z_ -]{12,30}")

#: For so long a secret that has opened a room lets a guest in without another look (s).
_FRESH_S = 5.0

_LOOKING = ThreadPoolExecutor(1, "room-keys")

T = TypeVar("T")


async def off_the_loop(look: Callable[[], T]) -> T:
    """Return the result of a function that looks up secrets; one thread runs them all, one after the other."""
    return await get_running_loop().run_in_executor(_LOOKING, look)


def cookie_name(room: str, role: str) -> str:
    """Return the name of the cookie of a role in a room: one browser may hold several."""
    return f"{_PREFIX}{sha256(room.encode()).hexdigest()[:12]}_{role}"


def key_in(cookies: Mapping[str, str], name: str) -> str | None:
    """Return the secret in a cookie; None for a name or a secret of another form than the server's own."""
    key = cookies.get(name, "")
    return letters_of(key) if _NAME.fullmatch(name) and _KEY.fullmatch(key) else None


def keys_in(cookies: Mapping[str, str]) -> list[str]:
    """Return the secrets in the latest cookies of rooms that a browser holds, the latest first."""
    keys = [key for name in cookies if (key := key_in(cookies, name)) is not None]
    return keys[: -ROOM_COOKIES.most - 1 : -1]


class RoomKeys:
    """The secrets that browsers have shown; any thread may call a method.

    access: looks up the role that a secret opens; now: a clock in seconds. Secrets are as `letters_of` gives them
    """

    def __init__(self, access: Callable[[str], Access | None], now: Callable[[], float] = monotonic) -> None:
        self._access, self._now = access, now
        self._wrong = WrongTokens(now, "codes")
        self._guessing, self._noting = Lock(), Lock()
        self._opened_at: LRUCache[str, float] = LRUCache(ROOM_KEYS.most)
        self._closed: LRUCache[str, bool] = LRUCache(ROOM_KEYS.most)

    def guess(self, key: str, address: str) -> Access | None:
        """Return the role that a secret opens; raises TooManyWrongError after too many guesses, and StoreError."""
        with self._guessing:
            self._wrong.check(address)
            access = self._looked_up(key)
            if access is None:
                self._wrong.add(address)
        return access

    def access(self, key: str, address: str) -> Access | None:
        """Return the role that the secret in a cookie opens now; a guess is counted once. Raises as `guess` does."""
        with self._noting:
            is_closed, has_opened = key in self._closed, key in self._opened_at
        if is_closed:
            return None
        return self._looked_up(key) if has_opened else self.guess(key, address)

    async def let_in(self, cookies: Mapping[str, str], address: str) -> bool:
        """Return whether the cookies hold a secret of an open room; raises TooManyWrongError after too many guesses."""
        keys = keys_in(cookies)
        is_forged = any(name.startswith(_PREFIX) and key_in(cookies, name) is None for name in cookies)
        if self._has_fresh(keys):
            return True
        if not keys and not is_forged:
            return False
        return await off_the_loop(partial(self._let_in, keys, is_forged, address))

    def _has_fresh(self, keys: Sequence[str]) -> bool:
        since = self._now() - _FRESH_S
        with self._noting:
            return any(self._opened_at.get(key, since) > since for key in keys)

    def _let_in(self, keys: Sequence[str], is_forged: bool, address: str) -> bool:
        refusal = None
        for key in keys:
            try:
                if self.access(key, address) is not None:
                    return True
            except TooManyWrongError as error:
                refusal = error
            except StoreError:
                return False
        if refusal is not None:
            raise refusal
        if is_forged:
            self._count(address)
        return False

    def _count(self, address: str) -> None:
        with self._guessing:
            self._wrong.check(address)
            self._wrong.add(address)

    def _looked_up(self, key: str) -> Access | None:
        access = self._access(key)
        with self._noting:
            if access is None:
                self._opened_at.pop(key, None)
                self._closed[key] = True
            else:
                self._opened_at[key] = self._now()
        return access


#: The path of the door, the field with the secret, and the fields of the page's address.
PATH, KEY, ROOM, ROLE = "enter", "key", "room", "as"

#: Most bytes of the form's content.
_FORM_BYTES = 1024

#: The answer to every secret that opens nothing.
NO_ROOM = "This link or code opens no room. Check it, or ask the interviewer for a new one."


@cache
def room_log() -> RoomLog:
    return RoomLog()


_KEYS = RoomKeys(lambda key: room_log().access(key))


def access_of(cookies: Mapping[str, str], room: str, role: str) -> Access | None:
    """Return the role that a browser's cookie opens in a room; None without one. Raises StoreError."""
    key = key_in(cookies, cookie_name(room, role))
    access = _role_of(key) if key else None
    return access if access == (room, role) else None


def access_at_hand() -> Access | None:
    """Return the role of the visitor in the room that the address names; None for none. Raises StoreError."""
    room, role = st.query_params.get(ROOM), st.query_params.get(ROLE)
    return access_of(st.context.cookies, room, role) if room and role in ROLES else None


async def is_guest(request: HTTPConnection) -> bool:
    """Return whether a browser holds the secret of an open room, which lets it in without the server's token.

    Raises TooManyWrongError after too many guesses.
    """
    return await _KEYS.let_in(request.cookies, address_of(request))


def _role_of(key: str) -> Access | None:
    """Return the role that the secret in a cookie of the visitor opens now; None for none, and after too many guesses."""
    try:
        return _KEYS.access(key, network_of(st.context.ip_address or "127.0.0.1"))
    except TooManyWrongError:
        return None


def _held() -> list[Access]:
    """Return the roles that the visitor's cookies open, in the latest rooms first."""
    return [access for key in keys_in(st.context.cookies) if (access := _role_of(key))]


def confined_to() -> Access | None:
    """Return the room beyond which the visitor sees no page; None for a visitor who sees them all, and for a guest of none.

    A guest is confined, and so is a candidate while the interview goes on, unless the same browser leads it too.
    """
    held = _held()
    leads = {access.room for access in held if access.role == "interviewer"}
    if st.context.headers.get(GUEST):
        return held[0] if held and not leads else None
    for access in held:
        if access.role == "candidate" and access.room not in leads:
            head = room_log().get(access.room)
            if head is not None and head.ended_at is None:
                return access
    return None


def is_confined() -> bool:
    """Return whether the visitor sees the page of the interview alone.

    A guest whose link is revoked while a page is open stays confined, and so does a guest where the database cannot be read.
    """
    try:
        if st.context.headers.get(GUEST):
            return not any(access.role == "interviewer" for access in _held())
        return confined_to() is not None
    except StoreError:
        return bool(st.context.headers.get(GUEST))


def server_address() -> str:
    """Return the address of the server as the visitor's browser names it, without the page."""
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}"


def link_path(key: str) -> str:
    """Return the path of a link that opens a room, below the address of the server."""
    return f"{PATH}?{urlencode({KEY: key})}"


def link_of(key: str) -> str:
    return f"{server_address()}/{link_path(key)}"


async def enter(request: Request) -> Response:
    """Turn a secret into a cookie and lead to the room; ask for a code where there is none."""
    key = letters_of((await field_of(request, KEY, _FORM_BYTES) or "")[:200])
    if not key:
        return _page("", 200)
    try:
        access = await off_the_loop(partial(_KEYS.guess, key, address_of(request)))
    except TooManyWrongError as error:
        return _page(str(error), 429, error.headers)
    except StoreError as error:
        return _page(str(error), 503)
    return _opened(request, key, access) if access is not None else _page(NO_ROOM, 403)


def _opened(request: Request, key: str, access: Access) -> Response:
    cookie = cookie_line(cookie_name(access.room, access.role), key, LINK_S, https=request.url.scheme == "https")
    place = f"./room?{urlencode({ROOM: access.room, ROLE: access.role})}"
    return Response(status_code=303, headers={"Location": place, "Set-Cookie": cookie, "Cache-Control": "no-store"})


def _page(reason: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return HTMLResponse(door_page(reason), status, {"Cache-Control": "no-store", **(headers or {})})


DOOR = Route(f"/{PATH}", enter, methods=["GET", "POST"])


def role_words(role: Role | str) -> str:
    """Return the word for a role on the screen."""
    return {"rater": "second rater"}.get(role, role)


#: What each link is for.
LINKED_WORDS = {
    "interviewer": "**Interviewer**: keep this link to yourself.",
    "candidate": "**Candidate**",
    "observer": "**Observer or projector**: reads along, and sees what the candidate sees.",
    "rater": "**Second rater**: rates after the interview, without seeing the first scorecard.",
}
