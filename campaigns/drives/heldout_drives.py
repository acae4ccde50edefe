"""heldout_drives.csv: each drive left out once, at which distance are its approaching cars confirmed?

`heldout.py` fits on every second drive. Here 20 drives predict the approaching tracks of the other one, as often as there are
drives, so that each track is judged once and by more data. Compared: the curve where each frame counts, the curve where each
object counts (curves.csv, which an encounter is played with), and a curve for each degree of occlusion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from campaigns.drives.chain import HIDDEN, Chain, Observed, observe
from campaigns.drives.curves import natural_axis, once_each, series, threshold_of
from campaigns.drives.heldout import KIND, SEED, Forecast, approaching, forecast, part_of, summary
from campaigns.drives.persistence import fitter_of
from campaigns.drives.read import Drives
from campaigns.drives.resample import Resamples, resample
from campaigns.drives.sensors import LIDAR

#: The camera that is played, as published and restored, and the LiDAR.
SENSORS = ("kitti.yolox_x", "kitti.yolox_x.restored", LIDAR)
#: Resamples of the drives of each fold; `heldout.COPIES` is a multiple of it.
CHAINS = 20


@dataclass(frozen=True)
class Fold:
    """One drive left out. clear: its approaching tracks in clear frames; whole: in all; chains: by what the curve counts."""

    clear: Observed
    whole: Observed
    chains: dict[str, list[Chain]]


def table(drives: Drives, seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of heldout_drives.csv; seen: `hits.looks` of the drives."""
    return pd.concat([pd.DataFrame(_rows(drives, seen, resamples, sensor)) for sensor in SENSORS], ignore_index=True)


def _rows(drives: Drives, seen: pd.DataFrame, resamples: Resamples, sensor: str) -> Iterator[dict[str, Any]]:
    folds = [_fold(drives, seen, resamples, sensor, out) for out in drives.names]
    for each in ("frames", "objects", "occlusion"):
        for misses, alone in (("chain", False), ("independent", True)):
            rng = np.random.default_rng(SEED)
            parts = [(fold.whole if each == "occlusion" else fold.clear, fold.chains[each]) for fold in folds]
            made = [forecast(watched, chains, alone, rng) for watched, chains in parts if len(watched.x)]
            yield {"seen_by": sensor, "each": each, "misses": misses, **summary(_joined(made), resamples)}


def _joined(made: Sequence[Forecast]) -> Forecast:
    real, track = (np.concatenate([getattr(one, name) for one in made]) for name in ("real", "track"))
    return Forecast(real, np.concatenate([one.predicted for one in made]), track, CHAINS)


def _fold(drives: Drives, seen: pd.DataFrame, resamples: Resamples, sensor: str, out: str) -> Fold:
    inner = [name for name in drives.names if name != out]
    own, other = part_of(seen, inner), part_of(seen, [out])
    fitted = resample(drives.only(inner), CHAINS)
    source = fitter_of(own, fitted, sensor, KIND)
    chains = [source.fit(weights) for weights in fitted.weights]
    whole = approaching(observe(other, resamples, sensor, KIND, threshold_of(sensor, KIND)), other, resamples)
    clear = whole.take(whole.hidden < HIDDEN)
    clear = replace(clear, hidden=np.zeros_like(clear.hidden))
    return Fold(clear, whole, {"occlusion": chains} | _one_curve(own, fitted, sensor, chains))


def _one_curve(own: pd.DataFrame, fitted: Resamples, sensor: str, chains: Sequence[Chain]) -> dict[str, list[Chain]]:
    """Return the chains with one curve for all clear frames, where each frame counts and where each object does."""
    clear = series(own, fitted, sensor, KIND, threshold_of(sensor, KIND))
    source = clear.sums(natural_axis(sensor))
    weights = {"frames": np.ones(clear.tracks), "objects": once_each(clear.track, clear.tracks)}
    drawn = [*zip(fitted.weights, chains, strict=True)]
    return {
        each: [Chain({0: source.fit(drawn_weights * own_weight)}, chain.shares) for drawn_weights, chain in drawn]
        for each, own_weight in weights.items()
    }
