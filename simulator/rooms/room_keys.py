"""Secrets of rooms in the cookies of browsers, and the look-ups in the database that they cost.

A secret that has opened a room here is looked up whenever it comes. Each other one is a guess: it is looked up once, it counts
as a wrong code if it opens nothing, and after too many of those no further guess is looked up for a while.
"""

from __future__ import annotations

import re
from asyncio import get_running_loop
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import TypeVar

from cachetools import LRUCache

from simulator.app.admission import TooManyWrongError, WrongTokens
from simulator.app.store.faults import StoreError
from simulator.app.store.room_log import LINKED, Access, letters_of
from simulator.limits import ROOM_COOKIES, ROOM_KEYS

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


def has_forged(cookies: Mapping[str, str]) -> bool:
    """Return whether a browser holds a cookie of a room in a form that no server gives it."""
    return any(name.startswith(_PREFIX) and key_in(cookies, name) is None for name in cookies)


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
        keys, is_forged = keys_in(cookies), has_forged(cookies)
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
