"""Smaller networks fitted fold by fold, and their scores of photos that they never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from torch import nn

from campaigns.compression.fake_quantization import with_rounding, without_rounding
from campaigns.datalab.backbones import as_onnx
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
    train_epoch,
)

Floats = NDArray[np.float32]
Report = Callable[[str], None]

DISTILLED, QAT = "efficientnet_lite0_distilled", "efficientnet_lite0_distilled_qat"
SMALL, PRUNED = "efficientnet_lite0_small", "efficientnet_lite0_pruned"
TEACHERS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
#: Share of the teacher's answer in the target of a photo; the rest is its label.
TAUGHT = 0.5
_AT_ONCE = 32
EPOCHS = 3
TRAINED = f"{EPOCHS} epochs: AdamW, rate {RATE:g} falling as a cosine, decay {DECAY:g}"

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
            with in_one_step(path) as part, part.open("wb") as stream:
                np.savez(stream, **{f"{network} {precision}": logits for (network, precision), logits in made.items()})
        with np.load(path) as stored:
            return {(*key.split(" "),): stored[key] for key in stored.files}  # type: ignore[misc]  # each is a pair


def _frozen_features(takes: Architecture, pixels: Pixels) -> Floats:
    network = takes.build()
    network._fc = nn.Identity()
    run = as_onnx(network, takes.input_size)
    starts = range(0, len(pixels), _AT_ONCE)
    return np.concatenate([run(normalize(pixels[at : at + _AT_ONCE], takes.mean, takes.std)) for at in starts])


def features_of(network: nn.Module, takes: Architecture, pixels: Pixels) -> Floats:
    network._fc = nn.Identity()
    network.eval()
    with torch.inference_mode():
        starts = range(0, len(pixels), _AT_ONCE)
        return np.concatenate([network(_tensor(takes, pixels[at : at + _AT_ONCE])).numpy() for at in starts])


def _tensor(takes: Architecture, pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(normalize(pixels, takes.mean, takes.std)).contiguous(memory_format=torch.channels_last)


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


def headed(network: nn.Module, takes: Architecture, pixels: Pixels, labels: NDArray[np.int64]) -> nn.Module:
    """Give a folded network a head fitted on its features of the training photos."""
    head: Pipeline = new_head().fit(features_of(network, takes, pixels), labels)
    standardise, regression = head[0], head[1]
    weights = regression.coef_[0] / standardise.scale_
    network._fc = nn.Linear(len(weights), 1)
    with torch.no_grad():
        network._fc.weight[:] = torch.from_numpy(weights[None].astype(np.float32))
        network._fc.bias[:] = float(regression.intercept_[0] - weights @ standardise.mean_)
    return network


def trained(
    network: nn.Module, takes: Architecture, pixels: Pixels, targets: NDArray[np.generic], epochs: Iterator[int]
) -> nn.Module:
    """Train all weights in the given `epochs` of EPOCHS."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast for depthwise convolutions
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    for epoch in epochs:
        train_epoch(network, optimizer, takes, pixels, targets.astype(np.float32), epoch, EPOCHS)
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return network.eval()


def student_fold(study: Study, fold: int, soft: bool = True) -> Logits:
    """Train a student of a smaller input; its last epoch once plain and once with the rounding of 8 bits.

    Without `soft` its targets are the labels alone.
    """
    takes, labels = ARCHITECTURES[SMALL], study.dataset.labels
    pixels = study.pixels(takes.input_size)
    learnt, tested = study.dataset.folds != fold, study.dataset.folds == fold
    targets = labels * (1 - TAUGHT) + taught(study, fold) * TAUGHT if soft else labels.astype(np.float64)
    network = headed(takes.build(), takes, pixels[learnt], labels[learnt])
    network = trained(network, takes, pixels[learnt], targets[learnt], iter(range(EPOCHS - 1)))
    last = range(EPOCHS - 1, EPOCHS)
    plain = trained(deepcopy(network), takes, pixels[learnt], targets[learnt], iter(last))
    name = DISTILLED if soft else SMALL
    found = scored(plain, name, takes, pixels, learnt, tested)
    if soft:
        rounded = with_rounding(network, calibration_images(takes, pixels[learnt]))
        rounded = without_rounding(trained(rounded, takes, pixels[learnt], targets[learnt], iter(last)))
        found |= scored(rounded, QAT, takes, pixels, learnt, tested)
    return found


def pruned_fold(study: Study, fold: int) -> Logits:
    takes, labels = ARCHITECTURES[PRUNED], study.dataset.labels
    pixels = study.pixels(takes.input_size)
    learnt, tested = study.dataset.folds != fold, study.dataset.folds == fold
    network = headed(takes.build(), takes, pixels[learnt], labels[learnt])
    network = trained(network, takes, pixels[learnt], labels[learnt], iter(range(EPOCHS)))
    return scored(network, PRUNED, takes, pixels, learnt, tested)


def scored(
    network: nn.Module, name: str, takes: Architecture, pixels: Pixels, learnt: NDArray[np.bool], tested: NDArray[np.bool]
) -> Logits:
    found = logits_by_precision(network, takes, ("fp32", "int8_static"), pixels[learnt], pixels[tested], views=1)
    return {(name, precision): logits[:, 0] for precision, logits in found.items()}


#: What is trained, and in which order: the cheapest first.
TRAININGS: dict[str, Callable[[Study, int], Logits]] = {
    "distilled": student_fold,
    "pruned": pruned_fold,
    "small": lambda study, fold: student_fold(study, fold, soft=False),
}
