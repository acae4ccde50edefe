"""Networks with one output, the logit of malignancy: ImageNet features under a linear head, and the same fine-tuned."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torchvision.transforms import v2

from simulator.evidence.evidence_files import in_one_step
from simulator.making.training.dataset import SEED, Ints, Pixels
from simulator.making.zoo.architectures import Architecture
from simulator.making.zoo.photo import normalize

#: Strong shrinkage: there are more features than training photos. Picked by out-of-fold AUC, nearly flat from 0.001 to 0.003.
INVERSE_PENALTY = 0.001
#: Fixed beforehand, so that no photo had a part in the choice.
EPOCHS, RATE, DECAY = 4, 2e-4, 0.02
_BATCH = 32

Features = NDArray[np.float32]


def new_head() -> Pipeline:
    """Standardisation and logistic regression, not fitted yet."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=2000))


def features(takes: Architecture, pixels: Pixels) -> Features:
    """What the frozen network makes of photos (n, size, size, 3), shape (n, features)."""
    network = takes.build()
    network._fc = nn.Identity()
    with torch.inference_mode():
        return np.concatenate([network(images).numpy() for images in _batches(takes, pixels)])


def frozen(takes: Architecture, seen: Features, labels: Ints) -> nn.Module:
    """The network with a head fitted on what it made of the training photos, (n, features) and (n,)."""
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
    network: nn.Module, takes: Architecture, pixels: Pixels, labels: Ints, checkpoint: Path, told: Callable[[int], None]
) -> nn.Module:
    """All weights of `network` trained on photos (n, size, size, 3), from the fitted head on.

    A head first and then all weights keeps more of what ImageNet taught (Kumar et al. 2022, arXiv:2202.10054).

    Goes on from `checkpoint` where there is one, which is written after each epoch; `told` hears of epochs that are done.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast for depthwise convolutions
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    begun = _resume(checkpoint, network, optimizer)
    told(begun)
    for epoch in range(begun, EPOCHS):
        _train(network, optimizer, takes, pixels, labels, epoch)
        with in_one_step(checkpoint) as part:
            torch.save({"epoch": epoch + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()}, part)
        told(1)
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return network.eval()


def _resume(checkpoint: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    if not checkpoint.is_file():
        return 0
    kept = torch.load(checkpoint, weights_only=True)
    network.load_state_dict(kept["network"])
    optimizer.load_state_dict(kept["optimizer"])
    return int(kept["epoch"])


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
    """Photos (n, size, size, 3) as they might have been taken: another crop, turned, in another light; by torch's seed."""
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


def _batches(takes: Architecture, pixels: Pixels) -> Iterator[Tensor]:
    for start in range(0, len(pixels), _BATCH):
        yield torch.from_numpy(normalize(pixels[start : start + _BATCH], takes.mean, takes.std))
