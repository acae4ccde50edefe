"""Frozen features of the labelled photos by backbone, in half precision, as the data lab reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from torch import nn

from campaigns.datalab.backbones import Backbone, answered, as_onnx, mobilenet_v2, thin_resnet50
from campaigns.detections.origin import measured_here
from simulator.datalab.lab_evidence import BackboneAbout, LabAbout
from simulator.evidence.evidence_files import in_one_step
from simulator.measure.architectures import ARCHITECTURES
from simulator.measure.image_steps import normalize
from simulator.measure.score_training import VIEWS, LabelledPhotos

Floats = NDArray[np.float32]

#: Of a backbone that no committed table compares with, these principal components are kept.
COMPONENTS = 256


def lite0() -> Backbone:
    takes = ARCHITECTURES["efficientnet_lite0"]
    network = takes.build()
    network._fc = nn.Identity()
    run = as_onnx(network, takes.input_size)
    return Backbone(
        takes.name,
        "EfficientNet-Lite0",
        takes.input_size,
        takes.weights,
        "Apache-2.0",
        lambda pixels: run(normalize(pixels, takes.mean, takes.std)),
    )


def backbones(nsfwjs: Path) -> Iterator[Backbone]:
    """Yield the networks that are seen in one view: each is started when its turn comes."""
    yield thin_resnet50()
    yield mobilenet_v2(nsfwjs)


def features_of(backbone: Backbone, dataset: LabelledPhotos, cache: Path, view: int = 0) -> Floats:
    """Return the features of every photo in one of VIEWS, (photos, channels), from `cache` where they were made before."""
    path = cache / f"{dataset.fingerprint}.{backbone.name}.{view}.npy"
    if not path.is_file():
        rows, columns = VIEWS[view]
        pixels = dataset.squares(backbone.size)[:, rows, columns]
        cache.mkdir(parents=True, exist_ok=True)
        with in_one_step(path) as part, part.open("wb") as stream:
            np.save(stream, answered(backbone.features, pixels))
    return np.asarray(np.load(path), np.float32)


def reduced(found: Floats) -> tuple[Floats, float]:
    """Return the principal components of standardised features, and the share of the variance that they keep."""
    standard = (found - found.mean(axis=0)) / (found.std(axis=0) + 1e-6)
    left, spread, _ = np.linalg.svd(standard, full_matrices=False)
    kept = min(COMPONENTS, len(spread))
    return (left * spread)[:, :kept], float((spread[:kept] ** 2).sum() / (spread**2).sum())


def write_features(dataset: LabelledPhotos, nsfwjs: Path, cache: Path, out: Path, report: Callable[[str], None]) -> None:
    """Write a file of float16 for each backbone, four views of Lite0, and about.yaml to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    entries = list(_lite0_files(dataset, cache, out, report))
    for backbone in backbones(nsfwjs):
        report(backbone.label)
        found = features_of(backbone, dataset, cache)
        kept, explained = reduced(found) if found.shape[1] > COMPONENTS else (found, 1.0)
        _write(out / f"{backbone.name}.npy", kept)
        entries.append(_entry(backbone, found.shape[1], kept.shape[1], explained))
    about = LabAbout(
        **measured_here(["torch", "onnxruntime", "numpy", "pillow"])
        | {"attribution": dataset.attribution.replace("scores", "features")},
        dataset=dataset.name,
        photos=len(dataset.rows),
        backbones=entries,
    )
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "about.yaml") as part:
        yaml.dump(about.model_dump(), part)


def _lite0_files(dataset: LabelledPhotos, cache: Path, out: Path, report: Callable[[str], None]) -> Iterator[BackboneAbout]:
    backbone = lite0()
    report(backbone.label)
    views = [features_of(backbone, dataset, cache, view) for view in range(len(VIEWS))]
    _write(out / f"{backbone.name}.npy", views[0])
    yield _entry(backbone, views[0].shape[1], views[0].shape[1], 1.0)
    # A head is linear, so that the mean of its answers to four views is its answer to their mean.
    _write(out / f"{backbone.name}.views.npy", np.mean(views, axis=0))


def _entry(backbone: Backbone, channels: int, kept: int, explained: float) -> BackboneAbout:
    return BackboneAbout(
        name=backbone.name,
        label=backbone.label,
        size=backbone.size,
        weights=backbone.weights,
        licence=backbone.licence,
        channels=channels,
        kept=kept,
        explained=round(explained, 4),
    )


def _write(path: Path, values: Floats) -> None:
    with in_one_step(path) as part, part.open("wb") as stream:
        np.save(stream, values.astype(np.float16))
