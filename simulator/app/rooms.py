"""Doors of rooms: a secret in a link, or a code that is typed, becomes a cookie; the address then holds no secret.

A role in a room is read from the cookie at each step, so that a link that expires or is revoked ends at the next one. Wrong
secrets are counted by address and in all, and each wrong, expired or revoked one gets the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from math import ceil
from threading import Lock
from time import monotonic
from urllib.parse import parse_qs, urlencode

import streamlit as st
from cachetools import TTLCache
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from simulator.app.admission import GUEST, WrongTokens, address_of
from simulator.app.admission_page import door_page
from simulator.app.store.faults import StoreError
from simulator.app.store.room_log import LINK_S, Access, RoomLog
from simulator.session.session_events import ROLES, Role

#: The path of the door, the field with the secret, and the fields of the page's address.
PATH, KEY, ROOM, ROLE = "enter", "key", "room", "as"

#: Most bytes of the form's content.
_FORM_BYTES = 1024

#: The answer to every secret that opens nothing.
NO_ROOM = "This link or code opens no room. Check it, or ask the interviewer for a new one."

_WRONG = WrongTokens(monotonic)


@cache
def room_log() -> RoomLog:
    return RoomLog()


def cookie_name(room: str, role: str) -> str:
    """Return the name of the cookie of a role in a room: one browser may hold several."""
    return f"{_PREFIX}{sha256(room.encode()).hexdigest()[:12]}_{role}"


def access_of(cookies: Mapping[str, str], room: str, role: str) -> Access | None:
    """Return the role that a browser's cookie opens in a room; None without one. Raises StoreError."""
    key = cookies.get(cookie_name(room, role), "")
    found = room_log().access(key) if key else None
    return found if found == (room, role) else None


def access_at_hand() -> Access | None:
    """Return the role of the visitor in the room that the address names; None for none. Raises StoreError."""
    room, role = st.query_params.get(ROOM), st.query_params.get(ROLE)
    return access_of(st.context.cookies, room, role) if room and role in ROLES else None


#: For so long an open room lets a guest in without another look (s).
_GUEST_S = 5.0

_GUESTS: TTLCache[str, bool] = TTLCache(4096, _GUEST_S)
_GUESTS_LOCK = Lock()

_PREFIX = "casesim_room_"


def is_guest(request: HTTPConnection) -> bool:
    """Return whether a browser holds the secret of an open room, which lets it in without the server's token."""
    return any(_opens(key) for name, key in request.cookies.items() if name.startswith(_PREFIX))


def _opens(key: str) -> bool:
    with _GUESTS_LOCK:
        known = _GUESTS.get(key)
    if known is None:
        try:
            known = room_log().access(key) is not None
        except StoreError:
            known = False
        with _GUESTS_LOCK:
            _GUESTS[key] = known
    return known


def confined_to() -> Access | None:
    """Return the room beyond which the visitor sees no page; None for a visitor who sees them all.

    A guest is confined, and so is a candidate while the interview goes on, unless the same browser leads it too.
    """
    held = [found for name, key in st.context.cookies.items() if name.startswith(_PREFIX) and (found := room_log().access(key))]
    leads = {one.room for one in held if one.role == "interviewer"}
    if st.context.headers.get(GUEST):
        return held[0] if held and not leads else None
    for one in held:
        if one.role == "candidate" and one.room not in leads:
            head = room_log().get(one.room)
            if head is not None and head.ended_at is None:
                return one
    return None


def link_path(key: str) -> str:
    """Return the path of a link that opens a room, below the address of the server."""
    return f"{PATH}?{urlencode({KEY: key})}"


async def enter(request: Request) -> Response:
    """Turn a secret into a cookie and lead to the room; ask for a code where there is none."""
    key = await _given(request)
    if not key:
        return _page("", 200)
    wait_s = _WRONG.wait_s(address_of(request))
    if wait_s > 0:
        return _page(f"Too many wrong codes came. Try again in {ceil(wait_s)} s.", 429, {"Retry-After": str(ceil(wait_s))})
    try:
        found = room_log().access(key)
    except StoreError as error:
        return _page(str(error), 503)
    if found is None:
        _WRONG.add(address_of(request))
        return _page(NO_ROOM, 403)
    return _opened(request, key, found)


def _opened(request: Request, key: str, found: Access) -> Response:
    secure = "; Secure" if request.url.scheme == "https" else ""
    attributes = f"Path=/; Max-Age={round(LINK_S)}; HttpOnly; SameSite=Lax{secure}"
    cookie = f"{cookie_name(found.room, found.role)}={key}; {attributes}"
    place = f"./room?{urlencode({ROOM: found.room, ROLE: found.role})}"
    return Response(status_code=303, headers={"Location": place, "Set-Cookie": cookie, "Cache-Control": "no-store"})


def _page(reason: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return HTMLResponse(door_page(reason), status, {"Cache-Control": "no-store", **(headers or {})})


async def _given(request: Request) -> str:
    """Return the secret in the address or in the form; empty without one."""
    if request.method == "GET":
        return request.query_params.get(KEY, "").strip()[:200]
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _FORM_BYTES:
            return ""
    return parse_qs(content.decode(errors="replace")).get(KEY, [""])[0].strip()[:200]


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
