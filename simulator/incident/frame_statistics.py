"""What is inside each frame: the figures that can be watched, what was found of what was there, and the harm done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.detection_tables import BINS, IMAGE_STATISTICS
from simulator.incident.cause_kinds import GuidelineEffect
from simulator.incident.measured_scenes import CLEAN_SETTING, Stock
from simulator.incident.secret import HOUR_S, Secret
from simulator.incident.section import Incident
from simulator.incident.stream import Change, Frames, Reviewed, ends_s
from simulator.records.streams import Streams

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Figures of the image as it is received, by their column; and of the network's input, by theirs.
_OF_IMAGE = {
    "brightness": "brightness",
    "contrast": "contrast",
    "sharpness": "sharpness",
    "saturation": "saturation",
    "noise": "noise",
    "entropy": "entropy_bits",
    "bytes": "jpeg_bytes_per_pixel",
}
_OF_INPUT = ("input_mean", "input_spread", "input_channels")


@dataclass(frozen=True, eq=False)
class Insides:
    """Looks up what is inside frames."""

    spec: Incident
    secret: Secret
    stock: Stock
    frames: Frames
    changes: Sequence[Change] = ()

    @property
    def _cell(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        return self.frames.network, self.frames.given, self.frames.scene

    def figure(self, name: str) -> Floats:
        """A figure of `WATCHED` for each frame, shape (n,); NaN where there is none: of dropped frames, of unlabelled ones."""
        frames = self.frames
        if name == "dropped":
            return frames.served.dropped.astype(float)
        if name == "latency":
            return frames.served.latency_s
        if name == "recall":
            found, there = self.labelled()
            return np.where(there > 0, found / np.maximum(there, 1e-9), np.nan)
        values = self._seen_or_given(name)
        return np.where(frames.served.dropped, np.nan, values)

    def _seen_or_given(self, name: str) -> Floats:
        frames, stock = self.frames, self.stock
        if name in _OF_IMAGE:
            column = list(IMAGE_STATISTICS).index(_OF_IMAGE[name])
            return np.asarray(stock.images[frames.seen, frames.scene, column], float)
        if name in _OF_INPUT:
            return np.asarray(stock.inputs[*self._cell, _OF_INPUT.index(name)], float)
        if name == "score":
            return np.asarray(stock.score[self._cell], float)
        if name == "found":
            return np.asarray(stock.tails[0][*self._cell, frames.bin], float)
        if name == "sure":
            return self._sure()
        assert name == "features"
        middle = stock.features[stock.settings[CLEAN_SETTING]][stock.scenes["reference"].to_numpy(bool)].mean(axis=0)
        return np.asarray(np.linalg.norm(self.vectors() - middle, axis=1), float)

    def vectors(self) -> Floats:
        """The features of each frame, shape (n, 16)."""
        return np.asarray(self.stock.features[self.frames.given, self.frames.scene], float)

    def _sure(self) -> Floats:
        """Detections that count, each as the share of such scores that is right on reference images (Garg et al. 2022)."""
        release = self.spec.release.detector, self.spec.release.precision
        right = self.stock.counts * self.stock.right_share(release)
        tails = np.cumsum(right[..., ::-1], axis=-1)[..., ::-1]
        return np.asarray(tails[*self._cell, self.frames.bin], float)

    # What is found

    def least_areas(self) -> Floats:
        """The smallest box (px) that people are told to label in each frame, shape (n,)."""
        least = np.full(len(self.frames), self.spec.labels.least_area_px)
        drawn = Streams(self.secret.seed).named("guideline").random(len(least))
        ends = ends_s(self.changes, "labels", self.secret)
        at_s = self.frames.at_s
        for effect, _ in self.secret.effects(self.spec):
            if isinstance(effect, GuidelineEffect):
                rising = (at_s - self.secret.onset_s) / max(self.secret.full_s(self.spec) - self.secret.onset_s, 1.0)
                least[(drawn < rising) & (at_s >= self.secret.onset_s) & (at_s < ends)] = effect.least_area_px
        return least

    def labelled(self) -> tuple[Floats, Floats]:
        """The weight found, and there, in frames that are labelled anyway, each shape (n,); NaN for other frames."""
        found, there = self.counted(np.flatnonzero(self.frames.labelled), self.least_areas()[self.frames.labelled])
        full = np.full((2, len(self.frames)), np.nan)
        full[:, self.frames.labelled] = found, there
        return full[0], full[1]

    def counted(self, rows: NDArray[np.int64], least_area_px: Floats) -> tuple[Floats, Floats]:
        """The weight found, and there, in these frames as people label them, shapes (rows,)."""
        there, missed = np.zeros((2, len(rows)))
        frames, weights = self.frames, self.spec.harm.weights
        for least in np.unique(least_area_px):
            by_scene = self.stock.there(weights, float(least))
            for bin_ in np.unique(frames.bin[rows]):
                mine = (least_area_px == least) & (frames.bin[rows] == bin_)
                chosen = rows[mine]
                there[mine] = by_scene[frames.scene[chosen]]
                lost = self.stock.missed(weights, float(least), BINS[bin_])
                missed[mine] = lost[frames.network[chosen], frames.given[chosen], frames.scene[chosen]]
        return there - missed, there

    def false(self) -> Floats:
        """Detections that count and are false, shape (n,)."""
        return np.asarray(self.stock.tails[1][*self._cell, self.frames.bin], float)

    # The harm

    def harm(self) -> Floats:
        """What each frame costs, in units of the least object: what is missed, by its weight, and what is needless; (n,)."""
        rows = np.arange(len(self.frames))
        found, there = self.counted(rows, np.zeros(len(rows)))
        needless = self.false() * self.spec.harm.needless.value
        harm = np.where(self.frames.served.dropped, there, there - found + needless)
        seen = np.zeros(len(rows), bool)
        for change in self.changes:
            if isinstance(change, Reviewed):
                looked = self.reviewed(change, seen)
                harm[looked] = (there - found)[looked] * (1 - change.finds)
                seen |= looked
        return harm

    def excess(self) -> Floats:
        """The harm in each frame beyond what the same system does to the same scene without the cause, shape (n,).

        With the same fixes in force, so that a model that is better everywhere gains nothing by that: what counts is how
        much of the harm of the cause is left.
        """
        frames = self.frames
        answered = replace(frames.served, latency_s=np.zeros(len(frames)))
        calm = replace(frames, served=answered, given=frames.calm_given, network=frames.calm_network, bin=frames.calm_bin)
        return np.asarray(self.harm() - replace(self, frames=calm).harm(), float)

    def reviewed(self, change: Reviewed, seen: Bools | None = None) -> Bools:
        """The frames that people look at: in each hour those with the fewest detections that are sure, shape (n,).

        seen: those that other people look at already
        """
        at_s = self.frames.at_s
        free = np.ones(len(at_s), bool) if seen is None else ~seen
        after = np.flatnonzero((at_s >= change.at_s) & ~self.frames.served.dropped & free)
        hour = (at_s[after] // HOUR_S).astype(np.int64)
        order = np.lexsort((self._sure()[after], hour))
        rank = np.arange(len(order)) - np.searchsorted(hour[order], hour[order])
        looked = np.zeros(len(at_s), bool)
        looked[after[order[rank < change.frames_per_h]]] = True
        return looked
