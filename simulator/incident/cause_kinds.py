"""What may be behind an incident: causes and decoys, each a list of effects on the frames from some time on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from simulator.case.document import Path
from simulator.case.fields import ClockTime, Line, Name, Prose, Share, Strict
from simulator.case.kinds import OneOf, registry
from simulator.errors import suggest

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.incident.section import Incident

#: Where on its way to an answer a frame is changed: before the camera, in it, in the client's code, or on the servers. What
#: enters at `labels` changes no frame, only what people are told to label.
Enters = Literal["world", "camera", "client", "server", "labels"]

Faults = Iterator[tuple[Path, str]]
Days = Annotated[float, Field(ge=0, le=28)]


class Where(Strict):
    """Which frames an effect strikes: those that fit everything that is given; nothing given: all."""

    sites: Annotated[list[Name], Field(max_length=32, description="at these sites; none: all")] = []
    one_site: Annotated[bool, Field(description="at one of these sites alone, which is drawn")] = False
    camera: Annotated[bool, Field(description="from one camera of the site alone, which is drawn")] = False
    version: Annotated[Name | None, Field(description="from clients of this version")] = None
    replicas: Annotated[Share | None, Field(description="answered by this share of the replicas, at least one")] = None
    hours: Annotated[tuple[ClockTime, ClockTime] | None, Field(description="from one time of day to another")] = None
    share: Annotated[Share, Field(description="the share of the time, or of the frames if no spell_h is given")] = 1.0
    spell_h: Annotated[float | None, Field(gt=0, le=672, description="mean hours it lasts at a time, as a fog does")] = None


class AnyEffect(Strict):
    """One way in which a cause or decoy changes the stream; heeds: the fields of `where` that it goes by."""

    heeds: ClassVar[frozenset[str]] = frozenset(Where.model_fields)

    kind: str
    where: Where = Where()

    @property
    def enters_at(self) -> Enters:
        """Where it enters a frame's way."""
        raise NotImplementedError

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        """Its names refer to something."""
        for name in sorted(self.where.model_fields_set - self.heeds):
            yield ("where", name), f"{self.kind} goes by {', '.join(sorted(self.heeds)) or 'nothing'} of `where`"
        for index, site in enumerate(self.where.sites):
            if site not in incident.sites:
                yield ("where", "sites", index), f"'{site}' is not one of `incident.sites`; {suggest(site, incident.sites)}"
        if self.where.version is not None and self.where.version not in incident.versions:
            told = suggest(self.where.version, incident.versions)
            yield ("where", "version"), f"'{self.where.version}' is not one of `incident.versions`; {told}"


class ConditionEffect(AnyEffect):
    """Frames are as measured under a condition of the detection tables; where it comes gently, through its lower severities."""

    kind: Literal["condition"]
    condition: Annotated[str, Field(max_length=40, description="a condition of the detection tables")]
    severity: Annotated[int, Field(ge=1, le=5)]
    enters: Enters

    @property
    def enters_at(self) -> Enters:
        """As the author says."""
        return self.enters


class NetworkEffect(AnyEffect):
    """Another network answers than the one that was released."""

    kind: Literal["network"]
    detector: Annotated[str, Field(max_length=40)]
    precision: Annotated[str, Field(max_length=40)] = "fp32"

    @property
    def enters_at(self) -> Enters:
        """On the servers."""
        return "server"


class ScenesEffect(AnyEffect):
    """Cameras see scenes of one group more often; with a condition, as measured under it."""

    heeds: ClassVar[frozenset[str]] = frozenset({"sites", "one_site", "share"})

    kind: Literal["scenes"]
    group: Name
    condition: Annotated[str | None, Field(max_length=40, description="under which they are seen; none: as usual")] = None
    severity: Annotated[int, Field(ge=1, le=5)] = 1

    @property
    def enters_at(self) -> Enters:
        """Before the camera."""
        return "world"

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        """The group exists."""
        yield from super().check(incident, scenario)
        if self.group not in incident.scenes.groups:
            told = suggest(self.group, incident.scenes.groups)
            yield ("group",), f"'{self.group}' is not one of `incident.scenes.groups`; {told}"


class StrikeEffect(AnyEffect):
    """Curveballs strike the servers, at the onset or, where it comes gently, so many days after it."""

    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["strike"]
    at_once: Annotated[list[Name], Field(min_length=1, max_length=16)]
    gently: Annotated[dict[Name, Days], Field(max_length=16)] = {}

    @property
    def enters_at(self) -> Enters:
        """On the servers, though rolling back what they run does not undo it."""
        return "world"

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        """The curveballs exist."""
        yield from super().check(incident, scenario)
        for place, names in (("at_once", self.at_once), ("gently", self.gently)):
            for name in names:
                if name not in scenario.curveballs:
                    yield (place,), f"'{name}' is not one of `curveballs`; {suggest(name, scenario.curveballs)}"


class GuidelineEffect(AnyEffect):
    """People are told to label smaller objects than before: labels change, frames do not."""

    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["guideline"]
    least_area_px: Annotated[float, Field(ge=0, le=1e7, description="the smallest box that is labelled from then on")]

    @property
    def enters_at(self) -> Enters:
        """With the labels."""
        return "labels"


#: Every kind of effect that a case may name, by that name.
EFFECTS: dict[str, type[AnyEffect]] = registry(ConditionEffect, NetworkEffect, ScenesEffect, StrikeEffect, GuidelineEffect)
Effect = Annotated[AnyEffect, OneOf(EFFECTS)]


class SuspectEntry(Strict):
    """A line in the log of changes: what was changed, in the words of whoever did."""

    system: Literal["model", "library", "client", "site", "labels", "servers"]
    text: Line


class Cause(Strict):
    """What may be behind an incident, and what is learned from it."""

    label: Line
    teaches: Annotated[Prose, Field(description="told afterwards: how it can be known, and what ends it")]
    source: Line | None = None
    effects: Annotated[list[Effect], Field(min_length=1, max_length=8)]
    shapes: Annotated[list[Literal["abrupt", "gentle"]], Field(min_length=1, max_length=2)] = ["abrupt", "gentle"]
    harmless: Annotated[bool, Field(description="nothing fails: the right answer is to change nothing")] = False
    log: SuspectEntry | None = None
    decoys: Annotated[list[Name], Field(max_length=16, description="one of which moves at the same moment; empty: any")] = []

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        """Its effects fit, and its decoys exist."""
        yield from _effects(self.effects, incident, scenario)
        for index, name in enumerate(self.decoys):
            if name not in incident.decoys:
                yield ("decoys", index), f"'{name}' is not one of `incident.decoys`; {suggest(name, incident.decoys)}"


class Decoy(Strict):
    """Something harmless that moves at the same moment: a log entry, an effect that does no harm, or both."""

    written: ClassVar[str] = "{label: ..., log: {system: library, text: ...}}"

    label: Line
    log: SuspectEntry | None = None
    effects: Annotated[list[Effect], Field(max_length=8)] = []

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        """Its effects fit."""
        yield from _effects(self.effects, incident, scenario)


def _effects(effects: list[Effect], incident: Incident, scenario: Scenario) -> Faults:
    for index, effect in enumerate(effects):
        yield from ((("effects", index, *path), message) for path, message in effect.check(incident, scenario))
