"""heldout_curves.csv: the check of `heldout.py` for what an encounter is played with, one curve for all that is clear.

Only clear frames count (not truncated, at most partly hidden), with one curve for all of them: of curves.csv, where each frame
counts, or of the same curves where each object does; the latent's shares are those of the chain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from campaigns.drives.chain import HIDDEN, Chain
from campaigns.drives.curves import natural_axis, once_each, series, threshold_of
from campaigns.drives.heldout import KIND, Split, judged, split
from campaigns.drives.read import Drives
from campaigns.drives.sensors import SENSORS

#: What counts once in each of the two curves.
CURVES = {"frames": False, "objects": True}


def table(drives: Drives, seen: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of heldout_curves.csv; seen: `hits.looks` of the drives."""
    return pd.concat([_rows(split(drives, seen, sensor)) for sensor in SENSORS], ignore_index=True)


def _rows(one: Split) -> pd.DataFrame:
    clear = one.watched.take(one.watched.hidden < HIDDEN)
    watched = replace(clear, hidden=np.zeros_like(clear.hidden))
    rows = [
        {"seen_by": one.sensor, "each": each, **row}
        for each, objects in CURVES.items()
        for row in judged(_chains(one, objects), watched, one.held)
    ]
    return pd.DataFrame(rows)


def _chains(one: Split, objects: bool) -> list[Chain]:
    """Return the chains with one curve in place of those by occlusion."""
    clear = series(one.seen, one.fitted, one.sensor, KIND, threshold_of(one.sensor, KIND))
    source = clear.sums(natural_axis(one.sensor))
    own = once_each(clear.track, clear.tracks) if objects else np.ones(clear.tracks)
    drawn = zip(one.fitted.weights, one.chains, strict=True)
    return [Chain({0: source.fit(weights * own)}, chain.shares) for weights, chain in drawn]
