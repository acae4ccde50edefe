"""A small transformer and a small convolutional network that learn to give EfficientNet-Lite0's features of photos.

No pretrained vision transformer came with a package. Both learn alike: the same photos, teacher, order and number of epochs.
Neither sees a photo of skin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_small

from campaigns.datalab.backbones import Backbone
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.image_steps import load_photo, square
from simulator.measure.score_training import features as lite0_features

Pixels = NDArray[np.uint8]

SIZE, PATCH, WIDTH, DEPTH, HEADS = 96, 16, 192, 4, 3
EPOCHS, BATCH, RATE = 4, 64, 1e-3
SEED = 0
_MEAN, _STD = 127.0, 128.0


class SmallViT(nn.Module):
    """A plain vision transformer on patches of 16 by 16 pixels; its answer is the mean of the patches."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.places = nn.Parameter(torch.randn(1, (SIZE // PATCH) ** 2, WIDTH) * 0.02)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, DEPTH, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.places
        return torch.as_tensor(self.norm(self.layers(tokens)).mean(dim=1))


class SmallCNN(nn.Module):
    """MobileNetV3-Small without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.network = mobilenet_v3_small(weights=None)
        self.network.classifier = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return torch.as_tensor(self.network(images))


STUDENTS: dict[str, tuple[str, Callable[[], nn.Module], int]] = {
    "vit_small_imitating": ("Small ViT that imitates Lite0", SmallViT, WIDTH),
    "cnn_small_imitating": ("MobileNetV3-Small that imitates Lite0", SmallCNN, 576),
}


def read_photos(folder: Path) -> Pixels:
    """Return the photos below a folder as squares, (n, SIZE, SIZE, 3); raises CannotMeasureError where there are none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise CannotMeasureError(f"{folder}: holds no photo; pass a folder with photos for the networks that imitate")
    return np.stack([square(load_photo(file), SIZE) for file in files])


def teach(name: str, photos: Pixels, cache: Path, report: Callable[[str], None]) -> Backbone:
    """Return a student that has learnt, from `cache` where it learnt before."""
    label, build, channels = STUDENTS[name]
    torch.manual_seed(SEED)
    network, path = build(), cache / f"{name}.pt"
    if path.is_file():
        network.load_state_dict(torch.load(path, weights_only=True))
    else:
        _learn(network, channels, photos, _wanted(photos, cache, report), report)
        cache.mkdir(parents=True, exist_ok=True)
        with in_one_step(path) as part:
            torch.save(network.state_dict(), part)
    network.eval()

    def features(pixels: Pixels) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(network(_images(pixels)).numpy(), np.float32)

    weights = f"imitates Lite0's features of {len(photos):,} photos from shops, {EPOCHS} epochs, no label, no photo of skin"
    return Backbone(name, label, SIZE, weights, "ours; teacher: EfficientNet-Lite0, Apache-2.0", features)


def _wanted(photos: Pixels, cache: Path, report: Callable[[str], None]) -> NDArray[np.float32]:
    """Return the teacher's standardised features of each photo."""
    path = cache / "teacher.npy"
    if not path.is_file():
        report("the teacher looks at the photos")
        cache.mkdir(parents=True, exist_ok=True)
        found = lite0_features(ARCHITECTURES["efficientnet_lite0"], photos)
        with in_one_step(path) as part, part.open("wb") as stream:
            np.save(stream, ((found - found.mean(axis=0)) / (found.std(axis=0) + 1e-6)).astype(np.float32))
    return np.asarray(np.load(path), np.float32)


def _learn(
    network: nn.Module, channels: int, photos: Pixels, wanted: NDArray[np.float32], report: Callable[[str], None]
) -> None:
    head = nn.Linear(channels, wanted.shape[1])
    weights = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.05)
    steps = EPOCHS * math.ceil(len(photos) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    rng = np.random.default_rng(SEED)
    network.train()
    for epoch in range(EPOCHS):
        losses = []
        for chosen in np.array_split(rng.permutation(len(photos)), math.ceil(len(photos) / BATCH)):
            flipped = photos[chosen][:, :, :: rng.choice([-1, 1])]
            loss = nn.functional.mse_loss(head(network(_images(flipped))), torch.from_numpy(wanted[chosen]))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        report(f"epoch {epoch + 1} of {EPOCHS}: {np.mean(losses):.3f} of the variance is left")


def _images(pixels: Pixels) -> Tensor:
    return torch.from_numpy((pixels.astype(np.float32) - _MEAN) / _STD).permute(0, 3, 1, 2).contiguous()
