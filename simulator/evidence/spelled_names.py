"""Names of machines, models and precisions in words: an id names a file, and people read a name."""

from __future__ import annotations

import re

from simulator.evidence.catalogue import hardware

#: The usual spelling of parts of names; other parts stay as they are.
_SPELLING = {
    "12mp": "12 MP",
    "convnext": "ConvNeXt",
    "deeplabv3": "DeepLabv3",
    "efficientnet": "EfficientNet",
    "fastestdet": "FastestDet",
    "fasterrcnn": "Faster R-CNN",
    "fcos": "FCOS",
    "fpn": "FPN",
    "jpeg": "JPEG",
    "lraspp": "LRASPP",
    "maxvit": "MaxViT",
    "mobilenet": "MobileNet",
    "nanodet": "NanoDet",
    "nms": "non-maximum suppression",
    "regnet": "RegNet",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "retinanet": "RetinaNet",
    "ssdlite320": "SSDLite320",
    "swin": "Swin",
    "unet": "U-Net",
    "vit": "ViT",
    "yolox": "YOLOX",
}

#: The size behind a family of networks, which a hyphen joins to it: "YOLOX-x", "EfficientNet-Lite0".
_SIZE = re.compile(r"lite\d|b\d|nano|tiny|base|[a-z]")


def spelled(name: str) -> str:
    """Return a machine by its label in the catalogue, and a model or a precision with spaces and the usual spelling."""
    if name in (machines := hardware()):
        return machines[name].label
    family, *others = name.removeprefix("coco_").removeprefix("step_").split("_")
    hyphen = "-" if family in _SPELLING and others and _SIZE.fullmatch(others[0]) else " "
    behind = " ".join(_SPELLING.get(part, part) for part in others).replace("lite", "Lite")
    words = f"{_SPELLING.get(family, family)}{hyphen}{behind}".strip()
    return f"{words} (COCO)" if name.startswith("coco_") else words
