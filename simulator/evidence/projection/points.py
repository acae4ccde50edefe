"""What a projection rests on: published latencies, the networks they are of, and what was measured here.

Every row is one point: `seconds` for a batch of `batch` items on a device, or for one of endlessly many where batch is 0
(what benchmarks call offline).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.evidence.catalogue import HARDWARE, CatalogueError, hardware
from simulator.evidence.files import read_evidence, read_table, remembered
from simulator.evidence.profiles import profiles
from simulator.evidence.ranges import SECONDS, Range, check_ranges
from simulator.paths import CATALOGUE, PROFILES

#: The protocol of the points that were measured here; no point of it is ever held out.
OWN = "own"

#: The batch of a point that is a rate: items served back to back, as many at once as is best.
OFFLINE = 0

#: Activations for each multiply-add where they were not counted; a family's factor takes up the difference.
ACTIVATIONS_PER_MAC = 3.3e-3

#: What a profile's precision is called among published latencies.
_MEASURED = {"fp32": "fp32", "int8_static": "int8"}
_MEASURED_BATCHES = (1, 8)

#: Columns of models.csv, published.csv and power.csv.
_NETWORK = ("model", "profile", "family", "backbone", "architecture", "gmac", "mact", "source")
_POINT = ("device", "precision", "runtime", "protocol", "model", "batch", "seconds", "source")
_POWER = ("device", "model", "batch", "seconds", "watts", "source")
_RANGES = {
    "gmac": Range(1e-6, 1e6),
    "mact": Range(1e-6, 1e6, unknown=True),
    "seconds": SECONDS,
    "watts": Range(1e-3, 1e6),
}


def networks(folder: Path = CATALOGUE) -> pd.DataFrame:
    """The networks that are known: family, backbone, architecture, gmac (1e9 multiply-adds), mact (1e6 activations)."""
    return _networks(folder)


@remembered("models.csv")
def _networks(folder: Path) -> pd.DataFrame:
    return _read(folder / "models.csv", _NETWORK).set_index("model")


def published(folder: Path = CATALOGUE) -> pd.DataFrame:
    """Every published point, with its network's figures and its source."""
    return _published(folder)


@remembered("published.csv", "models.csv", HARDWARE.name)
def _published(folder: Path) -> pd.DataFrame:
    points = _read(folder / "published.csv", _POINT)
    points["batch"] = points["batch"].replace("offline", OFFLINE).astype(int)
    known = networks(folder)
    for name, table in (("networks", known.index), ("hardware", list(hardware()))):
        missing = sorted(set(points["model" if name == "networks" else "device"]) - set(table))
        if missing:
            raise CatalogueError(f"{folder / 'published.csv'}: {missing[0]} is not among the {name} of the catalogue")
    return points.join(known.drop(columns="source"), on="model")


def measured_points() -> pd.DataFrame:
    """What was measured here with one thread, of networks that are known: the median of the calls of each batch size."""
    known = networks().dropna(subset="profile").reset_index().set_index("profile")
    rows = [
        {
            "device": profile.device,
            "precision": _MEASURED[profile.precision],
            "runtime": "ONNX Runtime",
            "protocol": OWN,
            "model": known.loc[profile.model, "model"],
            "batch": calls.batch,
            "seconds": float(np.median(calls.latency_ms)) / 1000,
        }
        for profile in profiles(PROFILES)  # those that ship with CaseSim, so that every machine makes the same projection
        if profile.model in known.index and profile.precision in _MEASURED
        for run in profile.runs
        if run.threads == 1
        for calls in run.calls
        if calls.batch in _MEASURED_BATCHES
    ]
    return pd.DataFrame(rows).join(networks().drop(columns="source"), on="model")


def all_points() -> pd.DataFrame:
    """Published and measured points, in one frame."""
    return pd.concat([published(), measured_points()], ignore_index=True)


def projection_files() -> dict[str, Path]:
    """Every file that a projected latency is computed from, by a name that is the same on every machine."""
    names = ("models.csv", "published.csv", "projected.csv", "projection.json", HARDWARE.name)
    return {f"catalogue/{name}": CATALOGUE / name for name in names}


def power(folder: Path = CATALOGUE) -> pd.DataFrame:
    """Published power: watts of the whole system at the wall, and the seconds of the same run."""
    return _power(folder)


@remembered("power.csv")
def _power(folder: Path) -> pd.DataFrame:
    points = _read(folder / "power.csv", _POWER)
    points["batch"] = points["batch"].replace("offline", OFFLINE).astype(int)
    return points


def effective_watts(points: pd.DataFrame, device: str, batch: int, without: str = "") -> float | None:
    """Watts at the wall for each second of the device's published latency, the median over networks; None without any.

    Power was published of runs that save energy and are slower: joules of those runs by the seconds of the fastest ones.
    """
    runs = power()
    runs = runs[(runs["device"] == device) & (runs["batch"] == batch) & (runs["model"] != without)]
    best = points[(points["device"] == device) & (points["batch"] == batch) & (points["precision"] == "int8")]
    both = runs.merge(best[["model", "seconds"]], on="model", suffixes=("", "_best"))
    return float((both["watts"] * both["seconds"] / both["seconds_best"]).median()) if len(both) else None


def fingerprint(folder: Path = CATALOGUE) -> str:
    """Twelve hexadecimal digits that identify what projections are fitted to: the published tables, and what was measured."""
    files = ("published.csv", "models.csv", "power.csv", HARDWARE.name)
    measured = measured_points().to_csv(index=False, float_format="%.6g").encode()
    return hashlib.sha256(b"".join(read_evidence(folder / name, CatalogueError) for name in files) + measured).hexdigest()[:12]


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    rows = read_table(path, columns, CatalogueError)
    check_ranges(path, rows, {name: right for name, right in _RANGES.items() if name in columns}, CatalogueError)
    return rows
