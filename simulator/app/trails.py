"""Trails: ids under which the database holds the work of each browser, in cookies that a server of the database has signed.

No other value opens an export or a deletion. A cookie of an earlier version holds a trail without a signature: it counts if the
database held something of this trail before it had a key.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from secrets import token_urlsafe
from time import monotonic

from simulator.app.store.attempts import TRAIL
from simulator.app.store.drawn_secrets import TrailStore
from simulator.app.store.faults import StoreError
from simulator.app.visitors import own_cookie

#: The cookie of earlier versions, and the begin of the name of today's.
COOKIE = "casesim_trail"

#: For so long a database that cannot be used is not asked for its key again (s).
_FAULT_S = 10.0


def new_trail() -> str:
    return token_urlsafe(16)


@dataclass(frozen=True)
class TrailKey:
    """The key of a database; since: the time of its draw, in seconds since 1970."""

    key: bytes
    since: float

    @property
    def cookie(self) -> str:
        """Name of the cookie: servers on one host get each other's cookies, and may have a database each."""
        return f"{COOKIE}_{sha256(self.key).hexdigest()[:8]}"

    def signed(self, trail: str) -> str:
        signature = hmac.digest(self.key, f"trail {trail}".encode(), "sha256")
        return f"{trail}.{urlsafe_b64encode(signature).decode().rstrip('=')}"

    def opened(self, value: str) -> str | None:
        """Return the trail in a cookie; None for one that no server of this database has signed."""
        trail = value.partition(".")[0]
        is_issued = TRAIL.fullmatch(trail) and hmac.compare_digest(value.encode(), self.signed(trail).encode())
        return trail if is_issued else None


class Trails:
    """The trails of a database. Every method raises StoreError where it is needed and cannot be used."""

    def __init__(self, store: TrailStore) -> None:
        self._store = store
        self._fault: tuple[float, StoreError] | None = None

    @cached_property
    def _drawn_key(self) -> TrailKey:
        return TrailKey(*self._store.key())

    @property
    def key(self) -> TrailKey:
        if self._fault and monotonic() < self._fault[0]:
            raise StoreError(str(self._fault[1]))
        try:
            return self._drawn_key
        except StoreError as error:
            self._fault = monotonic() + _FAULT_S, error
            raise

    def issued(self, cookies: Mapping[str, str], *, https: bool = False) -> str | None:
        """Return the trail that a server has given to a browser; None for none."""
        return self.key.opened(own_cookie(cookies, self.key.cookie, https=https))

    def inherited(self, cookies: Mapping[str, str]) -> str | None:
        """Return the trail that an earlier version has given to a browser; None for none."""
        trail = cookies.get(COOKIE, "")
        return trail if TRAIL.fullmatch(trail) and self._store.has_before(trail, self.key.since) else None

    def of(self, cookies: Mapping[str, str]) -> str | None:
        """Return the trail of a browser; None for one without."""
        return (self.issued(cookies) or self.inherited(cookies)) if any(COOKIE in name for name in cookies) else None


@cache
def trails() -> Trails:
    return Trails(TrailStore())
