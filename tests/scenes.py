"""Small scene tables: four images, two a half, their crops and two mixtures; clean, in fog, occluded and of unknown animals."""

from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from simulator.evidence.scene_tables import NUMBERS, SceneTables, load_scenes
from tests.detections import about as detections_about

#: Images 0 and 1 are the reference. Each has two boxes, a crop one of them, and a mixture all of its parents'.
IMAGES = [f"i{number}" for number in range(4)]
MADE = [*(f"{name}_crop" for name in IMAGES), "i0+i1", "i2+i3"]
OWN_BOXES, BOXES = np.repeat(IMAGES, 2), np.repeat(MADE, [1, 1, 1, 1, 4, 4])
SETTINGS = [("clean", 0), ("fog", 1), ("occlusion", 1), ("unknown", 1)]
NETWORKS = [("yolox_nano", "fp32"), ("yolox_nano", "int8_all")]


def about() -> dict[str, object]:
    def condition(kind: str) -> dict[str, object]:
        return {"label": "x", "kind": kind, "means": "x", "strengths": {1: 0.5}}

    return detections_about() | {
        "images": 10, "boxes": len(BOXES), "image_boxes": len(OWN_BOXES), "made": {"crop": "a window"},
        "detections_sha256": "0",
        "conditions": {"fog": condition("corruption"), "occlusion": condition("world"), "unknown": condition("world")},
    }  # fmt: skip


def _scenes() -> pd.DataFrame:
    parents = [*IMAGES, *IMAGES, "i0+i1", "i2+i3"]
    kinds = ["image"] * 4 + ["crop"] * 4 + ["mixture"] * 2
    rows = pd.DataFrame({"scene": [*IMAGES, *MADE], "kind": kinds, "parents": parents})
    return rows.assign(reference=rows["parents"].str[:2].isin(["i0", "i1"]), width_px=96, height_px=64)


def frames() -> dict[str, pd.DataFrame]:
    scenes = _scenes()
    half = scenes.set_index("scene")["reference"]
    boxes = pd.DataFrame(dict.fromkeys(SceneTables.boxes.columns, 1.0), index=range(len(BOXES)))
    made: dict[str, list[pd.DataFrame]] = {"outcomes": [], "images": [], "answers": [], "features": []}
    for condition, severity in SETTINGS:
        setting, world = {"condition": condition, "severity": severity}, condition in ("occlusion", "unknown")
        names = [*IMAGES, *MADE] if world else MADE
        images = pd.DataFrame(dict.fromkeys(SceneTables.images.columns, 0.5), index=range(len(names))).assign(image=names)
        made["images"].append(images.assign(**setting))
        numbers = pd.DataFrame(np.zeros((len(names), len(NUMBERS))), columns=NUMBERS)
        made["features"].append(numbers.assign(image=names, reference=half[names].to_numpy(), **setting))
        for detector, precision in NETWORKS:
            network = {"detector": detector, "precision": precision} | setting
            parts = [OWN_BOXES, BOXES] if world else [BOXES]
            rows = pd.DataFrame({"image": np.concatenate(parts), "box": np.concatenate([np.arange(len(one)) for one in parts])})
            made["outcomes"].append(rows.assign(score=0.5, **network))
            answers = pd.DataFrame(dict.fromkeys(SceneTables.answers.columns, 0.0), index=range(len(names))).assign(image=names)
            made["answers"].append(answers.assign(**network))
    tables = {name: pd.concat(rows, ignore_index=True) for name, rows in made.items()}
    return tables | {"scenes": scenes, "boxes": boxes.assign(box=range(len(BOXES)), image=BOXES, category="cat")}


def write_scenes(folder: Path) -> Path:
    """Write them as the command does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames().items():
        if name == "scenes":
            frame[SceneTables.tables()[name].names].to_csv(folder / "scenes.csv", index=False)
        else:
            frame[SceneTables.tables()[name].names].to_parquet(folder / f"{name}.parquet", index=False)
    YAML().dump(about(), folder / "about.yaml")
    return folder


def small_scenes(folder: Path) -> SceneTables:
    """Write and read them."""
    return load_scenes(write_scenes(folder))
