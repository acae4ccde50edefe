"""Actions of a player during an incident: the fields of each kind, what it does, and its words; and the places of a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic, Literal, TypeVar

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from simulator.case.document import Document, ScenarioError, read_document
from simulator.case.error_recovery import place_of, sentence_of
from simulator.case.fields import Name, Share, Strict
from simulator.errors import PlacedError, suggest
from simulator.incident.any_look import LookFinding, LookRequest
from simulator.incident.fixes import Change
from simulator.incident.secret import HOUR_S
from simulator.incident.section import Incident
from simulator.incident.watches import LABELLED, WATCHED, Watch
from simulator.incident.wording import hours, usd
from simulator.limits import FAULTS_SHOWN
from simulator.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.case.choices import Pick
    from simulator.incident.monitoring import Ring
    from simulator.incident.play import Play


Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Listing(Generic[Entry]):
    """The entries of a file, in its order."""

    entries: list[Entry]
    document: Document

    @contextmanager
    def at(self, index: int) -> Iterator[None]:
        """Turn a PlacedError about the entry number `index`, from 0, into a ScenarioError with file, line and field."""
        try:
            yield
        except PlacedError as error:
            raise ScenarioError([self.document.fault((index, *error.path), error.message)]) from error


def read_listing(file: Path, adapter: TypeAdapter[list[Entry]]) -> Listing[Entry]:
    """Read a list from a file. Raises ScenarioError with every fault, each with file, line, column and field."""
    document = read_document(file, list)
    try:
        return Listing(adapter.validate_python(document.data), document)
    except ValidationError as error:
        lines = error.errors(include_url=False)[: FAULTS_SHOWN.most + 1]
        raise ScenarioError([document.fault(place_of(document.data, line), sentence_of(line)) for line in lines]) from error


EVERYWHERE, OUTDOORS = "everywhere", "outdoors"
#: The most replicas that can be named.
_REPLICAS = 8


def places(spec: Incident) -> dict[str, str]:
    """Return every place by its name, with its words on screen."""
    replicas = {f"replica_{place + 1}": f"Replica {place + 1}" for place in range(_REPLICAS)}
    sites = {name: site.label for name, site in spec.sites.items()}
    return {EVERYWHERE: "Everywhere", OUTDOORS: "All outdoor sites", **sites, **spec.versions, **replicas}


def true_places(play: Play) -> set[str]:
    """Return the places that are right for the causes of a play; empty where nothing has a place."""
    spec, names, right = play.spec, list(play.spec.sites), set[str]()
    outdoors = {place for place, site in enumerate(spec.sites.values()) if site.outdoors}
    for effect, of_cause in play.secret.effects(spec):
        if not of_cause or effect.enters_at == "labels":
            continue
        where = effect.where
        sites = play.secret.sites(spec, where)
        if where.replicas is not None:
            right |= {f"replica_{place + 1}" for place in play.stream().replicas_of(where)}
        elif where.version is not None:
            right.add(where.version)
        elif len(sites) == 1:
            right.add(names[sites[0]])
        else:
            right.add(OUTDOORS if set(sites) == outdoors else EVERYWHERE)
    return right


class ActionError(PlacedError):
    """An action cannot be taken; the message names the reason, and what is possible."""


class AnyAction(Strict):
    """An action; heading: its title in the notebook; at_end: true if it is possible at the end of the stream."""

    heading: ClassVar[str] = ""
    at_end: ClassVar[bool] = False

    kind: str

    def check(self, spec: Incident) -> None:
        """Raise ActionError for a name that the case does not have."""

    def take(self, play: Play) -> NotebookEntry:
        raise NotImplementedError

    def title(self, spec: Incident) -> str:
        return self.heading

    def outcome(self, spec: Incident) -> str:
        raise NotImplementedError

    def short(self, spec: Incident) -> str:
        return self.kind


class WatchAction(AnyAction):
    """From now on these monitors watch, in place of those before."""

    heading: ClassVar[str] = "Other monitors"

    kind: Literal["watch"]
    watches: Annotated[list[Watch], Field(max_length=32)]

    def check(self, spec: Incident) -> None:
        for place, watch in enumerate(self.watches):
            check_watch(watch, spec, "watches", place)

    def take(self, play: Play) -> NotebookEntry:
        play.watches.append((play.now_s, list(self.watches)))
        return NotebookEntry(self, play.now_s, play.now_s)

    def outcome(self, spec: Incident) -> str:
        return "; ".join(watch.line() for watch in self.watches) + "." if self.watches else "Nothing is watched any more."


class WaitAction(AnyAction):
    """Let hours pass, until something rings; without a number: to the end of the stream."""

    heading: ClassVar[str] = "Waited"

    kind: Literal["wait"]
    hours: Annotated[float | None, Field(gt=0, le=672)] = None

    def take(self, play: Play) -> NotebookEntry:
        ring, complaint_s = play.next_ring(), play.complaint_s()
        until_s = min(play.end_s, play.now_s + (np.inf if self.hours is None else self.hours * HOUR_S))
        first_s = min(ring.at_s if ring else np.inf, complaint_s)
        if first_s > until_s:
            return NotebookEntry(self, play.now_s, until_s, waited=True)
        rung = ring if ring and ring.at_s <= complaint_s else None
        usd = play.spec.page_usd.value if rung else 0.0
        said = "" if rung else play.complaint(first_s)
        return NotebookEntry(self, play.now_s, first_s, usd, ring=rung, complaint=rung is None, said=said, waited=True)

    def outcome(self, spec: Incident) -> str:
        return "Nothing rang until the end of the stream." if self.hours is None else "Nothing new rang."

    def short(self, spec: Incident) -> str:
        return "wait until something rings" if self.hours is None else f"wait {self.hours:g} h"


class LookAction(LookRequest, AnyAction):
    """Look closer, in one of the case's ways."""

    kind: Literal["look"]
    look: Name

    def check(self, spec: Incident) -> None:
        _among(self.look, spec.looks, "look")
        _among(self.statistic, WATCHED, "statistic")
        if self.site is not None:
            _among(self.site, spec.sites, "site")
        if self.statistic in LABELLED:
            raise ActionError("labels come late and are few; have frames labelled to see recall", ("statistic",))

    def take(self, play: Play) -> NotebookEntry:
        look = play.spec.looks[self.look]
        minutes, usd = play.spec.look_cost(look, self.frames)
        if usd > play.looks_usd_left:
            raise ActionError(
                phrase("incident.dear_look", price=usd, left=play.looks_usd_left),
                ("look",),
            )
        until_s = min(play.now_s + 60 * minutes, play.end_s)
        finding = look.find(play.view(until_s), self)
        if finding.canary is not None:
            play.canaries.append(finding.canary)
        play.labels += look.frames_labelled(self.frames)
        question = look.question(self.look, self)
        return NotebookEntry(self, play.now_s, until_s, usd, finding, look=self.look, question=question)

    def title(self, spec: Incident) -> str:
        where = f", {spec.sites[self.site].label}" if self.site else ""
        return f"{spec.looks[self.look].label}{where}"

    def short(self, spec: Incident) -> str:
        return spec.looks[self.look].label


class BelieveAction(AnyAction):
    """The player's probability of each cause, by name; written down, not judged."""

    heading: ClassVar[str] = "Suspicions"
    at_end: ClassVar[bool] = True

    kind: Literal["believe"]
    shares: Annotated[dict[Name, Share], Field(max_length=64)]

    def check(self, spec: Incident) -> None:
        for name in self.shares:
            _among(name, spec.causes, "shares", name)
        total = sum(self.shares.values())
        if total > 1 + 1e-6:
            raise ActionError(f"the shares add up to {total:.2f}; at most 1", ("shares",))

    def take(self, play: Play) -> NotebookEntry:
        return NotebookEntry(self, play.now_s, play.now_s, beliefs=self)

    def outcome(self, spec: Incident) -> str:
        likely = sorted(self.shares.items(), key=lambda pair: -pair[1])[:3]
        return "Likeliest: " + ", ".join(f"{spec.causes[name].label} ({100 * share:.0f}%)" for name, share in likely) + "."


class DiagnoseAction(AnyAction):
    """Name the likeliest cause with a probability, and the probabilities of others; the last diagnosis counts.

    others: by cause; the rest is spread over the causes without a probability, in proportion to how often they come
    where: the place of the fault; since_day: the day of its onset, from 1 on, with a fraction
    """

    heading: ClassVar[str] = "Diagnosis"
    at_end: ClassVar[bool] = True

    kind: Literal["diagnose"]
    cause: Name
    confidence: Share
    others: Annotated[dict[Name, Share], Field(max_length=64, description="probabilities of other causes")] = {}
    where: Annotated[
        Name | None, Field(description="everywhere, outdoors, a site, a client version, or replica_1 and so on")
    ] = None
    since_day: Annotated[float | None, Field(ge=0, le=60)] = None

    def check(self, spec: Incident) -> None:
        _among(self.cause, spec.causes, "cause")
        for name in self.others:
            _among(name, spec.causes, "others", name)
        if self.where is not None:
            _among(self.where, places(spec), "where")
        if self.cause in self.others:
            raise ActionError(f"'{self.cause}' is the cause itself; its probability is `confidence`", ("others", self.cause))
        total = self.confidence + sum(self.others.values())
        if total > 1 + 1e-6:
            raise ActionError(f"the probabilities add up to {total:.2f}; at most 1", ("others",))

    @classmethod
    def by(cls, beliefs: BelieveAction, where: str | None = None, since_day: float | None = None) -> DiagnoseAction:
        """Return the diagnosis of suspicions that were written down."""
        cause = max(beliefs.shares, key=lambda name: beliefs.shares[name])
        others = {name: share for name, share in beliefs.shares.items() if name != cause}
        sure = min(beliefs.shares[cause], 1.0)
        return cls(kind="diagnose", cause=cause, confidence=sure, others=others, where=where, since_day=since_day)

    def shares(self, spec: Incident) -> dict[str, float]:
        """Return the probability of every cause."""
        given = {self.cause: self.confidence, **self.others}
        open_ = {name: share for name, share in spec.prior.items() if name not in given}
        rest, among = max(1 - sum(given.values()), 0.0), sum(open_.values())
        return given | {name: rest * share / among for name, share in open_.items()}

    def take(self, play: Play) -> NotebookEntry:
        return NotebookEntry(self, play.now_s, play.now_s, diagnosis=self)

    def outcome(self, spec: Incident) -> str:
        where = f" Place: {places(spec)[self.where]}." if self.where else ""
        since = f" Since day {self.since_day:g}." if self.since_day is not None else ""
        return f"{spec.causes[self.cause].label}, {100 * self.confidence:.0f}% sure.{where}{since}"

    def short(self, spec: Incident) -> str:
        return f"diagnosis: {spec.causes[self.cause].label}, {100 * self.confidence:.0f}% sure"


class FixAction(AnyAction):
    """Ship one of the case's fixes."""

    kind: Literal["fix"]
    fix: Name
    site: Annotated[Name | None, Field(description="at this site alone, of a fix that goes site by site; none: at all")] = None

    def check(self, spec: Incident) -> None:
        _among(self.fix, spec.fixes, "fix")
        if self.site is not None:
            _among(self.site, spec.sites, "site")
            if not spec.fixes[self.fix].by_site:
                raise ActionError(f"'{self.fix}' is shipped everywhere at once; leave the site out", ("site",))

    def take(self, play: Play) -> NotebookEntry:
        fix, sites = play.spec.fixes[self.fix], list(play.spec.sites)
        at_s = min(play.now_s + 60 * fix.minutes, play.end_s)
        changes = fix.changes(play.best_bin, at_s, None if self.site is None else sites.index(self.site))
        play.shipped.append(Shipped(self.fix, at_s, (*changes, *fix.outage(at_s)), fix.new_picks()))
        return NotebookEntry(self, play.now_s, at_s, fix.price(len(sites) if self.site is None else 1))

    def title(self, spec: Incident) -> str:
        where = f", {spec.sites[self.site].label}" if self.site else ""
        return f"{spec.fixes[self.fix].label}{where}"

    def outcome(self, spec: Incident) -> str:
        return phrase("incident.in_force", fix=spec.fixes[self.fix].label)

    def short(self, spec: Incident) -> str:
        return spec.fixes[self.fix].label


class CloseAction(AnyAction):
    """Close the incident for the player; the stream runs on to its end."""

    heading: ClassVar[str] = "Closed"
    at_end: ClassVar[bool] = True

    kind: Literal["close"]

    def take(self, play: Play) -> NotebookEntry:
        play.closed = True
        return NotebookEntry(self, play.now_s, play.now_s)

    def outcome(self, spec: Incident) -> str:
        return "The incident is closed."


Action = Annotated[
    WatchAction | WaitAction | LookAction | BelieveAction | DiagnoseAction | FixAction | CloseAction,
    Field(discriminator="kind"),
]
SCRIPT: TypeAdapter[list[Action]] = TypeAdapter(list[Action])


def read_script(path: Path) -> Listing[Action]:
    """Read the list of actions in a YAML or JSON file; raises ScenarioError with every fault at its line."""
    return read_listing(path, SCRIPT)


def read_actions(given: object) -> list[Action]:
    """Read actions from plain data; raises ActionError."""
    try:
        return SCRIPT.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ActionError(f"actions: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def check_watch(watch: Watch, spec: Incident, *path: str | int) -> None:
    """Raise ActionError for a monitor of a figure that the case does not have, or of a window that is too wide."""
    _among(watch.statistic, spec.usd_a_week, *path, "statistic")
    if fault := spec.too_wide(watch):
        raise ActionError(fault, (*path, "window_h"))


def _among(name: str, known: Iterable[str], *path: str | int) -> None:
    names = list(known)
    if name not in names:
        raise ActionError(f"there is no '{name}' in this case; {suggest(name, names)}", path)


# Lines of the notebook


@dataclass(frozen=True)
class NotebookEntry:
    """A line of the notebook: an action, its time from start to end (s), its cost (USD), and its outcome.

    ring: the alarm that ended a wait; complaint: whether a customer's complaint did, and the words
    look, question: of a look, its name, and its name in the table of signs, which has no looks at one site alone
    """

    action: Action
    at_s: float
    until_s: float
    usd: float = 0.0
    finding: LookFinding | None = None
    ring: Ring | None = None
    complaint: bool = False
    said: str = ""
    waited: bool = False
    look: str = ""
    question: str = ""
    diagnosis: DiagnoseAction | None = None
    beliefs: BelieveAction | None = None

    def title(self, spec: Incident) -> str:
        if self.complaint:
            return "A customer asks"
        return "A monitor rings" if self.ring else self.action.title(spec)

    def when(self, moment: Callable[[float], str]) -> str:
        """Return the time of the entry, its length and its price; a wait has the time of its end. moment: a time in words"""
        took = hours(self.until_s - self.at_s)
        parts = [moment(self.until_s if self.waited else self.at_s)]
        parts += [f"after {took}" if self.waited else took] if self.until_s > self.at_s else []
        return ", ".join([*parts, *([usd(self.usd)] if self.usd else [])])

    def outcome(self, spec: Incident) -> str:
        """Return the outcome of the action in a sentence."""
        if self.ring:
            return self.ring.sentence()
        if self.complaint:
            return self.said
        return self.finding.sentence if self.finding else self.action.outcome(spec)


@dataclass(frozen=True)
class Shipped:
    """A shipped fix: its name and its start (s), and the changes that it makes."""

    name: str
    at_s: float
    changes: tuple[Change, ...]
    picks: Mapping[str, Pick]
