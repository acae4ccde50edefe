"""Models that `casesim profile` measures on this machine, one after the other; a stopped measurement resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.profiles import Failure, Profile, ThreadRun, forget_failure, write_failure, write_profile
from simulator.files import make_folders
from simulator.measure.architectures import ARCHITECTURES, RANDOM, Architecture, Task, ZooNetwork, multiply_adds, parameters
from simulator.measure.guarded import CannotMeasureError, RefusedError, at_step
from simulator.measure.image_steps import (
    DECODINGS,
    PHONE_SIZE,
    STEPS,
    find_photos,
    load_photo,
    phone_photo,
    prepare,
    start_decoder,
    start_step,
    write_given,
)
from simulator.measure.machine import library_version, provenance
from simulator.measure.onnx_export import TRAINED, TrainedFile, adopt, export, multiply_adds_in, weights_in
from simulator.measure.onnx_runtime import CPU
from simulator.measure.quantize import CALIBRATED, PRECISIONS, QUANTIZERS, quantize
from simulator.measure.timing import PROTOCOL, SESSION_PROTOCOL, Advance, Effort, Starter, measure, open_session
from simulator.phrases import phrase

PHOTO_MODEL = "photo_decode"
#: Raised when the same model is made differently, so that files made before are not taken for it.
_RECIPE = 2
#: Photos for calibration, and the most multiply-adds for all of them; fewer photos where they would take more.
_CALIBRATION_PHOTOS, _FEWEST_PHOTOS, _CALIBRATION_WORK = 64, 8, 300e9


@dataclass(frozen=True)
class Subject:
    """One model at one precision; written `model.precision`."""

    model: str
    precision: str

    def __str__(self) -> str:
        return f"{self.model}.{self.precision}"


@dataclass(frozen=True)
class Photos:
    """A folder of photos, and a sentence on their origin for profiles."""

    folder: Path | None
    origin: str = ""

    def require(self, purpose: str) -> Path:
        """Return the folder; raises CannotMeasureError with its purpose."""
        if self.folder is None:
            raise CannotMeasureError(f"{purpose} needs photos; pass a folder of JPEG or PNG files with --photos")
        return self.folder


@dataclass(frozen=True)
class Ready:
    """A subject that can be started, and its facts for the profile."""

    file: Path
    start: Callable[[int], Starter]
    input_shape: list[int]
    weights: str
    protocol: str
    libraries: list[str]
    parameters: int | None = None
    multiply_adds: int | None = None
    calibration: str | None = None
    task: Task | None = None
    family: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def precisions_of(model: str, named: bool = False) -> list[str]:
    """Return the precisions of a model; those that are only measured on request too, where they are `named`."""
    return list(ONE_THREAD.get(model, ["fp32", *QUANTIZERS] if named else PRECISIONS))


#: Steps beside the network, an item at a time on one thread: names, and the variants of each.
ONE_THREAD: dict[str, list[str]] = {PHOTO_MODEL: list(DECODINGS)} | {name: list(variants) for name, variants in STEPS.items()}
MODELS = [*ONE_THREAD, *ARCHITECTURES, *TRAINED]


def make_ready(subject: Subject, cache: Path, photos: Photos, trained: Path | None = None, provider: str = CPU) -> Ready:
    """Build the file of a subject in `cache`, or take it from there; `trained` is the folder of trained networks.

    Raises CannotMeasureError or RefusedError.
    """
    # Another version exports and quantizes to another file.
    folder = cache / f"torch-{version('torch')}-onnxruntime-{library_version('onnxruntime')}-recipe-{_RECIPE}"
    make_folders(folder)
    if subject.model in STEPS:
        return _ready_step(subject, folder)
    if subject.model == PHOTO_MODEL:
        return _ready_photo(subject, folder, photos)
    network = ARCHITECTURES.get(subject.model) or TRAINED[subject.model]
    source = _source(network, folder, trained)
    return _ready_network(subject, network, source, photos, provider)


def _ready_step(subject: Subject, folder: Path) -> Ready:
    file = folder / f"{subject}.npy"
    shape = write_given(subject.model, subject.precision, file)
    start, step = partial(start_step, subject.model, subject.precision), STEPS[subject.model][subject.precision]
    return Ready(
        file=file,
        start=lambda _: start,
        input_shape=shape,
        weights="none",
        protocol=f"{PROTOCOL}; {step.words}",
        libraries=list(step.libraries),
    )


def _ready_photo(subject: Subject, folder: Path, photos: Photos) -> Ready:
    file = folder / f"{PHOTO_MODEL}.jpg"
    with in_one_step(file) as part:
        part.write_bytes(phone_photo(photos.require(PHOTO_MODEL)))
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


def _source(network: Architecture | TrainedFile, folder: Path, trained: Path | None) -> Path:
    """Return the float32 file of `network`; make it if it is missing."""
    source = folder / f"{network.name}.fp32.onnx"
    if source.is_file():
        return source
    if isinstance(network, Architecture):
        model = network.build()
        with at_step("export"):
            export(model, network.input_shape, source)
        return source
    file = trained_file(network, trained)
    with at_step("export"):
        adopt(file, source)
    return source


def trained_file(network: TrainedFile, folder: Path | None) -> Path:
    """Return the file of a trained network in `folder`; raises CannotMeasureError with the missing file."""
    if folder is None:
        raise CannotMeasureError(f"{network.name} needs {network.file}; pass the folder that holds it with --trained")
    if not (folder / network.file).is_file():
        raise CannotMeasureError(f"{folder}: holds no {network.file}, which {network.name} needs")
    return folder / network.file


@dataclass(frozen=True)
class _Size:
    """Sizes that do not depend on the precision; stored in a file, because counting needs the built network."""

    parameters: int
    multiply_adds: int


def _network_size(network: Architecture | TrainedFile, source: Path) -> _Size:
    file = source.with_name(f"{network.name}.size.json")
    if not file.is_file():
        if isinstance(network, Architecture):
            model = network.construct().eval()
            counted = _Size(parameters(model), multiply_adds(model, network.input_shape))
        else:
            graph = onnx.load(source)
            counted = _Size(weights_in(graph), multiply_adds_in(graph, network.input_shape))
        with in_one_step(file) as part:
            part.write_text(json.dumps(asdict(counted)), encoding="utf-8")
    return _Size(**json.loads(file.read_bytes()))


def _ready_network(subject: Subject, network: Architecture | TrainedFile, source: Path, photos: Photos, provider: str) -> Ready:
    size = _network_size(network, source)
    calibration = _Calibration(network, photos, size) if subject.precision in CALIBRATED else None
    file = source.with_name(f"{subject}.{calibration.key}.onnx" if calibration else f"{subject}.onnx")
    if not file.is_file():  # at fp32 it is the source itself
        quantize(source, file, subject.precision, calibration or (), network.noise(), trained=network.weights != RANDOM)
    return Ready(
        file=file,
        start=partial(partial, open_session, file, network.input_shape, provider=provider),
        input_shape=network.input_shape,
        weights=network.weights,
        protocol=SESSION_PROTOCOL,
        libraries=["onnxruntime", "torch"],
        parameters=size.parameters,
        multiply_adds=size.multiply_adds,
        calibration=str(calibration) if calibration else None,
        task=network.task,
        family=network.family or None,
    )


class _Calibration:
    """The images of a folder as `network` takes them; read one at a time, whenever iterated."""

    def __init__(self, network: ZooNetwork, photos: Photos, size: _Size) -> None:
        self._network = network
        affordable = int(_CALIBRATION_WORK / max(size.multiply_adds, 1))
        most = min(max(affordable, _FEWEST_PHOTOS), _CALIBRATION_PHOTOS)
        self._files = find_photos(photos.require("int8_static"), most=most)
        self._origin = photos.origin

    @property
    def key(self) -> str:
        photos = [(file.name, file.stat().st_size) for file in self._files]
        return hashlib.sha256(repr(photos).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        finds = self._network.task != "classification"
        return phrase("profiles.photos", photos=len(self._files), origin=self._origin, finds=finds)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        takes = self._network
        for file in self._files:
            image = load_photo(file)
            yield prepare(takes.in_order(image), takes.input_size, takes.mean, takes.std)


#: In words, for the protocol of a profile that was timed so.
_PROCESSOR_TIME = "times are those of the processor in the calling thread, as other programs had the machine"
#: Above this part of the machine, what other programs took has spoilt the measurement.
_DISTURBED = 0.05
#: A call of more multiply-adds than this takes seconds; its batch size is left out, save the two smallest.
_LARGEST_CALL = 64e9
#: An item of more multiply-adds than this is measured in fewer calls.
_LARGE_ITEM, _FEWEST_CALLS = 16e9, 5


@dataclass(frozen=True)
class Campaign:
    """Folders, files and effort of a measurement of profiles."""

    device: str
    out: Path
    cache: Path
    photos: Photos
    threads: tuple[int, ...] = (1, 2)
    effort: Effort = field(default_factory=Effort)
    trained: Path | None = None
    provider: str = CPU

    def profile_path(self, subject: Subject) -> Path:
        return self.out / self.device / f"{subject}.json"

    def thread_counts(self, subject: Subject) -> tuple[int, ...]:
        return (1,) if subject.model in ONE_THREAD else self.threads

    def saved(self, subject: Subject) -> int:
        return len(list(self._cells.glob(f"{subject}.*t.*.json")))

    def prepare(self, subject: Subject) -> Failure | None:
        """Make the files of `subject` in the cache; a refusal is written beside the profiles and returned.

        Raises CannotMeasureError.
        """
        try:
            self._ready(subject)
        except RefusedError as error:
            return self._failed(subject, error)
        return None

    def run(self, subject: Subject, advance: Advance, note: Callable[[str], None]) -> Profile | Failure:
        """Measure `subject` and write its profile, or the reason of a failure; raises CannotMeasureError.

        `advance` is called with fractions of one thread count, `note` with sentences for the user. Thread counts that
        an interrupted campaign finished are not measured again.
        """
        try:
            ready = self._ready(subject)
            with at_step("run"):
                runs = [self._thread_run(subject, ready, threads, advance) for threads in self.thread_counts(subject)]
        except RefusedError as error:
            return self._failed(subject, error)
        for run in runs:
            if (run.others_share or 0) > _DISTURBED:
                note(f"{subject}: {phrase('profiles.disturbed', share=run.others_share, threads=run.threads)}")
        profile = self._profile(subject, ready, runs)
        write_profile(profile, self.out)
        forget_failure(self.device, subject.model, subject.precision, self.out)
        for cell in self._cells.glob(f"{subject}.*t.*.json"):
            cell.unlink()
        return profile

    def _ready(self, subject: Subject) -> Ready:
        return make_ready(subject, self.cache / "models", self.photos, self.trained, self.provider)

    def _failed(self, subject: Subject, error: RefusedError) -> Failure:
        failure = Failure(
            model=subject.model,
            precision=subject.precision,
            device=self.device,
            step=error.step,
            reason=str(error),
            libraries={name: library_version(name) for name in ("onnxruntime", "torch")},
            date=datetime.now(UTC).date().isoformat(),
        )
        write_failure(failure, self.out)
        return failure

    @property
    def _cells(self) -> Path:
        return self.cache / "unfinished" / self.device

    def _thread_run(self, subject: Subject, ready: Ready, threads: int, advance: Advance) -> ThreadRun:
        effort = self._effort(subject, ready)
        conditions = hashlib.sha256(f"{ready.sha256} {effort} {self.provider}".encode()).hexdigest()[:12]
        cell = self._cells / f"{subject}.{threads}t.{conditions}.json"
        if cell.is_file():
            advance(1.0)
            return ThreadRun.model_validate_json(cell.read_bytes())
        run = measure(ready.start(threads), threads, effort, advance)
        with in_one_step(cell) as part:
            part.write_text(run.model_dump_json(exclude_none=True), encoding="utf-8")
        return run

    def _effort(self, subject: Subject, ready: Ready) -> Effort:
        if subject.model in ONE_THREAD:
            # One batch size at one thread: cheap enough for the 200 calls that a tail needs.
            return replace(self.effort, batches=(1,), least=200, most=200)
        item = ready.multiply_adds or 0
        within = sum(batch * item <= _LARGEST_CALL for batch in self.effort.batches)
        batches = self.effort.batches[: max(within, 2)]
        least = _FEWEST_CALLS if item > _LARGE_ITEM else self.effort.least
        return replace(self.effort, batches=batches, least=least)

    def _profile(self, subject: Subject, ready: Ready, runs: list[ThreadRun]) -> Profile:
        return Profile(
            model=subject.model,
            precision=subject.precision,
            device=self.device,
            task=ready.task,
            family=ready.family,
            input_shape=ready.input_shape,
            parameters=ready.parameters,
            multiply_adds=ready.multiply_adds,
            file_bytes=ready.file.stat().st_size,
            provenance=provenance(
                ready.libraries,
                ready.weights,
                f"{ready.protocol}; {_PROCESSOR_TIME}" if self.effort.clock == "processor" else ready.protocol,
                model_sha256=ready.sha256,
                calibration=ready.calibration,
                # What runs beside the network stays on the processor.
                provider=None if self.provider == CPU or subject.model in ONE_THREAD else self.provider,
            ),
            runs=runs,
        )
