"""Detection networks as a server runs them: from the image to raw boxes and scores, at any batch size.

What comes after the network, decoding boxes and suppressing those that overlap, depends on what is in the picture; it is
measured as a stage of its own.
"""

import math
import random
from importlib import import_module
from typing import cast

import torch
from torch import Tensor, nn
from torchvision import models as torchvision_models
from torchvision.ops import roi_align

_SEED = 0
_SMALLEST_REGION = 16.0


class OneStage(nn.Module):
    """Backbone and heads of one of torchvision's single-stage detectors."""

    def __init__(self, name: str) -> None:
        super().__init__()
        detector = torchvision_models.get_model(name, weights=None, weights_backbone=None)
        self.backbone, self.head = detector.backbone, detector.head

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Scores and boxes of every anchor, each (batch, anchors, values)."""
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
        """Objectness and boxes of every anchor, level by level; class scores and boxes of every region."""
        features = self.backbone(image)
        objectness, boxes = self.proposals(list(features.values()))
        levels = [features[name] for name in self._levels if name in features]
        pooled = pool(levels, self._regions, image, self._output_size)
        return *objectness, *boxes, *self.box_predictor(self.box_head(pooled))


Region = tuple[float, float, float, float]


def pool(levels: list[Tensor], regions: list[Region], image: Tensor, output_size: tuple[int, int]) -> Tensor:
    """Features of every region in every image, those from the finest of `levels` first.

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
    """Boxes (left, top, right, bottom) of all sizes and shapes inside a square image; the same each time."""
    rng = random.Random(_SEED)  # noqa: S311 - places in a picture are no secret
    found = []
    for _ in range(count):
        width, height = (_SMALLEST_REGION * (size / _SMALLEST_REGION) ** rng.random() for _ in range(2))
        left, top = rng.uniform(0, size - width), rng.uniform(0, size - height)
        found.append((left, top, left + width, top + height))
    return found


def level_of(region: Region, finest: int, coarsest: int) -> int:
    """The level of the pyramid that a region is read from (Lin et al. 2017, Feature Pyramid Networks, equation 1)."""
    left, top, right, bottom = region
    level = math.floor(4 + math.log2(math.sqrt((right - left) * (bottom - top)) / 224))
    return min(max(level, finest), coarsest)


def _in_each_image(regions: list[Region], images: Tensor) -> Tensor:
    """Rows of image number and box: every region in every image."""
    boxes = torch.tensor(regions, device=images.device)
    numbers = torch.arange(images.shape[0], device=images.device, dtype=boxes.dtype)
    numbers = numbers[:, None, None].expand(-1, len(regions), 1)
    return torch.cat([numbers, boxes[None].expand(images.shape[0], -1, -1)], dim=2).flatten(0, 1)


def yolox(name: str) -> nn.Module:
    """A YOLOX network with raw outputs (batch, anchors, 4 + 1 + classes)."""
    config = import_module("yolox.config").YoloxConfig.get_named_config(name)
    model = cast(nn.Module, config.get_model())
    model.head.decode_in_inference = False  # type: ignore[union-attr]  # an attribute, not a module
    return model
