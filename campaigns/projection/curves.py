"""The curve of every known network on every device that has published latencies: what the catalogue keeps of the fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from campaigns.projection.form import BYTES, NOISE, Design, Fit, Vector, all_points, design_of, evaluate, fit
from simulator.evidence.catalogue import hardware
from simulator.evidence.evidence_files import in_one_step
from simulator.evidence.projection import CURVES, networks, published
from simulator.evidence.projection_accuracy import OFFLINE
from simulator.paths import CATALOGUE

#: Points taken under these rules are preferred: engines compiled for the device, timed by one load generator.
_PREFERRED = "mlperf"

#: The runtime of an engine that was compiled for its device.
_ENGINE = "TensorRT"

#: Digits that are kept of a figure.
_DIGITS = 9


def fit_curves() -> pd.DataFrame:
    """One row per device, precision and network, by the columns of CURVES; takes some seconds."""
    points = all_points()
    fitted = fit(design_of(points), points["seconds"].to_numpy())
    return pd.concat([_curves_on(device, points, fitted) for device in sorted(set(published()["device"]))], ignore_index=True)


def _curves_on(device: str, points: pd.DataFrame, fitted: Fit) -> pd.DataFrame:
    asked = pd.concat(list(_asked(device)), ignore_index=True)
    both = pd.concat([points, asked], ignore_index=True)
    known = np.arange(len(both)) < len(points)
    design = design_of(both)
    seen, wanted = design.take(known), design.take(~known)
    rate, start = seen.rate.any(axis=0), seen.start.any(axis=0)
    fresh = [(part[:, ~there] ** 2).sum(axis=1) for part, there in ((wanted.rate, rate), (wanted.start, start))]
    figures = _figures(fitted, replace(wanted, rate=wanted.rate[:, rate], start=wanted.start[:, start]), *fresh)
    return asked[["device", "precision", "model"]].assign(**figures)[CURVES.names]


def _asked(device: str) -> Iterator[pd.DataFrame]:
    """Every network at every precision that was published of a device, or that it has a peak for."""
    there = published().query("device == @device")
    kinds = {*there["precision"], *hardware()[device].peak_tops} & BYTES.keys()
    rows = networks().drop(columns="source").reset_index()
    protocols = [_protocol(there, family) for family in rows["family"]]
    for precision in sorted(kinds):
        yield rows.assign(device=device, precision=precision, protocol=protocols, batch=OFFLINE)


def _protocol(there: pd.DataFrame, family: str) -> str:
    """Return the protocol of a family's points on a device; there: all points of the device.

    Without such points, MLPerf's if it timed others there. A family that MLPerf never timed follows the protocol of its own
    compiled engines on devices of the same kind: what MLPerf's rules would give it was measured nowhere.
    All precisions of a network follow the same protocol, so that they can be compared.
    """
    own = there.loc[there["family"] == family, "protocol"]
    names = own if len(own) else there["protocol"]
    if _PREFERRED not in set(names):
        return str(names.mode()[0])
    alike = published()
    kinds = alike["device"].map({name: machine.kind for name, machine in hardware().items()})
    engines = alike["runtime"].str.startswith(_ENGINE) & kinds.eq(hardware()[str(there["device"].iloc[0])].kind)
    timed = alike.loc[alike["family"].eq(family) & (engines | alike["protocol"].eq(_PREFERRED)), "protocol"]
    return _PREFERRED if timed.empty or _PREFERRED in set(timed) else str(timed.mode()[0])


def _figures(fitted: Fit, design: Design, fresh_rate: Vector, fresh_start: Vector) -> dict[str, Vector]:
    """Both parts of each curve, with the variances of their logarithms; points of the same network differ by NOISE besides.

    The noise is common to both parts, so that it stays what it is in any sum of them. fresh_rate, fresh_start: the variance of
    factors that no point informs; only their prior is known.
    """
    n = len(design.batch)
    start = slice(3 + design.rate.shape[1], None)
    items, of_items = evaluate(fitted.factors, design)  # offline, so that the start has no part in it
    of_start = np.zeros_like(of_items)
    of_start[:, 2], of_start[:, start] = 1.0, design.start
    starts = fitted.factors[2] + design.start @ fitted.factors[start]
    slopes = np.vstack([of_items, of_start])
    spread = np.linalg.solve(fitted.precision, slopes.T)
    both = NOISE**2 + np.einsum("ij,ji->i", slopes, spread)
    return {
        "item_s": np.exp(items),
        "start_s": np.exp(starts),
        "item_variance": both[:n] + fresh_rate,
        "start_variance": both[n:] + fresh_start,
        "covariance": NOISE**2 + np.einsum("ij,ji->i", of_items, spread[:, n:]),
    }


def write_curves(found: pd.DataFrame, path: Path = CATALOGUE / "projected.csv") -> None:
    """Write the curves in one step."""
    with in_one_step(path) as part:
        found.to_csv(part, index=False, float_format=f"%.{_DIGITS}g")
