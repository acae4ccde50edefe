"""Networks fitted on labelled photos, fold by fold, and score tables of photos that they never saw."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime as ort
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor, nn
from torchvision.transforms import v2

from simulator.arrays import Ints, Pixels
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.linear_head import INVERSE_PENALTY, new_head
from simulator.evidence.score_tables import Measured
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.image_steps import load_photo, normalize, square
from simulator.measure.onnx_export import INPUT, export
from simulator.measure.quantize import CALIBRATED, quantize
from simulator.measure.saturation import instruction_set_here
from simulator.phrases import phrase

# Labelled photos, and the folds in which they are scored.

FOLDS = 5
SEED = 0


@dataclass(frozen=True)
class LabelledPhotos:
    """Labelled photos. `rows` has the columns item, patient, label (1 is malignant), diagnosis, fitzpatrick."""

    name: str
    attribution: str
    photos: list[Path]
    rows: pd.DataFrame

    @cached_property
    def labels(self) -> Ints:
        """Return 1 where malignant, shape (photos,)."""
        return self.rows["label"].to_numpy(np.int64)

    @cached_property
    def folds(self) -> Ints:
        """Return the test fold of each photo, shape (photos,)."""
        return fold_of(self.rows)

    def squares(self, size: int) -> Pixels:
        """Crop and resize every photo, shape (photos, size, size, 3); raises CannotMeasureError."""
        return np.stack([square(load_photo(photo), size) for photo in self.photos])

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.rows.to_csv(index=False).encode()).hexdigest()[:12]


def read_pad_ufes20(folder: Path) -> LabelledPhotos:
    """Read PAD-UFES-20: `labels.csv` and `images/` in `folder`; raises CannotMeasureError without a column or a photo."""
    path = folder / "labels.csv"
    if not path.is_file():
        raise CannotMeasureError(f"{path}: there is no such file; pass the folder that holds labels.csv and images/")
    labels = pd.read_csv(path, dtype={"fitspatrick": "Int64"})
    missing = {"file", "patient_id", "malignant", "diagnostic", "fitspatrick"} - set(labels.columns)
    if missing:
        raise CannotMeasureError(f"{path}: lacks the column {min(missing)}")
    photos = [folder / "images" / name for name in labels["file"]]
    absent = next((photo for photo in photos if not photo.is_file()), None)
    if absent:
        raise CannotMeasureError(f"{path}: names {absent.name}, which is not in {absent.parent}")
    rows = pd.DataFrame(
        {
            "item": [photo.stem for photo in photos],
            "patient": labels["patient_id"],
            "label": labels["malignant"],
            "diagnosis": labels["diagnostic"],
            "fitzpatrick": labels["fitspatrick"],
        }
    )
    attribution = "PAD-UFES-20, Pacheco et al. 2020, doi 10.17632/zr7vgbcyr2.1, CC BY 4.0; scores computed by CaseSim"
    return LabelledPhotos("pad_ufes20", attribution, photos, rows)


def fold_of(rows: pd.DataFrame) -> Ints:
    """Return the test fold of each row, stratified by label; all photos of a patient are in one fold."""
    folds = np.zeros(len(rows), dtype=np.int64)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for fold, (_, tested) in enumerate(splitter.split(rows, rows["label"], rows["patient"])):
        folds[tested] = fold
    return folds


# Networks with one output, the logit of malignancy: ImageNet features under a linear head, and the same fine-tuned.

#: Fixed beforehand, so that no photo had a part in the choice.
EPOCHS, RATE, DECAY = 4, 2e-4, 0.02
_BATCH = 32

Features = NDArray[np.float32]


def features(takes: Architecture, pixels: Pixels) -> Features:
    """Run the frozen network on photos (n, size, size, 3); shape (n, features)."""
    network = takes.build()
    network._fc = nn.Identity()
    with torch.inference_mode():
        return np.concatenate([network(images).numpy() for images in _image_batches(takes, pixels)])


def frozen(takes: Architecture, seen: Features, labels: Ints) -> nn.Module:
    """Return the network with a head fitted on its features of the training photos, (n, features) and (n,)."""
    head = new_head().fit(seen, labels)
    standardise, regression = head[0], head[1]
    weights = regression.coef_[0] / standardise.scale_
    network = takes.build()
    network._fc = nn.Linear(len(weights), 1)
    with torch.no_grad():
        network._fc.weight[:] = torch.from_numpy(weights[None].astype(np.float32))
        network._fc.bias[:] = float(regression.intercept_[0] - weights @ standardise.mean_)
    return network.eval()


def fine_tuned(
    network: nn.Module, takes: Architecture, pixels: Pixels, labels: Ints, checkpoint: Path, report: Callable[[int], None]
) -> nn.Module:
    """Train all weights of `network` on photos (n, size, size, 3), from the fitted head on.

    A head first and then all weights keeps more of what ImageNet taught (Kumar et al. 2022, arXiv:2202.10054).

    Goes on from `checkpoint` where there is one, which is written after each epoch; `report` is called with finished epochs.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast for depthwise convolutions
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    begun = _resume(checkpoint, network, optimizer)
    report(begun)
    for epoch in range(begun, EPOCHS):
        _train(network, optimizer, takes, pixels, labels, epoch)
        with in_one_step(checkpoint) as part:
            torch.save({"epoch": epoch + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()}, part)
        report(1)
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return network.eval()


def _resume(checkpoint: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    if not checkpoint.is_file():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(saved["network"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["epoch"])


def _train(
    network: nn.Module, optimizer: torch.optim.Optimizer, takes: Architecture, pixels: Pixels, labels: Ints, epoch: int
) -> None:
    torch.manual_seed(SEED + epoch)
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()  # batches are too small to estimate statistics anew
    order = torch.randperm(len(pixels)).numpy()
    steps = math.ceil(len(order) / _BATCH)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + math.cos(math.pi * (epoch + step / steps) / EPOCHS)) / 2
        chosen = order[step * _BATCH : (step + 1) * _BATCH]
        images = torch.from_numpy(normalize(varied(pixels[chosen]), takes.mean, takes.std))
        images = images.contiguous(memory_format=torch.channels_last)
        wanted = torch.from_numpy(labels[chosen].astype(np.float32))
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(images)[:, 0], wanted)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        optimizer.step()


def varied(pixels: Pixels) -> Pixels:
    """Vary photos (n, size, size, 3): another crop, turned, in another light; by torch's seed."""
    size = pixels.shape[1]
    vary = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.7, 1.0), ratio=(0.9, 1.1)),
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
            v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.1),
        ]
    )
    images = [vary(torch.from_numpy(photo).permute(2, 0, 1)) for photo in pixels]
    return torch.stack(images).permute(0, 2, 3, 1).numpy()


def _image_batches(takes: Architecture, pixels: Pixels) -> Iterator[Tensor]:
    for start in range(0, len(pixels), _BATCH):
        yield torch.from_numpy(normalize(pixels[start : start + _BATCH], takes.mean, takes.std))


# What a network, written as an ONNX file at a precision, answers on photos.

#: Ways to look at a photo. A lesion has no up and down, so that each is as good as the photo itself.
VIEWS = (
    (slice(None), slice(None)),
    (slice(None), slice(None, None, -1)),
    (slice(None, None, -1), slice(None)),
    (slice(None, None, -1), slice(None, None, -1)),
)
CALIBRATION_PHOTOS = 64
_SCORED_AT_ONCE = 16

Floats = NDArray[np.float32]


def logits_by_precision(
    network: nn.Module, takes: Architecture, precisions: tuple[str, ...], learnt: Pixels, tested: Pixels, views: int
) -> dict[str, Floats]:
    """Return the logits of the photos `tested` at each precision, each of shape (photos, views); raises RefusedError.

    learnt: the photos that the network was fitted on
    """
    with TemporaryDirectory() as folder:
        files = network_files(network, takes, precisions, learnt, Path(folder))
        return {precision: answers(file, takes, tested, views) for precision, file in files.items()}


def network_files(
    network: nn.Module, takes: Architecture, precisions: tuple[str, ...], learnt: Pixels, folder: Path
) -> dict[str, Path]:
    """Write the network to `folder` as an ONNX file for each precision.

    An 8-bit network is calibrated on some of the photos `learnt`, those that the network was fitted on. Raises RefusedError.
    """
    source = folder / "fp32.onnx"
    export(network, takes.input_shape, source)
    files = {precision: folder / f"{precision}.onnx" for precision in precisions}
    for precision, file in files.items():
        if precision != "fp32":
            quantize(source, file, precision, calibration_images(takes, learnt), _images(takes, learnt[:2]))
    return files


def answers(file: Path, takes: Architecture, pixels: Pixels, views: int = 1) -> Floats:
    """Return the logits of photos (n, size, size, 3) in the first `views` of VIEWS, shape (n, views)."""
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    logits = np.empty((len(pixels), views), np.float32)
    for view, (rows, columns) in enumerate(VIEWS[:views]):
        for start in range(0, len(pixels), _SCORED_AT_ONCE):
            batch = pixels[start : start + _SCORED_AT_ONCE, rows, columns]
            logits[start : start + _SCORED_AT_ONCE, view] = session.run(None, {INPUT: _images(takes, batch)})[0][:, 0]
    return logits


def calibration_images(takes: Architecture, learnt: Pixels) -> Iterator[Floats]:
    chosen = np.random.default_rng(SEED).choice(len(learnt), min(CALIBRATION_PHOTOS, len(learnt)), replace=False)
    return (_images(takes, learnt[number]) for number in chosen)


def _images(takes: Architecture, pixels: Pixels) -> Floats:
    return normalize(pixels, takes.mean, takes.std)


#: Raised when the same network is made differently, so that older logits in the cache are not used.
_RECIPE = 1
PRECISIONS = ("fp32", "int8_dynamic", "int8_static")
#: Also made on request: recipes for processors whose 8-bit products saturate.
ON_REQUEST = ("int8_static_7bit", "int8_static_unsigned")
_HEAD = f"logistic regression with C={INVERSE_PENALTY:g} on standardised features"
_TUNED = f"then all weights trained for {EPOCHS} epochs: AdamW, rate {RATE:g} falling as a cosine, decay {DECAY:g}"


@dataclass(frozen=True)
class Fitted:
    """A network fitted fold by fold: `architecture` under a fitted head, all of it trained where `tuned`."""

    architecture: str
    tuned: bool = False

    @property
    def words(self) -> str:
        return f"frozen ImageNet features, {_HEAD}" + (f", {_TUNED}" if self.tuned else "")


@dataclass(frozen=True)
class Mean:
    """Content of a table: the mean logit of some fitted networks, each in some views of the photo."""

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

#: ReportWork of what is being done, and of each unit of work that is finished.
ReportWork = Callable[[str, int], None]


@dataclass
class Trainer:
    """Fits the requested networks and stores them in `cache`; `report` is called with the progress, in units of `work`."""

    dataset: LabelledPhotos
    cache: Path
    report: ReportWork = field(default=lambda words, done: None)

    def work(self, models: list[str]) -> int:
        return sum(FOLDS * (1 + EPOCHS * FITTED[name].tuned) for name in members_of(models))

    def tables(self, models: list[str], precisions: tuple[str, ...]) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Yield model, precision and score table, one after the other; raises CannotMeasureError or RefusedError."""
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
        """Return out-of-fold logits of every photo by precision, each (photos, views)."""
        takes = ARCHITECTURES[FITTED[name].architecture]
        views = max(mean.views for mean in MODELS.values() if name in mean.of)
        of_photos = {precision: np.empty((len(self.dataset.photos), views), np.float32) for precision in precisions}
        work = _Work(self, name, takes)
        for fold in range(FOLDS):
            tested = self.dataset.folds == fold
            for precision, logits in work.fold(fold, precisions, views).items():
                of_photos[precision][tested] = logits
            self.report(f"{name}, fold {fold + 1}", 1)
        return of_photos

    @property
    def cache_folder(self) -> Path:
        return self.cache / f"{self.dataset.name}-{self.dataset.fingerprint}-recipe-{_RECIPE}"


@dataclass
class _Work:
    """One network, fold by fold; the photos are prepared when the first fold needs them."""

    trainer: Trainer
    name: str
    takes: Architecture

    def fold(self, fold: int, precisions: tuple[str, ...], views: int) -> dict[str, Floats]:
        """Return logits of the photos of `fold` by precision; those that are not cached are computed now."""
        files = {precision: self.trainer.cache_folder / f"{self.name}.{precision}.{fold}.npy" for precision in precisions}
        missing = tuple(precision for precision, file in files.items() if not file.is_file())
        if missing:
            tested = self.trainer.dataset.folds == fold
            learnt, judged = self._pixels[~tested], self._pixels[tested]
            made = logits_by_precision(self._network(fold), self.takes, missing, learnt, judged, views)
            for precision, logits in made.items():
                with in_one_step(files[precision]) as part, part.open("wb") as stream:
                    np.save(stream, logits)
        elif FITTED[self.name].tuned:
            self.trainer.report(f"{self.name}, fold {fold + 1}", EPOCHS)
        return {precision: np.load(file) for precision, file in files.items()}

    @cached_property
    def _pixels(self) -> Pixels:
        self.trainer.report(f"{self.name}, preparing photos", 0)
        return self.trainer.dataset.squares(self.takes.input_size)

    @cached_property
    def _features(self) -> Features:
        return features(self.takes, self._pixels)

    def _network(self, fold: int) -> nn.Module:
        pixels, labels, learnt = self._pixels, self.trainer.dataset.labels, self.trainer.dataset.folds != fold
        network = frozen(self.takes, self._features[learnt], labels[learnt])
        if not FITTED[self.name].tuned:
            return network
        checkpoint = self.trainer.cache_folder / f"{self.name}.{fold}.pt"
        words = f"{self.name}, fold {fold + 1}, training"
        return fine_tuned(
            network, self.takes, pixels[learnt], labels[learnt], checkpoint, lambda done: self.trainer.report(words, done)
        )


def members_of(models: list[str]) -> list[str]:
    return list(dict.fromkeys(name for model in models for name in MODELS[model].of))


def describe(dataset: LabelledPhotos, model: str, precision: str) -> Measured:
    """Return the sidecar of a score table."""
    mean = MODELS[model]
    head = FITTED[mean.of[0]].words
    if len(mean.of) > 1:
        head = f"mean logit of {', '.join(mean.of)}, each {head}"
    if mean.views > 1:
        head += f"; mean logit of {mean.views} views: as taken, mirrored, upside down, both"
    return measured_here(dataset, model, precision, head, _table_note(dataset, precision))


def measured_here(dataset: LabelledPhotos, model: str, precision: str, head: str, note: str) -> Measured:
    """Return the sidecar of a table of out-of-fold scores that this machine makes now."""
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
        instruction_set=instruction_set_here(),
        note=note,
    )


def _table_note(dataset: LabelledPhotos, precision: str) -> str:
    calibrated = CALIBRATION_PHOTOS if precision in CALIBRATED else 0
    dark = int((dataset.rows["fitzpatrick"] >= 5).sum())
    return phrase("score_tables.training", calibrated=calibrated, malignant=dataset.labels.mean(), dark=dark)
