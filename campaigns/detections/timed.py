"""The networks whose latency is measured, to be judged: the same ONNX files, told by their hashes.

The zoo (`simulator.measure.quantize`) is the one place that defines these precisions. The recipes in
`campaigns.detections.precisions` have other names: they answer what 8 bits take from a detector, and are not timed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from campaigns.detections.networks import DETECTORS, Detector
from simulator.measure.profiling import Photos, Subject, make_ready
from simulator.measure.quantize import PRECISIONS


@dataclass(frozen=True)
class Timed:
    """A detector at a precision of the zoo."""

    detector: Detector
    precision: str

    @property
    def subject(self) -> Subject:
        """Return the subject that is profiled, by the name of its profile."""
        return Subject(f"coco_{self.detector.name}", self.precision)

    @property
    def seen_by(self) -> str:
        """Its name in the tables."""
        return f"coco.{self.detector.name}.{self.precision}"


@dataclass(frozen=True)
class TimedFiles:
    """Folders of the files: trained networks, photos for calibration, and the cache."""

    trained: Path
    photos: Path
    cache: Path

    def file(self, timed: Timed) -> Path:
        """Return the ONNX file that the zoo makes for `timed`; raises CannotMeasureError or RefusedError."""
        return make_ready(timed.subject, self.cache / "models", Photos(self.photos), self.trained).file


def all_timed() -> list[Timed]:
    """Every detector at every precision of the zoo."""
    return [Timed(detector, precision) for detector in DETECTORS.values() for precision in PRECISIONS]


def sha256_of(file: Path) -> str:
    """Return the checksum of a file, as its profile has it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
