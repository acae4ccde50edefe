"""Latency on hardware that was not measured here, projected from published points, with a band.

`latency` raises EvidenceError where the evidence supports no figure; the message gives the reason and lists the
published figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from simulator.errors import suggest
from simulator.evidence.catalogue import HARDWARE, Hardware, hardware, instruction_set_of, machine, saturates
from simulator.evidence.evidence_files import EvidenceError, read_evidence
from simulator.evidence.evidence_tables import SECONDS, Range, Table, columns
from simulator.evidence.profiles import Profile, profiles
from simulator.evidence.projection_accuracy import LEVEL, OFFLINE, Basis, Errors, basis_of, held_out
from simulator.files import remembered, stamp_of
from simulator.keeper import remembers
from simulator.paths import CATALOGUE, PROFILES
from simulator.phrases import phrase

#: Number formats that can compute a model of a precision, the closest first.
#: Accelerators run no network whose scales are found in every call.
#: One with some layers in float takes at most as long as at fp16.
_COMPUTED = {
    "fp32": ("fp32", "fp16"),
    "fp16": ("fp16",),
    "int8": ("int8",),
    "int8_static": ("int8",),
    "int8_static_percentile": ("int8",),
    "int8_mixed": ("fp16",),
}

#: Batches are projected up to here.
MOST = 1024

_WORDS: dict[Basis, str] = {
    "family": "other networks of its family are published there",
    "elsewhere": "no network of its family is published there",
    "precision": "nothing is published there at {precision}",
}


@dataclass(frozen=True)
class Projected:
    """A projected number with its band; `source` is a sentence on its origin and its error.

    value, low, high: seconds for a whole batch (for one item where the batch is OFFLINE)
    computed: the device's number format, fp16 for an fp32 model where no figure at fp32 is published
    """

    value: float
    low: float
    high: float
    computed: str
    basis: Basis
    source: str


def latency(model: str, precision: str, batch: int, device: str) -> Projected:
    """Project the seconds for a batch of a model on a device; `batch` OFFLINE is the time of one item among endlessly many.

    model: a network of the catalogue, or the name under which it is measured here
    Raises EvidenceError, also for a device that the catalogue does not have.
    """
    return latencies(model, precision, (batch,), device)[0]


def _latencies_key(model: str, precision: str, batches: Sequence[int], device: str) -> Hashable:
    return model, precision, *batches, device, *map(stamp_of, projection_files().values())


@remembers(512, _latencies_key)
def latencies(model: str, precision: str, batches: Sequence[int], device: str) -> list[Projected]:
    hardware, network = machine(device), _network(model)
    computed = _computed(precision, device, hardware)
    _check_batches(batches, device, hardware)
    errors = _errors_of(network, computed, device)
    band = held_out().widths[errors.basis]
    source = _sentence(network, precision, computed, device, errors)
    logarithms = zip(*curve_of(network, computed, device).at(batches), strict=True)
    ends = [[float(np.exp(value + shift)) for shift in (0, -band * spread, band * spread)] for value, spread in logarithms]
    return [Projected(value, low, high, computed, errors.basis, source) for value, low, high in ends]


def _network(model: str) -> str:
    """Return the name of a network in the catalogue; one that was not measured here may be named without its only size."""
    table = networks()
    if model in table.index:
        return model
    own = table.index[table["profile"] == model]
    if len(own):
        return str(own[0])
    published_once = [name for name in table.index if str(name).partition("@")[0] == model]
    if len(published_once) == 1:
        return str(published_once[0])
    names = sorted(table["profile"].dropna())
    hint = stand_in_for(model) or suggest(model, names, "assets/catalogue/models.csv")
    raise EvidenceError(f"{model} is not among the networks that can be projected; {hint}")


def _known_of(network: str) -> str:
    """Say what is known of the network itself."""
    here = isinstance(networks().loc[network, "profile"], str)
    return "the latency measured here on a processor" if here else "the network's multiply-adds and activations"


def stand_in_for(model: str) -> str:
    """Say which network may stand in for a measured one, with the ratio of their latencies; empty where nothing tells.

    A projection needs the multiply-adds, the activations and the family of a network, and an error on networks left out. A
    profile of a user's own file has none of them.
    """
    listed = set(networks()["profile"].dropna())
    timed = {(profile.device, profile.model): seconds for profile in profiles() if (seconds := _single_s(profile)) is not None}
    ratios = [
        (abs(log(seconds / timed[device, other])), other, seconds / timed[device, other], device)
        for (device, name), seconds in timed.items()
        if name == model
        for there, other in timed
        if there == device and other in listed
    ]
    if not ratios:
        return ""
    _, other, ratio, device = min(ratios)
    return phrase("projections.stand_in", device=device, ratio=ratio, other=other)


def _single_s(profile: Profile) -> float | None:
    """Return the median seconds of single requests at fp32 on one thread; None where that was not timed."""
    calls = [each for run in profile.runs if run.threads == 1 for each in run.calls if each.batch == 1]
    return float(np.median(calls[0].latency_ms)) / 1000 if calls and profile.precision == "fp32" else None


def _computed(precision: str, device: str, hardware: Hardware) -> str:
    """Return the number format that the device computes in: published there, or with a known peak."""
    there = published().query("device == @device")
    if there.empty:
        raise EvidenceError(f"no latency is published of {hardware.label}, so none can be projected; {_devices()}")
    kinds = sorted(set(there["precision"]))
    wanted = _COMPUTED.get(precision, ())
    for name in [
        *(name for name in wanted if name in kinds),
        *(name for name in reversed(wanted) if name in hardware.peak_tops),
    ]:
        return name
    formats = f"published there: {', '.join(kinds)}"
    if not wanted:
        raise EvidenceError(f"{hardware.label} was never timed at {precision}, nor was any accelerator; {formats}")
    raise EvidenceError(f"nothing supports {precision} on {hardware.label}: no latency at it, and no peak; {formats}")


def _devices() -> str:
    return f"there are points of: {', '.join(sorted(set(published()['device'])))}"


def _check_batches(batches: Sequence[int], device: str, hardware: Hardware) -> None:
    """Raise EvidenceError unless there are points of single requests for batch 1, and a rate for larger ones."""
    there = set(published().query("device == @device")["batch"])
    for batch in batches:
        if not OFFLINE <= batch <= MOST:
            raise EvidenceError(f"batch {batch} cannot be projected; batches from 1 to {MOST} can")
        if batch != OFFLINE and there == {OFFLINE}:
            raise EvidenceError(phrase("projections.only_large", machine=hardware.label))
        if batch != 1 and there == {1}:
            raise EvidenceError(f"only single requests are published of {hardware.label}: batches are not known; use batch 1")


def _errors_of(network: str, computed: str, device: str) -> Errors:
    family = str(networks().loc[network, "family"])
    basis = basis_of(published(), device, computed, family)
    return next(errors for errors in held_out().overall if errors.basis == basis)


def _sentence(network: str, precision: str, computed: str, device: str, errors: Errors) -> str:
    return phrase(
        "projections.source", network=network.split("@")[0], precision=precision, device=machine(device).label,
        computed="" if computed in (precision, "int8") else computed, points=len(published().query("device == @device")),
        known=_known_of(network), basis=_WORDS[errors.basis].format(precision=computed), median=errors.median,
        most=errors.p90, level=LEVEL, covered=errors.covered,
    )  # fmt: skip


#: The columns that identify a curve, and its figures: seconds, and variances and covariance of their logarithms.
CURVES = Table(
    "projected.csv",
    columns("device precision model")
    | columns("item_s", Range(1e-12, 3600))
    | columns("start_s", Range(0, 3600))
    | columns("item_variance start_variance", Range(0, 100))
    | columns("covariance", Range(-100, 100)),
    key=("device", "precision", "model"),
)

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LatencyCurve:
    """Seconds for a batch are start_s + batch * item_s; variances and covariance are those of the logarithms of both parts."""

    item_s: float
    start_s: float
    item_variance: float
    start_variance: float
    covariance: float

    def at(self, batches: ArrayLike) -> tuple[Vector, Vector]:
        """Return the logarithm of seconds and its standard deviation for each batch; OFFLINE is one item of endlessly many.

        The deviation is that of the sum of both parts to first order, each by its share of the whole.
        """
        sizes = np.asarray(batches, float)
        items = np.maximum(sizes, 1) * self.item_s
        start = np.where(sizes == OFFLINE, 0.0, self.start_s)
        part = items / (items + start)
        variance = part**2 * self.item_variance + (1 - part) ** 2 * self.start_variance
        return np.log(items + start), np.sqrt(variance + 2 * part * (1 - part) * self.covariance)


def curve_of(model: str, precision: str, device: str, folder: Path = CATALOGUE) -> LatencyCurve:
    """Return the curve of a network; raises EvidenceError where the file is older than the network."""
    curves = _curves(folder)
    if (device, precision, model) not in curves:
        file = str(folder / "projected.csv")
        raise EvidenceError(phrase("projections.no_row", file=file, model=model, precision=precision, device=device))
    return curves[device, precision, model]


@remembered("projected.csv")
def _curves(folder: Path) -> dict[tuple[str, str, str], LatencyCurve]:
    table = CURVES.read(folder)[CURVES.names]
    return {(row[0], row[1], row[2]): LatencyCurve(*row[3:]) for row in table.itertuples(index=False, name=None)}


#: The protocol of the points that were measured here; no point of it is ever held out.
OWN = "own"

#: What a profile's precision is called among published latencies.
_MEASURED = {"fp32": "fp32", "int8_static": "int8"}
_MEASURED_BATCHES = (1, 8)

_NETWORKS = Table(
    "models.csv",
    columns("model profile family backbone architecture")
    | columns("gmac", Range(1e-6, 1e6))
    | columns("mact", Range(1e-6, 1e6, unknown=True))
    | columns("source"),
)
_POINTS = Table(
    "published.csv",
    columns("device precision runtime protocol model batch") | columns("seconds", SECONDS) | columns("source"),
)
_POWER = Table(
    "power.csv",
    columns("device model batch") | columns("seconds", SECONDS) | columns("watts", Range(1e-3, 1e6)) | columns("source"),
)


@remembered("models.csv")
def networks(folder: Path = CATALOGUE) -> pd.DataFrame:
    return _NETWORKS.read(folder).set_index("model")


@remembered("published.csv", "models.csv", HARDWARE.name)
def published(folder: Path = CATALOGUE) -> pd.DataFrame:
    points = _POINTS.read(folder)
    points["batch"] = points["batch"].replace("offline", OFFLINE).astype(int)
    table = networks(folder)
    for name, names in (("networks", table.index), ("hardware", list(hardware()))):
        missing = sorted(set(points["model" if name == "networks" else "device"]) - set(names))
        if missing:
            raise EvidenceError(f"{folder / 'published.csv'}: {missing[0]} is not among the {name} of the catalogue")
    return points.join(table.drop(columns="source"), on="model")


def measured_points() -> pd.DataFrame:
    """Return measurements of known networks with one thread: the median of the calls of each batch size."""
    profiled = networks().dropna(subset="profile").reset_index().set_index("profile")
    rows = [
        {
            "device": profile.device,
            "precision": _MEASURED[profile.precision],
            "runtime": "ONNX Runtime",
            "protocol": OWN,
            "model": profiled.loc[profile.model, "model"],
            "batch": calls.batch,
            "seconds": float(np.median(calls.latency_ms)) / 1000,
        }
        for profile in profiles(PROFILES)  # those that ship with CaseSim, so that every machine makes the same projection
        if profile.model in profiled.index and profile.precision in _MEASURED and not _slow_at_eight_bits(profile)
        for run in profile.runs
        if run.threads == 1
        for calls in run.calls
        if calls.batch in _MEASURED_BATCHES
    ]
    return pd.DataFrame(rows).join(networks().drop(columns="source"), on="model")


def _slow_at_eight_bits(profile: Profile) -> bool:
    """Return whether a profile comes from a processor without VNNI.

    Its 8 bits gain less than those of every accelerator: with such points, the error of a precision that was not published on a
    device grew from 27 to 30%.
    """
    runs_on = instruction_set_of(profile.provenance.processor)
    return runs_on is not None and saturates(runs_on)


def projection_files() -> dict[str, Path]:
    names = ("models.csv", "published.csv", "projected.csv", "projection.json", HARDWARE.name)
    return {f"catalogue/{name}": CATALOGUE / name for name in names}


@remembered("power.csv")
def power(folder: Path = CATALOGUE) -> pd.DataFrame:
    """Read published power: watts of the whole system at the wall, and the seconds of the same run."""
    points = _POWER.read(folder)
    points["batch"] = points["batch"].replace("offline", OFFLINE).astype(int)
    return points


def fingerprint(folder: Path = CATALOGUE) -> str:
    files = ("published.csv", "models.csv", "power.csv", HARDWARE.name)
    measured = measured_points().to_csv(index=False, float_format="%.6g").encode()
    return hashlib.sha256(b"".join(read_evidence(folder / name) for name in files) + measured).hexdigest()[:12]
