"""`casesim profile --onnx`: measures your own model, and reports progress to a person or a program."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from platformdirs import user_cache_path
from rich.progress import TextColumn, TimeRemainingColumn
from rich.table import Column

from simulator.cli.exits import Line, Status, UsageError, answer, err, known, needing, progress_bar, table_of
from simulator.cli.signals import at_once, keeping, stop_line, stopped_status
from simulator.errors import InputError
from simulator.evidence.profiles import (
    Failure,
    Profile,
    delete_profile,
    failures,
    readable_failures,
    readable_profiles,
    write_profile,
)
from simulator.limits import MODEL_SECONDS
from simulator.measure.progress import ProfileOptions, Show, ToPerson, to_program
from simulator.paths import PROFILES
from simulator.phrases import phrase
from simulator.processes import end_with_input

#: A profile of fewer calls, over all threads and batches, is not listed: as many as a campaign makes at the least of one batch.
FEWEST_CALLS = 15

if TYPE_CHECKING:
    from simulator.measure.profiling import Campaign, Subject


#: The step that needs the extra `tracking`.
_FOLLOWS = "step_track"


def _own_profile(options: ProfileOptions, file: Path) -> Profile | None:
    """Measure a user's own model; return its profile, None if there already was one."""
    show = to_program(sys.stderr) if options.progress_json else ToPerson(err)
    with _one_ending(show), needing("measure", "measuring"):
        from simulator.measure.guarded import Allowed, guarded

        allowed = Allowed(file, "measure fewer --threads, or a smaller --batch or --input-shape", MODEL_SECONDS.most)
        profile, path = guarded(allowed, show, _measured_own, file, options)
        if profile:
            write_profile(profile, options.own_folder)
        show({"event": "done", "profile": str(path)})
        return profile


def _measured_own(show: Show, file: Path, options: ProfileOptions) -> tuple[Profile | None, Path]:
    from simulator.measure.own_model import measure_own  # not in the process that follows it

    return measure_own(show, file, options)


@contextmanager
def _one_ending(show: Show) -> Iterator[None]:
    """Show whatever ends the command."""
    try:
        with keeping("nothing was written"):
            yield
    except (InputError, OSError) as error:
        show({"event": "error", "text": str(error)})
        raise typer.Exit(Status.WRONG_USE) from error
    except KeyboardInterrupt:
        show({"event": "stopped", "text": stop_line()})
        raise typer.Exit(stopped_status()) from None


def profile(options: ProfileOptions) -> None:
    """Measure what models take on this machine, call by call."""
    if options.until_input_ends:
        end_with_input()
    if options.delete:
        delete_profile(options.delete, options.out)
        err.print(f"{options.delete}: deleted", markup=False)
    elif options.list_:
        _print_measured(_listed_profiles(options.out), options.json_)
    elif options.onnx:
        made = _own_profile(options, options.onnx)
        _print_measured([made] if made else [], options.json_)
    elif options.input_shape or options.name or options.progress_json:
        raise UsageError("--input-shape, --name and --progress-json need --onnx FILE")
    else:
        with needing("zoo", "measuring"):
            subjects = _subjects(options.model, options.precision, options.trained)
            made_or_failed = _measure_waiting(_campaign(options), subjects, options.overwrite, options.prepare)
            _print_measured(made_or_failed, options.json_)


def _listed_profiles(out: Path | None) -> list[Profile | Failure]:
    """Return the profiles and failures in a folder; broken files are reported."""
    profiles, broken = readable_profiles(out)
    failed, broken_too = readable_failures(out or PROFILES)
    broken += broken_too
    for sentence in broken:
        err.print(sentence, markup=False)
    listed: list[Profile | Failure] = [*profiles, *failed]
    if not (listed or broken):
        err.print(f"{out or PROFILES}: holds no profile yet; casesim profile measures some", markup=False)
    return listed


def _subjects(models: list[str] | None, precisions: list[str] | None, trained: Path | None) -> list[Subject]:
    """Return every requested pair that exists; raises UsageError that suggests the nearest valid name.

    If no model is named, those that need files are left out unless the files are given, and those that need an extra of their
    own unless it is installed.
    """
    with at_once():
        from simulator.measure.onnx_export import TRAINED
        from simulator.measure.profiling import MODELS, Subject, precisions_of

    there = sorted({name for model in MODELS for name in precisions_of(model, named=True)})
    for name in models or []:
        known("model", name, MODELS)
    for name in precisions or []:
        known("precision", name, there)
    if _FOLLOWS in (models or []):
        with needing("tracking", _FOLLOWS):
            import_module("trackers")
    left_out = {*(() if trained else TRAINED), *(() if find_spec("trackers") else (_FOLLOWS,))}
    chosen = [
        Subject(model, name)
        for model in models or [model for model in MODELS if model not in left_out]
        for name in precisions_of(model, named=bool(precisions))
        if not precisions or name in precisions
    ]
    if not chosen:
        raise UsageError(f"none of {', '.join(models or [])} is measured at {', '.join(precisions or [])}")
    return list(dict.fromkeys(chosen))


def _campaign(options: ProfileOptions) -> Campaign:
    from simulator.measure.machine import default_device
    from simulator.measure.onnx_runtime import check_provider
    from simulator.measure.profiling import Campaign, Photos
    from simulator.measure.timing import Effort

    photos, batches = options.photos, options.batches
    return Campaign(
        device=options.device or default_device(options.provider),
        out=options.out or PROFILES,
        cache=user_cache_path("casesim"),
        photos=Photos(photos, options.photos_from or f"the folder {photos.name}" if photos else ""),
        threads=options.thread_counts,
        effort=Effort(batches=batches, budget_s=options.budget) if batches else Effort(budget_s=options.budget),
        trained=options.trained,
        provider=check_provider(options.provider),
    )


def _measure_waiting(campaign: Campaign, subjects: list[Subject], overwrite: bool, prepare: bool) -> list[Profile | Failure]:
    """Measure or prepare the subjects that are neither measured nor known to fail; an interrupt saves finished ones."""
    waiting = subjects if overwrite else _unmeasured(campaign, subjects)
    made: list[Profile | Failure] = []
    if not waiting:
        return made
    with keeping(lambda: _kept_profiles(campaign, waiting, made)):
        _work_through(campaign, waiting, prepare, made)
    return made


def _unmeasured(campaign: Campaign, subjects: list[Subject]) -> list[Subject]:
    """Return the subjects that are neither measured nor known to fail; report those that are left out."""
    failed = {(failure.model, failure.precision) for failure in failures(campaign.out) if failure.device == campaign.device}
    waiting = []
    for subject in subjects:
        if campaign.profile_path(subject).is_file():
            reason = "already has a profile, skipped (--overwrite measures it again)"
        elif (subject.model, subject.precision) in failed:
            reason = "failed before, skipped (--overwrite tries it again)"
        else:
            waiting.append(subject)
            continue
        err.print(f"{subject}: {reason}", markup=False)
    return waiting


def _work_through(campaign: Campaign, subjects: list[Subject], prepare: bool, made: list[Profile | Failure]) -> None:
    done, total = 0.0, sum(len(campaign.thread_counts(subject)) for subject in subjects)
    with progress_bar("", total, TextColumn("left:"), TimeRemainingColumn()) as update:
        for subject in subjects:
            update(description=str(subject))
            if prepare:
                outcome: Profile | Failure | None = campaign.prepare(subject)
            else:
                outcome = campaign.run(subject, lambda part: update(advance=part), err.print)
            done += len(campaign.thread_counts(subject))
            update(completed=done)
            if isinstance(outcome, Failure):
                err.print(f"{subject}: failed to {outcome.step}: {outcome.reason}", markup=False)
            if outcome:
                made.append(outcome)


def _kept_profiles(campaign: Campaign, subjects: list[Subject], made: list[Profile | Failure]) -> str:
    written, saved = sum(isinstance(profile, Profile) for profile in made), sum(map(campaign.saved, subjects))
    return phrase("profiles.kept", written=written, all=len(subjects), saved=saved)


def _print_measured(outcomes: Sequence[Profile | Failure], as_json: bool) -> None:
    shown = {"model", "precision", "device", "step", "reason"}
    rows = [_summary(row) if isinstance(row, Profile) else row.model_dump(include=shown) for row in outcomes]
    answer(as_json, rows, _measured_parts(rows), indent=None)


def _measured_parts(rows: list[dict[str, Any]]) -> Iterator[Any]:
    columns = (Column(name, overflow="fold") for name in ("model", "precision", "device", "threads", "batches", "samples"))
    listed = [row for row in rows if row.get("samples", 0) >= FEWEST_CALLS]
    cells = ((", ".join(map(str, cell)) if isinstance(cell, list) else str(cell) for cell in row.values()) for row in listed)
    if listed or not rows:
        yield table_of(cells, *columns)
    few = [row for row in rows if row.get("samples", FEWEST_CALLS) < FEWEST_CALLS]
    if few:
        names = ", ".join("{model} {precision}".format(**row) for row in few)
        yield Line(f"left out, as fewer than {FEWEST_CALLS} calls give no figure: {names}; --json lists them")
    for row in rows:
        if "samples" not in row:
            yield Line("{model} {precision} on {device} failed to {step}: {reason}".format(**row))


def _summary(profile: Profile) -> dict[str, Any]:
    calls = [calls for run in profile.runs for calls in run.calls]
    return {
        "model": profile.model,
        "precision": profile.precision,
        "device": profile.device,
        "threads": [run.threads for run in profile.runs],
        "batches": sorted({timed.batch for timed in calls}),
        "samples": sum(len(timed.latency_ms) for timed in calls),
    }
