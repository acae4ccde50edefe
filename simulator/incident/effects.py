"""Causes and decoys of an incident, and the effects that they consist of: the fields of each kind and its change of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.case.document import Path
from simulator.case.fields import AS_WRITTEN, ClockTime, Line, Name, Prose, Share, Strict
from simulator.case.kinds import OneOf, registry
from simulator.errors import suggest

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.incident.incident_evidence import IncidentEvidence
    from simulator.incident.measured_scenes import MeasuredScenes
    from simulator.incident.section import Incident
    from simulator.incident.stream import FrameSettings, Stream, UnfinishedFrames

#: The part of a frame's way where a change enters: before the camera, in it, in the client's code, or on the servers.
#: A change at `labels` alters no frame, only the instructions to the people who label.
Enters = Literal["world", "camera", "client", "server", "labels"]

Faults = Iterator[tuple[Path, str]]
Days = Annotated[float, Field(ge=0, le=28)]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Where(Strict):
    """The frames that an effect strikes: those that meet every given condition; all frames without one."""

    sites: Annotated[list[Name], Field(max_length=32, description="at these sites; none: all")] = []
    one_site: Annotated[bool, Field(description="at one of these sites alone, which is drawn")] = False
    camera: Annotated[bool, Field(description="from one camera of the site alone, which is drawn")] = False
    version: Annotated[Name | None, Field(description="from clients of this version")] = None
    replicas: Annotated[Share | None, Field(description="answered by this share of the replicas, at least one")] = None
    hours: Annotated[
        Annotated[tuple[ClockTime, ClockTime], AS_WRITTEN] | None, Field(description="from one time of day to another")
    ] = None
    share: Annotated[Share, Field(description="the share of the time, or of the frames if no spell_h is given")] = 1.0
    spell_h: Annotated[float | None, Field(gt=0, le=672, description="mean hours it lasts at a time, as a fog does")] = None


@dataclass
class Replica:
    """The software of one replica: its model (detector, precision), and the conditions that its configuration brings."""

    model: tuple[str, str]
    conditions: list[str] = field(default_factory=list)


@dataclass
class OutsideEffects:
    """Effects that act before or beside the frames' way: on the scenes seen, on the servers' run, on labels.

    scenes: each with whether it belongs to the cause, not to the decoy
    """

    scenes: list[tuple[ScenesEffect, bool]] = field(default_factory=list)
    strikes: list[StrikeEffect] = field(default_factory=list)
    guidelines: list[GuidelineEffect] = field(default_factory=list)


class AnyEffect(Strict):
    """A change of the stream by a cause or decoy; heeds: the fields of `where` that it goes by.

    where: the frames that it strikes; none: all
    """

    heeds: ClassVar[frozenset[str]] = frozenset(Where.model_fields)

    kind: str
    where: Where = Where()

    @property
    def enters_at(self) -> Enters | Literal["load"]:
        raise NotImplementedError

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        """Yield names that refer to nothing."""
        for name in sorted(self.where.model_fields_set - self.heeds):
            yield ("where", name), f"{self.kind} goes by {', '.join(sorted(self.heeds)) or 'nothing'} of `where`"
        for index, site in enumerate(self.where.sites):
            if site not in incident.sites:
                yield ("where", "sites", index), f"'{site}' is not one of `incident.sites`; {suggest(site, incident.sites)}"
        if self.where.version is not None and self.where.version not in incident.versions:
            near = suggest(self.where.version, incident.versions)
            yield ("where", "version"), f"'{self.where.version}' is not one of `incident.versions`; {near}"

    def unmeasured(self, known: IncidentEvidence) -> Faults:
        yield from ()

    def join(self, outside: OutsideEffects, of_cause: bool) -> None:
        """Add itself to the effects that act before or beside the frames' way."""

    def change_frames(self, stream: Stream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        """Change the frames that it strikes, and return which, shape (n,); name: of its random streams."""
        return np.zeros(len(frames.usual), bool)

    def change_answers(self, scenes: MeasuredScenes, rows: Bools, given: Ints, network: Ints) -> None:
        """Change the setting and the network of stored frames that servers answer under it."""

    def change_replica(self, replica: Replica) -> None:
        """Change the software of a replica that runs under it."""


class ConditionEffect(AnyEffect):
    """Show frames as measured under a condition of the detection tables; a gentle start goes through its lower severities.

    severity: 1 to 3, as measured
    enters: the point where it enters: world, camera, client or server
    """

    kind: Literal["condition"]
    condition: Annotated[str, Field(max_length=40, description="a condition of the detection tables")]
    severity: Annotated[int, Field(ge=1, le=5)]
    enters: Enters

    @property
    def enters_at(self) -> Enters:
        return self.enters

    def unmeasured(self, known: IncidentEvidence) -> Faults:
        yield from known.setting_faults(self.condition, self.severity)

    def change_frames(self, stream: Stream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        rows = self._put_on(stream, frames, frames.settings, name)
        if of_cause:
            frames.calm.put(frames.usual, rows)
        else:
            self._put_on(stream, frames, frames.calm, name)
        return rows

    def _put_on(self, stream: Stream, frames: UnfinishedFrames, settings: FrameSettings, name: str) -> Bools:
        """Set the condition of the frames that it strikes, from the place where it enters on; return which."""
        strength = stream.strength(stream.served.arrived_s, frames.changes.undone, self.enters)
        by_share = self.condition in stream.scenes.bugs
        rows = stream.struck_rows(name, self.where, strength, by_share)
        severity = np.full(len(rows), self.severity) if by_share else np.ceil(strength * self.severity).astype(np.int64)
        for level in np.unique(severity[rows]):
            of_level = rows & (severity == level)
            for column in settings.from_entry(self.enters, by_share):
                column[of_level] = stream.scenes.settings[self.condition, int(level)]
        return rows

    def change_answers(self, scenes: MeasuredScenes, rows: Bools, given: Ints, network: Ints) -> None:
        given[rows] = scenes.settings[self.condition, self.severity]

    def change_replica(self, replica: Replica) -> None:
        replica.conditions.append(self.condition)


class NetworkEffect(AnyEffect):
    """Answer with a network other than the released one.

    detector: the measured network
    precision: its precision
    """

    kind: Literal["network"]
    detector: Annotated[str, Field(max_length=40)]
    precision: Annotated[str, Field(max_length=40)] = "fp32"

    @property
    def enters_at(self) -> Enters:
        return "server"

    def unmeasured(self, known: IncidentEvidence) -> Faults:
        yield from known.network_faults(self.detector, self.precision)

    def change_frames(self, stream: Stream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        strength = stream.strength(stream.served.arrived_s, frames.changes.undone, "server")
        rows = stream.struck_rows(name, self.where, strength, by_share=True)
        for column in [frames.network] if of_cause else [frames.network, frames.calm_network]:
            column[rows] = stream.scenes.networks[self.detector, self.precision]
        return rows

    def change_answers(self, scenes: MeasuredScenes, rows: Bools, given: Ints, network: Ints) -> None:
        network[rows] = scenes.networks[self.detector, self.precision]

    def change_replica(self, replica: Replica) -> None:
        replica.model = self.detector, self.precision


class ScenesEffect(AnyEffect):
    """Show cameras scenes of one group more often; with a condition, as measured under it.

    group: the group of scenes
    severity: 1 to 3, as measured
    """

    heeds: ClassVar[frozenset[str]] = frozenset({"sites", "one_site", "share"})

    kind: Literal["scenes"]
    group: Name
    condition: Annotated[str | None, Field(max_length=40, description="that they are seen under; none: as usual")] = None
    severity: Annotated[int, Field(ge=1, le=5)] = 1

    @property
    def enters_at(self) -> Enters:
        return "world"

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        yield from super().check(incident, scenario)
        if self.group not in incident.scenes.groups:
            near = suggest(self.group, incident.scenes.groups)
            yield ("group",), f"'{self.group}' is not one of `incident.scenes.groups`; {near}"

    def unmeasured(self, known: IncidentEvidence) -> Faults:
        if self.condition is not None:
            yield from known.setting_faults(self.condition, self.severity)

    def join(self, outside: OutsideEffects, of_cause: bool) -> None:
        outside.scenes.append((self, of_cause))

    def change_frames(self, stream: Stream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        rows = frames.scene_setting >= 0
        frames.settings.put(frames.scene_setting, rows)
        frames.calm.put(frames.usual, rows)
        return rows


class StrikeEffect(AnyEffect):
    """Let curveballs strike the servers, at the onset or, with a gentle start, some days after it.

    at_once: curveballs that strike at the onset
    gently: curveballs by the days after a gentle onset
    """

    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["strike"]
    at_once: Annotated[list[Name], Field(min_length=1, max_length=16)]
    gently: Annotated[dict[Name, Days], Field(max_length=16)] = {}

    @property
    def enters_at(self) -> Literal["load"]:
        return "load"

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        yield from super().check(incident, scenario)
        for place, names in (("at_once", self.at_once), ("gently", self.gently)):
            for name in names:
                if name not in scenario.curveballs:
                    yield (place,), f"'{name}' is not one of `curveballs`; {suggest(name, scenario.curveballs)}"

    def join(self, outside: OutsideEffects, of_cause: bool) -> None:
        outside.strikes.append(self)

    def days(self, gentle: bool) -> dict[str, float]:
        return self.gently if gentle and self.gently else dict.fromkeys(self.at_once, 0.0)


class GuidelineEffect(AnyEffect):
    """Instruct people to label smaller objects than before: labels change, frames do not."""

    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["guideline"]
    least_area_px: Annotated[float, Field(ge=0, le=1e7, description="the smallest box that is labelled from then on")]

    @property
    def enters_at(self) -> Enters:
        return "labels"

    def join(self, outside: OutsideEffects, of_cause: bool) -> None:
        outside.guidelines.append(self)


#: Every kind of effect that a case may name, by that name.
EFFECTS: dict[str, type[AnyEffect]] = registry(ConditionEffect, NetworkEffect, ScenesEffect, StrikeEffect, GuidelineEffect)
Effect = Annotated[AnyEffect, OneOf(EFFECTS)]


class SuspectEntry(Strict):
    """A line in the log of changes: the change, in the words of its author.

    system: the system that changed
    text: the words of the log
    """

    system: Literal["model", "library", "client", "site", "labels", "servers"]
    text: Line


class Cause(Strict):
    """A possible origin of an incident, with the lesson that it teaches.

    label: its name on the page
    source: a publication on it
    effects: the changes that it makes
    shapes: abrupt or gentle
    log: the entry in the log of changes
    """

    label: Line
    teaches: Annotated[Prose, Field(description="shown afterwards: how it can be known, and what ends it")]
    source: Line | None = None
    effects: Annotated[list[Effect], Field(min_length=1, max_length=8)]
    shapes: Annotated[list[Literal["abrupt", "gentle"]], Field(min_length=1, max_length=2)] = ["abrupt", "gentle"]
    often: Annotated[float, Field(gt=0, le=1000, description="how often it comes, against 1 of another cause")] = 1
    harmless: Annotated[bool, Field(description="nothing fails: the right answer is to change nothing")] = False
    log: SuspectEntry | None = None
    decoys: Annotated[list[Name], Field(max_length=16, description="one of them moves at the onset; empty: any")] = []

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        yield from _effects(self.effects, incident, scenario)
        for index, name in enumerate(self.decoys):
            if name not in incident.decoys:
                yield ("decoys", index), f"'{name}' is not one of `incident.decoys`; {suggest(name, incident.decoys)}"


class Decoy(Strict):
    """A harmless change at the moment of the onset: a log entry, an effect that does no harm, or both.

    label: its name on the page
    log: the entry in the log of changes
    effects: the changes that it makes
    """

    written: ClassVar[str] = "{label: ..., log: {system: library, text: ...}}"

    label: Line
    log: SuspectEntry | None = None
    effects: Annotated[list[Effect], Field(max_length=8)] = []

    def check(self, incident: Incident, scenario: Scenario) -> Faults:
        yield from _effects(self.effects, incident, scenario)


def _effects(effects: list[Effect], incident: Incident, scenario: Scenario) -> Faults:
    for index, effect in enumerate(effects):
        yield from ((("effects", index, *path), message) for path, message in effect.check(incident, scenario))
