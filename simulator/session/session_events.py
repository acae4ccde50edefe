"""Events of a session: a model a kind, bounded and frozen, and the way from stored rows of any version to these models.

To add a field to a kind, give it a default and raise the kind's `version`. A row of an earlier version is read with the
default. Of a row of a later version, unknown fields are left out; a row that is unreadable even so is an `UnknownEvent`, which
every reader skips.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from simulator.case.choices import Pick
from simulator.case.fields import Name
from simulator.errors import InputError, shortened, suggest
from simulator.limits import SESSION_TEXT
from simulator.metrics.summary import Standing

Role = Literal["candidate", "interviewer", "rater", "observer", "system"]
ROLES: tuple[Role, ...] = ("candidate", "interviewer", "rater", "observer", "system")

#: Roles that see no bound before it is revealed, and nothing of the interviewer's own.
READERS: tuple[Role, ...] = ("candidate", "observer")

#: Roles that may append most kinds, and those that steer a session.
_PERSON = frozenset[Role]({"candidate"})
_LEADS = frozenset[Role]({"candidate", "interviewer"})

Words = Annotated[str, Field(max_length=SESSION_TEXT.most)]
SomeWords = Annotated[str, Field(min_length=1, max_length=SESSION_TEXT.most)]
Metric = Annotated[str, Field(min_length=1, max_length=120)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
Index = Annotated[int, Field(ge=0, le=100_000)]
Number = Annotated[float, Field(ge=-1e15, le=1e15)]
_PickValue = (
    Annotated[StrictStr, Field(max_length=200)]
    | Annotated[StrictInt, Field(ge=-(10**15), le=10**15)]
    | Annotated[StrictFloat, Field(ge=-1e15, le=1e15)]
)
Picks = Annotated[dict[Name, _PickValue], Field(max_length=64)]
Strikes = Annotated[dict[Name, Annotated[float, Field(ge=0, le=1e7)]], Field(max_length=32)]
#: 64 bits with a sign, as both databases store them.
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class EventError(InputError):
    """Data that is no event, or an event that makes no sense at its place."""


class _EventPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


#: Every kind of event by its name; `simulator.rooms.room_events` adds those of a room.
EVENTS: dict[str, type[AnyEvent]] = {}


class AnyEvent(_EventPart):
    """Base of all events. by: the roles that may append it; seen_by: those whose browsers may be sent anything of it."""

    by: ClassVar[frozenset[Role]] = _PERSON
    seen_by: ClassVar[frozenset[Role]] = frozenset(ROLES)

    kind: str
    version: int = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        EVENTS[str(cls.model_fields["kind"].default)] = cls

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        """Return the event without the fields that a role may not see; bounds: the metrics whose bound is revealed."""
        return self

    def payload(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain data for a JSON column."""
        return self.model_dump(mode="json", exclude={"kind", "version"}, exclude_defaults=True)


def design_hash(picks: Mapping[str, Pick], strikes: Mapping[str, float] | None = None, drawing: str = "") -> str:
    """Return 12 hexadecimal digits for a design under curveballs.

    picks: of every choice; strikes: curveballs with their times (s); drawing: hash of the board, "" for that of the case.
    A whole number counts equally as 4 and as 4.0.
    """
    plain = {name: _whole(pick) for name, pick in picks.items()}
    timed = {name: _whole(at_s) for name, at_s in (strikes or {}).items()}
    parts = [plain, timed, *([drawing] if drawing else [])]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def _whole(number: Pick) -> Pick:
    return int(number) if isinstance(number, float) and number.is_integer() else number


class PhaseBegun(AnyEvent):
    """The person goes to a phase, forwards or back."""

    by = _LEADS

    kind: Literal["phase_begun"] = "phase_begun"
    version: Literal[1] = 1
    phase: Name


class QuestionAsked(AnyEvent):
    """A question of the case's list by its index, or in own words; both where typed words were matched with the list."""

    kind: Literal["question_asked"] = "question_asked"
    version: Literal[1] = 1
    question: Annotated[int, Field(ge=0, lt=40)] | None = None
    words: SomeWords | None = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.question is None and not (self.words or "").strip():
            raise ValueError("give the index of a question, or words")
        return self


class AssumptionWritten(AnyEvent):
    """An assumption in the person's own words. Its place in the log is its name."""

    kind: Literal["assumption_written"] = "assumption_written"
    version: Literal[1] = 1
    text: SomeWords


class AssumptionPinned(AnyEvent):
    """The answer to a question that was asked becomes an assumption."""

    kind: Literal["assumption_pinned"] = "assumption_pinned"
    version: Literal[1] = 1
    question: Annotated[int, Field(ge=0, lt=40)]


class AssumptionRemoved(AnyEvent):
    """An assumption is withdrawn; assumption: the place of the event that made it."""

    kind: Literal["assumption_removed"] = "assumption_removed"
    version: Literal[1] = 1
    assumption: Index


class RankedObjective(_EventPart):
    """An objective as the person states it; metric: that of the case, where it is clear."""

    words: Annotated[str, Field(min_length=1, max_length=300)]
    metric: Metric | None = None


class ObjectivesRanked(AnyEvent):
    """The person's objectives, the most important first; the latest event counts."""

    kind: Literal["objectives_ranked"] = "objectives_ranked"
    version: Literal[1] = 1
    objectives: Annotated[tuple[RankedObjective, ...], Field(min_length=1, max_length=16)]


class PickChanged(AnyEvent):
    """A choice goes from one pick to another."""

    by = _LEADS

    kind: Literal["pick_changed"] = "pick_changed"
    version: Literal[1] = 1
    choice: Name
    before: _PickValue
    after: _PickValue


class PredictionMade(AnyEvent):
    """A 90% interval for a metric, or the stage that limits the design; before the run of a design is shown."""

    kind: Literal["prediction_made"] = "prediction_made"
    version: Literal[1] = 1
    design: Hash
    metric: Metric | None = None
    low: Number | None = None
    high: Number | None = None
    stage: Name | None = None

    @model_validator(mode="after")
    def _predicts_one_thing(self) -> Self:
        bounds = [self.low, self.high]
        if (self.metric is None) == (self.stage is None) or bounds.count(None) != (0 if self.metric else 2):
            raise ValueError("give a metric with low and high, or a stage")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low should not be above high")
        return self

    @property
    def target(self) -> tuple[str, str]:
        """The design and the metric, or the design and "" for its bottleneck: one prediction each."""
        return self.design, self.metric or ""


class RunAsked(AnyEvent):
    """A run of a design. The result is computed from this again, never stored; picks: of every choice."""

    by = frozenset({"candidate", "interviewer", "system"})

    kind: Literal["run_asked"] = "run_asked"
    version: Literal[1, 2] = 2
    picks: Picks
    strikes: Strikes = {}
    seed: Seed
    replications: Annotated[int, Field(ge=1, le=1000)]
    drawing: Annotated[str, Field(pattern=r"^([0-9a-f]{12})?$", description="hash of the board; empty: that of the case")] = ""

    @property
    def design(self) -> str:
        return design_hash(self.picks, self.strikes, self.drawing)


class RunFigure(_EventPart):
    """A metric of a run with its interval; the standing where it is an objective."""

    metric: Metric
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    standing: Standing | None = None


class RunEnded(AnyEvent):
    """The result of a run as it was shown: the figures of the objectives and of the predictions, and the bottleneck."""

    by = frozenset({"system"})

    kind: Literal["run_ended"] = "run_ended"
    version: Literal[1] = 1
    design: Hash
    run_hash: Hash
    figures: Annotated[tuple[RunFigure, ...], Field(max_length=64)] = ()
    bottleneck: Name | None = None

    @property
    def verdicts(self) -> dict[str, Standing]:
        return {figure.metric: figure.standing for figure in self.figures if figure.standing is not None}

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        """Return the run without verdicts on hidden bounds, for roles that learn a bound when it is revealed."""
        if role not in READERS:
            return self
        figures = (
            figure if figure.metric in bounds else figure.model_copy(update={"standing": None}) for figure in self.figures
        )
        return self.model_copy(update={"figures": tuple(figures)})


class PanelOpened(AnyEvent):
    """A panel of the page is opened."""

    kind: Literal["panel_opened"] = "panel_opened"
    version: Literal[1] = 1
    panel: Name


class HintTaken(AnyEvent):
    """A step of a phase's hints is shown: 1 a question, 2 a pointer, 3 a worked step. An interviewer may push one."""

    by = _LEADS

    kind: Literal["hint_taken"] = "hint_taken"
    version: Literal[1] = 1
    phase: Name
    step: Annotated[int, Field(ge=1, le=3)]


class HelpAsked(AnyEvent):
    """“What would help?” or “Try each lever” is asked of a design."""

    kind: Literal["help_asked"] = "help_asked"
    version: Literal[1] = 1
    tool: Literal["what_would_help", "each_lever"]
    design: Hash


class CurveballStruck(AnyEvent):
    """A curveball strikes the design at hand at a time of the run (s)."""

    by = _LEADS | {"system"}

    kind: Literal["curveball_struck"] = "curveball_struck"
    version: Literal[1] = 1
    curveball: Name
    at_s: Annotated[float, Field(ge=0, le=1e7)]


class DefenceAnswered(AnyEvent):
    """A defence prompt, by its index, is answered in words, or aloud and ticked; the latest answer counts."""

    kind: Literal["defence_answered"] = "defence_answered"
    version: Literal[1] = 1
    prompt: Annotated[int, Field(ge=0, lt=16)]
    text: Words = ""
    ticked: bool = False

    @model_validator(mode="after")
    def _answers(self) -> Self:
        if not self.text.strip() and not self.ticked:
            raise ValueError("give a text, or tick the prompt")
        return self


class SelfRated(AnyEvent):
    """The person's own level at a signal; also after the end, since the record comes first."""

    kind: Literal["self_rated"] = "self_rated"
    version: Literal[1] = 1
    signal: Name
    level: Literal["very_weak", "weak", "strong", "very_strong"]


class GoalSet(AnyEvent):
    """The session is an exercise for a signal."""

    by = _LEADS

    kind: Literal["goal_set"] = "goal_set"
    version: Literal[1] = 1
    signal: Name


class SessionEnded(AnyEvent):
    """The session is over: the debrief begins."""

    by = _LEADS | {"system"}

    kind: Literal["session_ended"] = "session_ended"
    version: Literal[1] = 1


class IncidentAction(AnyEvent):
    """An action in an incident, as plain data; `simulator.incident` reads it."""

    kind: Literal["incident_action"] = "incident_action"
    version: Literal[1] = 1
    action: dict[str, Any]


@cache
def _adapter() -> TypeAdapter[AnyEvent]:
    kinds: Any = Annotated[Union[tuple(EVENTS.values())], Field(discriminator="kind")]  # noqa: UP007
    return TypeAdapter(kinds)


@dataclass(frozen=True)
class UnknownEvent:
    """A row that this version cannot read: of a later one, or damaged. It is kept, shown to nobody and skipped."""

    kind: str
    version: int
    payload: Any


@dataclass(frozen=True)
class LoggedEvent:
    """An event in the log: its place, from 0 on, and its time (s since 1970), both by the server, and the role behind it."""

    place: int
    at: float
    role: str
    event: AnyEvent | UnknownEvent


@dataclass(frozen=True)
class Session:
    """The head of a session.

    version, scenario_hash: of the case at the begin; owner: the visitor's trail, "" without one
    seed: of the runs; minutes: planned; nudges: whether to say that a phase runs over
    begun_at, ended_at: in seconds since 1970; None while it goes on
    """

    id: str
    case: str
    version: int
    scenario_hash: str
    owner: str
    seed: int
    minutes: int
    nudges: bool
    begun_at: float
    ended_at: float | None = None


def read_event(data: Any) -> AnyEvent:
    """Return the event that plain data describes; raises EventError with a sentence for anything else."""
    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        raise EventError(_sentence(data, error)) from error
    except RecursionError as error:
        raise EventError("an event is nested too deep") from error


def _sentence(data: Any, error: ValidationError) -> str:
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str):
        return "an event should be a mapping with a `kind`"
    if kind not in EVENTS:
        return f"'{shortened(kind)}' is no kind of event; {suggest(kind, EVENTS)}"
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"][1:]))
    return shortened(f"{kind}{'.' if place else ''}{place}: {first['msg'].removeprefix('Value error, ')}", 300)


def stored_event(kind: str, version: int, payload: Any) -> AnyEvent | UnknownEvent:
    """Return the event of a stored row of any version; never raises."""
    model = EVENTS.get(kind)
    if model is not None and isinstance(payload, dict):
        newest = int(model.model_fields["version"].default)
        event = _read(model, payload | {"kind": kind, "version": newest}, later=version > newest)
        if event is not None:
            return event
    return UnknownEvent(kind, version, payload)


def _read(model: type[AnyEvent], data: dict[str, Any], later: bool) -> AnyEvent | None:
    """Return the event, of a later version without its unknown fields; None for unreadable data."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        extra = [line["loc"] for line in error.errors(include_url=False) if line["type"] == "extra_forbidden"]
        if not later or not extra:
            return None
        return _read(model, _without(data, extra), later)
    except RecursionError:
        return None


def _without(data: dict[str, Any], paths: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """Return a copy of the data without the keys at these paths."""
    copied: Any = deepcopy(data)
    for *above, key in paths:
        part = copied
        for step in above:
            part = part[step]
        part.pop(key, None)
    return dict(copied)
