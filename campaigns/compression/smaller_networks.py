"""Networks trained fold by fold and written as ONNX files, so that they can score photos that they never saw."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from torch import nn

from campaigns.compression import upper_layers
from campaigns.compression.fake_quantization import with_rounding, without_rounding
from campaigns.compression.upper_layers import lower_answers, trained_above
from campaigns.datalab.backbones import answered, as_onnx
from simulator.arrays import Pixels
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.linear_head import new_head
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.image_steps import normalize
from simulator.measure.score_training import (
    DECAY,
    FOLDS,
    RATE,
    LabelledPhotos,
    calibration_images,
    features,
    fine_tuned,
    frozen,
    network_files,
)

Floats = NDArray[np.float32]
Report = Callable[[str], None]

DISTILLED, QAT = "efficientnet_lite0_distilled", "efficientnet_lite0_distilled_qat"
SMALL, PRUNED, EVEN = "efficientnet_lite0_small", "efficientnet_lite0_pruned", "efficientnet_lite0_pruned_even"
WHOLE, FINE_TUNED = "efficientnet_lite0", "efficientnet_lite0_finetuned"
TEACHERS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
#: Share of the teacher's answer in the target of a photo; the rest is its label.
TAUGHT = 0.5
#: An even head gives no weight to features that vary less than this part of the middle feature.
LEAST_SPREAD = 0.1
TRAINED = f"{upper_layers.EPOCHS} epochs: AdamW, rate {RATE:g} falling as a cosine, decay {DECAY:g}"

PRECISIONS = ("fp32", "int8_static")

Networks = dict[str, nn.Module]
#: ONNX files by network and precision.
Files = dict[tuple[str, str], Path]


@dataclass(frozen=True)
class Study:
    """Labelled photos, the folder for finished folds, and the progress."""

    dataset: LabelledPhotos
    cache: Path
    report: Report

    def pixels(self, size: int) -> Pixels:
        return self.stored(f"pixels.{size}", lambda: self.dataset.squares(size)).astype(np.uint8)

    def features(self, name: str) -> Floats:
        """Return the features of the frozen network `name`, (photos, channels)."""
        takes = ARCHITECTURES[name]
        return self.stored(f"{name}.features", lambda: _frozen_features(takes, self.pixels(takes.input_size)))

    def lower(self, name: str, network: nn.Module) -> NDArray[np.float16]:
        """Return the answers of the lower layers, which are the same in every fold."""
        takes = ARCHITECTURES[name]
        found = self.stored(f"{name}.lower", lambda: lower_answers(network, takes, self.pixels(takes.input_size)))
        return found.astype(np.float16)

    def stored(self, name: str, make: Callable[[], NDArray[np.generic]]) -> Floats:
        path = self.cache / f"{self.dataset.fingerprint}.{name}.npy"
        if not path.is_file():
            self.report(name)
            self.cache.mkdir(parents=True, exist_ok=True)
            with in_one_step(path) as part, part.open("wb") as stream:
                np.save(stream, make())
        found: Floats = np.load(path)
        return found

    def files(self, name: str, fold: int, training: Training) -> Files:
        """Return the networks of a training in a fold; they are trained where the cache lacks them."""
        folder = self.cache / f"{self.dataset.fingerprint}.{name}.{fold}"
        if not folder.is_dir():
            self.report(f"{name}, fold {fold + 1}")
            self.cache.mkdir(parents=True, exist_ok=True)
            takes = ARCHITECTURES[training.takes]
            learnt = self.pixels(takes.input_size)[self.dataset.folds != fold]
            with TemporaryDirectory(dir=self.cache) as place:
                made = Path(place) / "networks"
                for model, network in training.networks(self, fold).items():
                    (made / model).mkdir(parents=True)
                    network_files(network, takes, PRECISIONS, learnt, made / model)
                made.rename(folder)
        return {(file.parent.name, file.stem): file for file in sorted(folder.glob("*/*.onnx"))}


@dataclass(frozen=True)
class Training:
    """A way to train networks in a fold. takes: architecture with the size of their photos"""

    takes: str
    networks: Callable[[Study, int], Networks]


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


def student_fold(study: Study, fold: int, soft: bool = True) -> Networks:
    """Train the upper layers of a student with a smaller input; the last epoch once plain and once with 8-bit rounding.

    Without `soft` its targets are the labels alone, and nothing is rounded.
    """
    takes, labels = ARCHITECTURES[SMALL], study.dataset.labels
    learnt = study.dataset.folds != fold
    mixed = labels * (1 - TAUGHT) + taught(study, fold) * TAUGHT if soft else labels
    targets = mixed[learnt].astype(np.float32)
    network = headed(takes.build(), study.features(takes.name)[learnt], labels[learnt])
    lower = study.lower(takes.name, network)[:, learnt]
    *first, last = range(upper_layers.EPOCHS)
    network = trained_above(network, lower, targets, first)
    plain = trained_above(deepcopy(network), lower, targets, [last])
    if not soft:
        return {SMALL: plain}
    rounded = with_rounding(network, calibration_images(takes, study.pixels(takes.input_size)[learnt]))
    return {DISTILLED: plain, QAT: without_rounding(trained_above(rounded, lower, targets, [last]))}


def pruned_fold(study: Study, fold: int, even: bool = False) -> Networks:
    """Train the upper layers, which have lost a part of their channels; the lower ones are whole. even: see `headed`."""
    takes, labels = ARCHITECTURES[PRUNED], study.dataset.labels
    learnt = study.dataset.folds != fold
    network = headed(takes.build(), study.features(takes.name)[learnt], labels[learnt], even)
    lower = study.lower(SMALL, network)[:, learnt]
    network = trained_above(network, lower, labels[learnt].astype(np.float32), range(upper_layers.EPOCHS))
    return {EVEN if even else PRUNED: network}


def whole_fold(study: Study, fold: int) -> Networks:
    """Train all weights of Lite0, as `casesim scores train` does."""
    takes, labels, learnt = ARCHITECTURES[WHOLE], study.dataset.labels, study.dataset.folds != fold
    pixels = study.pixels(takes.input_size)
    seen = study.stored(f"{WHOLE}.by_torch", lambda: features(takes, pixels))
    network, checkpoint = frozen(takes, seen[learnt], labels[learnt]), study.cache / f"{study.dataset.fingerprint}.{fold}.pt"
    return {FINE_TUNED: fine_tuned(network, takes, pixels[learnt], labels[learnt], checkpoint, lambda _: None)}


#: Trainings whose score tables are written, the cheapest first.
TRAININGS = {
    "distilled": Training(SMALL, student_fold),
    "pruned": Training(PRUNED, pruned_fold),
    "even": Training(PRUNED, lambda study, fold: pruned_fold(study, fold, even=True)),
    "small": Training(SMALL, lambda study, fold: student_fold(study, fold, soft=False)),
}
#: The network that they are compared with. `casesim scores train` writes its tables.
COMPARED = {"whole": Training(WHOLE, whole_fold)}
