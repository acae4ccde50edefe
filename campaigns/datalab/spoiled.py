"""Scores, sharpness and features of spoiled photos, and of photos that show no skin, by the skin case's default network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from ruamel.yaml import YAML
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize as unit_length

from campaigns.datalab.backbones import Backbone, answered
from campaigns.datalab.features import lite0
from campaigns.datalab.spoilers import SEVERITIES, SPOILERS, light, sharpness, spoil
from campaigns.detections.origin import measured_here
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.photo_checks import CLEAN, DETECTORS, ForeignSet, SpoiledAbout, SpoiledCondition
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.image_steps import load_photo, square
from simulator.measure.score_training import FOLDS, LabelledPhotos, answers, frozen, network_files

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Arrays = dict[str, Floats]
Report = Callable[[str], None]

NETWORK = "efficientnet_lite0"
PRECISIONS = ("fp32", "int8_static")
#: Of the photos that show no skin, at most this many of a folder, drawn by SEED.
MOST_FOREIGN, SEED = 500, 0
#: A foreign photo is first brought to the size of the labelled ones.
_SIDE = 256
#: k of the k-th nearest neighbour.
NEIGHBOURS = 10
#: Added to the variance of the Laplacian before its logarithm.
_LEAST = 1e-3
#: Label and attribution of the sets of foreign photos.
FOREIGN = {
    "objects": (
        "Objects of daily life",
        "128 photos of COCO val2017, COCO Consortium; numbers computed by CaseSim, no photo is passed on",
    ),
    "groceries": ("Groceries in a shop", "GroceryStoreDataset, Klasson et al. 2019, MIT; numbers computed by CaseSim"),
}
CONDITIONS = [SpoiledCondition(name=CLEAN, label="As taken", severity=0, strength=0, means="")] + [
    SpoiledCondition(name=name, label=one.label, severity=severity, strength=one.strengths[severity - 1], means=one.means)
    for name, one in SPOILERS.items()
    for severity in SEVERITIES
]


def write_spoiled(dataset: LabelledPhotos, foreign: Mapping[str, list[Path]], cache: Path, out: Path, report: Report) -> None:
    """Write spoiled.npz and spoiled.yaml to the folder `out`; finished conditions are read from `cache`.

    foreign: photos of each of FOREIGN
    """
    takes, backbone = ARCHITECTURES[NETWORK], lite0()
    photos = [np.asarray(load_photo(path)) for path in dataset.photos]
    with TemporaryDirectory() as folder:
        clean = _cached(cache / f"{CLEAN}.0.seen.npz", lambda: seen(backbone, photos))["features"]
        networks = [_network(takes, clean, photos, dataset, fold, Path(folder)) for fold in range(FOLDS)]
        answers: list[Arrays] = []
        for condition in CONDITIONS:
            report(f"{condition.label} {condition.severity}")
            changed = changed_photos(photos, dataset, condition)
            place = f"{condition.name}.{condition.severity}"
            found = _cached(cache / f"{place}.seen.npz", partial(seen, backbone, changed))
            int8 = _cached(cache / f"{place}.int8.npz", partial(_int8_logits, takes, networks, changed, dataset.folds))
            answers.append(found | int8)
    strange = []
    for name, paths in foreign.items():
        report(FOREIGN[name][0])
        squares = [square(load_photo(path), _SIDE) for path in paths]
        strange.append(_cached(cache / f"{name}.seen.npz", partial(seen, backbone, squares)))
    arrays = _skin_arrays(dataset, answers, networks) | _foreign_arrays(dataset, clean, strange, networks)
    with in_one_step(out / "spoiled.npz") as part, part.open("wb") as stream:
        np.savez_compressed(stream, **cast(Any, {name: values.astype(np.float16) for name, values in arrays.items()}))
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "spoiled.yaml") as part:
        yaml.dump(_about(dataset, foreign).model_dump(), part)


def _about(dataset: LabelledPhotos, foreign: Mapping[str, list[Path]]) -> SpoiledAbout:
    return SpoiledAbout(
        **measured_here(["torch", "onnxruntime", "numpy", "pillow", "scikit-learn"])
        | {"attribution": dataset.attribution.replace("scores", "scores, sharpness and distances")},
        dataset=dataset.name,
        network=NETWORK,
        photos=len(dataset.rows),
        folds=FOLDS,
        precisions=list(PRECISIONS),
        conditions=CONDITIONS,
        foreign=[
            ForeignSet(name=name, label=FOREIGN[name][0], photos=len(paths), attribution=FOREIGN[name][1])
            for name, paths in foreign.items()
        ],
        notes=[
            f"damage is simulated on photos of {_SIDE} pixels a side, seed 0; a phone's own photo has more pixels",
            "each photo is answered by the network of the folds without its patient; distances are to the clean photos of "
            f"these folds: Mahalanobis with the covariance of Ledoit and Wolf, and to neighbour {NEIGHBOURS} of unit length",
        ],
    )


def drawn(paths: list[Path]) -> list[Path]:
    """Return at most MOST_FOREIGN photos, by SEED."""
    order = np.random.default_rng(SEED).permutation(len(paths))[:MOST_FOREIGN]
    return [sorted(paths)[place] for place in sorted(order.tolist())]


def seen(backbone: Backbone, photos: Sequence[Pixels]) -> Arrays:
    """Return features (photos, channels), and sharpness and light of each photo."""
    inputs = inputs_of(photos, backbone.size)
    return {
        "features": answered(backbone.features, inputs),
        "sharpness": np.log(np.array([sharpness(photo) for photo in photos]) + _LEAST).astype(np.float32),
        "light": np.array([light(photo) for photo in photos], np.float32),
    }


def distances(learnt: Floats, asked: Floats) -> Arrays:
    """Return the distances of features `asked` to those `learnt`, by both detectors."""
    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(unit_length(learnt))
    return {
        "mahalanobis": np.sqrt(LedoitWolf().fit(learnt).mahalanobis(asked)),
        "neighbours": near.kneighbors(unit_length(asked))[0][:, -1],
    }


@dataclass(frozen=True)
class _Network:
    """The network of a fold. head, bias: of its last layer; int8: its file."""

    head: Floats
    bias: float
    int8: Path

    def logits(self, features: Floats) -> Floats:
        return features @ self.head + np.float32(self.bias)


def _network(
    takes: Architecture, clean: Floats, photos: list[Pixels], dataset: LabelledPhotos, fold: int, folder: Path
) -> _Network:
    learnt = dataset.folds != fold
    network = frozen(takes, clean[learnt], dataset.labels[learnt])
    layer: Any = network._fc
    head, bias = layer.weight.detach().numpy()[0].copy(), float(layer.bias.detach()[0])
    pixels = inputs_of([photo for photo, one in zip(photos, learnt, strict=True) if one], takes.input_size)
    place = folder / str(fold)
    place.mkdir()
    return _Network(head, bias, network_files(network, takes, PRECISIONS[1:], pixels, place)[PRECISIONS[1]])


def changed_photos(photos: list[Pixels], dataset: LabelledPhotos, condition: SpoiledCondition) -> list[Pixels]:
    """Return the photos in a condition."""
    if condition.name == CLEAN:
        return photos
    items = dataset.rows["item"]
    return [spoil(photo, condition.name, condition.severity, item) for photo, item in zip(photos, items, strict=True)]


def _int8_logits(takes: Architecture, networks: list[_Network], photos: list[Pixels], folds: NDArray[np.int64]) -> Arrays:
    inputs, found = inputs_of(photos, takes.input_size), np.empty(len(photos), np.float32)
    for fold, network in enumerate(networks):
        found[folds == fold] = answers(network.int8, takes, inputs[folds == fold])[:, 0]
    return {"int8": found}


def inputs_of(photos: Sequence[Pixels], size: int) -> Pixels:
    """Return photos as a network takes them, (photos, size, size, 3)."""
    return np.stack([square(Image.fromarray(photo), size) for photo in photos])


def _skin_arrays(dataset: LabelledPhotos, answers: list[Arrays], networks: list[_Network]) -> Arrays:
    features = np.stack([one["features"] for one in answers])
    shape = features.shape[:2]
    fp32, far = np.empty(shape, np.float32), {name: np.empty(shape, np.float32) for name in DETECTORS}
    for fold, network in enumerate(networks):
        tested = dataset.folds == fold
        asked = features[:, tested].reshape(-1, features.shape[-1])
        fp32[:, tested] = network.logits(asked).reshape(len(features), -1)
        for name, found in distances(features[0, ~tested], asked).items():
            far[name][:, tested] = found.reshape(len(features), -1)
    logits = np.stack([fp32, np.stack([one["int8"] for one in answers])])
    return {"logits": logits, **{name: np.stack([one[name] for one in answers]) for name in ("sharpness", "light")}, **far}


def _foreign_arrays(dataset: LabelledPhotos, clean: Floats, strange: list[Arrays], networks: list[_Network]) -> Arrays:
    features = np.concatenate([one["features"] for one in strange])
    by_fold = [distances(clean[dataset.folds != fold], features) for fold in range(FOLDS)]
    found = {name: np.stack([one[name] for one in by_fold]) for name in DETECTORS}
    found["logits"] = np.stack([network.logits(features) for network in networks])
    found |= {name: np.concatenate([one[name] for one in strange]) for name in ("sharpness", "light")}
    return {f"foreign.{name}": values for name, values in found.items()}


def _cached(path: Path, make: Callable[[], Arrays]) -> Arrays:
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with in_one_step(path) as part, part.open("wb") as stream:
            np.savez(stream, **cast(Any, make()))
    with np.load(path) as found:
        return dict(found)
