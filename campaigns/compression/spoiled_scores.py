"""Answers of the trained networks to spoiled photos: what each kind of damage costs each network, at each precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from campaigns.compression.compared_scores import out_of_fold
from campaigns.compression.smaller_networks import COMPARED, TRAININGS, Files, Floats, Study
from campaigns.datalab.spoiled import CONDITIONS, changed_photos, inputs_of
from campaigns.datalab.spoiled_studies import effects
from campaigns.detections.origin import measured_here
from simulator.arrays import Ints, Pixels
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.photo_checks import SpoiledCondition, TrainedAbout
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.image_steps import load_photo
from simulator.measure.score_training import FOLDS, LabelledPhotos

_ALL = TRAININGS | COMPARED


#: Logits (conditions, photos) by network and precision.
Answers = dict[tuple[str, str], Floats]


def spoiled_answers(study: Study, names: list[str]) -> Answers:
    """Return the answers in each condition by the networks of some trainings, trained where the cache lacks them."""
    trained = {name: [study.files(name, fold, _ALL[name]) for fold in range(FOLDS)] for name in names}
    photos = [np.asarray(load_photo(path)) for path in study.dataset.photos]
    by_condition = [_answers(study, photos, condition, trained) for condition in CONDITIONS]
    return {key: np.stack([answers[key] for answers in by_condition]) for key in by_condition[0]}


def spoiled_effects(answers: Answers) -> pd.DataFrame:
    """Return the effect of each condition on each network.

    Differences to the photos as taken are paired by patient; a threshold stays where it was on those.
    """
    rows = []
    for (model, precision), logits in answers.items():
        rows += [{"network": model} | row for row in effects(CONDITIONS, precision, logits.astype(float))]
    return pd.DataFrame(rows)


def write_answers(dataset: LabelledPhotos, answers: Answers, out: Path) -> None:
    """Write spoiled_networks.npz and spoiled_networks.yaml, which a run with another camera draws on."""
    arrays = {f"{model}.{precision}": logits.astype(np.float16) for (model, precision), logits in answers.items()}
    with in_one_step(out / "spoiled_networks.npz") as part, part.open("wb") as stream:
        np.savez_compressed(stream, **cast(Any, arrays))
    about = TrainedAbout(
        **measured_here(["torch", "onnxruntime", "numpy", "pillow"]) | {"attribution": dataset.attribution},
        dataset=dataset.name,
        networks=list(arrays),
        notes=[
            "each network was trained again, fold by fold; a photo is answered by the network of the folds without its patient",
            "the conditions are those of spoiled.yaml",
        ],
    )
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "spoiled_networks.yaml") as part:
        yaml.dump(about.model_dump(), part)


def _answers(
    study: Study, photos: list[Pixels], condition: SpoiledCondition, trained: Mapping[str, list[Files]]
) -> dict[tuple[str, str], Floats]:
    """Return the logits of the photos in a condition, by network and precision."""
    changed = cache(partial(changed_photos, photos, study.dataset, condition))
    found: dict[tuple[str, str], Floats] = {}
    for name, folds in trained.items():
        made = partial(_scored, changed, ARCHITECTURES[_ALL[name].takes], folds, study.dataset.folds)
        found |= dict(zip(folds[0], study.stored(f"{name}.{condition.key}", made), strict=True))
    return found


def _scored(changed: Callable[[], list[Pixels]], takes: Architecture, networks: list[Files], folds: Ints) -> Floats:
    pixels = inputs_of(changed(), takes.input_size)
    return np.stack([out_of_fold([files[key] for files in networks], takes, pixels, folds) for key in networks[0]])
