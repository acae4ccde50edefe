"""Objects that a vehicle has to see, among COCO's classes: vehicles as one class, and people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.measure.detector_io import suppress
from simulator.measure.guarded import CannotMeasureError
from simulator.metrics.detection_quality import Boxes, ScoredBoxes

#: Objects of the road, and the classes of COCO that count as each: which kind of vehicle it is, braking does not ask.
OBJECTS: dict[str, tuple[str, ...]] = {"car": ("car", "bus", "truck"), "pedestrian": ("person",)}


def road_labels(labels: Boxes, names: Sequence[str]) -> Boxes:
    """Return the labelled boxes of the road's objects, their category the place in `OBJECTS`.

    Raises CannotMeasureError where the labels have none of an object.
    """
    place = _places(names)[labels.category]
    for number, (name, classes) in enumerate(OBJECTS.items()):
        if not (place == number).any():
            raise CannotMeasureError(f"--data: its labels hold no {name}; expected boxes of {', '.join(classes)}")
    keep = place >= 0
    return Boxes(labels.image[keep], place[keep], labels.box[keep])


def road_answers(found: ScoredBoxes, names: Sequence[str], overlap: float) -> ScoredBoxes:
    """Return the answers about the road's objects, by image and falling score.

    overlap: above it two boxes of an object are one, so that a van that is called car and truck is counted once
    """
    place = _places(names)[found.category]
    keep = np.flatnonzero(place >= 0)
    rows = np.column_stack([found.box[keep], found.score[keep], place[keep]]).astype(np.float32)
    kept = [keep[mine[suppress(rows[mine], overlap)]] for mine in _by_image(found.image[keep])]
    order = np.concatenate([np.zeros(0, np.int64), *kept])
    return ScoredBoxes(found.image[order], place[order], found.box[order], found.score[order])


def _by_image(image: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [np.flatnonzero(image == one) for one in np.unique(image)]


def _places(names: Sequence[str]) -> NDArray[np.int64]:
    places = {name: place for place, classes in enumerate(OBJECTS.values()) for name in classes}
    return np.array([places.get(name, -1) for name in names], np.int64)
