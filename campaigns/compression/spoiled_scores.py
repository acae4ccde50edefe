"""Answers of the trained networks to spoiled photos: what each kind of damage costs each network, at each precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
import pandas as pd

from campaigns.compression.compared_scores import out_of_fold
from campaigns.compression.smaller_networks import COMPARED, TRAININGS, Files, Floats, Study
from campaigns.datalab.spoiled import CONDITIONS, changed_photos, inputs_of
from simulator.datalab.spoiled_studies import effects
from simulator.evidence.spoiled_photos import SpoiledCondition
from simulator.measure.architectures import ARCHITECTURES, Architecture
from simulator.measure.image_steps import load_photo
from simulator.measure.score_training import FOLDS, Ints, Pixels

_ALL = TRAININGS | COMPARED


def spoiled_effects(study: Study, names: list[str]) -> pd.DataFrame:
    """Return the effect of each condition on the networks of some trainings, trained where the cache lacks them.

    Differences to the photos as taken are paired by patient; a threshold stays where it was on those.
    """
    trained = {name: [study.files(name, fold, _ALL[name]) for fold in range(FOLDS)] for name in names}
    photos = [np.asarray(load_photo(path)) for path in study.dataset.photos]
    by_condition = [_answers(study, photos, condition, trained) for condition in CONDITIONS]
    rows = []
    for model, precision in by_condition[0]:
        logits = np.stack([answers[model, precision] for answers in by_condition]).astype(float)
        rows += [{"network": model} | row for row in effects(CONDITIONS, precision, logits)]
    return pd.DataFrame(rows)


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
