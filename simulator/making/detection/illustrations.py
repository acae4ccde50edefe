"""Pictures of what a condition does to an image, made from scenes that our own code draws: none is a photo.

They show what was measured, on other images: the corruptions, the pasted patches and the way into a network are those of the
measurement, with the same severities. The network's square has `SCALE` of its side, as the scenes have of the photos'.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image
from ruamel.yaml import YAML

from simulator.evidence.detection_tables import CLEAN
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.illustrations import CAMERA, ENDING, NETWORK, ConditionShown, IllustrationsAbout, file_name
from simulator.making.detection.conditions import BUGS, OCCLUSION, UNKNOWN, WHOLE, WORLD, Setting
from simulator.making.detection.corruptions import CORRUPTIONS, SEVERITIES
from simulator.making.detection.datasets import Dataset
from simulator.making.detection.drawn_scenes import SCALE, SIZE, Scene, crowded, scene, with_animals
from simulator.making.detection.images import Takes, prepare
from simulator.making.detection.networks import DETECTORS
from simulator.making.detection.occlusion import Occluder
from simulator.making.zoo.machine import library_version
from simulator.making.zoo.steps import Floats, Pixels
from simulator.metrics.detection_quality import Boxes

#: The scenes of the illustrations, by their letter.
SCENES = {letter: scene(seed) for seed, letter in enumerate("ABC")}
#: The seed of corruptions, and that of patches, with which large boxes get patches that one recognises.
SEED, PATCH_SEED = 1, 3593
#: Many small people: shown, but no condition that is measured.
CROWDED = "crowded"
_DETECTOR = DETECTORS["nanodet_m"]


class _Drawn(Dataset):
    """The scenes as labelled images."""

    def pixels(self, image: int) -> Pixels:
        """A scene."""
        return SCENES[self.names[image]].pixels


@cache
def _occluder() -> Occluder:
    """Patches from the boxes of the three scenes."""
    boxes = [one.boxes for one in SCENES.values()]
    image = np.repeat(np.arange(len(boxes)), [len(mine) for mine in boxes])
    labels = Boxes(image, np.zeros_like(image), np.concatenate(boxes).astype(float))
    names = tuple(SCENES)
    scenes = _Drawn(Path(), tuple(map(Path, names)), (SIZE,) * len(names), names, tuple(range(len(names))), labels)
    return Occluder(scenes, np.zeros(len(names), np.int64), PATCH_SEED)


def occluded(one: Scene, share: float) -> Pixels:
    """A scene (180, 240, 3) with a patch over a part `share`, 0 to 1, of each of its boxes: a piece of a box of another scene.

    The function is the one with which the condition was measured.
    """
    parents = [place for place, other in enumerate(SCENES.values()) if other.seed == one.seed]
    return _occluder().occlude(one.pixels, str(one.seed), one.boxes.astype(float), share, parents, 0)


def by_camera(setting: Setting, name: str) -> Pixels:
    """The scene of a name as the camera gives it under a condition, (180, 240, 3)."""
    one = SCENES[name]
    if setting.condition == OCCLUSION:
        return occluded(one, setting.strength)
    changed = {UNKNOWN: with_animals, CROWDED: crowded}.get(setting.condition)
    return changed(one).pixels if changed else setting.image(one.pixels, name, SEED)


def by_network(setting: Setting, name: str) -> Pixels:
    """What the network gets of it under a condition, drawn as a picture, (156, 156, 3)."""
    trained = replace(_DETECTOR.takes, side=round(_DETECTOR.takes.side * SCALE))
    return as_picture(prepare(by_camera(setting, name), setting.takes(trained, name, SEED))[0], trained)


def as_picture(values: Floats, trained: Takes) -> Pixels:
    """The values (3, side, side) that a network gets, as the picture (side, side, 3) that they are to it.

    trained: what it was trained to take. Values that come of anything else give another picture; what leaves 0 to 255 is cut.
    """
    raw = values.transpose(1, 2, 0) * np.array(trained.std, np.float32) + np.array(trained.mean, np.float32)
    ordered = raw[..., ::-1] if trained.bgr else raw
    return np.clip(np.round(ordered * (255 / trained.largest)), 0, 255).astype(np.uint8)


#: What a network is shown to get: nothing wrong, a bug before it, or a step that is lost on the way.
_LOST = ("contrast", "pixelate")
SETTINGS: dict[str, list[Setting]] = {
    CAMERA: [
        Setting(CLEAN, 0),
        *(Setting(name, severity) for name in (*CORRUPTIONS, OCCLUSION) for severity in SEVERITIES),
        Setting(UNKNOWN, 1),
        Setting(CROWDED, 1),
    ],
    NETWORK: [
        Setting(CLEAN, 0),
        *(Setting(name, WHOLE) for name in BUGS),
        *(Setting(name, severity) for name in _LOST for severity in SEVERITIES),
    ],
}
_PICTURES: dict[str, Callable[[Setting, str], Pixels]] = {CAMERA: by_camera, NETWORK: by_network}
#: Quality of the files, unless they would be larger than so many bytes.
QUALITY, MOST_BYTES = 32, 12_000


def encoded(pixels: Pixels) -> bytes:
    """A picture (h, w, 3) as WebP of `QUALITY`, or of the best quality that stays within `MOST_BYTES`."""
    for quality in range(QUALITY, -1, -1):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= MOST_BYTES:
            break
    return buffer.getvalue()


def make_illustrations(out: Path) -> Iterator[Path]:
    """Write every picture to a folder, and at last about.yaml; yields each file that is written."""
    for kind, settings in SETTINGS.items():
        for setting in settings:
            for name in SCENES:
                path = out / file_name(kind, setting.condition, setting.severity, name)
                with in_one_step(path) as part:
                    part.write_bytes(encoded(_PICTURES[kind](setting, name)))
                yield path
    yaml = YAML()
    yaml.width, yaml.default_flow_style = 120, False
    with in_one_step(out / "about.yaml") as part:
        yaml.dump(_about().model_dump(), part)
    yield out / "about.yaml"


def _about() -> IllustrationsAbout:
    takes = _DETECTOR.takes
    return IllustrationsAbout(
        date=datetime.now(UTC).date().isoformat(),
        libraries={name: library_version(name) for name in ("numpy", "pillow")},
        what="illustrations: scenes that code of this repository draws, none is a photo; nothing was measured on them",
        licence="Apache-2.0, as the repository",
        made_by="simulator/making/detection: drawn.py and drawn_scenes.py draw; corruptions.py, occlusion.py, conditions.py "
        "and images.py, with which the detectors were measured, do the rest",
        seed=SEED,
        file=f"<kind>.<condition>.<severity>.<scene>{ENDING}",
        quality=f"WebP, quality {QUALITY}, lower where a file would exceed {MOST_BYTES} bytes",
        scenes={"A": "a street", "B": "a yard", "C": "a meadow"},
        kinds={
            CAMERA: "the image as the camera gives it",
            NETWORK: f"what {_DETECTOR.label} gets, turned back into a picture with the mean, the deviation and the order of "
            f"channels of its training; {takes.side * SCALE:g} pixels of side instead of {takes.side}",
        },
        sizes={kind: list(make(SETTINGS[kind][0], "A").shape[1::-1]) for kind, make in _PICTURES.items()},
        conditions={name: _shown(name) for name in dict.fromkeys(one.condition for one in chain(*SETTINGS.values()))},
        severities={kind: _severities(settings) for kind, settings in SETTINGS.items()},
        notes=[
            "a severity of a bug is the share of the images that it strikes; the picture is of an image that it strikes",
            f"{_DETECTOR.label} is given images stretched to its square, so that the other fit leaves bars above and below",
            "contrast and pixelate before the network stand for a step that a client does otherwise",
            "an image with unknown animals has cows and a dog; crowded is shown, but is no condition that was measured",
        ],
    )


def _severities(settings: list[Setting]) -> dict[str, list[int]]:
    """The severities of each condition; a bug's picture stands for each of its severities."""
    found: dict[str, list[int]] = {}
    for one in settings:
        found.setdefault(one.condition, []).extend(range(1, WHOLE + 1) if one.condition in BUGS else [one.severity])
    return found


def _shown(name: str) -> ConditionShown:
    if name in (CLEAN, CROWDED):
        label = {CLEAN: "Clean", CROWDED: "Crowded"}[name]
        return ConditionShown(label=label, means={CLEAN: "nothing is wrong", CROWDED: "many small people"}[name])
    told = CORRUPTIONS.get(name) or WORLD.get(name) or BUGS[name]
    strengths = {one.severity: one.strength for one in chain(*SETTINGS.values()) if one.condition == name}
    return ConditionShown(label=told.label, means=told.means, strengths=strengths, struck=name in BUGS)
