"""From labelled photos to score tables: every network of every fold at every precision, then what is averaged from them.

What is finished is kept in a cache, so that a stop loses one epoch or one network at most.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from torch import nn

from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.score_tables import Measured
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.photo_networks import (
    CALIBRATION_PHOTOS,
    DECAY,
    EPOCHS,
    FOLDS,
    INVERSE_PENALTY,
    RATE,
    SEED,
    VIEWS,
    Dataset,
    Features,
    Floats,
    Pixels,
    features,
    fine_tuned,
    frozen,
    logits_by_precision,
)

#: Raised when the same network is made differently, so that logits kept before are not taken for it.
_RECIPE = 1
PRECISIONS = ("fp32", "int8_dynamic", "int8_static")
_HEAD = f"logistic regression with C={INVERSE_PENALTY:g} on standardised features"
_TUNED = f"then all weights trained for {EPOCHS} epochs: AdamW, rate {RATE:g} falling as a cosine, decay {DECAY:g}"


@dataclass(frozen=True)
class Fitted:
    """A network fitted fold by fold: `architecture` under a fitted head, all of it trained where `tuned`."""

    architecture: str
    tuned: bool = False

    @property
    def words(self) -> str:
        """How it was fitted, for the record."""
        return f"frozen ImageNet features, {_HEAD}" + (f", {_TUNED}" if self.tuned else "")


@dataclass(frozen=True)
class Mean:
    """What a table holds: the mean logit of some fitted networks, each in some views of the photo."""

    of: tuple[str, ...]
    views: int = 1


FITTED: dict[str, Fitted] = {
    "efficientnet_lite0": Fitted("efficientnet_lite0"),
    "efficientnet_lite1": Fitted("efficientnet_lite1"),
    "efficientnet_lite2": Fitted("efficientnet_lite2"),
    "efficientnet_lite0_finetuned": Fitted("efficientnet_lite0", tuned=True),
}

MODELS: dict[str, Mean] = {
    **{name: Mean((name,)) for name in FITTED},
    "efficientnet_lite_ensemble": Mean(("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")),
    "efficientnet_lite0_tta": Mean(("efficientnet_lite0",), len(VIEWS)),
    "efficientnet_lite0_finetuned_tta": Mean(("efficientnet_lite0_finetuned",), len(VIEWS)),
}

#: Told of what is being done, and of each unit of work that is finished.
Told = Callable[[str, int], None]


@dataclass
class Trainer:
    """Fits what is asked for and keeps it in `cache`; `told` hears of the progress, in units that `work` counts."""

    dataset: Dataset
    cache: Path
    told: Told = field(default=lambda words, done: None)

    def work(self, models: list[str]) -> int:
        """Units of work in `models`, whether kept already or not: a network scored at one fold, or one epoch."""
        return sum(FOLDS * (1 + EPOCHS * FITTED[name].tuned) for name in members_of(models))

    def tables(self, models: list[str], precisions: tuple[str, ...]) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Model, precision and score table, one after the other; raises PhotoError or RefusedError."""
        logits = {name: self._logits(name, precisions) for name in members_of(models)}
        for model in models:
            mean = MODELS[model]
            for precision in precisions:
                stacked = np.concatenate([logits[name][precision][:, : mean.views] for name in mean.of], axis=1)
                yield model, precision, self._table(model, precision, stacked.mean(axis=1, dtype=np.float64))

    def _table(self, model: str, precision: str, logits: np.ndarray[tuple[int], np.dtype[np.float64]]) -> pd.DataFrame:
        score = 1 / (1 + np.exp(-logits))
        return self.dataset.rows.assign(fold=self.dataset.folds, model=model, precision=precision, score=score.round(5))

    def _logits(self, name: str, precisions: tuple[str, ...]) -> dict[str, Floats]:
        """Out-of-fold logits of every photo by precision, each (photos, views)."""
        takes = ARCHITECTURES[FITTED[name].architecture]
        views = max(mean.views for mean in MODELS.values() if name in mean.of)
        found = {precision: np.empty((len(self.dataset.photos), views), np.float32) for precision in precisions}
        work = _Work(self, name, takes)
        for fold in range(FOLDS):
            tested = self.dataset.folds == fold
            for precision, logits in work.fold(fold, precisions, views).items():
                found[precision][tested] = logits
            self.told(f"{name}, fold {fold + 1}", 1)
        return found

    @property
    def kept(self) -> Path:
        """Where finished work lies; another folder for other photos."""
        return self.cache / f"{self.dataset.name}-{self.dataset.fingerprint}-recipe-{_RECIPE}"


class _Work:
    """One network, fold by fold; the photos are prepared when the first fold needs them."""

    def __init__(self, trainer: Trainer, name: str, takes: Architecture) -> None:
        self.trainer, self.name, self.takes = trainer, name, takes
        self.pixels: Pixels | None = None
        self.features: Features | None = None

    def fold(self, fold: int, precisions: tuple[str, ...], views: int) -> dict[str, Floats]:
        """Logits of the photos of `fold` by precision: those that are kept, and those that are not, made now."""
        files = {precision: self.trainer.kept / f"{self.name}.{precision}.{fold}.npy" for precision in precisions}
        missing = tuple(precision for precision, file in files.items() if not file.is_file())
        if missing:
            tested = self.trainer.dataset.folds == fold
            pixels, network = self._prepared(), self._network(fold)
            made = logits_by_precision(network, self.takes, missing, pixels[~tested], pixels[tested], views)
            for precision, logits in made.items():
                with in_one_step(files[precision]) as part, part.open("wb") as stream:
                    np.save(stream, logits)
        elif FITTED[self.name].tuned:
            self.trainer.told(f"{self.name}, fold {fold + 1}", EPOCHS)
        return {precision: np.load(file) for precision, file in files.items()}

    def _prepared(self) -> Pixels:
        if self.pixels is None:
            self.trainer.told(f"{self.name}, preparing photos", 0)
            self.pixels = self.trainer.dataset.squares(self.takes.input_size)
            self.features = features(self.takes, self.pixels)
        return self.pixels

    def _network(self, fold: int) -> nn.Module:
        pixels, labels, learnt = self._prepared(), self.trainer.dataset.labels, self.trainer.dataset.folds != fold
        assert self.features is not None
        network = frozen(self.takes, self.features[learnt], labels[learnt])
        if not FITTED[self.name].tuned:
            return network
        checkpoint = self.trainer.kept / f"{self.name}.{fold}.pt"
        words = f"{self.name}, fold {fold + 1}, training"
        return fine_tuned(
            network, self.takes, pixels[learnt], labels[learnt], checkpoint, lambda done: self.trainer.told(words, done)
        )


def members_of(models: list[str]) -> list[str]:
    """The networks that have to be fitted for `models`, each once."""
    return list(dict.fromkeys(name for model in models for name in MODELS[model].of))


def describe(dataset: Dataset, model: str, precision: str) -> Measured:
    """The sidecar of a score table."""
    mean = MODELS[model]
    head = FITTED[mean.of[0]].words
    if len(mean.of) > 1:
        head = f"mean logit of {', '.join(mean.of)}, each {head}"
    if mean.views > 1:
        head += f"; mean logit of {mean.views} views: as taken, mirrored, upside down, both"
    return Measured(
        kind="measured",
        dataset=dataset.name,
        model=model,
        head=head,
        precision=precision,
        items=len(dataset.rows),
        positives=int(dataset.labels.sum()),
        patients=int(dataset.rows["patient"].nunique()),
        source=(
            f"CaseSim, {FOLDS} folds stratified by label and grouped by patient, seed {SEED}, out-of-fold scores, "
            "each network run as ONNX by ONNX Runtime"
        ),
        attribution=dataset.attribution,
        date=datetime.now(UTC).date().isoformat(),
        note=_note(dataset, model, precision),
    )


def _note(dataset: Dataset, model: str, precision: str) -> str:
    notes = []
    if precision == "int8_static":
        notes.append(f"calibrated on {CALIBRATION_PHOTOS} photos of the folds that it was fitted on")
    notes.append("C was picked among seven values on these same photos, which flatters the scores a little")
    dark = int((dataset.rows["fitzpatrick"] >= 5).sum())
    share = dataset.labels.mean()
    notes.append(
        f"enriched sample: {share:.0%} malignant is no population's share, and {dark} photos only show skin types V or VI"
    )
    return "; ".join(notes)
