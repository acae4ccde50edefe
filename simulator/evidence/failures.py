"""What could not be measured, and why: models that refused to be exported, quantized or run, one file a device.

The file is `assets/profiles/<device>/failures.yaml`, beside the profiles of what could.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter
from ruamel.yaml import YAML

from simulator.errors import InputError
from simulator.evidence.evidence_files import each_readable, in_one_step, read_yaml
from simulator.paths import PROFILES

FailedStep = Literal["export", "quantize", "run"]

_FILE = "failures.yaml"


class Failure(BaseModel):
    """One model at one precision that cannot be measured on one device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    precision: str
    device: str
    step: FailedStep
    reason: str
    libraries: dict[str, str]
    date: str


class FailureError(InputError):
    """A file of failures cannot be used; the message says which and why."""


_LIST = TypeAdapter(list[Failure])


def failures(folder: Path = PROFILES) -> Iterator[Failure]:
    """Every failure under `folder`, by device, model and precision; raises FailureError with the first fault."""
    for path in sorted(folder.glob(f"*/{_FILE}")):
        yield from _read(path)


def readable_failures(folder: Path = PROFILES) -> tuple[list[Failure], list[str]]:
    """As `failures`, with a sentence for each file that cannot be used in place of an error."""
    found, broken = each_readable(_read, sorted(folder.glob(f"*/{_FILE}")))
    return list(chain.from_iterable(found)), broken


def write_failure(failure: Failure, folder: Path = PROFILES) -> None:
    """Add `failure` to its device's file; what was known of the same model and precision gives way."""
    others = _others(failure.device, failure.model, failure.precision, folder)
    _write(folder / failure.device / _FILE, [*others, failure])


def forget_failure(device: str, model: str, precision: str, folder: Path = PROFILES) -> None:
    """Strike out the failure of what has been measured after all, if there is one."""
    path = folder / device / _FILE
    others = _others(device, model, precision, folder)
    if path.is_file() and len(others) < len(_read(path)):
        _write(path, others)


def _others(device: str, model: str, precision: str, folder: Path) -> list[Failure]:
    path = folder / device / _FILE
    known = _read(path) if path.is_file() else []
    return [failure for failure in known if (failure.model, failure.precision) != (model, precision)]


def _read(path: Path) -> list[Failure]:
    return read_yaml(path, _LIST, FailureError)


def _write(path: Path, found: list[Failure]) -> None:
    """In one step; a file that would be empty is removed."""
    if not found:
        path.unlink()
        return
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = False, 128
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its own default is annotated as None
    with in_one_step(path) as part:
        yaml.dump([row.model_dump() for row in sorted(found, key=lambda row: (row.model, row.precision))], part)


def failure_rows(found: Sequence[Failure]) -> pd.DataFrame:
    """One row per failure."""
    rows = [
        {
            "model": failure.model,
            "precision": failure.precision,
            "step": failure.step,
            "reason": failure.reason,
            "device": failure.device,
            "libraries": ", ".join(f"{name} {version}" for name, version in failure.libraries.items()),
            "date": failure.date,
        }
        for failure in found
    ]
    return pd.DataFrame(rows)


def refusals(found: Sequence[Failure]) -> str:
    """Which model failed, if only one did; else how many failed, at which step, and at which precision most often."""
    if len(found) == 1:
        [only] = found
        return f"One model could not be measured at one precision: {only.model} at {_plain(only.precision)}."
    steps = Counter(failure.step for failure in found)
    told = ", ".join(f"{count} at the step {step}" for step, count in steps.most_common())
    precision, most = Counter(failure.precision for failure in found).most_common(1)[0]
    models = len({failure.model for failure in found})
    return (
        f"Models that could not be measured at some precision: {models}. Attempts that failed: {len(found)} ({told}), most of "
        f"them at {_plain(precision)} ({most})."
    )


def _plain(precision: str) -> str:
    return precision.replace("_", " ")
