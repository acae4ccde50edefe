"""The form of the projection: t(b) = t0 + b / rate for every device, fitted to all points at once.

Time per item starts from the sum of arithmetic at the device's peak and of activations at its bandwidth, each with an
efficiency common to all. On top come factors for family, device, precision, and how the point was taken (the protocol: an
engine compiled for the device, or a framework that runs layer by layer). Every factor is drawn towards 1 with a width of its
own, so that few points move it little: partial pooling, as in a mixed-effects model (Gelman and Hill, 2007). A network has a
factor that all devices share: through it, a latency on a processor informs the forecast for an accelerator;
a second one is shared by processors, or by accelerators, alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.evidence.catalogue import hardware
from simulator.evidence.projection import measured_points, published
from simulator.evidence.projection_accuracy import OFFLINE

Vector = NDArray[np.float64]

#: Activations for each multiply-add where they were not counted; a family's factor takes up the difference.
ACTIVATIONS_PER_MAC = 3.3e-3

BYTES = {"fp32": 4, "fp16": 2, "int8": 1}

#: Points of the same network on the same device under the same protocol still differ by about this part.
NOISE = 0.1

#: What stands in for a peak or a bandwidth that was not found, in operations/s and bytes for each operation at int8.
TYPICAL_PEAK, TYPICAL_BALANCE = 100e12, 2.5e-3

#: A device of which no peak was found gets a factor that is almost free.
FREE = 3.0

#: The widths of the logarithms of all factors: what differs between the levels of a column, or its slope in size or intensity.
RATE: tuple[tuple[tuple[str, ...], str, float], ...] = (
    (("precision",), "", 0.5),
    (("protocol",), "", 0.3),
    (("protocol",), "size", 0.2),
    (("protocol",), "intensity", 0.4),
    (("protocol", "backbone"), "", 0.1),
    (("device",), "", 0.3),
    (("device",), "unknown", FREE),
    (("device",), "unknown size", 0.1),
    (("device",), "unknown intensity", 0.3),
    (("device",), "size", 0.05),
    (("device", "precision"), "", 0.15),
    (("device", "backbone"), "", 0.08),
    (("device", "family"), "", 0.05),
    (("backbone",), "", 0.3),
    (("backbone",), "size", 0.08),
    (("backbone", "precision"), "", 0.1),
    (("family",), "", 0.15),
    (("architecture",), "", 0.06),
    (("architecture", "kind"), "", 0.12),
)
START: tuple[tuple[tuple[str, ...], str, float], ...] = (
    ((), "size", 0.2),
    (("protocol",), "", 0.7),
    (("device",), "", 0.5),
    (("device", "precision"), "", 0.2),
    (("device", "family"), "", 0.1),
    (("backbone",), "", 0.3),
    (("architecture",), "", 0.2),
)

#: Logarithms where the search starts, with the width allowed around them: efficiency of arithmetic, of memory, t0 in seconds.
PRIORS = ((np.log(1 / 0.6), 0.5), (0.0, 0.5), (np.log(3e-4), 3.0))


def all_points() -> pd.DataFrame:
    return pd.concat([published(), measured_points()], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Design:
    """Points as the fit sees them; n points, a and b factors.

    arithmetic, memory: the logarithms of seconds per item at the device's peak and at its bandwidth, shape (n,)
    rate, start: the factors of the time per item (n, a) and of t0 (n, b), each column divided by nothing but its prior width
    """

    arithmetic: Vector
    memory: Vector
    rate: Vector
    start: Vector
    batch: Vector

    def take(self, rows: NDArray[np.bool_]) -> Design:
        """Return the design of some of the points."""
        return Design(self.arithmetic[rows], self.memory[rows], self.rate[rows], self.start[rows], self.batch[rows])


def design_of(points: pd.DataFrame) -> Design:
    """Return the design of points, whose levels are those that occur among them."""
    peak, bandwidth, known = _machine_columns(points)
    ops = 2e9 * points["gmac"].to_numpy()
    counted = points["mact"].to_numpy(dtype=float) * 1e6
    activations = np.where(np.isnan(counted), ops / 2 * ACTIVATIONS_PER_MAC, counted)
    moved = 2 * activations * points["precision"].map(BYTES).to_numpy()  # each is written once and read once
    size = np.log(points["gmac"].to_numpy() / 4)
    intensity = np.log(activations / ops * 2 / ACTIVATIONS_PER_MAC)
    slopes = {"": np.ones(len(points)), "size": size, "intensity": intensity, "unknown": (~known).astype(float)}
    slopes |= {"unknown size": size * ~known, "unknown intensity": intensity * ~known}
    machines = hardware()
    points = points.assign(kind=[machines[device].kind == "cpu" for device in points["device"]])
    columns = [np.column_stack(list(_columns(points, slopes, terms))) for terms in (RATE, START)]
    batch = points["batch"].to_numpy(dtype=float)
    return Design(np.log(ops / peak), np.log(moved / bandwidth), columns[0], columns[1], batch)


def _machine_columns(points: pd.DataFrame) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """Peak (operations/s), bandwidth (bytes/s) and whether the peak is known, a point each."""
    found, machines = [], hardware()
    for device, precision in zip(points["device"], points["precision"], strict=True):
        machine = machines[device]
        known = precision in machine.peak_tops
        peak = machine.peak_tops[precision] * 1e12 if known else TYPICAL_PEAK
        int8 = machine.peak_tops.get("int8", TYPICAL_PEAK / 1e12) * 1e12
        bandwidth = machine.bandwidth_gb_per_s * 1e9 if machine.bandwidth_gb_per_s and known else int8 * TYPICAL_BALANCE
        found.append((peak, bandwidth, known))
    peaks, bandwidths, knowns = zip(*found, strict=True)
    return np.array(peaks), np.array(bandwidths), np.array(knowns)


def _columns(
    points: pd.DataFrame, slopes: dict[str, Vector], terms: tuple[tuple[tuple[str, ...], str, float], ...]
) -> Iterator[Vector]:
    for keys, slope, width in terms:
        labels = points[list(keys)].astype(str).agg("|".join, axis=1).to_numpy() if keys else np.full(len(points), "")
        for level in sorted(set(labels)):
            column = (labels == level) * slopes[slope] * width
            if column.any():
                yield column


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted projection: factors, and how well the points pin them down."""

    factors: Vector
    precision: Vector

    def predict(self, design: Design) -> tuple[Vector, Vector]:
        """Logarithm of seconds and its standard deviation for every point of a design."""
        value, slope = evaluate(self.factors, design)
        spread = np.einsum("ij,ji->i", slope, np.linalg.solve(self.precision, slope.T))
        return value, np.sqrt(spread + NOISE**2)


def evaluate(factors: Vector, design: Design) -> tuple[Vector, Vector]:
    """Logarithm of seconds, shape (n,), and its derivative by every factor, shape (n, 3 + a + b)."""
    a = design.rate.shape[1]
    arithmetic, memory = factors[0] + design.arithmetic, factors[1] + design.memory
    base = np.logaddexp(arithmetic, memory)
    share = np.exp(arithmetic - base)
    items = base + design.rate @ factors[3 : 3 + a] + np.log(np.maximum(design.batch, 1))
    start = np.where(design.batch == OFFLINE, -np.inf, factors[2] + design.start @ factors[3 + a :])
    total = np.logaddexp(start, items)
    of_items, of_start = np.exp(items - total), np.exp(start - total)
    heads = np.column_stack([of_items * share, of_items * (1 - share), of_start])
    return total, np.hstack([heads, of_items[:, None] * design.rate, of_start[:, None] * design.start])


@dataclass(frozen=True, eq=False)
class _Problem:
    """Regularized least squares on logarithms of seconds."""

    design: Design
    seconds: Vector

    @cached_property
    def prior(self) -> tuple[Vector, Vector]:
        """Return the prior mean and the weight of each factor."""
        n = 3 + self.design.rate.shape[1] + self.design.start.shape[1]
        centre, weight = np.zeros(n), np.ones(n)
        for index, (value, width) in enumerate(PRIORS):
            centre[index], weight[index] = value, width**-2
        return centre, weight

    def loss(self, factors: Vector, value: Vector) -> float:
        centre, weight = self.prior
        return float((((np.log(self.seconds) - value) / NOISE) ** 2).sum() + (weight * (factors - centre) ** 2).sum())


def fit(design: Design, seconds: Vector, rounds: int = 40) -> Fit:
    """Return the factors that explain the points best, by Levenberg and Marquardt's method; `seconds` has shape (n,)."""
    problem = _Problem(design, seconds)
    centre, weight = problem.prior
    factors, damping = centre.copy(), 1e-3
    value, slope = evaluate(factors, design)
    loss = problem.loss(factors, value)
    for _ in range(rounds):
        curvature = slope.T @ slope / NOISE**2 + np.diag(weight)
        downhill = slope.T @ (np.log(seconds) - value) / NOISE**2 - weight * (factors - centre)
        while damping < 1e9:
            tried = factors + np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), downhill)
            value_there, slope_there = evaluate(tried, design)
            loss_there = problem.loss(tried, value_there)
            if loss_there < loss:
                break
            damping *= 6
        else:
            break
        gained = loss - loss_there
        factors, value, slope, loss, damping = tried, value_there, slope_there, loss_there, damping / 4
        if gained < 1e-3:
            break
    return Fit(factors, slope.T @ slope / NOISE**2 + np.diag(weight))
