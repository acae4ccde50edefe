"""Detectors that read production row by row after the reference: CUSUM, and ADWIN and Page-Hinkley of the library river.

They read block means in units of the reference's standard deviation of block means. Their guarantees hold for independent
values only; p is therefore the share of random orders of the blocks with an alarm as early.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from simulator.monitors.blocks import Codes, Floats
from simulator.monitors.resampling import permutation_p

#: CUSUM is tuned to shifts of one standard deviation, half of which is its allowance, and alarms at 5 (Montgomery 2013,
#: Introduction to Statistical Quality Control, section 9.1).
ALLOWANCE, THRESHOLD = 0.5, 5.0
#: ADWIN's bound on false alarms, for independent values (Bifet and Gavalda 2007).
ADWIN_DELTA = 0.002
#: Blocks are joined down to MOST a file, but not below FEW of either file; fewer than LEAST are not read.
MOST, FEW, LEAST = 250, 20, 3
#: Random orders are tried until this many alarm as early: enough for p (Besag and Clifford 1991, Biometrika 78:301).
_ENOUGH = 20
_AT_ONCE = 1000


@dataclass(frozen=True)
class SequentialAlarm:
    """The result of a detector on production.

    statistic: CUSUM's highest sum, or the number of blocks of production before the alarm
    block: where the sum began to grow (CUSUM), or where the alarm came, from 0; None without an alarm
    p: the share of orders of all blocks that show as much, or alarm as early
    """

    statistic: float
    block: int | None
    p: float


def block_means(values: Floats, codes: Codes) -> Floats:
    return np.asarray(np.bincount(codes, values) / np.bincount(codes))


def joined(reference: Codes, production: Codes) -> tuple[Codes, Codes]:
    """Return the numbers of blocks in their order, neighbours joined until there are few enough; shapes (n,) and (m,)."""
    places = [np.argsort(np.argsort(np.unique(codes, return_index=True)[1]))[codes] for codes in (reference, production)]
    counts = [int(codes.max()) + 1 for codes in places]
    each = max(min(ceil(max(counts) / MOST), min(counts) // FEW), 1)
    first, second = (np.minimum(codes // each, max(count // each, 1) - 1) for codes, count in zip(places, counts, strict=True))
    return first, second


def cusum(reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    """Run a two-sided tabular CUSUM of block means, shapes (n,) and (m,), with mean and deviation of the reference."""
    both, size = np.concatenate([reference, production]), len(reference)
    sums = cusum_sums(_standardised(both[None], size)[:, size:])[:, 0]
    side, highest = np.unravel_index(sums.argmax(), sums.shape)
    found, zeros = float(sums.max()), np.flatnonzero(sums[side, : highest + 1] == 0)
    rng = np.random.default_rng(seed)
    quiet = (
        cusum_sums(_standardised(rng.permuted(np.tile(both, (part, 1)), axis=1), size)[:, size:]).max(axis=(0, 2))
        for part in np.diff([*range(0, orders, _AT_ONCE), orders])
    )
    began = int(zeros[-1]) + 1 if len(zeros) else 0
    return SequentialAlarm(found, began if found > THRESHOLD else None, permutation_p(found, quiet))


def cusum_sums(standardised: Floats) -> Floats:
    """Return the sums up and down after each value, shape (2, streams, m)."""
    sums = np.zeros((2, *standardised.shape))
    now = np.zeros((2, len(standardised)))
    for place, values in enumerate(standardised.T):
        now = np.maximum(now + np.stack([values, -values]) - ALLOWANCE, 0)
        sums[:, :, place] = now
    return sums


def adwin(reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    from river.drift import ADWIN

    return _first_alarm(lambda: ADWIN(delta=ADWIN_DELTA, clock=1), reference, production, orders, seed)


def page_hinkley(reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    from river.drift import PageHinkley

    return _first_alarm(PageHinkley, reference, production, orders, seed)


def _first_alarm(make: Callable[[], Any], reference: Floats, production: Floats, orders: int, seed: int) -> SequentialAlarm:
    both, size = np.concatenate([reference, production]), len(reference)
    found = _alarm(make(), _standardised(both, size), size, len(production))
    if found == len(production):
        return SequentialAlarm(float(found), None, 1.0)
    rng, early = np.random.default_rng(seed), 0
    for tried in range(1, orders + 1):
        early += _alarm(make(), _standardised(rng.permutation(both), size), size, found + 1) <= found
        if early == _ENOUGH:
            return SequentialAlarm(float(found), found, early / tried)
    return SequentialAlarm(float(found), found, (early + 1) / (orders + 1))


def _alarm(detector: Any, stream: Floats, size: int, until: int) -> int:
    for place, value in enumerate(stream[: size + until].tolist()):
        detector.update(value)
        if detector.drift_detected and place >= size:
            return place - size
    return until


def _standardised(streams: Floats, size: int) -> Floats:
    """Return streams in units of their reference's part, the first `size` values, shape (..., n + m)."""
    reference = streams[..., :size]
    spread = reference.std(axis=-1, ddof=1, keepdims=True)
    return np.asarray((streams - reference.mean(axis=-1, keepdims=True)) / np.where(spread > 0, spread, 1.0))
