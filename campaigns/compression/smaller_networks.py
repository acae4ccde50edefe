"""Smaller networks fitted fold by fold, and their scores of photos that they never saw."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from torch import nn

from campaigns.compression import upper_layers
from campaigns.compression.fake_quantization import with_rounding, without_rounding
from campaigns.compression.upper_layers import lower_answers, trained_above
from campaigns.datalab.backbones import answered, as_onnx
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.linear_head import new_head
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.image_steps import normalize
from simulator.measure.score_training import (
    DECAY,
    FOLDS,
    RATE,
    LabelledPhotos,
    Pixels,
    calibration_images,
    logits_by_precision,
)

Floats = NDArray[np.float32]
Report = Callable[[str], None]

DISTILLED, QAT = "efficientnet_lite0_distilled", "efficientnet_lite0_distilled_qat"
SMALL, PRUNED, EVEN = "efficientnet_lite0_small", "efficientnet_lite0_pruned", "efficientnet_lite0_pruned_even"
TEACHERS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
#: Share of the teacher's answer in the target of a photo; the rest is its label.
TAUGHT = 0.5
#: An even head gives no weight to features that vary less than this part of the middle feature.
LEAST_SPREAD = 0.1
TRAINED = f"{upper_layers.EPOCHS} epochs: AdamW, rate {RATE:g} falling as a cosine, decay {DECAY:g}"

Logits = dict[tuple[str, str], Floats]


@dataclass(frozen=True)
class Study:
    """Labelled photos, the folder for finished folds, and the progress."""

    dataset: LabelledPhotos
    cache: Path
    report: Report

    def pixels(self, size: int) -> Pixels:
        return self._stored(f"pixels.{size}", lambda: self.dataset.squares(size)).astype(np.uint8)

    def features(self, name: str) -> Floats:
        """Return the features of the frozen network `name`, (photos, channels)."""
        takes = ARCHITECTURES[name]
        return self._stored(f"{name}.features", lambda: _frozen_features(takes, self.pixels(takes.input_size)))

    def lower(self, name: str, network: nn.Module) -> NDArray[np.float16]:
        """Return the answers of the lower layers, which are the same in every fold."""
        takes = ARCHITECTURES[name]
        found = self._stored(f"{name}.lower", lambda: lower_answers(network, takes, self.pixels(takes.input_size)))
        return found.astype(np.float16)

    def _stored(self, name: str, make: Callable[[], NDArray[np.generic]]) -> Floats:
        path = self.cache / f"{self.dataset.fingerprint}.{name}.npy"
        if not path.is_file():
            self.report(name)
            self.cache.mkdir(parents=True, exist_ok=True)
            with in_one_step(path) as part, part.open("wb") as stream:
                np.save(stream, make())
        found: Floats = np.load(path)
        return found

    def fold(self, fold: int, name: str, make: Callable[[int], Logits]) -> Logits:
        """Return the logits of a fold by network and precision, from the cache where it is finished."""
        path = self.cache / f"{self.dataset.fingerprint}.{name}.{fold}.npz"
        if not path.is_file():
            self.report(f"{name}, fold {fold + 1}")
            made = make(fold)
            arrays: dict[str, Any] = {f"{network} {precision}": logits for (network, precision), logits in made.items()}
            with in_one_step(path) as part, part.open("wb") as stream:
                np.savez(stream, **arrays)
        with np.load(path) as stored:
            return {(key.split(" ")[0], key.split(" ")[1]): stored[key] for key in stored.files}


def _frozen_features(takes: Architecture, pixels: Pixels) -> Floats:
    network = takes.build()
    network._fc = nn.Identity()
    run = as_onnx(network, takes.input_size)
    return answered(lambda photos: run(normalize(photos, takes.mean, takes.std)), pixels)


def taught(study: Study, fold: int) -> Floats:
    """Return the teacher's probabilities for every photo outside `fold`; 0 in the fold itself.

    The teacher is the mean logit of three frozen networks with fitted heads. Heads that answer a photo were fitted neither
    on its own fold nor on `fold`.
    """
    folds, labels = study.dataset.folds, study.dataset.labels
    logits = np.zeros(len(labels))
    for inner in set(range(FOLDS)) - {fold}:
        learnt, asked = (folds != fold) & (folds != inner), folds == inner
        for name in TEACHERS:
            seen = study.features(name)
            logits[asked] += new_head().fit(seen[learnt], labels[learnt]).decision_function(seen[asked]) / len(TEACHERS)
    return np.where(folds == fold, 0, 1 / (1 + np.exp(-logits))).astype(np.float32)


def headed(network: nn.Module, seen: Floats, labels: NDArray[np.int64], even: bool = False) -> nn.Module:
    """Give a folded network a head fitted on its features of the training photos, (photos, channels).

    A feature that hardly varies gets a huge weight, and the one step of 8 bits then rounds the other weights to zero. An `even`
    head leaves such features out.
    """
    varies = seen.std(axis=0)
    left = varies > LEAST_SPREAD * np.median(varies) if even else np.ones(len(varies), bool)
    head: Pipeline = new_head().fit(seen * left, labels)
    standardise, regression = head[0], head[1]
    weights = regression.coef_[0] / standardise.scale_
    network._fc = nn.Linear(len(weights), 1)
    with torch.no_grad():
        network._fc.weight[:] = torch.from_numpy(weights[None].astype(np.float32))
        network._fc.bias[:] = float(regression.intercept_[0] - weights @ standardise.mean_)
    return network


def student_fold(study: Study, fold: int, soft: bool = True) -> Logits:
    """Train the upper layers of a student with a smaller input; the last epoch once plain and once with 8-bit rounding.

    Without `soft` its targets are the labels alone, and nothing is rounded.
    """
    takes, labels = ARCHITECTURES[SMALL], study.dataset.labels
    pixels = study.pixels(takes.input_size)
    learnt, tested = study.dataset.folds != fold, study.dataset.folds == fold
    mixed = labels * (1 - TAUGHT) + taught(study, fold) * TAUGHT if soft else labels
    targets = mixed[learnt].astype(np.float32)
    network = headed(takes.build(), study.features(takes.name)[learnt], labels[learnt])
    lower = study.lower(takes.name, network)[:, learnt]
    *first, last = range(upper_layers.EPOCHS)
    network = trained_above(network, lower, targets, first)
    plain = trained_above(deepcopy(network), lower, targets, [last])
    found = scored(plain, DISTILLED if soft else SMALL, takes, pixels, learnt, tested)
    if soft:
        rounded = with_rounding(network, calibration_images(takes, pixels[learnt]))
        rounded = without_rounding(trained_above(rounded, lower, targets, [last]))
        found |= scored(rounded, QAT, takes, pixels, learnt, tested)
    return found


def pruned_fold(study: Study, fold: int, even: bool = False) -> Logits:
    """Train the upper layers, which have lost a part of their channels; the lower ones are whole. even: see `headed`."""
    takes, labels = ARCHITECTURES[PRUNED], study.dataset.labels
    pixels = study.pixels(takes.input_size)
    learnt, tested = study.dataset.folds != fold, study.dataset.folds == fold
    network = headed(takes.build(), study.features(takes.name)[learnt], labels[learnt], even)
    lower = study.lower(SMALL, network)[:, learnt]
    network = trained_above(network, lower, labels[learnt].astype(np.float32), range(upper_layers.EPOCHS))
    return scored(network, EVEN if even else PRUNED, takes, pixels, learnt, tested)


def scored(
    network: nn.Module,
    name: str,
    takes: Architecture,
    pixels: Pixels,
    learnt: NDArray[np.bool],
    tested: NDArray[np.bool],
) -> Logits:
    found = logits_by_precision(network, takes, ("fp32", "int8_static"), pixels[learnt], pixels[tested], views=1)
    return {(name, precision): logits[:, 0] for precision, logits in found.items()}


#: What is trained, and in which order: the cheapest first.
TRAININGS: dict[str, Callable[[Study, int], Logits]] = {
    "distilled": student_fold,
    "pruned": pruned_fold,
    "even": lambda study, fold: pruned_fold(study, fold, even=True),
    "small": lambda study, fold: student_fold(study, fold, soft=False),
}
