"""Small features with known distances, for the images of `tests.detections`."""

from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from simulator.evidence.scene_tables import FEATURES_TABLE, NUMBERS, Features, load_features
from tests.detections import IMAGES, SETTINGS

#: By how much the condition moves the first number of every image.
MOVED = {"clean": 0.0, "fog": 4.0, "bgr": 0.0}


def about() -> dict[str, object]:
    return {
        "date": "2026-01-01", "processor": "a processor", "system": "a system", "libraries": {"onnx": "1"},
        "dataset": "a data set", "attribution": "nobody", "network": "x", "sha256": "0", "licence": "none", "layer": "x",
        "channels": 20, "reduction": "x", "explained": 0.9, "images": IMAGES, "reference_images": IMAGES // 2, "seed": 1,
        "detections_sha256": "0",
    }  # fmt: skip


def rows() -> pd.DataFrame:
    """Reference images 0 to 2 have 1, 0 and -1 as their second number, and all other numbers are 0; so have 3 to 5."""
    made = []
    for condition, severity in SETTINGS:
        numbers = np.zeros((IMAGES, len(NUMBERS)))
        numbers[:, 0], numbers[:, 1] = MOVED[condition], [1, 0, -1] * 2
        frame = pd.DataFrame(numbers, columns=NUMBERS).assign(condition=condition, severity=severity)
        made.append(frame.assign(image=[f"i{number}" for number in range(IMAGES)], reference=np.arange(IMAGES) < 3))
    return pd.concat(made, ignore_index=True)[FEATURES_TABLE.names]


def write_features(folder: Path) -> Path:
    """Write them as the command does."""
    folder.mkdir(parents=True, exist_ok=True)
    rows().to_parquet(folder / "features.parquet", index=False)
    YAML().dump(about(), folder / "about.yaml")
    return folder


def small_features(folder: Path) -> Features:
    """Write and read them."""
    return load_features(write_features(folder))
