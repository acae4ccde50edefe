"""Columns of the frames: as servers answered them, as effects and fixes change them; and the stream as both see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulator.incident.effects import Enters, Where
    from simulator.incident.fixes import Changes, Undone
    from simulator.incident.measured_scenes import MeasuredScenes
    from simulator.records.streams import Streams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ServedFrames:
    """A row a frame, shapes (n,): its arrival (s), the time to its answer (s, NaN: dropped), the replica that gave it (or -1).

    replicas: their number before any action
    """

    arrived_s: Floats
    latency_s: Floats
    replica: NDArray[np.int16]
    replicas: int

    @property
    def dropped(self) -> Bools:
        return np.isnan(self.latency_s)


class FrameStream(Protocol):
    """A stream of frames (`Stream`) as effects and fixes see it.

    clock_s: when each frame comes, in seconds since midnight of the first day, shape (n,)
    """

    scenes: MeasuredScenes
    streams: Streams
    served: ServedFrames
    clock_s: Floats

    def strength(self, times: Floats, undone: Sequence[Undone], enters: str) -> Floats:
        """Return the strength of the cause at these times (s), 0 to 1, until it is undone where it enters."""

    def struck_rows(self, name: str, where: Where, strength: Floats, by_share: bool) -> Bools:
        """Return the frames that an effect strikes; by_share: its share grows with its strength, not its severity."""


@dataclass(frozen=True, eq=False)
class FrameSettings:
    """The setting of each frame as the camera gives it, as the servers receive it, and as the network is given it."""

    raw: Ints
    seen: Ints
    given: Ints

    @classmethod
    def all_of(cls, setting: Ints) -> FrameSettings:
        return cls(setting.copy(), setting.copy(), setting.copy())

    def put(self, setting: Ints, rows: Bools) -> None:
        for column in (self.raw, self.seen, self.given):
            column[rows] = setting[rows]

    def from_entry(self, enters: Enters, by_mistake: bool) -> list[Ints]:
        if enters == "server" or by_mistake:
            return [self.given]
        return [self.seen, self.given] if enters == "client" else [self.raw, self.seen, self.given]


#: A frame keeps all its detections.
ALL_DETECTIONS = 1_000_000


@dataclass(frozen=True, eq=False)
class CountingRules:
    """The bin of scores from which on detections of a frame count, -1: as tested, and the most that it keeps, shapes (n,)."""

    floor: Ints
    most: Ints

    @classmethod
    def tested(cls, count: int) -> CountingRules:
        return cls(np.full(count, -1), np.full(count, ALL_DETECTIONS))

    def put(self, rows: Bools, floor: int, most: int) -> None:
        """Change the rules of some frames; a floor of 0 leaves it."""
        if floor:
            self.floor[rows] = floor
        self.most[rows] = np.minimum(self.most[rows], most)

    def capped(self, bins: Ints, tails: NDArray[np.float32]) -> Ints:
        """Return the bins from which on no frame keeps more than its most; tails: detections from each bin on, (n, bins)."""
        few = np.argmax(tails <= self.most[:, None], axis=1)
        enough = np.where((tails <= self.most[:, None]).any(axis=1), few, tails.shape[1] - 1)
        return np.where(self.most < ALL_DETECTIONS, np.maximum(bins, enough), bins)


@dataclass(frozen=True, eq=False)
class FrameSide:
    """Frames before they are answered, shapes (n,): their settings, the network of each, and the rules of counting."""

    settings: FrameSettings
    network: Ints
    counting: CountingRules


@dataclass(frozen=True, eq=False)
class UnfinishedFrames:
    """Frames while effects change them, shapes (n,); calm: as they are without the cause.

    scene_setting: the setting that a change of the scenes brings, -1 without one
    """

    changes: Changes
    usual: Ints
    scene_setting: Ints
    real: FrameSide
    calm: FrameSide

    def sides(self, of_cause: bool) -> list[FrameSide]:
        """Return what an effect changes: a decoy is there without the cause too."""
        return [self.real] if of_cause else [self.real, self.calm]


@dataclass(eq=False)
class AnsweredFrames:
    """The answers to frames at their times (s), shapes (n,).

    bin: from which bin of scores detections count; whole: with libraries and configuration as tested
    """

    at_s: Floats
    network: Ints
    bin: Ints
    whole: Bools
