"""Latency profiles: calls of one model at one precision on one device.

A profile is data on disk (`assets/profiles/<device>/<model>.<precision>.json`), written by `casesim profile`; profiles of a
user's own models lie in the user's data folder. It keeps every timed call with the idle time of the session before it: a call
after an idle gap is slower than a call in a busy loop, and a server meets both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal

import numpy as np
from cachetools import TTLCache, cached
from pydantic import AfterValidator, Field, TypeAdapter, model_validator
from ruamel.yaml import YAML

from simulator.arrays import Floats
from simulator.errors import MOST_LISTED, suggest
from simulator.evidence.evidence_files import (
    EvidenceError,
    EvidenceRecord,
    changing,
    each_readable,
    in_one_step,
    read_json,
    read_yaml,
    staged,
)
from simulator.files import remembered
from simulator.paths import INSTALLED, OWN_PROFILES, PROFILES
from simulator.phrases import phrase

#: An idle gap of at least this many milliseconds makes a call count as "after idling" rather than "busy".
IDLE_GAP_MS = 2.0

#: Where profiles are looked for: those that travel with the package first, those of installed cases last.
FOLDERS = (PROFILES, OWN_PROFILES, INSTALLED / "profiles")

#: From this part of the machine on, the load by other programs is shown wherever a latency is used.
DISTURBED_SHARE = 0.1

#: A call takes at least a nanosecond, less than the resolution of clocks here, and at most an hour.
LatencyMs = Annotated[float, Field(ge=1e-6, le=3_600_000)]
IdleMs = Annotated[float, Field(ge=0, le=86_400_000)]
StartS = Annotated[float, Field(gt=0, le=3600)]
#: An hour, either way.
LineMs = Annotated[float, Field(ge=-3_600_000, le=3_600_000)]
ErrorMs = Annotated[float, Field(ge=0, le=3_600_000)]
MemoryMib = Annotated[float, Field(ge=0, le=1e8)]
Count = Annotated[int, Field(ge=0, le=10**16)]
Speed = Annotated[float, Field(ge=0.001, le=1000)]
Side = Annotated[int, Field(ge=1, le=1_000_000)]


def _each_once(what: str, field: str) -> AfterValidator:
    """Return a validator of records that differ in a field; what: the word for it"""

    def check(rows: list[EvidenceRecord]) -> list[EvidenceRecord]:
        for number, times in Counter(getattr(row, field) for row in rows).items():
            if times > 1:
                raise ValueError(f"{what} {number} is there {times} times; each {what} should be there once")
        return rows

    return AfterValidator(check)


class Calls(EvidenceRecord):
    """The timed calls of one batch size at one thread count; two columns of equal length, a call a row."""

    batch: int = Field(ge=1, le=4096)
    latency_ms: list[LatencyMs] = Field(min_length=1, max_length=100_000)
    idle_ms: list[IdleMs] = Field(max_length=100_000, description="idle time before each call; 0 in a busy loop")
    resident_mb: MemoryMib | None = Field(
        default=None, description="resident memory, MiB, that a session of its own added once it ran this batch"
    )

    @model_validator(mode="after")
    def _columns_match(self) -> Calls:
        if len(self.latency_ms) != len(self.idle_ms):
            raise ValueError(f"latency_ms has {len(self.latency_ms)} rows, idle_ms has {len(self.idle_ms)}")
        return self


class FixedCost(EvidenceRecord):
    """The line `per_batch_ms + batch * per_request_ms`, fitted to busy calls of mixed sizes, with standard errors.

    per_batch_ms: time of a call that does not depend on its size; below 0 where large batches take more than their share
    misfit: largest relative distance of a size's median from the line; standard errors do not cover it
    """

    per_batch_ms: LineMs
    per_batch_se_ms: ErrorMs
    per_request_ms: LineMs
    per_request_se_ms: ErrorMs
    misfit: float = Field(ge=0, le=1e6)


class ThreadRun(EvidenceRecord):
    """Measurements of sessions pinned to one thread count."""

    threads: int = Field(ge=1, le=1024)
    session_s: list[StartS] = Field(
        description="time to create a session and run its first call: the cold start", min_length=1, max_length=1000
    )
    resident_mb: MemoryMib = Field(description="resident memory that the session added, MiB")
    others_share: float | None = Field(
        default=None, ge=0, le=1, description="part of the machine that other programs took meanwhile"
    )
    speeds: list[Speed] | None = Field(
        default=None,
        max_length=100_000,
        description="drift of the machine's speed: the time of a call of the smallest batch in short stretches from the "
        "first cold start to the last timed call, each against the median stretch; 1.1 is a tenth slower",
    )
    fixed_cost: FixedCost | None = Field(default=None, description="absent where one batch size was measured")
    calls: Annotated[list[Calls], _each_once("batch size", "batch")] = Field(min_length=1, max_length=100)


class Provenance(EvidenceRecord):
    """Machine, date and software of a profile."""

    processor: str
    cores: int = Field(ge=1, le=65_536)
    system: str
    libraries: dict[str, str]
    date: str
    model_sha256: str | None = None
    weights: str = Field(description="`random`, or where the weights come from")
    calibration: str | None = Field(default=None, description="which photos calibrated a static quantization")
    protocol: str | None = Field(default=None, description="how the calls were timed")
    provider: str | None = Field(default=None, description="what ONNX Runtime ran on, where not on the processor")


class Profile(EvidenceRecord):
    """Latencies of one model at one precision on one device."""

    model: str
    precision: str
    device: str
    task: str | None = Field(default=None, description="classification, detection or segmentation; none beside a network")
    family: str | None = Field(default=None, description="relatives whose speed on other hardware is alike")
    input_shape: list[Side] = Field(max_length=8, description="shape of one item, without the batch axis")
    parameters: Count | None = None
    multiply_adds: Count | None = Field(default=None, description="multiply-adds of one item")
    file_bytes: Count | None = None
    provenance: Provenance
    runs: Annotated[list[ThreadRun], _each_once("thread count", "threads")] = Field(min_length=1, max_length=100)

    @property
    def key(self) -> str:
        return f"{self.device}/{self.model}.{self.precision}"

    @cached_property
    def answers(self) -> dict[Hashable, Any]:
        """Answers that follow from the profile alone, by a key of the caller."""
        return {}

    def run(self, threads: int) -> ThreadRun:
        """Return the measurements with `threads` threads; raises KeyError that names the measured counts."""
        for run in self.runs:
            if run.threads == threads:
                return run
        raise KeyError(f"{self.key} was measured with {sorted(r.threads for r in self.runs)} threads, not {threads}")

    def source(self, threads: int) -> str:
        """Return one sentence for the screen: machine, runtime, sample size, date."""
        made, run = self.provenance, self.run(threads)
        busy = run.others_share or 0.0
        return phrase(
            "profiles.source", model=self.model, precision=self.precision, processor=made.processor, threads=threads,
            cores=made.cores, libraries=[f"{name} {version}" for name, version in made.libraries.items()],
            provider=made.provider, calls=sum(len(calls.latency_ms) for calls in run.calls), date=made.date,
            weights=made.weights, disturbed=busy >= DISTURBED_SHARE, busy=busy,
        )  # fmt: skip


class PrecisionError(EvidenceError):
    """A model was measured on a device, but not at this precision."""

    def __init__(self, message: str, precision: str = "") -> None:
        super().__init__(message)
        self.precision = precision


def write_profile(profile: Profile, folder: Path = PROFILES) -> Path:
    """Write `profile` under `folder` in one step: a reader sees the old file or the new one.

    A profile of the user's own is listed in a manifest, which shows later changes. Raises EvidenceError.
    """
    path, content = folder / f"{profile.key}.json", profile.model_dump_json(exclude_none=True) + "\n"
    if folder == OWN_PROFILES:
        with changing(folder) as change:
            change.write(path, content.encode())
    else:
        with in_one_step(path) as part:
            part.write_text(content, encoding="utf-8")
    return path


def delete_profile(key: str, folder: Path | None = None) -> None:
    """Remove a profile of the user's own by its `device/model.precision`; raises EvidenceError that lists the profiles.

    folder: OWN_PROFILES where none is given
    """
    folder = folder or OWN_PROFILES
    there = {path.relative_to(folder).as_posix().removesuffix(".json"): path for path in _files(folder)}
    if key not in there:
        raise EvidenceError(f"there is no profile '{key}' of your own; {suggest(key, there) if there else 'you have none'}")
    with changing(folder) as change:
        change.remove(there[key])


def read_profile(path: Path) -> Profile:
    return read_json(path, Profile)


def load_profile(device: str, model: str, precision: str, folder: Path | None = None) -> Profile:
    """Return the profile of `model` at `precision` on `device`, in `folder` or the first of FOLDERS that has it.

    Raises EvidenceError that lists what there is instead.
    """
    path = _find(device, model, precision, folder)
    if path:
        return _read_once(path)
    there = sorted((other.model, other.precision) for other in readable_profiles(folder)[0] if other.device == device)
    missing = f"no measured latency of {model} at {precision} on {device}"
    if at := [name for other, name in there if other == model]:
        raise PrecisionError(f"{missing}; there it is measured at {', '.join(at[:MOST_LISTED])}", precision)
    hint = suggest(model, dict(there), "`casesim profile --list`") if there else "nothing is measured there"
    raise EvidenceError(f"{missing}; {hint}")


def has_profile(device: str, model: str, precision: str, folder: Path | None = None) -> bool:
    return _find(device, model, precision, folder) is not None


#: For so long the list of profiles is taken to be as it was (s): a board asks for it at each look.
_NAMES_S = 5.0


@cached(TTLCache(4, _NAMES_S), key=lambda: tuple(_places(None)), lock=Lock())
def profile_names() -> list[tuple[str, str, str]]:
    """Return the device, model and precision of every profile, by the names of the files."""
    names = ((path.parent.name, *path.stem.rpartition(".")) for path in _files(None))
    return sorted({(device, model, precision) for device, model, _, precision in names})


def profile_files(device: str, models: Iterable[str], precision: str) -> dict[str, Path]:
    files = {f"profiles/{device}/{model}.{precision}.json": _find(device, model, precision, None) for model in models}
    return {name: path for name, path in files.items() if path}


def _find(device: str, model: str, precision: str, folder: Path | None) -> Path | None:
    paths = (place / device / f"{model}.{precision}.json" for place in _places(folder))
    return next((path for path in paths if path.is_file()), None)


_read_once = remembered()(read_profile)


def profiles(folder: Path | None = None, model: str | None = None) -> Iterator[Profile]:
    """Read every profile in `folder`, or in each of FOLDERS, by device, model and precision; raises EvidenceError.

    model: only those of this one, so that another's broken file is not in its way
    """
    return (read_profile(path) for path in _files(folder) if model in (None, path.stem.rpartition(".")[0]))


def readable_profiles(folder: Path | None = None) -> tuple[list[Profile], list[str]]:
    return each_readable(read_profile, _files(folder))


def _files(folder: Path | None) -> Iterator[Path]:
    for place in _places(folder):
        yield from sorted(place.glob("*/*.json"))


def _places(folder: Path | None) -> Sequence[Path]:
    return [folder] if folder else [*staged("profiles"), *FOLDERS]


def busy_ms(timed: Calls) -> Floats:
    """Return the times of the calls without an idle gap before them, in ms; of all calls where each has one."""
    latency, idle = np.array(timed.latency_ms), np.array(timed.idle_ms)
    busy = latency[idle < IDLE_GAP_MS]
    return busy if len(busy) else latency


FailedStep = Literal["export", "quantize", "run"]

_FAILURES = "failures.yaml"


class Failure(EvidenceRecord):
    """One model at one precision that cannot be measured on one device."""

    model: str
    precision: str
    device: str
    step: FailedStep
    reason: str
    libraries: dict[str, str]
    date: str


_FAILURE_LIST = TypeAdapter(list[Failure])


def failures(folder: Path = PROFILES) -> Iterator[Failure]:
    """Read every failure under `folder`, by device, model and precision; raises EvidenceError with the first fault."""
    for path in sorted(folder.glob(f"*/{_FAILURES}")):
        yield from _read_failures(path)


def readable_failures(folder: Path = PROFILES) -> tuple[list[Failure], list[str]]:
    lists, broken = each_readable(_read_failures, sorted(folder.glob(f"*/{_FAILURES}")))
    return list(chain.from_iterable(lists)), broken


def write_failure(failure: Failure, folder: Path = PROFILES) -> None:
    _change_failures(failure.device, failure.model, failure.precision, folder, failure)


def forget_failure(device: str, model: str, precision: str, folder: Path = PROFILES) -> None:
    """Remove the failure of a model that has been measured after all, if there is one."""
    _change_failures(device, model, precision, folder)


def _change_failures(device: str, model: str, precision: str, folder: Path, *now: Failure) -> None:
    """Replace the failures of a model by these, in one step; a file that would be empty is removed."""
    path = folder / device / _FAILURES
    listed = _read_failures(path) if path.is_file() else []
    rows = [*(failure for failure in listed if (failure.model, failure.precision) != (model, precision)), *now]
    if rows == listed:
        return
    if not rows:
        path.unlink()
        return
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = False, 128
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its own default is annotated as None
    with in_one_step(path) as part:
        yaml.dump([row.model_dump() for row in sorted(rows, key=lambda row: (row.model, row.precision))], part)


def _read_failures(path: Path) -> list[Failure]:
    return read_yaml(path, _FAILURE_LIST)
