"""Causes and decoys of an incident, and the effects that they consist of: the fields of each kind and its change of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.case.document import Path
from simulator.case.fields import AS_WRITTEN, ClockTime, Line, Name, Prose, Share, Strict
from simulator.case.kinds import OneOf, registry
from simulator.case.references import Ref
from simulator.evidence.detection_tables import BINS

if TYPE_CHECKING:
    from simulator.arrays import Bools
    from simulator.incident.frame_columns import FrameSide, FrameStream, UnfinishedFrames
    from simulator.incident.measured_scenes import MeasuredScenes

#: The part of a frame's way where a change enters: before the camera, in it, in the client's code, or on the servers.
#: A change at `labels` alters no frame, only the instructions to the people who label.
Enters = Literal["world", "camera", "client", "server", "labels"]
Entry = Enters | Literal["load"]

Faults = Iterator[tuple[Path, str]]
Days = Annotated[float, Field(ge=0, le=28)]


class Where(Strict):
    """The frames that an effect strikes: those that meet every given condition; all frames without one."""

    sites: Annotated[list[Annotated[Name, Ref("site")]], Field(max_length=32)] = []
    """at these sites; none: all"""
    one_site: bool = False
    """at one of these sites alone, which is drawn"""
    camera: bool = False
    """from one camera of the site alone, which is drawn"""
    version: Annotated[Name, Ref("version")] | None = None
    """from clients of this version"""
    replicas: Share | None = None
    """answered by this share of the replicas, at least one"""
    hours: Annotated[tuple[ClockTime, ClockTime], AS_WRITTEN] | None = None
    """from one time of day to another"""
    share: Share = 1.0
    """the share of the time, or of the frames if no spell_h is given"""
    spell_h: Annotated[float | None, Field(gt=0, le=672)] = None
    """mean hours it lasts at a time, as a fog does"""


@dataclass
class Replica:
    """One replica: its model (detector, precision), the conditions and rules of counting of its configuration."""

    model: tuple[str, str]
    conditions: list[str] = field(default_factory=list)
    counting: list[str] = field(default_factory=list)
    old: bool = False


class AnyEffect(Strict):
    """A change of the stream; entry: where the kind enters; heeds: the fields of `where` that it goes by."""

    entry: ClassVar[Entry] = "server"
    heeds: ClassVar[frozenset[str]] = frozenset(Where.model_fields)

    kind: str
    where: Where = Where()
    """the frames that it strikes; none: all"""

    @property
    def enters_at(self) -> Entry:
        return self.entry

    def check(self) -> Faults:
        """Yield conditions that the effect does not go by."""
        for name in sorted(self.where.model_fields_set - self.heeds):
            yield ("where", name), f"{self.kind} goes by {', '.join(sorted(self.heeds)) or 'nothing'} of `where`"

    def change_frames(self, stream: FrameStream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        """Change the frames that it strikes, and return which, shape (n,); name: of its random streams."""
        return np.zeros(len(frames.usual), bool)

    def put_on(self, scenes: MeasuredScenes, rows: Bools, side: FrameSide) -> None:
        """Change frames that the servers answer under it at its full strength."""

    def change_replica(self, replica: Replica) -> None:
        """Change the software of a replica that runs under it."""


class ConditionEffect(AnyEffect):
    """Show frames as measured under a condition of the detection tables; a gentle start goes through its lower severities."""

    kind: Literal["condition"]
    condition: Annotated[str, Field(max_length=40)]
    """a condition of the detection tables"""
    severity: Annotated[int, Field(ge=1, le=5)]
    """1 to 3, as measured"""
    enters: Enters
    """the point where it enters: world, camera, client or server"""

    @property
    def enters_at(self) -> Enters:
        return self.enters

    def change_frames(self, stream: FrameStream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        """Set the condition of the frames that it strikes, from the place where it enters on."""
        strength = stream.strength(stream.served.arrived_s, frames.changes.undone, self.enters)
        by_share = self.condition in stream.scenes.bugs
        rows = stream.struck_rows(name, self.where, strength, by_share)
        severity = np.full(len(rows), self.severity) if by_share else np.ceil(strength * self.severity).astype(np.int64)
        for level in np.unique(severity[rows]):
            of_level = rows & (severity == level)
            for side in frames.sides(of_cause):
                for column in side.from_entry(self.enters, by_share):
                    column[of_level] = stream.scenes.settings[self.condition, int(level)]
        if of_cause:
            frames.calm.put(frames.usual, rows)
        return rows

    def put_on(self, scenes: MeasuredScenes, rows: Bools, side: FrameSide) -> None:
        side.given[rows] = scenes.settings[self.condition, self.severity]

    def change_replica(self, replica: Replica) -> None:
        replica.conditions.append(self.condition)


class ServerEffect(AnyEffect):
    """A change on the servers, which strikes a share of the frames."""

    def change_frames(self, stream: FrameStream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        strength = stream.strength(stream.served.arrived_s, frames.changes.undone, "server")
        rows = stream.struck_rows(name, self.where, strength, by_share=True)
        for side in frames.sides(of_cause):
            self.put_on(stream.scenes, rows, side)
        return rows


class NetworkEffect(ServerEffect):
    """Answer with a network other than the released one."""

    kind: Literal["network"]
    detector: Annotated[str, Field(max_length=40)]
    """the measured network"""
    precision: Annotated[str, Field(max_length=40)] = "fp32"
    """its precision"""
    file: Annotated[tuple[str, str], AS_WRITTEN] | None = None
    """detector and precision of the file that runs, where its answers on this processor are stood in for"""
    old_processor: bool = False
    """whether it runs so on replicas with an old processor alone"""

    def put_on(self, scenes: MeasuredScenes, rows: Bools, side: FrameSide) -> None:
        side.network[rows] = scenes.networks[self.detector, self.precision]

    def change_replica(self, replica: Replica) -> None:
        replica.model = self.file or (self.detector, self.precision)
        replica.old |= self.old_processor


class CountingEffect(ServerEffect):
    """Count other detections than before: from another score on, or at most a number a frame, the surest first."""

    kind: Literal["counting"]
    above: Annotated[float, Field(ge=0.05, le=0.9)] = 0.05
    """the least score that counts"""
    most: Annotated[int, Field(ge=1, le=1000)] = 1000
    """the most that a frame keeps"""

    def put_on(self, scenes: MeasuredScenes, rows: Bools, side: FrameSide) -> None:
        side.count(rows, int(np.searchsorted(BINS, self.above - 1e-9)), self.most)

    def change_replica(self, replica: Replica) -> None:
        replica.counting.append(f"above {self.above:g}, most {self.most}")


class ScenesEffect(AnyEffect):
    """Show cameras scenes of one group more often; with a condition, as measured under it."""

    entry: ClassVar[Entry] = "world"
    heeds: ClassVar[frozenset[str]] = frozenset({"sites", "one_site", "share"})

    kind: Literal["scenes"]
    group: Annotated[Name, Ref("scene_group")]
    """the group of scenes"""
    condition: Annotated[str | None, Field(max_length=40)] = None
    """that they are seen under; none: as usual"""
    severity: Annotated[int, Field(ge=1, le=5)] = 1
    """1 to 3, as measured"""

    def change_frames(self, stream: FrameStream, frames: UnfinishedFrames, name: str, of_cause: bool) -> Bools:
        rows = frames.scene_setting >= 0
        frames.real.put(frames.scene_setting, rows)
        frames.calm.put(frames.usual, rows)
        return rows


_CurveballName = Annotated[Name, Ref("curveball", "'{}' is not one of `curveballs`", "there is none to choose")]


class StrikeEffect(AnyEffect):
    """Let curveballs strike the servers, at the onset or, with a gentle start, some days after it."""

    entry: ClassVar[Entry] = "load"
    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["strike"]
    at_once: Annotated[list[_CurveballName], Field(min_length=1, max_length=16)]
    """curveballs that strike at the onset"""
    gently: Annotated[dict[_CurveballName, Days], Field(max_length=16)] = {}
    """curveballs by the days after a gentle onset"""

    def days(self, gentle: bool) -> dict[str, float]:
        return self.gently if gentle and self.gently else dict.fromkeys(self.at_once, 0.0)


class GuidelineEffect(AnyEffect):
    """Instruct people to label smaller objects than before: labels change, frames do not."""

    entry: ClassVar[Entry] = "labels"
    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["guideline"]
    least_area_px: Annotated[float, Field(ge=0, le=1e7)]
    """the smallest box that is labelled from then on"""


class SlipEffect(AnyEffect):
    """Let people draw some boxes in the wrong place: an object that the detector finds counts as missed then."""

    entry: ClassVar[Entry] = "labels"
    heeds: ClassVar[frozenset[str]] = frozenset()

    kind: Literal["slips"]
    share: Share
    """of the labelled objects"""


#: Every kind of effect that a case may name, by that name.
EFFECTS: dict[str, type[AnyEffect]] = registry(
    ConditionEffect, NetworkEffect, CountingEffect, ScenesEffect, StrikeEffect, GuidelineEffect, SlipEffect
)
Effect = Annotated[AnyEffect, OneOf(EFFECTS)]


System = Literal["model", "library", "client", "site", "labels", "servers"]


class LogEntry(Strict):
    """A line that the log of changes may hold, with and without a fault."""

    system: System
    """the system that changed"""
    text: Line
    """the words of the log"""
    diff: Annotated[list[Line], Field(max_length=12)] = []
    """changed lines of a file, - before and + after"""
    a_month: Annotated[float, Field(ge=0, le=30)] = 0.5
    """how often it comes in a month without a fault"""


Shape = Literal["abrupt", "gentle", "intermittent"]
#: The people who can be asked.
Person = Literal["site", "data", "client"]


class Cause(Strict):
    """A possible origin of an incident, with the lesson that it teaches."""

    label: Line
    """its name on the page"""
    teaches: Prose
    """shown afterwards: how it can be known, and what ends it"""
    source: Line | None = None
    """a publication on it"""
    effects: Annotated[list[Effect], Field(max_length=8)] = []
    """the changes that it makes; none: nothing happens"""
    shapes: Annotated[list[Shape], Field(min_length=1, max_length=3)] = ["abrupt", "gentle"]
    """abrupt, gentle, or intermittent (it comes and goes)"""
    often: Annotated[float, Field(gt=0, le=1000)] = 1
    """how often it comes, against 1 of another cause"""
    harmless: bool = False
    """nothing fails: the right answer is to change nothing"""
    log: Annotated[list[Annotated[Name, Ref("log_entry")]], Field(max_length=8)] = []
    """lines of the log; one of them is written at the onset"""
    says: Annotated[dict[Person, Line], Field(max_length=3)] = {}
    """the words of each person who has noticed it"""
    copied: Share = 0.03
    """share of the test images that have a copy among the training images"""
    decoys: Annotated[list[Annotated[Name, Ref("decoy")]], Field(max_length=16)] = []
    """one of them moves at the onset; empty: any"""

    @property
    def enters_at(self) -> Entry | None:
        """The place in the system where its first effect enters; None: nothing happens."""
        return self.effects[0].enters_at if self.effects else None

    @property
    def changes_pictures(self) -> bool:
        return any(isinstance(effect, ConditionEffect | ScenesEffect) for effect in self.effects)


class Decoy(Strict):
    """A harmless change at the moment of the onset: a log entry, an effect that does no harm, or both."""

    written: ClassVar[str] = "{label: ..., log: [...]}"

    label: Line
    """its name on the page"""
    log: Annotated[list[Annotated[Name, Ref("log_entry")]], Field(max_length=8)] = []
    """lines of the log; one of them is written at the onset"""
    effects: Annotated[list[Effect], Field(max_length=8)] = []
    """the changes that it makes"""
