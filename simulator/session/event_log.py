"""Events in a log: what all kinds have in common, and the way from stored rows of any version to their models.

To add a field to a kind, give it a default and raise the kind's `version`. A row of an earlier version is read with the
default. Of a row of a later version, unknown fields are left out; a row that is unreadable even so is an `UnknownEvent`, which
every reader skips.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError, with_config

from simulator.case.choices import Pick
from simulator.case.fields import Name
from simulator.case.schema import Scenario
from simulator.errors import InputError, shortened, suggest
from simulator.limits import SESSION_TEXT

Role = Literal["candidate", "interviewer", "rater", "observer", "system"]
ROLES: tuple[Role, ...] = ("candidate", "interviewer", "rater", "observer", "system")

#: Roles that see no bound before it is revealed, and nothing of the interviewer's own.
READERS: tuple[Role, ...] = ("candidate", "observer")

#: Roles that may append most kinds, and those that steer a session.
PERSON = frozenset[Role]({"candidate"})
LEADS = frozenset[Role]({"candidate", "interviewer"})

Words = Annotated[str, Field(max_length=SESSION_TEXT.most)]
SomeWords = Annotated[str, Field(min_length=1, max_length=SESSION_TEXT.most)]
Metric = Annotated[str, Field(min_length=1, max_length=120)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
Index = Annotated[int, Field(ge=0, le=100_000)]
Number = Annotated[float, Field(ge=-1e15, le=1e15)]
PickValue = (
    Annotated[StrictStr, Field(max_length=200)]
    | Annotated[StrictInt, Field(ge=-(10**15), le=10**15)]
    | Annotated[StrictFloat, Field(ge=-1e15, le=1e15)]
)
Picks = Annotated[dict[Name, PickValue], Field(max_length=64)]
Strikes = Annotated[dict[Name, Annotated[float, Field(ge=0, le=1e7)]], Field(max_length=32)]
#: A time in seconds since 1970, up to the year 5138.
Time = Annotated[float, Field(ge=0, le=1e11)]
CaseName = Annotated[str, Field(min_length=1, max_length=100)]
CaseVersion = Annotated[int, Field(ge=1, le=10**15)]
#: 64 bits with a sign, as both databases store them.
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class EventError(InputError):
    """Data that is no event, or an event that makes no sense at its place."""


class EventPart(BaseModel):
    """Base of events and of their parts."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


#: The modules with kinds of events: a log with any of them can be read everywhere.
MODULES = ("simulator.session.session_events", "simulator.rooms.room_events")

_KINDS: dict[str, type[AnyEvent]] = {}

#: The fields of a state that an event changes; None where it changes nothing.
Changes = dict[str, Any] | None


@cache
def event_kinds() -> dict[str, type[AnyEvent]]:
    """Return every kind of event by its name; a class that others build on is no kind."""
    for module in MODULES:
        import_module(module)
    return {name: model for name, model in _KINDS.items() if not model.__subclasses__()}


class AnyEvent(EventPart):
    """Base of all events.

    kind: the name of the class in small letters; version: of its fields
    by: the roles that may append it; seen_by: those whose browsers may be sent anything of it
    after_the_end: whether it may come after the end of the session; place: of those at the end of a log that it may take
    adds_to: the field of the state that gets each such event; what: the kind in a word, for the record
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    by: ClassVar[frozenset[Role]] = PERSON
    seen_by: ClassVar[frozenset[Role]] = frozenset(ROLES)
    after_the_end: ClassVar[bool] = False
    place: ClassVar[Literal["", "ratings", "end"]] = ""
    adds_to: ClassVar[str] = ""
    what: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.kind = re.sub(r"\B(?=[A-Z])", "_", cls.__name__).lower()
        _KINDS[cls.kind] = cls

    def refusal(self, scenario: Scenario, state: Any, role: Role) -> str:
        """Return a sentence that refuses the event at a state of the session; empty if it may be appended."""
        return ""

    def fold(self, state: Any, logged: Logged[Any]) -> Changes:
        """Return the changes of the state of a session; logged: this event in the log."""
        return {self.adds_to: (*getattr(state, self.adds_to), logged)} if self.adds_to else None

    def details(self, scenario: Scenario, state: Any) -> str:
        """Return the event in words, for the record of a session."""
        return ""

    def seen_as(self, role: Role, bounds: Collection[str]) -> Self:
        """Return the event without the fields that a role may not see; bounds: the metrics whose bound is revealed."""
        return self

    def payload(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, as plain data for a JSON column."""
        return self.model_dump(mode="json", exclude_defaults=True)


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


@dataclass(frozen=True)
class UnknownEvent:
    """A row that this version cannot read: of a later one, or damaged. The log keeps it; pages and rules skip it."""

    kind: str
    version: int
    payload: Any


E_co = TypeVar("E_co", covariant=True)


@dataclass(frozen=True)
class Logged(Generic[E_co]):
    """An event in the log: its place, from 0 on, and its time (s since 1970), both by the server, and the role behind it."""

    place: int
    at: float
    role: str
    event: E_co


LoggedEvent = Logged[AnyEvent | UnknownEvent]


#: Records of a file hold these fields alone, and finite numbers.
in_files = with_config(ConfigDict(extra="forbid", allow_inf_nan=False))


@in_files
@dataclass(frozen=True)
class StoredEvent:
    """An event as a row and a file hold it."""

    at: Time
    role: Role
    kind: Annotated[str, Field(max_length=60)]
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    payload: dict[str, Any]


def as_stored(logged: LoggedEvent) -> dict[str, Any]:
    """Return the fields of an event in the log as a StoredEvent has them."""
    event = logged.event
    payload = event.payload if isinstance(event, UnknownEvent) else event.payload()
    return {"at": logged.at, "role": logged.role, "kind": event.kind, "version": event.version, "payload": payload}


@in_files
@dataclass(frozen=True)
class Session:
    """The head of a session. Those of a file are held to the bounds of the fields.

    version, scenario_hash: of the case at the begin; owner: the visitor's trail, "" without one
    seed: of the runs; minutes: planned; nudges: whether to say that a phase runs over
    begun_at, ended_at: in seconds since 1970; None while it goes on
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
    case: CaseName
    version: CaseVersion
    scenario_hash: Hash
    owner: str
    seed: Seed
    minutes: Annotated[int, Field(ge=1, le=1440)]
    nudges: bool
    begun_at: Time
    ended_at: Annotated[float | None, Field(ge=0, le=1e11)] = None


def read_event(data: Any) -> AnyEvent:
    """Return the event that plain data describes; raises EventError with a sentence for anything else."""
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str):
        raise EventError("an event should be a mapping with a `kind`")
    model = event_kinds().get(kind)
    if model is None:
        raise EventError(f"'{shortened(kind)}' is no kind of event; {suggest(kind, event_kinds())}")
    fields = {name: value for name, value in data.items() if name != "kind"}
    version = fields.pop("version", 1)
    if not isinstance(version, int) or not 1 <= version <= model.version:
        raise EventError(f"{kind}.version: this CaseSim reads versions up to {model.version}")
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        words = f"{kind}{'.' if place else ''}{place}: {first['msg'].removeprefix('Value error, ')}"
        raise EventError(shortened(words, 300)) from error
    except RecursionError as error:
        raise EventError("an event is nested too deep") from error


def stored_event(kind: str, version: int, payload: Any) -> AnyEvent | UnknownEvent:
    """Return the event of a stored row of any version; never raises."""
    model = event_kinds().get(kind)
    if model is not None and isinstance(payload, dict):
        event = _read(model, payload, later=version > model.version)
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


def refused_word(word: str, names: Iterable[str], kind: str) -> str:
    """Return a sentence for a word that is not among the names of a case; empty for one of them."""
    names = list(names)
    return "" if word in names else f"This case has no {kind} “{word}”; {suggest(word, names)}"
