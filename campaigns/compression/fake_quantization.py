"""Training with the rounding of 8 bits: weights signed and per channel, activations unsigned and per tensor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_LARGEST = 127
_LEVELS = 255


class RoundedWeights(nn.Module):
    """Weights on a grid of 255 values around zero, with a step for each output channel."""

    def forward(self, weight: Tensor) -> Tensor:
        step = (weight.detach().flatten(1).abs().amax(dim=1) / _LARGEST).clamp(min=1e-8)
        zeros = torch.zeros(len(step), dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, step, zeros, 0, -_LARGEST, _LARGEST)


class RoundedActivations(nn.Module):
    """Activations on a grid of 256 values between the least and the greatest that were seen while `watching`."""

    low: Tensor
    high: Tensor

    def __init__(self, clipped: bool) -> None:
        super().__init__()
        self.clipped, self.watching = clipped, False
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        if self.clipped:
            values = nn.functional.relu6(values)
        if self.watching:
            self.low = torch.minimum(self.low, values.min())
            self.high = torch.maximum(self.high, values.max())
            return values
        step = ((self.high - self.low) / _LEVELS).clamp(min=1e-8)
        zero = (-self.low / step).round().to(torch.int32)
        return torch.fake_quantize_per_tensor_affine(values, step, zero, 0, _LEVELS)


class RoundedSum(nn.Module):
    """A block whose result is rounded, after the input was added to it."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block, self.rounded = block, RoundedActivations(clipped=False)

    def forward(self, values: Tensor, drop_connect_rate: float = 0.0) -> Tensor:
        rounded: Tensor = self.rounded(self.block(values, drop_connect_rate=drop_connect_rate))
        return rounded


def with_rounding(network: Any, images: Iterator[Any]) -> nn.Module:
    """Round the weights and activations of a folded EfficientNet-Lite; the ranges of activations come from `images`."""
    network._bn0, network._bn1 = RoundedActivations(clipped=True), RoundedActivations(clipped=True)
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            block._bn0 = RoundedActivations(clipped=True)
        block._bn1, block._bn2 = RoundedActivations(clipped=True), RoundedActivations(clipped=False)
    network._blocks = nn.ModuleList(RoundedSum(block) for block in network._blocks)
    network._avg_pooling = nn.Sequential(network._avg_pooling, RoundedActivations(clipped=False))
    for module in [*network.modules()]:
        if isinstance(module, nn.Conv2d | nn.Linear):
            parametrize.register_parametrization(module, "weight", RoundedWeights())
    result: nn.Module = network.eval()
    with _watching(result), torch.inference_mode():
        for image in images:
            result(torch.from_numpy(image)[None])
    return result


@contextmanager
def _watching(network: nn.Module) -> Iterator[None]:
    rounded = [module for module in network.modules() if isinstance(module, RoundedActivations)]
    for module in rounded:
        module.watching = True
    yield
    for module in rounded:
        module.watching = False
        module.low, module.high = module.low.clone(), module.high.clone()


def without_rounding(network: Any) -> nn.Module:
    """Return the network with its weights on their grid and its activations free, as it is exported."""
    for module in [*network.modules()]:
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    network._blocks = nn.ModuleList(rounded.block for rounded in network._blocks)
    network._avg_pooling = network._avg_pooling[0]
    for owner in (network, *network._blocks):
        for name in ("_bn0", "_bn1", "_bn2"):
            if hasattr(owner, name):
                setattr(owner, name, nn.Identity())
    result: nn.Module = network.eval()
    return result
