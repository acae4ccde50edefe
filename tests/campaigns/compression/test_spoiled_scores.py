from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from campaigns.compression import spoiled_scores
from campaigns.compression.smaller_networks import Study
from campaigns.compression.spoiled_scores import _answers
from campaigns.datalab.spoiled import CONDITIONS
from campaigns.datalab.spoilers import spoil
from simulator.measure.score_training import LabelledPhotos


def test_networks_answer_the_spoiled_photos_and_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that answers with the mean of its input, on photos of its own size."""
    photos = list(np.random.default_rng(0).integers(0, 256, (10, 128, 128, 3), dtype=np.uint8))
    items = [str(number) for number in range(10)]
    rows = pd.DataFrame({"item": items, "patient": items, "label": [0, 1] * 5, "diagnosis": "NEV", "fitzpatrick": 2})
    study = Study(LabelledPhotos("photos", "ours", [], rows), tmp_path, lambda words: None)
    trained = {"even": [{("net", "fp32"): Path()}] * 5}
    condition = next(one for one in CONDITIONS if one.key == "exposure.3")
    monkeypatch.setattr(spoiled_scores, "out_of_fold", lambda _networks, _takes, pixels, _folds: pixels.mean(axis=(1, 2, 3)))
    expected = [spoil(photo, "exposure", 3, item).mean() for photo, item in zip(photos, items, strict=True)]
    for given in (photos, []):
        assert _answers(study, given, condition, trained)["net", "fp32"] == pytest.approx(expected)
