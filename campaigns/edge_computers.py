"""Cost, power and memory of a computer on board: published figures, and assumed ones with a reason.

Watts of a module are a line from idle to busy: `idle_w`, and for the share of time in which a frame is computed the way up to
`busy_w` of its mode. At batch 1 much of that is there whatever the network, as the measured watts in power.csv show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from campaigns.projection.form import ACTIVATIONS_PER_MAC
from simulator.errors import suggest
from simulator.evidence.catalogue import Positive, machine
from simulator.evidence.evidence_files import EvidenceError, read_yaml
from simulator.evidence.profiles import profiles
from simulator.evidence.projection import networks
from simulator.files import remembered
from simulator.paths import CATALOGUE, PROFILES

EDGE = CATALOGUE / "edge.yaml"

Evidence = Literal["published", "projected", "assumed"]

_KINDS: tuple[Evidence, ...] = ("published", "projected", "assumed")

#: A network's file lies in memory twice while it is loaded: as it was read, and as the engine that is made of it.
COPIES = 2

#: Bytes of an activation. What is not quantized is computed in half precision at best, and kept in single precision at worst.
_BYTES = 4

_GB = 1e9


class _EdgeRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourcedFigure(_EdgeRecord):
    """A number above 0 with where it comes from: exactly one of `published`, `projected` and `assumed`."""

    value: Positive
    published: str | None = None
    projected: str | None = None
    assumed: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if len([kind for kind in _KINDS if getattr(self, kind)]) != 1:
            raise ValueError(f"give exactly one of {', '.join(_KINDS)}, with where the value comes from")
        return self

    @property
    def evidence(self) -> Evidence:
        """Return which of them it is."""
        return next(kind for kind in _KINDS if getattr(self, kind))

    @property
    def source(self) -> str:
        """Return where it comes from, or why it is assumed."""
        return str(getattr(self, self.evidence))


class Mode(_EdgeRecord):
    """A power mode; slower: times as long as in the fastest mode, single frames one after the other."""

    label: str
    slower: SourcedFigure
    busy_w: SourcedFigure


class Hot(_EdgeRecord):
    """Above this temperature of the chip (degrees Celsius) it has the speed of another mode."""

    above_c: SourcedFigure
    falls_to: str
    why: str


class Module(_EdgeRecord):
    """A computer on board; reserved_gb: memory (1e9 bytes) that is taken before a network is loaded."""

    sold_as: str
    usd: SourcedFigure
    reserved_gb: SourcedFigure
    idle_w: SourcedFigure
    modes: Annotated[dict[str, Mode], Field(min_length=1)]
    hot: Hot | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        first, *others = self.modes.values()
        if first.slower.value != 1:
            raise ValueError(
                f"the first mode is the fastest and the measure of the others: slower must be 1, got {first.slower.value}"
            )
        if any(mode.slower.value < 1 for mode in others):
            raise ValueError("no mode is faster than the first: slower must be at least 1")
        if any(mode.busy_w.value < self.idle_w.value for mode in self.modes.values()):
            raise ValueError(f"busy_w must be at least idle_w ({self.idle_w.value}) in every mode")
        if self.hot is not None and self.hot.falls_to not in self.modes:
            raise ValueError(f"hot.falls_to: {suggest(self.hot.falls_to, self.modes)}")
        return self

    def mode(self, name: str) -> Mode:
        """One of its power modes; raises EvidenceError with those there are."""
        if name not in self.modes:
            raise EvidenceError(f"there is no power mode '{name}'; {suggest(name, self.modes)}")
        return self.modes[name]

    def mean_watts(self, busy: float, mode: str) -> float:
        """Mean watts where a frame is computed for the share `busy` (0 to 1) of the time; raises ValueError outside it."""
        if not 0 <= busy <= 1:
            raise ValueError(f"busy is a share of the time, from 0 to 1, got {busy}")
        return self.idle_w.value + busy * (self.mode(mode).busy_w.value - self.idle_w.value)

    def joules_per_frame(self, busy: float, frames_per_s: float, mode: str) -> float:
        """Energy for each frame, idle time between frames included; frames_per_s is above 0."""
        if frames_per_s <= 0:
            raise ValueError(f"frames_per_s must be above 0, got {frames_per_s}")
        return self.mean_watts(busy, mode) / frames_per_s


class SensorModel(_EdgeRecord):
    """Cost and power of a sensor."""

    label: str
    usd: SourcedFigure
    watts: SourcedFigure


class VehicleModel(_EdgeRecord):
    """An electric car; wh_per_km: what it takes to drive, from the battery."""

    wh_per_km: SourcedFigure

    def share_of_driving(self, watts: float, km_per_h: float) -> float:
        """Watts on board as a part of what driving at that speed takes; both above 0."""
        return watts / (self.wh_per_km.value * km_per_h)


class Edge(_EdgeRecord):
    """Everything in edge.yaml."""

    modules: dict[str, Module]
    sensors: dict[str, SensorModel]
    vehicle: VehicleModel


def edge(path: Path = EDGE) -> Edge:
    """Return what the catalogue knows of computers and sensors on board; raises EvidenceError with the first fault."""
    return _edge(path)


@remembered()
def _edge(path: Path) -> Edge:
    found = read_yaml(path, TypeAdapter(Edge))
    for name in found.modules:
        if machine(name).memory_gb is None:
            raise EvidenceError(f"{path}: modules.{name}: hardware.yaml has no memory_gb of it")
    return found


def module(name: str) -> Module:
    """Return a computer on board, by its id in hardware.yaml; raises EvidenceError with those there are."""
    known = edge().modules
    if name not in known:
        raise EvidenceError(
            f"nothing is known of '{name}' on board a vehicle; {suggest(name, known, 'assets/catalogue/edge.yaml')}"
        )
    return known[name]


@dataclass(frozen=True)
class Memory:
    """Memory that networks need together and that a module leaves for them, both in GB (1e9 bytes)."""

    needed_gb: float
    free_gb: float

    @property
    def fits(self) -> bool:
        """Return whether they can be loaded together."""
        return self.needed_gb <= self.free_gb


def memory(name: str, subjects: Iterable[tuple[str, str, int]]) -> Memory:
    """Return whether networks fit a module together: each as (model, precision, largest batch), under the names of its profile.

    An upper limit: two copies of each file, and all activations of a batch at once in single precision. Raises EvidenceError
    for a network that was not measured or whose size is not known.
    """
    spec = machine(name)
    free = (spec.memory_gb or 0) - module(name).reserved_gb.value
    return Memory(sum(_bytes(*subject) for subject in subjects) / _GB, free)


def _bytes(model: str, precision: str, batch: int) -> float:
    return COPIES * _file_bytes(model, precision) + batch * _BYTES * _activations(model)


def _file_bytes(model: str, precision: str) -> int:
    sizes = {profile.precision: profile.file_bytes for profile in profiles(PROFILES, model)}
    found = sizes.get(precision)
    if found is None:
        hint = f"it was measured at {', '.join(sorted(sizes))}" if sizes else "it was not measured"
        raise EvidenceError(f"how large {model} is at {precision} is not known; {hint}")
    return found


def _activations(model: str) -> float:
    """Activations of one item; where they were not counted, as many as is typical of its multiply-adds."""
    known = networks()
    rows = known[known["profile"] == model]
    if rows.empty:
        raise EvidenceError(
            f"assets/catalogue/models.csv has no network with the profile {model}: its activations are not known"
        )
    row = rows.iloc[0]
    counted = float(row["mact"]) * 1e6
    return float(row["gmac"]) * 1e9 * ACTIVATIONS_PER_MAC if np.isnan(counted) else counted
