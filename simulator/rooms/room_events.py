"""Events of a room: what an interviewer and a candidate do besides a practice session, and the roles that may see each.

An event that a role may not see is left out before anything is computed for that role: see `visible`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.board.operations import Operation
from simulator.case.fields import Name
from simulator.rooms.own_task import OwnTask
from simulator.session.session_events import (
    READERS,
    AnyEvent,
    Index,
    LoggedEvent,
    Metric,
    Role,
    SomeWords,
    UnknownEvent,
    Words,
)

Level = Literal["junior", "senior", "staff"]
LEVELS: tuple[Level, ...] = ("junior", "senior", "staff")

#: The levels of a signal, the lowest first; there is no middle.
RATINGS = ("very_weak", "weak", "strong", "very_strong")

#: The level of a signal that the interview did not show; it counts as no number.
NOT_OBSERVED = "not_observed"

#: The most letters of a task in the interviewer's words.
TASK_LETTERS = 4000

_ROOM = frozenset[Role]({"interviewer"})
_TABLE = frozenset[Role]({"candidate", "interviewer"})
#: The interviewer's own; a second rater sees judgements among them once both scorecards are complete.
_PRIVATE = frozenset[Role]({"interviewer", "rater", "system"})

Browser = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,40}$")]


class RoomOpened(AnyEvent):
    """A room is created.

    title, level: the interviewer's own
    choices, panels: those that are open, None for all; empty_board: the stages are still to be drawn
    task: what the candidate reads in place of the brief of the case, empty for that brief
    """

    by = frozenset({"system", "interviewer"})

    kind: Literal["room_opened"] = "room_opened"
    version: Literal[1] = 1
    title: Annotated[str, Field(max_length=120)] = ""
    level: Level = "senior"
    empty_board: bool = False
    task: Annotated[str, Field(max_length=TASK_LETTERS)] = ""
    choices: Annotated[tuple[Name, ...], Field(max_length=32)] | None = None
    panels: Annotated[tuple[Name, ...], Field(max_length=64)] | None = None
    levers: bool = False

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        return self if role not in READERS else self.model_copy(update={"title": "", "level": "senior"})


class TaskSet(AnyEvent):
    """The interviewer states a task, or changes it or the time; None leaves a part as it is.

    text: what the candidate reads, empty for the brief of the case; minutes: of the whole interview
    own: the numbers of a task of one's own, with the bounds that were revealed for those who learn them later
    """

    by = frozenset({"system", "interviewer"})

    kind: Literal["task_set"] = "task_set"
    version: Literal[1] = 1
    text: Annotated[str, Field(max_length=TASK_LETTERS)] | None = None
    minutes: Annotated[int, Field(ge=5, le=240)] | None = None
    own: OwnTask | None = None

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        if role not in READERS or self.own is None:
            return self
        shown = {metric: bound for metric, bound in self.own.bounds.items() if metric in bounds}
        return self.model_copy(update={"own": self.own.model_copy(update={"bounds": shown})})


class MessageSent(AnyEvent):
    """The interviewer tells the candidate something in words."""

    by = _ROOM

    kind: Literal["message_sent"] = "message_sent"
    version: Literal[1] = 1
    text: SomeWords


class CurveballWithdrawn(AnyEvent):
    """A curveball that struck is taken back: the design is run without it from now on."""

    by = _ROOM

    kind: Literal["curveball_withdrawn"] = "curveball_withdrawn"
    version: Literal[1] = 1
    curveball: Name


class ProbeTicked(AnyEvent):
    """The interviewer ticks a probe as asked, or takes the tick back; ask: the words of the probe."""

    by = _ROOM
    seen_by = _PRIVATE

    kind: Literal["probe_ticked"] = "probe_ticked"
    version: Literal[1] = 1
    ask: Annotated[str, Field(min_length=1, max_length=300)]
    asked: bool = True


class BoardChanged(AnyEvent):
    """An operation on the board. browser, number: which tab sent it and its number there, so that none is taken twice."""

    by = _TABLE

    kind: Literal["board_changed"] = "board_changed"
    version: Literal[1] = 1
    operation: Operation
    browser: Browser
    number: Annotated[int, Field(ge=1, le=10**9)]


class QuestionAnswered(AnyEvent):
    """The interviewer answers a question in words; question: the place of its event."""

    by = _ROOM

    kind: Literal["question_answered"] = "question_answered"
    version: Literal[1] = 1
    question: Index
    text: SomeWords


class CurveballArmed(AnyEvent):
    """A curveball is made ready, or put away again."""

    by = _ROOM
    seen_by = _PRIVATE

    kind: Literal["curveball_armed"] = "curveball_armed"
    version: Literal[1] = 1
    curveball: Name
    ready: bool = True


class PanelPushed(AnyEvent):
    """The interviewer shows a panel on the candidate's page; lead: whether both see it until the lead ends."""

    by = _ROOM

    kind: Literal["panel_pushed"] = "panel_pushed"
    version: Literal[1] = 1
    panel: Name
    lead: bool = False


class LeadEnded(AnyEvent):
    """Each sees the panel of their own choice again."""

    by = _ROOM

    kind: Literal["lead_ended"] = "lead_ended"
    version: Literal[1] = 1


class BoundRevealed(AnyEvent):
    """The bound of an objective is shown."""

    by = _ROOM

    kind: Literal["bound_revealed"] = "bound_revealed"
    version: Literal[1] = 1
    metric: Metric


class TagSet(AnyEvent):
    """A mark on a signal, plus or minus; about: the place of its event; probe: the words of a probe that it is against."""

    by = _ROOM
    seen_by = _PRIVATE

    kind: Literal["tag_set"] = "tag_set"
    version: Literal[1, 2] = 2
    signal: Name
    plus: bool
    about: Index | None = None
    text: Annotated[str, Field(max_length=300)] = ""
    probe: Annotated[str, Field(max_length=300)] = ""


class TagRemoved(AnyEvent):
    """A mark is withdrawn; tag: the place of its event."""

    by = _ROOM
    seen_by = _PRIVATE

    kind: Literal["tag_removed"] = "tag_removed"
    version: Literal[1] = 1
    tag: Index


class NotesSaved(AnyEvent):
    """The interviewer's private notes, whole; the latest counts."""

    by = _ROOM
    seen_by = _PRIVATE

    kind: Literal["notes_saved"] = "notes_saved"
    version: Literal[1] = 1
    text: Words = ""


class ScratchpadSaved(AnyEvent):
    """The candidate's own scratchpad, whole; the latest counts."""

    seen_by = frozenset({"candidate"})

    kind: Literal["scratchpad_saved"] = "scratchpad_saved"
    version: Literal[1] = 1
    text: Words = ""


class BoardLocked(AnyEvent):
    """The candidate may not change the board, or may again."""

    by = _ROOM

    kind: Literal["board_locked"] = "board_locked"
    version: Literal[1] = 1
    locked: bool = True


class ClockPaused(AnyEvent):
    """The clock stands still, or goes on."""

    by = _ROOM

    kind: Literal["clock_paused"] = "clock_paused"
    version: Literal[1] = 1
    paused: bool = True


class SignalRated(AnyEvent):
    """A rater's level of a signal, with the places of the events and tags that it rests on; the latest counts.

    absence: words on what never came, in place of events
    """

    by = frozenset({"interviewer", "rater"})
    seen_by = _PRIVATE

    kind: Literal["signal_rated"] = "signal_rated"
    version: Literal[1, 2] = 2
    signal: Name
    level: Literal["very_weak", "weak", "strong", "very_strong", "not_observed"]
    evidence: Annotated[tuple[Index, ...], Field(max_length=40)] = ()
    text: Annotated[str, Field(max_length=1000)] = ""
    absence: Annotated[str, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def _rests_on_something(self) -> Self:
        if not (self.evidence or self.absence.strip() or self.level == NOT_OBSERVED):
            raise ValueError("give a moment of the log, or say what was absent; else the level is “not observed”")
        return self


class ScorecardSubmitted(AnyEvent):
    """A rater's scorecard is complete and cannot be changed any more."""

    by = frozenset({"interviewer", "rater"})
    seen_by = _PRIVATE

    kind: Literal["scorecard_submitted"] = "scorecard_submitted"
    version: Literal[1] = 1


#: Judgements of one rater, which the other may see only after both have submitted.
_OF_A_RATER = (TagSet, TagRemoved, NotesSaved, SignalRated, ScorecardSubmitted)

#: Events after which a role may see more of the events before them.
DISCLOSING = (ScorecardSubmitted, BoundRevealed)


def visible(events: Iterable[LoggedEvent], role: Role, log: Iterable[LoggedEvent] | None = None) -> list[LoggedEvent]:
    """Return the events that a role's browser may be sent anything of, in their order, without the fields that it may not see.

    log: all events so far, where `events` are a part of them. The judgements of one rater reach the other once both scorecards
    are submitted; a candidate and an observer see a verdict once its bound is revealed.
    """
    listed = list(events)
    disclosing = [one for one in (listed if log is None else log) if isinstance(one.event, DISCLOSING)]
    both = {one.role for one in disclosing if isinstance(one.event, ScorecardSubmitted)} >= {"interviewer", "rater"}
    bounds = {one.event.metric for one in disclosing if isinstance(one.event, BoundRevealed)}
    return [_as_seen(one, role, bounds) for one in listed if _is_visible(one, role, both)]


def shared(events: Iterable[LoggedEvent]) -> list[LoggedEvent]:
    """Return the events that candidate and interviewer may both see, as a file that one gives the other holds them."""
    return visible(visible(events, "candidate"), "interviewer")


def _is_visible(one: LoggedEvent, role: Role, both: bool) -> bool:
    if isinstance(one.event, UnknownEvent):
        return role == "system"
    if isinstance(one.event, _OF_A_RATER) and role in ("interviewer", "rater") and not both:
        return one.role == role
    return role in type(one.event).seen_by


def _as_seen(one: LoggedEvent, role: Role, bounds: Collection[str]) -> LoggedEvent:
    event = one.event if isinstance(one.event, UnknownEvent) else one.event.seen_as(role, bounds)
    return one if event is one.event else replace(one, event=event)
