"""Statistics of each frame: the figures that can be watched, the weight of found objects, and the harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Bools, Floats
from simulator.evidence.detection_tables import BINS, IMAGE_STATISTICS
from simulator.incident.effects import GuidelineEffect, SlipEffect
from simulator.incident.fixes import Change, Changes, Reviewed
from simulator.incident.measured_scenes import CLEAN_SETTING, MeasuredScenes
from simulator.incident.secret import HOUR_S, Secret
from simulator.incident.section import Incident
from simulator.incident.stream import Frames, ends_s
from simulator.incident.watches import Slicing
from simulator.records.streams import Streams

#: Columns of the figures of the received image, and the figures of the network's input in the order of theirs.
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
class FrameStatistics:
    """Look-ups of measured figures for the frames of a stream."""

    spec: Incident
    secret: Secret
    scenes: MeasuredScenes
    frames: Frames
    changes: Sequence[Change] = ()

    @cached_property
    def _by_kind(self) -> Changes:
        return Changes(self.changes)

    @property
    def _cell(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        return self.frames.network, self.frames.given, self.frames.scene

    def figure(self, name: str) -> Floats:
        """Return a figure of `WATCHED` for each frame, shape (n,); NaN for dropped frames, or for unlabelled ones."""
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
        frames, scenes = self.frames, self.scenes
        if name in _OF_IMAGE:
            column = list(IMAGE_STATISTICS).index(_OF_IMAGE[name])
            return np.asarray(scenes.images[frames.seen, frames.scene, column], float)
        if name in _OF_INPUT:
            return np.asarray(scenes.inputs[*self._cell, _OF_INPUT.index(name)], float)
        if name == "score":
            return np.asarray(scenes.score[self._cell], float)
        if name == "found":
            return np.asarray(scenes.tails[0][*self._cell, frames.bin], float)
        if name == "sure":
            return self._sure()
        assert name == "features"
        middle = scenes.features[scenes.settings[CLEAN_SETTING]][scenes.reference].mean(axis=0)
        return np.asarray(np.linalg.norm(self.vectors() - middle, axis=1), float)

    def vectors(self) -> Floats:
        """Return the features of each frame, shape (n, 16)."""
        return np.asarray(self.scenes.features[self.frames.given, self.frames.scene], float)

    def _sure(self) -> Floats:
        """Count detections, each as the share of right ones with its score on reference images (Garg et al. 2022)."""
        right = self.scenes.counts * self.scenes.right_share(self.spec.release.network)
        tails = np.cumsum(right[..., ::-1], axis=-1)[..., ::-1]
        return np.asarray(tails[*self._cell, self.frames.bin], float)

    def slices(self, by: Slicing) -> dict[str, Bools]:
        """Return the frames of each slice, by its name; a dropped frame belongs to no replica."""
        names, place = self.placed(by)
        return {name: place == number for number, name in enumerate(names)}

    def placed(self, by: Slicing) -> tuple[list[str], NDArray[np.int64]]:
        """Return the names of the slices, and the place of the slice of each frame among them, shape (n,); -1: in none."""
        frames, spec = self.frames, self.spec
        if by == "all":
            return ["all"], np.zeros(len(frames), np.int64)
        if by == "site":
            return [site.label for site in spec.sites.values()], frames.site
        if by == "camera":
            return [f"{site.label} {place + 1}" for site in spec.sites.values() for place in range(site.cameras)], frames.camera
        if by == "version":
            return list(spec.versions.values()), frames.version
        replica = frames.served.replica.astype(np.int64)
        return [f"replica {place + 1}" for place in range(int(replica.max(initial=0)) + 1)], replica

    # Labels

    def least_areas(self) -> Floats:
        """Return the smallest box (px) that people should label in each frame, shape (n,)."""
        least = np.full(len(self.frames), self.spec.labels.least_area_px)
        drawn = Streams(self.secret.seed).named("guideline").random(len(least))
        ends = ends_s(self._by_kind.undone, "labels", self.secret, self.spec)
        at_s = self.frames.at_s
        for effect, _ in self.secret.effects_of(self.spec, GuidelineEffect):
            rising = (at_s - self.secret.onset_s) / max(self.secret.full_s(self.spec) - self.secret.onset_s, 1.0)
            least[(drawn < rising) & (at_s >= self.secret.onset_s) & (at_s < ends)] = effect.least_area_px
        return least

    def labelled(self) -> tuple[Floats, Floats]:
        """Return the weight found, and present, in frames that are labelled anyway, each shape (n,); NaN for others."""
        found, there = self.as_labelled(np.flatnonzero(self.frames.labelled))
        full = np.full((2, len(self.frames)), np.nan)
        full[:, self.frames.labelled] = found, there
        return full[0], full[1]

    def as_labelled(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return the weight found, and present, as people label these frames when they come, shapes (rows,)."""
        found, there = self.counted(rows, self.least_areas()[rows])
        return found * (1 - self.slips(self.frames.at_s[rows])), there

    def slips(self, at_s: Floats) -> Floats:
        """Return the share of objects that people label in the wrong place at these times (s)."""
        ends = ends_s(self._by_kind.undone, "labels", self.secret, self.spec)
        share = sum(effect.share for effect, _ in self.secret.effects_of(self.spec, SlipEffect))
        return np.where((at_s >= self.secret.onset_s) & (at_s < ends), share, 0.0)

    def counted(self, rows: NDArray[np.int64], least_area_px: Floats) -> tuple[Floats, Floats]:
        """Return the weight found, and present, in these frames as people label them, shapes (rows,)."""
        there, missed = np.zeros((2, len(rows)))
        frames, weights = self.frames, self.spec.harm.weights
        for least in np.unique(least_area_px):
            by_scene = self.scenes.there(weights, float(least))
            for bin_ in np.unique(frames.bin[rows]):
                alike = (least_area_px == least) & (frames.bin[rows] == bin_)
                chosen = rows[alike]
                there[alike] = by_scene[frames.scene[chosen]]
                lost = self.scenes.missed(weights, float(least), BINS[bin_])
                missed[alike] = lost[frames.network[chosen], frames.given[chosen], frames.scene[chosen]]
        return there - missed, there

    def false(self) -> Floats:
        """Return the false detections that count, shape (n,)."""
        return np.asarray(self.scenes.tails[1][*self._cell, self.frames.bin], float)

    # Harm

    def harm(self) -> Floats:
        """Return the cost of each frame, in units of the least object, shape (n,): missed objects by weight, and false ones."""
        rows = np.arange(len(self.frames))
        found, there = self.counted(rows, np.zeros(len(rows)))
        needless = self.false() * self.spec.harm.needless.value
        lost = self.frames.served.dropped.copy()
        for outage in self._by_kind.outages:
            lost |= (self.frames.at_s >= outage.at_s) & (self.frames.at_s < outage.until_s)
        harm = np.where(lost, there, there - found + needless)
        seen = np.zeros(len(rows), bool)
        for review in self._by_kind.reviews:
            looked = self.reviewed(review, seen)
            harm[looked] = (there - found)[looked] * (1 - review.finds)
            seen |= looked
        return harm

    @cached_property
    def excess(self) -> Floats:
        """The harm of the cause in each frame: the harm less that of a run without the cause, shape (n,).

        Both runs have the fixes in force, so that a model that is better everywhere gains nothing by that. Outages while a fix
        is shipped count as harm. Callers must not mutate the result.
        """
        frames = self.frames
        answered = replace(frames.served, latency_s=np.zeros(len(frames)))
        calm = replace(frames, served=answered, **vars(frames.calm))
        calm_changes = tuple(change for change in self.changes if change not in self._by_kind.outages)
        return np.asarray(self.harm() - replace(self, frames=calm, changes=calm_changes).harm(), float)

    def reviewed(self, review: Reviewed, seen: Bools | None = None) -> Bools:
        """Return the frames that people look at: in each hour those with the fewest sure detections, shape (n,).

        seen: frames that other people look at already
        """
        at_s = self.frames.at_s
        free = np.ones(len(at_s), bool) if seen is None else ~seen
        after = np.flatnonzero((at_s >= review.at_s) & ~self.frames.served.dropped & free)
        hour = (at_s[after] // HOUR_S).astype(np.int64)
        order = np.lexsort((self._sure()[after], hour))
        rank = np.arange(len(order)) - np.searchsorted(hour[order], hour[order])
        looked = np.zeros(len(at_s), bool)
        looked[after[order[rank < review.frames_per_h]]] = True
        return looked
