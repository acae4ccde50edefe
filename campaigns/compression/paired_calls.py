"""Processor time of networks, called in turns on one machine, so that a busy machine delays all of them alike."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.intervals import Interval
from simulator.measure.machine import provenance
from simulator.measure.profiling import Campaign, Photos, Subject, make_ready
from simulator.measure.timing import Effort

Floats = NDArray[np.float64]
#: The first is the one that others are compared with.
NETWORKS = ("efficientnet_lite0", "efficientnet_lite0_small", "efficientnet_lite0_pruned")
PRECISIONS = ("fp32", "int8_static")
_WARM_UP, _RESAMPLES = 5, 2000


def turns(calls: Sequence[Callable[[], object]], rounds: int, seed: int = 0) -> Floats:
    """Return the processor time of each call in ms, (rounds, calls); each round calls all of them in another order."""
    order, rng = list(range(len(calls))), random.Random(seed)
    took = np.empty((rounds, len(calls)))
    for row in range(-_WARM_UP, rounds):
        rng.shuffle(order)
        for number in order:
            began = time.thread_time()
            calls[number]()
            if row >= 0:
                took[row, number] = 1000 * (time.thread_time() - began)
    return took


def ratio_of_medians(took: Floats, base: Floats) -> Interval:
    """Return the ratio of two medians over the same rounds, with a 95% interval by resampling rounds."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(took), (_RESAMPLES, len(took)))
    ratios = np.median(took[drawn], axis=1) / np.median(base[drawn], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Interval(float(np.median(took) / np.median(base)), float(low), float(high))


def write_profiles(photos: Path, origin: str, cache: Path, out: Path, device: str, report: Callable[[str], None]) -> None:
    """Write the profiles of the smaller networks on one thread; their times are those of the processor."""
    campaign = Campaign(device, out, cache, Photos(photos, origin), (1,), Effort(budget_s=15.0, clock="processor"))
    for subject in [Subject(network, precision) for network in NETWORKS[1:] for precision in PRECISIONS]:
        report(str(subject))
        campaign.run(subject, lambda _: None, report)


def measured_calls(photos: Path, origin: str, cache: Path, rounds: int) -> pd.DataFrame:
    """Time one photo on one thread for every network at each precision; raises CannotMeasureError or RefusedError."""
    subjects = [Subject(network, precision) for network in NETWORKS for precision in PRECISIONS]
    ready = [make_ready(subject, cache, Photos(photos, origin)) for subject in subjects]
    calls = [one.start(1)() for one in ready]
    took = turns([lambda call=call: call(1) for call in calls], rounds)  # type: ignore[misc]  # a call of one photo
    rows = []
    for number, (subject, one) in enumerate(zip(subjects, ready, strict=True)):
        ratio = ratio_of_medians(took[:, number], took[:, 0])
        rows.append(
            {
                "network": subject.model,
                "precision": subject.precision,
                "side": one.input_shape[-1],
                "parameters": one.parameters,
                "multiply_adds": one.multiply_adds,
                "file_bytes": one.file.stat().st_size,
                "processor_ms": np.median(took[:, number]),
                "ratio": ratio.value,
                "low": ratio.low,
                "high": ratio.high,
                "calls": rounds,
                "processor": provenance([], "", "").processor,
            }
        )
    return pd.DataFrame(rows)
