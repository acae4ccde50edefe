"""The state of a room beside that of its session, as a function of the same log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.rooms.own_task import OwnTask
from simulator.session.event_log import LoggedEvent

if TYPE_CHECKING:
    from simulator.rooms.room_events import RoomOpened


@dataclass(frozen=True)
class RoomAnswer:
    """An answer of the interviewer, by the places of its event and of the question; at: in seconds since 1970."""

    place: int
    question: int
    at: float
    text: str


@dataclass(frozen=True)
class Tag:
    """A mark on a signal, by the place of its event; about: the place of the event it is about, None for none.

    probe: the words of the probe that it is against, empty for none
    """

    place: int
    at: float
    signal: str
    plus: bool
    about: int | None
    text: str
    probe: str = ""


@dataclass(frozen=True)
class Rating:
    """A level of a signal and what it rests on: places of events and tags, or words on what was absent."""

    level: str
    evidence: tuple[int, ...]
    text: str
    absence: str = ""


@dataclass(frozen=True)
class RoomState:
    """A room as of a place in its log.

    settings: None for a session that is no room; given: all answers; armed: curveballs that are ready
    own: the numbers of a task of one's own
    steps: panels and bounds that were shown, locks of the board, messages, ticks of probes, changes of the task
    pushed: the panel that the interviewer showed last; leads: whether both see it now
    probes: those that are ticked as asked, by their words
    ratings: by role and signal; submitted: roles whose scorecard is complete
    """

    settings: RoomOpened | None = None
    own: OwnTask | None = None
    given: tuple[RoomAnswer, ...] = ()
    steps: tuple[LoggedEvent, ...] = ()
    armed: tuple[str, ...] = ()
    pushed: str | None = None
    leads: bool = False
    probes: frozenset[str] = frozenset()
    bounds: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    notes: str = ""
    scratchpad: str = ""
    locked: bool = False
    ratings: Mapping[tuple[str, str], Rating] = field(default_factory=dict)
    submitted: frozenset[str] = frozenset()

    @property
    def answers(self) -> dict[int, RoomAnswer]:
        """The latest answer to each question, by the place of the question."""
        return {answer.question: answer for answer in self.given}

    def ratings_of(self, role: str) -> dict[str, Rating]:
        return {signal: rating for (by, signal), rating in self.ratings.items() if by == role}
