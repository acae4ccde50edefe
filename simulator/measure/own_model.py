"""Measurement of a user's own ONNX file. It needs ONNX Runtime, not torch."""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulator.evidence.catalogue import hardware
from simulator.evidence.profiles import DISTURBED_SHARE, Profile, has_profile, read_profile
from simulator.fresh_processes import CrashError
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.machine import default_device, provenance
from simulator.measure.onnx_file import ImageInput, OnnxFile, Shape, find_image, read_onnx, read_shape
from simulator.measure.onnx_runtime import CPU, check_provider
from simulator.measure.progress import EventReporter, ProfileOptions, Setup, Show
from simulator.measure.saturation import check_eight_bits
from simulator.measure.timing import SESSION_PROTOCOL, Effort, measure, noise, open_session
from simulator.paths import PROFILES
from simulator.phrases import phrase

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class _Model:
    file: OnnxFile
    shape: Shape
    setup: Setup
    image: ImageInput


def measure_own(show: Show, file: Path, options: ProfileOptions) -> tuple[Profile | None, Path]:
    """Measure the model; return its profile and folder, None where this file has one already. Raises CannotMeasureError."""
    reporter = EventReporter(show)
    model = _model_of(file, options, reporter)
    path = options.own_folder / model.setup.device / f"{model.setup.model}.{model.setup.precision}.json"
    if _measured_already(path, model, options):
        reporter.note(f"{path.stem}: already has a profile, skipped (--overwrite measures it again)")
        return None, path
    reporter.start(model.setup)
    profile = _measure(model, options, reporter)
    _say_what_to_know(profile, reporter)
    _say_of_eight_bits(model, options.provider, reporter)
    reporter.all_done()
    return profile, path


def _model_of(path: Path, options: ProfileOptions, reporter: EventReporter) -> _Model:
    precisions = options.precision or []
    if options.model or len(precisions) > 1:
        raise CannotMeasureError("--onnx measures one file: leave --model out, and name one --precision at most")
    provider, given = check_provider(options.provider), read_shape(options.input_shape)
    file = read_onnx(path)
    session = file.open(provider)
    image = find_image(path, session)
    shape = image.shape(given)
    wanted = options.batches or Effort().batches
    fixed, why = image.batch(session, shape, wanted)
    if fixed and options.batches and options.batches != (fixed,):
        raise CannotMeasureError(f"{path}: {why}; leave --batch out to measure it at that size")
    if fixed:
        reporter.note(f"{path}: {why}")
    setup = Setup(
        model=_checked_name("name", options.name or re.sub(r"\W+", "_", path.stem).strip("_") or "model"),
        precision=_checked_name("precision", *precisions or [file.precision]),
        device=_checked_name("device", options.device or default_device(provider)),
        threads=options.thread_counts,
        batches=(fixed,) if fixed else wanted,
    )
    return _Model(file, shape, setup, image)


def _say_of_eight_bits(model: _Model, provider: str, reporter: EventReporter) -> None:
    if provider != CPU or not model.file.is_eight_bits:
        return
    shape = (min(model.setup.batches), *model.shape) if model.image.batched else tuple(model.shape)
    check = check_eight_bits(model.file.path, [noise(shape, model.image.dtype)])
    if check.differs:
        reporter.note(f"{model.file.path.name}: {check.sentence}")


def _checked_name(option: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CannotMeasureError(f"--{option} '{name}': use letters, digits, _ and - only")
    return name


def _measured_already(path: Path, model: _Model, options: ProfileOptions) -> bool:
    setup = model.setup
    if options.out != PROFILES and has_profile(setup.device, setup.model, setup.precision, PROFILES):
        raise CannotMeasureError(f"there is a profile '{path.stem}' that comes with CaseSim; choose another name with --name")
    if options.overwrite or not path.is_file():
        return False
    if read_profile(path).provenance.model_sha256 != model.file.sha256:
        raise CannotMeasureError(phrase("onnx.other_file", path=str(path)))
    return True


def _measure(model: _Model, options: ProfileOptions, reporter: EventReporter) -> Profile:
    start = partial(partial, open_session, model.file.path.absolute(), list(model.shape), provider=options.provider)
    effort = Effort(batches=tuple(model.setup.batches), budget_s=options.budget)
    try:
        runs = [
            measure(start(threads), threads, effort, reporter.advance, partial(reporter.call, threads))
            for threads in options.thread_counts
        ]
    except CrashError as error:
        raise CannotMeasureError(phrase("onnx.died", path=str(model.file.path))) from error
    return Profile(
        model=model.setup.model,
        precision=model.setup.precision,
        device=model.setup.device,
        input_shape=list(model.shape),
        parameters=model.file.parameters,
        file_bytes=model.file.file_bytes,
        provenance=provenance(
            ["onnxruntime"],
            weights=f"those of the file {model.file.path.name}",
            protocol=f"{SESSION_PROTOCOL}; noise as input",
            model_sha256=model.file.sha256,
            provider=None if options.provider == CPU else options.provider,
        ),
        runs=runs,
    )


def _say_what_to_know(profile: Profile, reporter: EventReporter) -> None:
    for run in profile.runs:
        if (run.others_share or 0) >= DISTURBED_SHARE:
            reporter.note(phrase("profiles.disturbed", share=run.others_share, threads=run.threads))
    if profile.device not in hardware():
        reporter.note(phrase("profiles.no_price", device=profile.device, devices=list(hardware())))
