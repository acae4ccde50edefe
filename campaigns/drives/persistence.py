"""persistence.csv: which shares of the latent behind the hits stay with an object, change slowly, or are new in every frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from campaigns.drives.chain import Chain, Fitter, fitter, observe
from campaigns.drives.curves import AXES, natural_axis, threshold_of
from campaigns.drives.resample import DRAWS, Resamples
from campaigns.drives.sensors import SENSORS

COLUMNS = ["seen_by", "object", "draw", "object_share", "slow_share", "white_share", "tau_s"]
#: The draw that stands for the estimate itself.
ESTIMATE = -1
#: Digits after the point; the shares of a row still sum to 1 to within as much.
_DIGITS = 4


def fitters(seen: pd.DataFrame, resamples: Resamples) -> Iterator[tuple[str, str, Fitter]]:
    """Every sensor with every kind of object it reports, at the score of OPERATING; seen: `hits.looks`."""
    for name, sensor in SENSORS.items():
        for kind in sensor.labels:
            yield name, kind, fitter_of(seen, resamples, name, kind)


def fitter_of(seen: pd.DataFrame, resamples: Resamples, sensor: str, kind: str) -> Fitter:
    """One sensor and kind of object."""
    rising = AXES[natural_axis(sensor)][1]
    return fitter(observe(seen, resamples, sensor, kind, threshold_of(sensor, kind)), len(resamples.tracks), rising)


def table(seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of persistence.csv: the estimate, then the draws that curves.csv has too. seen: `hits.looks`."""
    return pd.concat([_rows(*asked, resamples) for asked in fitters(seen, resamples)], ignore_index=True)


def _rows(sensor: str, kind: str, source: Fitter, resamples: Resamples) -> pd.DataFrame:
    chains = [source.fit(weights) for weights in (np.ones(len(resamples.tracks)), *resamples.weights[:DRAWS])]
    rows = [(sensor, kind, draw, *_figures(chain)) for draw, chain in enumerate(chains, start=ESTIMATE)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _figures(chain: Chain) -> list[float]:
    shares = chain.shares
    return [round(value, _DIGITS) for value in (shares.object, shares.slow, shares.white, shares.tau_s)]
