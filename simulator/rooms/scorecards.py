"""Scorecards of a room: the levels of two raters, and both beside each other once both are complete."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.rooms.room_events import CARD_SIGNALS, RATINGS
from simulator.rooms.room_session import RoomSession
from simulator.session.session_signals import NOT_OBSERVED


@dataclass(frozen=True)
class RatedTwice:
    """A signal with the levels of both raters; mean: on a scale of 1 to 4; steps: the number of levels between them.

    A signal that one of them has not observed has neither.
    """

    signal: str
    first: str
    second: str

    @property
    def mean(self) -> float | None:
        places = self._places
        return None if places is None else sum(places) / 2 + 1

    @property
    def steps(self) -> int | None:
        places = self._places
        return None if places is None else abs(places[0] - places[1])

    @property
    def _places(self) -> tuple[int, int] | None:
        if NOT_OBSERVED in (self.first, self.second):
            return None
        return RATINGS.index(self.first), RATINGS.index(self.second)


def open_signals(state: RoomSession, role: str) -> list[str]:
    """Return the signals that a rater has not rated yet."""
    rated = state.room.ratings_of(role)
    return [signal for signal in CARD_SIGNALS if signal not in rated]


def compared(state: RoomSession) -> list[RatedTwice]:
    """Return every signal with both levels; empty until both raters have submitted."""
    if not state.room.submitted >= {"interviewer", "rater"}:
        return []
    first, second = state.room.ratings_of("interviewer"), state.room.ratings_of("rater")
    return [RatedTwice(signal, first[signal].level, second[signal].level) for signal in CARD_SIGNALS]
