"""Columns of the frames: as servers answered them, as effects and fixes change them; and the stream as both see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from simulator.incident.effects import Enters, Where
    from simulator.incident.fixes import Changes, Undone
    from simulator.incident.measured_scenes import MeasuredScenes
    from simulator.records.streams import Streams


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


#: A frame keeps all its detections.
ALL_DETECTIONS = 1_000_000


@dataclass(frozen=True, eq=False)
class FrameSide:
    """Frames as effects and fixes change them in place, a row a frame, shapes (n,).

    at_s: when each is answered
    raw, seen, given: the setting of the camera's picture, of the servers' copy, and of the network's input
    bin: from which bin of scores detections count, -1 as long as that is the tested one; most: the detections that are kept
    whole: answered by a canary, with libraries and configuration as tested
    """

    at_s: Floats
    raw: Ints
    seen: Ints
    given: Ints
    network: Ints
    bin: Ints
    most: Ints
    whole: Bools

    @classmethod
    def tested(cls, at_s: Floats, setting: Ints, network: int) -> FrameSide:
        """Return frames of these settings, shapes (n,), as the tested release answers them."""
        networks, tested, most = (np.full(len(at_s), number) for number in (network, -1, ALL_DETECTIONS))
        raw, seen, given = (setting.copy() for _ in range(3))
        return cls(at_s, raw, seen, given, networks, tested, most, np.zeros(len(at_s), bool))

    def put(self, setting: Ints, rows: Bools) -> None:
        """Show some frames under other settings, from the camera on."""
        for column in (self.raw, self.seen, self.given):
            column[rows] = setting[rows]

    def from_entry(self, enters: Enters, by_mistake: bool) -> list[Ints]:
        if enters == "server" or by_mistake:
            return [self.given]
        return [self.seen, self.given] if enters == "client" else [self.raw, self.seen, self.given]

    def count(self, rows: Bools, floor: int, most: int) -> None:
        """Let detections of some frames count from a bin on, 0: as before, and at most so many of each."""
        if floor:
            self.bin[rows] = floor
        self.most[rows] = np.minimum(self.most[rows], most)


def capped(bins: Ints, most: Ints, tails: NDArray[np.float32]) -> Ints:
    """Return the bins from which on no frame keeps more than its most; tails: detections from each bin on, (n, bins)."""
    few = tails <= most[:, None]
    return np.asarray(np.maximum(bins, np.where(few.any(axis=1), np.argmax(few, axis=1), tails.shape[1] - 1)))


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
