"""Events of a room: what an interviewer and a candidate do besides a practice session, and the roles that may see each.

An event that a role may not see is left out before anything is computed for that role: see `visible`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from simulator.board.board import OperationError
from simulator.board.operations import Operation
from simulator.case.fields import Name, refused
from simulator.case.interview import SIGNAL_PHASES, SIGNALS
from simulator.case.schema import Scenario
from simulator.errors import suggest
from simulator.phrases import phrase
from simulator.rooms.own_task import OWN_TASK, OwnTask
from simulator.session.event_log import (
    PERSON,
    READERS,
    AnyEvent,
    Changes,
    Index,
    Logged,
    LoggedEvent,
    Metric,
    Role,
    SomeWords,
    UnknownEvent,
    Words,
    refused_word,
)
from simulator.session.session_events import panel_label
from simulator.session.session_signals import NOT_OBSERVED

if TYPE_CHECKING:
    from simulator.rooms.room_session import RoomSession, RoomState

Level = Literal["junior", "senior", "staff"]
LEVELS: tuple[Level, ...] = ("junior", "senior", "staff")

#: The signals of a scorecard.
CARD_SIGNALS = tuple(signal.name for signal in SIGNALS if signal.on_card)

#: A room's clock that has counted less (s) has not started: its first events lie a moment apart.
_AT_REST_S = 1.0

#: The most letters of a task in the interviewer's words.
TASK_LETTERS = 4000

_TABLE = frozenset[Role]({"candidate", "interviewer"})
#: The interviewer's own; a second rater sees judgements among them once both scorecards are complete.
_PRIVATE = frozenset[Role]({"interviewer", "rater", "system"})

Browser = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,40}$")]


class RoomEvent(AnyEvent):
    """Base of the events of a room, by default those of its interviewer. is_step: whether the record lists it."""

    by = frozenset({"interviewer"})

    is_step: ClassVar[bool] = False

    def fold(self, state: Any, logged: Logged[Any]) -> Changes:
        return self.change(state, logged) if hasattr(state, "room") else None  # it changes nothing where the session is no room

    def change(self, state: RoomSession, logged: Logged[Any]) -> Changes:
        """Return the changes of the session of a room: by default, those of the room alone."""
        changes = self.room_change(state.room, logged)
        if changes is None:
            return None
        if self.is_step:
            changes |= {"steps": (*state.room.steps, logged)}
        return {"room": replace(state.room, **changes)}

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        """Return the changes of what only a room has."""
        return {self.adds_to: (*getattr(room, self.adds_to), logged)} if self.adds_to else {}


class RaterEvent(RoomEvent):
    """Base of the judgements of a rater, which another rater sees once both scorecards are complete."""

    after_the_end = True
    seen_by = _PRIVATE


class RoomOpened(RoomEvent):
    """A room is created.

    title, level: the interviewer's own
    choices, panels: those that are open, None for all; empty_board: the stages are still to be drawn
    task: what the candidate reads in place of the brief of the case, empty for that brief
    """

    by = frozenset({"system", "interviewer"})

    title: Annotated[str, Field(max_length=120)] = ""
    level: Level = "senior"
    empty_board: bool = False
    task: Annotated[str, Field(max_length=TASK_LETTERS)] = ""
    choices: Annotated[tuple[Name, ...], Field(max_length=32)] | None = None
    panels: Annotated[tuple[Name, ...], Field(max_length=64)] | None = None
    levers: bool = False

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        return self if role not in READERS else self.model_copy(update={"title": "", "level": "senior"})

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        before = state.room.settings
        if before is not None and before.empty_board != self.empty_board and state.operations:
            return "The board has changes already: it stays as it is."
        faults = (refused_word(name, scenario.choices, "choice") for name in self.choices or ())
        return next(filter(None, faults), "")

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"settings": self}


class TaskSet(RoomEvent):
    """The interviewer states a task, or changes it or the time; None leaves a part as it is.

    text: what the candidate reads, empty for the brief of the case; minutes: of the whole interview
    own: the numbers of a task of one's own, with the bounds that were revealed for those who learn them later
    """

    is_step = True
    by = frozenset({"system", "interviewer"})
    what = "Task"

    text: Annotated[str, Field(max_length=TASK_LETTERS)] | None = None
    minutes: Annotated[int, Field(ge=5, le=240)] | None = None
    own: OwnTask | None = None

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        if role not in READERS or self.own is None:
            return self
        shown = {metric: bound for metric, bound in self.own.bounds.items() if metric in bounds}
        return self.model_copy(update={"own": self.own.model_copy(update={"bounds": shown})})

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        if self.text is None and self.minutes is None and self.own is None:
            return "Nothing of the task is changed."
        if self.own is not None and scenario.id != OWN_TASK:
            return "The numbers of this task are those of its case."
        return ""

    def change(self, state: RoomSession, logged: Logged[Any]) -> Changes:
        session = state.session if self.minutes is None else replace(state.session, minutes=self.minutes)
        return {"session": session, **(super().change(state, logged) or {})}

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        settings = room.settings
        if settings is not None and self.text is not None:
            settings = settings.model_copy(update={"task": self.text})
        return {"settings": settings, "own": self.own or room.own}

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        time = f"{self.minutes} minutes in all" if self.minutes is not None else ""
        own = f"{self.own.name}: {self.own.rate_per_s:,.4g} requests a second" if self.own is not None else ""
        text = "the brief of the case" if self.text == "" else self.text
        return "; ".join(filter(None, [text, own, time]))


class MessageSent(RoomEvent):
    """The interviewer tells the candidate something in words."""

    is_step = True
    what = "Message"

    text: SomeWords

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        return self.text


class ProbeTicked(RoomEvent):
    """The interviewer ticks a probe as asked, or takes the tick back; ask: the words of the probe."""

    is_step = True
    seen_by = _PRIVATE
    what = "Probe"

    ask: Annotated[str, Field(min_length=1, max_length=300)]
    asked: bool = True

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        return "It is so already." if (self.ask in state.room.probes) == self.asked else ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"probes": room.probes | {self.ask} if self.asked else room.probes - {self.ask}}

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        return self.ask if self.asked else f"{self.ask} (not asked)"


class BoardChanged(RoomEvent):
    """An operation on the board. browser, number: which tab sent it and its number there, so that none is taken twice."""

    by = _TABLE
    what = "Board"

    operation: Operation
    browser: Browser
    number: Annotated[int, Field(ge=1, le=10**9)]

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        if any((other.event.browser, other.event.number) == (self.browser, self.number) for other in state.operations):
            return "This change was taken already."
        try:
            state.board(scenario).after(self.operation)
        except OperationError as error:
            return str(error)
        return ""

    def change(self, state: RoomSession, logged: Logged[Any]) -> Changes:
        return {"operations": (*state.operations, logged)}

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        return self.operation.said(scenario)


class QuestionAnswered(RoomEvent):
    """The interviewer answers a question in words; question: the place of its event."""

    adds_to = "given"
    what = "Answer"

    question: Index
    text: SomeWords

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        asked = any(question.place == self.question for question in state.questions)
        return "" if asked else "There is no such question in this room."

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        asked = (asked.event.details(scenario, state) for asked in state.questions if asked.place == self.question)
        return f"“{next(asked, '')}” {self.text}"


class CurveballArmed(RoomEvent):
    """A curveball is made ready, or put away again."""

    seen_by = _PRIVATE

    curveball: Name
    ready: bool = True

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        if fault := refused_word(self.curveball, scenario.curveballs, "curveball"):
            return fault
        if self.curveball in state.strikes:
            return "This curveball has struck already."
        return "It is so already." if (self.curveball in state.room.armed) == self.ready else ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        others = tuple(name for name in room.armed if name != self.curveball)
        return {"armed": (*others, self.curveball) if self.ready else others}


class PanelPushed(RoomEvent):
    """The interviewer shows a panel on the candidate's page; lead: whether both see it until the lead ends."""

    is_step = True
    what = "Panel shown"

    panel: Name
    lead: bool = False

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"pushed": self.panel, "leads": self.lead}

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        return panel_label(self.panel)


class LeadEnded(RoomEvent):
    """Each sees the panel of their own choice again."""

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        return "" if state.room.leads else "No lead is on now."

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"leads": False}


class BoundRevealed(RoomEvent):
    """The bound of an objective is shown."""

    is_step = True
    what = "Bound shown"

    metric: Metric

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        return refused_word(self.metric, [objective.metric for objective in scenario.objectives], "objective")

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"bounds": tuple(dict.fromkeys((*room.bounds, self.metric)))}

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        return scenario.metrics[self.metric].label if self.metric in scenario.metrics else self.metric


class TagSet(RaterEvent):
    """A mark on a signal, plus or minus; about: the place of its event; probe: the words of a probe that it is against."""

    version = 2
    adds_to = "tags"

    signal: Name
    plus: bool
    about: Index | None = None
    text: Annotated[str, Field(max_length=300)] = ""
    probe: Annotated[str, Field(max_length=300)] = ""

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        if fault := refused_word(self.signal, SIGNAL_PHASES, "signal"):
            return fault
        return "The moment lies in the future." if self.about is not None and self.about >= state.place else ""


class TagRemoved(RaterEvent):
    """A mark is withdrawn; tag: the place of its event."""

    tag: Index

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        return "" if any(tag.place == self.tag for tag in state.room.tags) else "There is no such mark."

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        tags = tuple(tag for tag in room.tags if tag.place != self.tag)
        return None if len(tags) == len(room.tags) else {"tags": tags}


class NotesSaved(RaterEvent):
    """The interviewer's private notes, whole; the latest counts."""

    text: Words = ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"notes": self.text}


class ScratchpadSaved(RoomEvent):
    """The candidate's own scratchpad, whole; the latest counts."""

    by = PERSON
    seen_by = frozenset({"candidate"})

    text: Words = ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"scratchpad": self.text}


class BoardLocked(RoomEvent):
    """The candidate may not change the board, or may again."""

    is_step = True
    what = "Board"

    locked: bool = True

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        return "It is so already." if state.room.locked == self.locked else ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"locked": self.locked}

    def details(self, scenario: Scenario, state: RoomSession) -> str:
        return "locked" if self.locked else "open again"


class ClockPaused(RoomEvent):
    """The clock stands still, or goes on."""

    paused: bool = True

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        return "It is so already." if state.paused == self.paused else ""

    def change(self, state: RoomSession, logged: Logged[Any]) -> Changes:
        starts = not self.paused and state.started_at is None and sum(state.used_s.values()) < _AT_REST_S
        return {"paused": self.paused} | ({"started_at": logged.at} if starts else {})


class SignalRated(RaterEvent):
    """A rater's level of a signal, with the places of the events and tags that it rests on; the latest counts.

    absence: words on what never came, in place of events
    """

    place = "ratings"
    by = frozenset({"interviewer", "rater"})
    version = 2

    signal: Name
    level: Literal["very_weak", "weak", "strong", "very_strong", "not_observed"]
    evidence: Annotated[tuple[Index, ...], Field(max_length=40)] = ()
    text: Annotated[str, Field(max_length=1000)] = ""
    absence: Annotated[str, Field(max_length=300)] = ""

    _rests_on_something = refused(
        lambda event: not (event.evidence or event.absence.strip() or event.level == NOT_OBSERVED),
        "give a moment of the log, or say what was absent; else the level is “not observed”",
    )

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        if fault := _card_fault(state, role):
            return fault
        if self.signal not in CARD_SIGNALS:
            return phrase("refused.signal", signal=self.signal, hint=suggest(self.signal, CARD_SIGNALS))
        return "The evidence lies in the future." if max(self.evidence, default=-1) >= state.place else ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        if logged.role in room.submitted:
            return None
        return {"ratings": {**room.ratings, (logged.role, self.signal): self}}


class ScorecardSubmitted(RaterEvent):
    """A rater's scorecard is complete and cannot be changed any more."""

    place = "end"
    by = frozenset({"interviewer", "rater"})

    def refusal(self, scenario: Scenario, state: RoomSession, role: Role) -> str:
        if fault := _card_fault(state, role):
            return fault
        missing = [name for name in CARD_SIGNALS if name not in state.room.ratings_of(role)]
        return f"Rate every signal first: {', '.join(missing)}." if missing else ""

    def room_change(self, room: RoomState, logged: Logged[Any]) -> Changes:
        return {"submitted": room.submitted | {logged.role}}


def _card_fault(state: RoomSession, role: Role) -> str:
    """Return why a rater's scorecard takes nothing now; empty if it does."""
    if role in state.room.submitted:
        return "This scorecard is complete: it cannot be changed any more."
    return "Rate after the end of the interview." if state.ended_at is None else ""


#: Events after which a role may see more of the events before them.
DISCLOSING = (ScorecardSubmitted, BoundRevealed)


def visible(events: Iterable[LoggedEvent], role: Role, log: Iterable[LoggedEvent] | None = None) -> list[LoggedEvent]:
    """Return the events that a role's browser may be sent anything of, in their order, without the fields that it may not see.

    log: all events so far, where `events` are a part of them. The judgements of one rater reach the other once both scorecards
    are submitted; a candidate and an observer see a verdict once its bound is revealed.
    """
    listed = list(events)
    disclosing = [event for event in (listed if log is None else log) if isinstance(event.event, DISCLOSING)]
    both = {event.role for event in disclosing if isinstance(event.event, ScorecardSubmitted)} >= {"interviewer", "rater"}
    bounds = {event.event.metric for event in disclosing if isinstance(event.event, BoundRevealed)}
    return [_as_seen(event, role, bounds) for event in listed if _is_visible(event, role, both)]


def shared(events: Iterable[LoggedEvent]) -> list[LoggedEvent]:
    """Return the events that candidate and interviewer may both see, as a file that one gives the other holds them."""
    return visible(visible(events, "candidate"), "interviewer")


def _is_visible(event: LoggedEvent, role: Role, both: bool) -> bool:
    if isinstance(event.event, UnknownEvent):
        return role == "system"
    if isinstance(event.event, RaterEvent) and role in ("interviewer", "rater") and not both:
        return event.role == role
    return role in type(event.event).seen_by


def _as_seen(logged: LoggedEvent, role: Role, bounds: Collection[str]) -> LoggedEvent:
    event = logged.event if isinstance(logged.event, UnknownEvent) else logged.event.seen_as(role, bounds)
    return logged if event is logged.event else replace(logged, event=event)
