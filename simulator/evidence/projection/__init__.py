"""Latency and energy on hardware that was not measured here, projected from published points, each with a band.

`latency` and `energy` answer or refuse: what the evidence does not support raises ProjectionError with a sentence that says why
and what there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError, suggest
from simulator.evidence.catalogue import Hardware, machine
from simulator.evidence.projection.curves import curve_of
from simulator.evidence.projection.heldout import LEVEL, Basis, Errors, basis_of, held_out
from simulator.evidence.projection.points import OFFLINE, effective_watts, networks, published

#: What computes a model of a precision, the closest first. Accelerators run no network whose scales are found in every call.
_COMPUTED = {
    "fp32": ("fp32", "fp16"),
    "fp16": ("fp16",),
    "int8": ("int8",),
    "int8_static": ("int8",),
    "int8_static_percentile": ("int8",),
}

#: Batches are projected up to here.
MOST = 1024

_WORDS: dict[Basis, str] = {
    "family": "other networks of its family are published there",
    "elsewhere": "no network of its family is published there",
    "precision": "nothing is published there at {precision}",
}


class ProjectionError(InputError):
    """The evidence does not support this number; the message says why, and what there is."""


@dataclass(frozen=True)
class Projected:
    """A projected number with its band; `source` says in one sentence where it comes from and how far off it may be.

    value, low, high: seconds for a whole batch (for one item where the batch is OFFLINE), or joules for one item
    computed: what the device computes in, which is fp16 for an fp32 model where nothing is published of fp32
    """

    value: float
    low: float
    high: float
    computed: str
    basis: Basis
    source: str


def latency(model: str, precision: str, batch: int, device: str) -> Projected:
    """Seconds for a batch of a model on a device; `batch` OFFLINE is the time of one item among endlessly many.

    model: a network of the catalogue, or the name under which it is measured here
    Raises ProjectionError, or CatalogueError for a device that the catalogue does not have.
    """
    return latencies(model, precision, (batch,), device)[0]


def latencies(model: str, precision: str, batches: Sequence[int], device: str) -> list[Projected]:
    """As `latency`, for several batches at a time."""
    hardware, network = machine(device), _network(model)
    computed = _computed(precision, device, hardware)
    _check_batches(batches, device, hardware)
    errors = _errors_of(network, computed, device)
    band = held_out().widths[errors.basis]
    source = _sentence(network, precision, computed, device, errors)
    found = zip(*curve_of(network, computed, device).at(batches), strict=True)
    return [
        Projected(
            float(np.exp(value)),
            float(np.exp(value - band * spread)),
            float(np.exp(value + band * spread)),
            computed,
            errors.basis,
            source,
        )
        for value, spread in found
    ]


def energy(model: str, precision: str, batch: int, device: str) -> Projected:
    """Joules at the wall for one item of a batch, whole system; raises ProjectionError where no power was published."""
    hardware = machine(device)
    watts = effective_watts(published(), device, batch)
    if watts is None:
        raise ProjectionError(f"no power was published of {hardware.label} at that batch, so no energy can be told")
    time = latency(model, precision, batch, device)
    if time.computed != "int8":
        raise ProjectionError(f"power was published of int8 alone; {hardware.label} would compute {model} in {time.computed}")
    findings, items = held_out(), max(batch, 1)
    joules, width = watts * time.value / items, float(np.exp(findings.energy_width))
    source = (
        f"{time.source}; times {watts:.3g} W at the wall, whole system, from MLPerf power runs; "
        f"held out: median error {findings.energy_median:.0%}"
    )
    return Projected(joules, joules / width, joules * width, time.computed, time.basis, source)


def can_project(device: str) -> bool:
    """Whether any latency is published of a device."""
    return device in set(published()["device"])


def _network(model: str) -> str:
    """The name of a network in the catalogue."""
    known = networks()
    if model in known.index:
        return model
    own = known.index[known["profile"] == model]
    if len(own):
        return str(own[0])
    names = sorted(known["profile"].dropna())
    hint = suggest(model, names, "assets/catalogue/models.csv")
    raise ProjectionError(f"{model} is not among the networks that can be projected; {hint}")


def _computed(precision: str, device: str, hardware: Hardware) -> str:
    """What the device computes in: published there, or else with a known peak, so that published ratios carry over."""
    there = published().query("device == @device")
    if there.empty:
        raise ProjectionError(f"no latency is published of {hardware.label}, so none can be projected; {_devices()}")
    kinds = sorted(set(there["precision"]))
    wanted = _COMPUTED.get(precision, ())
    for name in [
        *(name for name in wanted if name in kinds),
        *(name for name in reversed(wanted) if name in hardware.peak_tops),
    ]:
        return name
    told = f"published there: {', '.join(kinds)}"
    if not wanted:
        raise ProjectionError(f"{hardware.label} was never timed at {precision}, nor was any accelerator; {told}")
    raise ProjectionError(f"nothing supports {precision} on {hardware.label}: no latency at it, and no peak; {told}")


def _devices() -> str:
    return f"there are points of: {', '.join(sorted(set(published()['device'])))}"


def _check_batches(batches: Sequence[int], device: str, hardware: Hardware) -> None:
    """Batch 1 needs points of single requests, larger ones need a rate too."""
    there = set(published().query("device == @device")["batch"])
    for batch in batches:
        if not OFFLINE <= batch <= MOST:
            raise ProjectionError(f"batch {batch} cannot be projected; batches from 1 to {MOST} can")
        if batch != OFFLINE and there == {OFFLINE}:
            raise ProjectionError(
                f"only large batches are published of {hardware.label}: how long a small one takes is not known"
            )
        if batch != 1 and there == {1}:
            raise ProjectionError(f"only single requests are published of {hardware.label}: batches are not known; use batch 1")


def _errors_of(network: str, computed: str, device: str) -> Errors:
    """What held-out predictions on the same footing were off by."""
    family = str(networks().loc[network, "family"])
    basis = basis_of(published(), device, computed, family)
    return next(errors for errors in held_out().overall if errors.basis == basis)


def _sentence(network: str, precision: str, computed: str, device: str, errors: Errors) -> str:
    there = published().query("device == @device")
    rounded = "" if computed == precision or computed == "int8" else f", computed in {computed} as no {precision} is published"
    return (
        f"{network.split('@')[0]} {precision} on {machine(device).label}{rounded}: from {len(there)} published points of the "
        f"device, its peak and the latency measured here on a processor; {_WORDS[errors.basis].format(precision=computed)}; "
        f"held out: median error {errors.median:.0%}, 90% within {errors.p90:.0%}, band meant for {LEVEL:.0%} "
        f"covered {errors.covered:.0%}"
    )
