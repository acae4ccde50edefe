"""Training of a network's upper layers on stored answers of its lower ones, which stay as ImageNet left them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from campaigns.datalab.backbones import answered, as_onnx
from simulator.arrays import Pixels
from simulator.measure.architectures import FIRST_PRUNED, Architecture
from simulator.measure.image_steps import normalize
from simulator.measure.score_training import DECAY, RATE, SEED, VIEWS

Floats = NDArray[np.float32]
#: The first block that is trained.
FIRST = FIRST_PRUNED
EPOCHS = 4
_BATCH = 32


class LowerLayers(nn.Module):
    """The stem and the blocks below FIRST of a folded EfficientNet-Lite."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem, self.active, self.blocks = network._conv_stem, network._swish, network._blocks[:FIRST]

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.active(self.stem(images))
        for block in self.blocks:
            values = block(values)
        return values


class UpperLayers(nn.Module):
    """The blocks from FIRST on, and the head; the weights are those of the network itself."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.blocks, self.active = network._blocks[FIRST:], network._swish
        self.conv, self.rounded, self.pooled = network._conv_head, network._bn1, network._avg_pooling
        self.dropped, self.head = network._dropout, network._fc

    def forward(self, values: Tensor) -> Tensor:
        for block in self.blocks:
            values = block(values)
        answers: Tensor = self.head(self.dropped(self.pooled(self.active(self.rounded(self.conv(values)))).flatten(1)))
        return answers


def lower_answers(network: nn.Module, takes: Architecture, pixels: Pixels) -> NDArray[np.float16]:
    """Return what the lower layers make of each of VIEWS of the photos, (views, photos, channels, height, width)."""
    run = as_onnx(LowerLayers(network), takes.input_size)
    views = [answered(lambda photos: run(normalize(photos, takes.mean, takes.std)), pixels[:, *view]) for view in VIEWS]
    return np.stack(views).astype(np.float16)


def trained_above(network: nn.Module, lower: NDArray[np.float16], targets: Floats, epochs: Iterable[int]) -> nn.Module:
    """Train the upper layers in the given `epochs` of EPOCHS; each photo is seen in one of its views, drawn at random."""
    upper = UpperLayers(network).train()
    upper.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster for depthwise convolutions
    optimizer = torch.optim.AdamW(upper.parameters(), lr=RATE, weight_decay=DECAY)
    for epoch in epochs:
        _train(upper, optimizer, lower, targets, epoch)
    upper.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return network.eval()


def _train(upper: nn.Module, optimizer: torch.optim.Optimizer, lower: NDArray[np.float16], targets: Floats, epoch: int) -> None:
    torch.manual_seed(SEED + epoch)
    rng = np.random.default_rng([SEED, epoch])
    order, steps = rng.permutation(len(targets)), math.ceil(len(targets) / _BATCH)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + math.cos(math.pi * (epoch + step / steps) / EPOCHS)) / 2
        chosen = order[step * _BATCH : (step + 1) * _BATCH]
        seen = lower[rng.integers(0, len(lower), len(chosen)), chosen].astype(np.float32)
        optimizer.zero_grad()
        answers = upper(torch.from_numpy(seen).contiguous(memory_format=torch.channels_last))
        wanted = torch.from_numpy(targets[chosen])
        loss = nn.functional.binary_cross_entropy_with_logits(answers[:, 0], wanted)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        optimizer.step()
