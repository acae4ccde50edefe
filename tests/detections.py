"""Small detection tables with known figures: two detectors, two precisions, clean images, fog and one bug."""

from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from simulator.evidence.detection_tables import BINS, IMAGE_STATISTICS, DetectionTables, load_detections

#: AP of each detector and precision on clean images; fog takes a tenth of it, two and three
#: at severities 1, 3 and 5, and swapped colours a half.
AP = {
    ("yolox_nano", "fp32"): 0.34,
    ("yolox_nano", "int8_all"): 0.08,
    ("fastestdet", "fp32"): 0.20,
    ("fastestdet", "int8_all"): 0.19,
}
SETTINGS = {("clean", 0): 1.0, ("fog", 1): 0.9, ("fog", 3): 0.8, ("fog", 5): 0.7, ("bgr", 1): 0.5}
IMAGES, BOXES = 6, 24


def about() -> dict[str, object]:
    def detector(label: str, reference: float) -> dict[str, object]:
        return {"label": label, "file": "x.onnx", "sha256": "0", "licence": "none", "takes": "x", "reference_ap": reference}

    return {
        "date": "2026-01-01", "processor": "a processor", "cores": 2, "system": "a system", "libraries": {"onnxruntime": "1"},
        "dataset": "a data set", "attribution": "nobody", "images": IMAGES, "boxes": BOXES, "seed": 1, "resamples": 10,
        "intervals": "95%", "calibration": "halves",
        "detectors": {"yolox_nano": detector("YOLOX-nano", 0.337), "fastestdet": detector("FastestDet", 0.183)},
        "precisions": {"fp32": "floats", "int8_all": "8 bits"},
        "conditions": {
            "fog": {"label": "Fog", "kind": "corruption", "means": "depth", "strengths": {1: 1, 3: 2, 5: 3}, "coco_c": "fog"},
            "bgr": {"label": "Red and blue swapped", "kind": "bug", "means": "swapped"},
        },
    }  # fmt: skip


def heights() -> np.ndarray:
    return np.tile([16.0, 32.0, 64.0, 256.0], IMAGES)


def frames() -> dict[str, pd.DataFrame]:
    box = np.arange(BOXES)
    image = np.repeat([f"i{number}" for number in range(IMAGES)], BOXES // IMAGES)
    boxes = pd.DataFrame(dict.fromkeys(DetectionTables.boxes.columns, 0.0), index=box)
    boxes = boxes.assign(box=box, image=image, category="person", height_px=heights())
    made: dict[str, list[pd.DataFrame]] = {"outcomes": [], "answers": [], "images": [], "summary": []}
    for (condition, severity), left in SETTINGS.items():
        setting = {"condition": condition, "severity": severity}
        names = sorted(set(image))
        # Fog lightens every image by one tenth a severity; the bug is behind the camera, and changes none.
        brightness = np.linspace(0.3, 0.7, IMAGES) + ((severity + 1) / 20 if condition == "fog" else 0)
        images = pd.DataFrame({name: np.linspace(1, 2, IMAGES) for name in IMAGE_STATISTICS} | {"image": names})
        made["images"].append(images.assign(brightness=brightness, **setting))
        for (detector, precision), ap in AP.items():
            network = {"detector": detector, "precision": precision} | setting
            # Boxes of 32 px and more are found while at least 0.8 of AP is left.
            scores = np.where(heights() >= (32 if left >= 0.8 else 100), 0.65, 0.0)
            made["outcomes"].append(pd.DataFrame({"box": box, "score": scores}).assign(**network))
            answers = pd.DataFrame(dict.fromkeys(DetectionTables.answers.columns, 0.0), index=range(IMAGES)).assign(image=names)
            # Above 0.6 all three found boxes of an image and no false one; from 0.3 five false ones more.
            made["answers"].append(answers.assign(found_60=3, found_30=5, false_30=5, **network))
            figures = {
                "ap": ap * left,
                "ap50": ap,
                "ap_less_clean": ap * (left - 1),
                "ap_less_fp32": 0.0,
                "ap50_less_clean": 0.0,
            }
            figures |= {"ap50_less_fp32": 0.0}
            row = {f"{name}{end}": value + apart for name, value in figures.items() for end, apart in ENDS.items()}
            made["summary"].append(pd.DataFrame([network | row]))
    return {"boxes": boxes} | {name: pd.concat(rows, ignore_index=True) for name, rows in made.items()}


ENDS = {"": 0.0, "_low": -0.02, "_high": 0.02}


def write_tables(folder: Path) -> Path:
    """Write them as the command does."""
    folder.mkdir(parents=True, exist_ok=True)
    assert len(BINS) == 10
    for name, frame in frames().items():
        rows = frame[DetectionTables.tables()[name].names]
        if name == "summary":
            rows.to_csv(folder / "summary.csv", index=False)
        else:
            rows.to_parquet(folder / f"{name}.parquet", index=False)
    YAML().dump(about(), folder / "about.yaml")
    return folder


def small_tables(folder: Path) -> DetectionTables:
    """Write and read them."""
    return load_detections(write_tables(folder))
