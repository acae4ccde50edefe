"""The trained detectors that the tables are about, and running one.

NanoDet-m is given images stretched to its square: so it comes within 0.02 of the AP that others found on the 128 images (0.240
beside 0.230). In their own proportions on black it reaches 0.259.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import onnxruntime as ort

from simulator.measure.detector_io import LAYOUTS, Layout, Takes
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.onnx_runtime import quiet_session


@dataclass(frozen=True)
class Detector:
    """A network in an ONNX file that others trained.

    head: how many of its convolutions, the last in order of execution, make up the head
    """

    name: str
    label: str
    file: str
    licence: str
    takes: Takes
    layout: Layout
    head: int

    def path(self, folder: Path) -> Path:
        """Return the path of its file in `folder`; raises CannotMeasureError."""
        if not (folder / self.file).is_file():
            raise CannotMeasureError(
                f"{folder}: holds no {self.file}, which {self.name} needs; --trained takes the folder that does"
            )
        return folder / self.file


def _detector(name: str, label: str, file: str, licence: str, layout: str, side: int, head: int) -> Detector:
    kind = LAYOUTS[layout]
    return Detector(name, label, file, licence, replace(kind.takes, side=side), kind, head)


DETECTORS: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        _detector("yolox_nano", "YOLOX-nano", "yolox_nano.onnx", "Megvii YOLOX, Apache-2.0", "yolox", 416, 36),
        _detector("nanodet_m", "NanoDet-m", "nanodet_m.onnx", "RangiLyu nanodet, Apache-2.0", "nanodet", 416, 15),
        _detector("fastestdet", "FastestDet", "FastestDet.onnx", "dog-qiuqiu FastestDet, BSD-3-Clause", "fastestdet", 352, 7),
    )
}
#: The detector that answers where a roll-out never reached the server.
OLDEST = "fastestdet"


def start(file: Path) -> ort.InferenceSession:
    """Return a session of one thread on the processor."""
    options = quiet_session()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
