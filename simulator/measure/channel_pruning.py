"""EfficientNet-Lite with folded normalisations and fewer hidden channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

#: Points of a standard normal distribution, each as likely as the others.
_POINTS = 1001


def folded(network: Any) -> nn.Module:
    """Fold every normalisation into the convolution before it; the answers stay as they are."""
    network.eval()
    _fold(network, "_conv_stem", "_bn0")
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    _fold(network, "_conv_head", "_bn1")
    result: nn.Module = network
    return result


def _fold(module: nn.Module, convolution: str, normalisation: str) -> None:
    setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, normalisation)))
    setattr(module, normalisation, nn.Identity())


def pruned(network: Any, kept: float, first: int = 0) -> nn.Module:
    """Leave a share `kept` of the hidden channels in each block that expands, from block `first` on; return it folded.

    A channel matters as far as it varies: the spread of its value, times the size of the weights that read it. The mean of a
    removed channel goes on as a constant. Both follow from the normalisation, which makes a value about normal, so that no
    photo has a part in the choice.
    """
    network.eval()
    plans = []
    for block in network._blocks[first:]:
        if hasattr(block, "_expand_conv"):
            values = _likely_values(block._bn1)
            readers = fuse_conv_bn_eval(block._project_conv, block._bn2).weight.flatten(1)
            importance = values.std(dim=0) * readers.norm(dim=0)
            most = importance.argsort(descending=True)[: round(kept * len(importance))]
            plans.append((block, most.sort().values, values.mean(dim=0)))
    result = folded(network)
    with torch.no_grad():
        for block, channels, means in plans:
            _prune(block, channels, means)
    return result


def _likely_values(normalisation: Any) -> Tensor:
    """Return likely values of each channel after the normalisation and its ReLU6, (points, channels)."""
    points = torch.from_numpy(ndtri((np.arange(_POINTS) + 0.5) / _POINTS).astype(np.float32))
    values: Tensor = (normalisation.bias + points[:, None] * normalisation.weight).detach().clamp(0, 6)
    return values


def _prune(block: Any, channels: Tensor, means: Tensor) -> None:
    removed = torch.ones(len(means), dtype=torch.bool)
    removed[channels] = False
    expand, depthwise, project = block._expand_conv, block._depthwise_conv, block._project_conv
    project.bias += project.weight.flatten(1)[:, removed] @ means[removed]
    for convolution in (expand, depthwise):
        convolution.weight = nn.Parameter(convolution.weight[channels].clone())
        convolution.bias = nn.Parameter(convolution.bias[channels].clone())
        convolution.out_channels = len(channels)
    depthwise.in_channels = depthwise.groups = project.in_channels = len(channels)
    project.weight = nn.Parameter(project.weight[:, channels].clone())
