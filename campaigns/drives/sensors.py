"""Detectors on the drives: each camera and LiDAR detector, the place of its answers, and the labels that count for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: The columns of a box, in pixels.
BOX = ["left", "top", "right", "bottom"]

_COCO_CARS = MappingProxyType({"car": ("Car", "Van")})


@dataclass(frozen=True)
class Sensor:
    """One detector.

    name: how the evidence files name it
    folder: where its answers lie, below the folder of the drives; of a scored one, a folder of files for each class
    labels: the kinds of object that it reports, and the classes of the labels that count as each
    thresholds: the scores at which it is judged; empty where its answers carry no score
    restored: whether the boxes that its tracker withheld are put back (`withheld.py`)
    """

    name: str
    folder: str
    labels: Mapping[str, tuple[str, ...]]
    thresholds: tuple[float, ...] = ()
    restored: bool = False

    @property
    def scored(self) -> bool:
        """Return whether each answer carries a score."""
        return bool(self.thresholds)


#: The camera folders hold what trackers published: OC-SORT for the YOLO networks, CIWT for the stereo camera. PointRCNN's
#: answers went through no tracker.
#: COCO's class "car" takes in vans. PointRCNN and the stereo tracker learnt KITTI's classes, where a van is not a car: it is
#: neither counted as missed nor as falsely found.
SENSORS = {
    sensor.name: sensor
    for sensor in (
        Sensor("kitti.yolox_x.restored", "camera/yolox_x", _COCO_CARS, restored=True),
        Sensor("kitti.yolox_x", "camera/yolox_x", _COCO_CARS),
        Sensor("kitti.yolov4", "camera/yolov4", _COCO_CARS),
        Sensor("kitti.yolov3", "camera/yolov3", _COCO_CARS),
        Sensor("kitti.ciwt_stereo", "camera/ciwt_stereo", {"car": ("Car",), "pedestrian": ("Pedestrian",)}),
        Sensor(
            "kitti.pointrcnn",
            "lidar_pointrcnn",
            {"car": ("Car",), "pedestrian": ("Pedestrian",), "cyclist": ("Cyclist",)},
            thresholds=(-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
        ),
    )
}
CAMERAS = tuple(name for name, sensor in SENSORS.items() if not sensor.scored)
#: The cameras whose boxes are as they were published.
PUBLISHED_CAMERAS = tuple(name for name in CAMERAS if not SENSORS[name].restored)
LIDAR = "kitti.pointrcnn"
