"""Places for rooms: a server holds so many interviews at once, and refuses one more with a sentence.

A room has a place while somebody is in it and for a while after, so that a reload or a lost connection finds the place again. A
page that is in stays in, whatever comes later. A room that has ended needs no place.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from threading import Lock
from time import monotonic

from simulator.errors import InputError
from simulator.limits import ROOMS_PER_CORE
from simulator.units import counted

#: The environment variable with the most interviews at once, in place of the limit by cores.
VARIABLE = "CASESIM_ROOMS"

#: A room keeps its place for so long after the last page was seen (s).
KEPT_S = 60.0


class NoPlaceError(InputError):
    """The server holds no further interview."""


def most_rooms() -> int:
    """Return the most interviews at once: by the environment, else by cores. Raises InputError for another value."""
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return ROOMS_PER_CORE.most * (os.cpu_count() or 1)
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= 10_000):
        raise InputError(f"{VARIABLE}: expected a number of interviews from 1 to 10000, such as 8")
    return int(given)


class RoomPlaces:
    """The rooms that have a place in this server; any thread may call a method.

    most: the number of places; clock: in seconds
    """

    def __init__(self, most: Callable[[], int] = most_rooms, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._clock, self._lock = most, clock, Lock()
        self._seen: dict[str, float] = {}

    def enter(self, room: str) -> None:
        """Give a room a place, which it keeps if it has one; raises NoPlaceError with a sentence if none is left."""
        with self._lock:
            now = self._clock()
            self._seen = {other: at for other, at in self._seen.items() if now - at < KEPT_S}
            if room not in self._seen and len(self._seen) >= (most := self._most()):
                raise NoPlaceError(f"This server holds {counted(most, 'interview')} at once. Try again when one has ended.")
            self._seen[room] = now

    def keep(self, room: str) -> None:
        """Note that somebody is in a room now: it has a place, whatever the number of rooms."""
        with self._lock:
            self._seen[room] = self._clock()

    def free(self, room: str) -> None:
        """Take back the place of a room that has ended."""
        with self._lock:
            self._seen.pop(room, None)


@cache
def room_places() -> RoomPlaces:
    return RoomPlaces()
