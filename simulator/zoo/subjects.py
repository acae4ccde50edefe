"""What can be measured, and making it ready: an ONNX file at a precision, the decoding of a photo, or another step."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.zoo.architectures import ARCHITECTURES, Architecture, multiply_adds, parameters
from simulator.zoo.export import export
from simulator.zoo.measure import PROTOCOL, SESSION_PROTOCOL, Starter, open_session
from simulator.zoo.photo import (
    DECODINGS,
    PHONE_SIZE,
    PhotoError,
    find_photos,
    load_photo,
    phone_photo,
    prepare,
    start_decoder,
)
from simulator.zoo.quantize import CALIBRATED, PRECISIONS, quantize
from simulator.zoo.steps import STEPS, start_step, write_given

PHOTO_MODEL = "photo_decode"
_CALIBRATION_PHOTOS = 64


@dataclass(frozen=True)
class Subject:
    """One model at one precision; written `model.precision`."""

    model: str
    precision: str

    def __str__(self) -> str:
        return f"{self.model}.{self.precision}"


@dataclass(frozen=True)
class Photos:
    """A folder of photos, and where they come from, in words that a profile may repeat."""

    folder: Path | None
    origin: str = ""

    def require(self, purpose: str) -> Path:
        """The folder; raises PhotoError that says what it is needed for."""
        if self.folder is None:
            raise PhotoError(f"{purpose} needs photos; pass a folder of JPEG or PNG files with --photos")
        return self.folder


@dataclass(frozen=True)
class Ready:
    """A subject that can be started, and the facts about it that its profile repeats."""

    file: Path
    start: Callable[[int], Starter]
    input_shape: list[int]
    weights: str
    protocol: str
    libraries: list[str]
    parameters: int | None = None
    multiply_adds: int | None = None
    calibration: str | None = None

    @property
    def sha256(self) -> str:
        """Checksum of the file that is measured."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def precisions_of(model: str) -> list[str]:
    """The precisions at which `model` can be measured; for a step, its variants."""
    return list(ONE_THREAD.get(model, PRECISIONS))


#: What runs beside the network, an item at a time on one thread: names, and the variants of each.
ONE_THREAD: dict[str, list[str]] = {PHOTO_MODEL: list(DECODINGS)} | {name: list(variants) for name, variants in STEPS.items()}
MODELS = [*ONE_THREAD, *ARCHITECTURES]


def make_ready(subject: Subject, cache: Path, photos: Photos) -> Ready:
    """Build what is to be measured in `cache`, or take it from there; raises PhotoError or ExportError."""
    # Another version exports and quantizes to another file.
    folder = cache / f"torch-{version('torch')}-onnxruntime-{version('onnxruntime')}"
    folder.mkdir(parents=True, exist_ok=True)
    if subject.model in STEPS:
        return _ready_step(subject, folder)
    make = _ready_photo if subject.model == PHOTO_MODEL else _ready_network
    return make(subject, folder, photos)


def _ready_step(subject: Subject, folder: Path) -> Ready:
    file = folder / f"{subject}.npy"
    shape = write_given(subject.model, subject.precision, file)
    start = partial(start_step, subject.model, subject.precision)
    return Ready(
        file=file,
        start=lambda _: start,
        input_shape=shape,
        weights="none",
        protocol=f"{PROTOCOL}; {STEPS[subject.model][subject.precision].words}",
        libraries=["pillow", "numpy"],
    )


def _ready_photo(subject: Subject, folder: Path, photos: Photos) -> Ready:
    file = folder / f"{PHOTO_MODEL}.jpg"
    part = file.with_suffix(".part")
    part.write_bytes(phone_photo(photos.require(PHOTO_MODEL)))
    part.replace(file)
    start = partial(start_decoder, file.read_bytes(), DECODINGS[subject.precision])
    width, height = PHONE_SIZE
    return Ready(
        file=file,
        start=lambda _: start,
        input_shape=[height, width, 3],
        weights="none",
        protocol=f"{PROTOCOL}; a JPEG made of photos, decoded from memory, resized to 224 x 224, normalised to float32",
        libraries=["pillow", "numpy"],
    )


def _ready_network(subject: Subject, folder: Path, photos: Photos) -> Ready:
    architecture = ARCHITECTURES[subject.model]
    model = architecture.build()
    source = folder / f"{subject.model}.fp32.onnx"
    if not source.is_file():
        export(model, architecture.input_shape, source)
    calibration = _Calibration(architecture, photos) if subject.precision in CALIBRATED else None
    file = folder / (f"{subject}.{calibration.key}.onnx" if calibration else f"{subject}.onnx")
    if not file.is_file():  # at fp32 it is the source itself
        quantize(source, file, subject.precision, calibration or ())
    return Ready(
        file=file,
        start=partial(partial, open_session, file, architecture.input_shape),
        input_shape=architecture.input_shape,
        weights=architecture.weights,
        protocol=SESSION_PROTOCOL,
        libraries=["onnxruntime", "torch"],
        parameters=parameters(model),
        multiply_adds=multiply_adds(model, architecture.input_shape),
        calibration=str(calibration) if calibration else None,
    )


class _Calibration:
    """The images of a folder as `architecture` takes them; read one at a time, whenever iterated."""

    def __init__(self, architecture: Architecture, photos: Photos) -> None:
        self._architecture = architecture
        self._files = find_photos(photos.require("int8_static"), most=_CALIBRATION_PHOTOS)
        self._origin = photos.origin

    @property
    def key(self) -> str:
        """Tells these photos from others."""
        photos = [(file.name, file.stat().st_size) for file in self._files]
        return hashlib.sha256(repr(photos).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return f"{len(self._files)} photos of {self._origin}"

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        takes = self._architecture
        return (prepare(load_photo(file), takes.input_size, takes.mean, takes.std) for file in self._files)
