"""Measurements of every scene, as arrays in which a frame looks up its picture, its input and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Bools, Ints
from simulator.evidence.detection_tables import BINS, CLEAN, FP32, IMAGE_STATISTICS, load_detections
from simulator.evidence.scene_tables import NUMBERS, load_features, load_scenes

Floats = NDArray[np.float32]

#: A condition and its severity; a detector and its precision.
Setting = tuple[str, int]
Network = tuple[str, str]

CLEAN_SETTING: Setting = (CLEAN, 0)
INPUTS = ("input_mean", "input_std", "input_first_less_last")
_FOUND = [f"found_{round(100 * low):02d}" for low in BINS]
_FALSE = [f"false_{round(100 * low):02d}" for low in BINS]


@dataclass(frozen=True, eq=False)
class SceneBoxes:
    """The labelled boxes of all scenes, shapes (boxes,): the scene, the category and the area in pixels of each.

    corners: left, top, width and height of each in pixels, shape (boxes, 4)
    """

    scene: Ints
    category: NDArray[np.str_]
    area_px: Floats
    corners: Floats = field(default_factory=lambda: np.zeros((0, 4), np.float32))


@dataclass(frozen=True, eq=False)
class MeasuredScenes:
    """Measurements by network (n), setting (s) and scene (c).

    scenes: a row a scene: its name, kind (image, crop, mixture), parents, and whether it is of the reference
    images: statistics of the image, (s, c, 8); features: (s, c, 16)
    inputs: mean, spread and first channel less last of the network's input, (n, s, c, 3)
    counts, false: detections, and false ones, whose score is in each bin, (n, s, c, 10)
    score: the mean score of all detections, (n, s, c)
    box_scores: the score that each box was found with, (n, s, boxes)
    measured: whether there are measurements, (n, s); the nearest measured severity stands in for a missing one
    files: the hash of the file of each detector
    """

    scenes: pd.DataFrame
    boxes: SceneBoxes
    networks: dict[Network, int]
    settings: dict[Setting, int]
    bugs: frozenset[str]
    images: Floats
    features: Floats
    inputs: Floats
    counts: Floats
    false: Floats
    score: Floats
    box_scores: Floats
    measured: Bools
    files: dict[str, str] = field(default_factory=dict)

    @cached_property
    def reference(self) -> Bools:
        """The scenes that the team collected, shape (c,); all others are of production."""
        return self.scenes["reference"].to_numpy(bool)

    def cell(self, network: Network, setting: Setting) -> tuple[int, int]:
        """Return the places of a network and a setting; raises KeyError for a condition that was not measured at all."""
        n, s = self.networks[network], self.settings[setting]
        if not self.measured[n, s]:
            raise KeyError((network, setting))
        return n, s

    @cached_property
    def tails(self) -> tuple[Floats, Floats]:
        """Detections, and false ones, at or above each bin's lower edge, each (n, s, c, 10)."""
        first, second = (np.cumsum(each[..., ::-1], axis=-1)[..., ::-1] for each in (self.counts, self.false))
        return np.ascontiguousarray(first), np.ascontiguousarray(second)

    def missed(self, weights: Mapping[str, float], least_area_px: float, above: float) -> Floats:
        """Return the weight of each scene's labelled boxes that are not found with a score of `above`, (n, s, c).

        weights: of a box by its category, 1 for others; boxes smaller than least_area_px do not count
        """
        key = tuple(sorted(weights.items())), least_area_px, above
        if key not in self._missed:
            self._missed[key] = self._by_scene(self._weights(weights, least_area_px) * (self.box_scores < above))
        return self._missed[key]

    @cached_property
    def _missed(self) -> dict[tuple[object, float, float], Floats]:
        return {}

    def there(self, weights: Mapping[str, float], least_area_px: float) -> Floats:
        """Return the weight of all labelled boxes of each scene, shape (c,)."""
        weight = self._weights(weights, least_area_px)
        return np.asarray(np.bincount(self.boxes.scene, weight, len(self.scenes)), np.float32)

    def _weights(self, weights: Mapping[str, float], least_area_px: float) -> Floats:
        by_category = np.array([weights.get(name, 1.0) for name in self.boxes.category], np.float32)
        return np.asarray(by_category * (self.boxes.area_px >= least_area_px), np.float32)

    def _by_scene(self, values: Floats) -> Floats:
        order = np.argsort(self.boxes.scene, kind="stable")
        scenes, starts = np.unique(self.boxes.scene[order], return_index=True)
        sums = np.add.reduceat(values[..., order], starts, axis=-1)
        full = np.zeros((*values.shape[:-1], len(self.scenes)), np.float32)
        full[..., scenes] = sums
        return full

    def best_bin(self, network: Network) -> int:
        """Return the bin from which on detections count: the one with the best F1 on the clean reference scenes."""
        n, s = self.cell(network, CLEAN_SETTING)
        counted, false = (each[n, s][self.reference].sum(axis=0) for each in self.tails)
        boxes = int(self.reference[self.boxes.scene].sum())
        return int(np.argmax(2 * (counted - false) / (counted + boxes)))

    @cached_property
    def tested_bins(self) -> Ints:
        """The bin from which on detections of each network count, (n,): the best of its detector at 32 bits, as tested."""
        return np.array([self.best_bin((detector, FP32)) for detector, _ in self.networks], np.int64)

    def right_share(self, network: Network) -> Floats:
        """Return the share of right detections in each bin, on the clean reference scenes, shape (10,)."""
        n, s = self.cell(network, CLEAN_SETTING)
        counts, false = (each[n, s][self.reference].sum(axis=0) for each in (self.counts, self.false))
        return np.asarray(1 - false / np.maximum(counts, 1), np.float32)


@lru_cache(maxsize=1)
def read_scenes() -> MeasuredScenes:
    """Read the measurements; raises EvidenceError for tables that cannot be used."""
    tables, features, more = load_detections(), load_features(), load_scenes()
    names = more.scenes["scene"].to_numpy(str)
    place = {name: index for index, name in enumerate(names)}
    answers = pd.concat([tables.answers, more.answers], ignore_index=True)
    images = pd.concat([tables.images, more.images], ignore_index=True)
    numbers = pd.concat([features.rows, more.features], ignore_index=True)
    networks = {pair: index for index, pair in enumerate(_pairs(answers, "detector", "precision"))}
    settings: dict[Setting, int] = {
        (str(name), int(severity)): index for index, (name, severity) in enumerate(_pairs(answers, "condition", "severity"))
    }
    shape = len(networks), len(settings), len(names)
    n, s, c = (_codes(answers, "detector", "precision", networks), _codes(answers, "condition", "severity", settings),
               answers["image"].map(place).to_numpy(int))  # fmt: skip

    def grid(columns: list[str]) -> Floats:
        full = np.full((*shape, len(columns)), np.nan, np.float32)
        full[n, s, c] = answers[columns].to_numpy(np.float32)
        return full

    boxes, box_scores = _boxes(tables.boxes, tables.outcomes, more.boxes, more.outcomes, place, networks, settings)
    score = grid(["score_mean"])[..., 0]
    chosen, measured = _stand_ins(np.asarray(np.isfinite(score).all(axis=2)), settings)
    rows = np.arange(shape[0])[:, None]
    return MeasuredScenes(
        scenes=more.scenes,
        boxes=boxes,
        networks=networks,
        settings=settings,
        bugs=frozenset(name for name, about in tables.about.conditions.items() if about.kind == "bug"),
        images=_of_images(images, list(IMAGE_STATISTICS), settings, place),
        features=_of_images(numbers, NUMBERS, settings, place),
        inputs=grid(list(INPUTS))[rows, chosen],
        counts=grid(_FOUND)[rows, chosen],
        false=grid(_FALSE)[rows, chosen],
        score=score[rows, chosen],
        box_scores=box_scores[rows, chosen],
        measured=measured,
        files={name: about.sha256 for name, about in tables.about.detectors.items()},
    )


def _pairs(rows: pd.DataFrame, first: str, second: str) -> list[tuple[str, str]]:
    pairs = rows[[first, second]].drop_duplicates()
    return sorted(zip(pairs[first].astype(str), pairs[second].tolist(), strict=True))


def _codes(rows: pd.DataFrame, first: str, second: str, known: Mapping[tuple[str, str], int] | Mapping[Setting, int]) -> Ints:
    groups = rows.groupby([first, second], observed=True)
    place = {group: known[str(pair[0]), pair[1]] for group, pair in enumerate(groups.size().index)}
    return np.asarray(groups.ngroup().map(place), np.int64)


def _of_images(rows: pd.DataFrame, columns: list[str], settings: Mapping[Setting, int], place: Mapping[str, int]) -> Floats:
    """Return statistics of images, (s, c, columns); those of clean images stand in for a setting without measurements."""
    full = np.full((len(settings), len(place), len(columns)), np.nan, np.float32)
    full[_codes(rows, "condition", "severity", settings), rows["image"].map(place).to_numpy(int)] = rows[columns]
    clean = full[settings[CLEAN_SETTING]]
    return np.where(np.isfinite(full), full, clean)


def _boxes(
    first: pd.DataFrame, outcomes: pd.DataFrame, second: pd.DataFrame, further: pd.DataFrame,
    place: Mapping[str, int], networks: Mapping[Network, int], settings: Mapping[Setting, int],
) -> tuple[SceneBoxes, Floats]:  # fmt: skip
    """Return all boxes, those of the detection tables first, and their scores (n, s, boxes)."""
    both = pd.concat([first, second], ignore_index=True)
    boxes = SceneBoxes(
        np.asarray(both["image"].astype(str).map(place), np.int64),
        both["category"].to_numpy(str),
        both["area_px"].to_numpy(np.float32),
        both[["left_px", "top_px", "width_px", "height_px"]].to_numpy(np.float32),
    )
    scores = np.full((len(networks), len(settings), len(both)), np.nan, np.float32)
    made_here = ~further["image"].astype(str).isin(set(first["image"].astype(str)))
    shifted = further["box"].to_numpy(np.int64) + len(first) * made_here.to_numpy()
    for rows, box in ((outcomes, outcomes["box"].to_numpy(np.int64)), (further, shifted)):
        codes = _codes(rows, "detector", "precision", networks), _codes(rows, "condition", "severity", settings)
        scores[(*codes, box)] = rows["score"].to_numpy(np.float32)
    return boxes, scores


def _stand_ins(there: Bools, settings: Mapping[Setting, int]) -> tuple[Ints, Bools]:
    """Return the setting whose figures stand for each network and setting, (n, s), and whether there is one.

    The nearest measured severity stands in for a missing one, the lower of two at equal distance.
    """
    chosen = np.tile(np.arange(len(settings)), (len(there), 1))
    measured = there.copy()
    for (name, severity), place in settings.items():
        others = sorted((abs(s - severity), s > severity, other) for (n, s), other in settings.items() if n == name)
        for network in np.flatnonzero(~there[:, place]):
            for _, _, other in others:
                if there[network, other]:
                    chosen[network, place], measured[network, place] = other, True
                    break
    return chosen, measured
