"""The state of a room beside that of its session, as a function of the same log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.rooms.own_task import OwnTask
from simulator.session.event_log import Logged

if TYPE_CHECKING:
    from simulator.rooms.room_events import QuestionAnswered, RoomEvent, RoomOpened, SignalRated, TagSet


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
    given: tuple[Logged[QuestionAnswered], ...] = ()
    steps: tuple[Logged[RoomEvent], ...] = ()
    armed: tuple[str, ...] = ()
    pushed: str | None = None
    leads: bool = False
    probes: frozenset[str] = frozenset()
    bounds: tuple[str, ...] = ()
    tags: tuple[Logged[TagSet], ...] = ()
    notes: str = ""
    scratchpad: str = ""
    locked: bool = False
    ratings: Mapping[tuple[str, str], SignalRated] = field(default_factory=dict)
    submitted: frozenset[str] = frozenset()

    @property
    def answers(self) -> dict[int, str]:
        """The latest answer to each question in words, by the place of the question."""
        return {answer.event.question: answer.event.text for answer in self.given}

    def ratings_of(self, role: str) -> dict[str, SignalRated]:
        return {signal: rating for (by, signal), rating in self.ratings.items() if by == role}
