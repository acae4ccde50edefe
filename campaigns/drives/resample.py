"""Intervals for what is counted over frames: frames of one track resemble each other, and so do tracks of one drive.

Whole drives are drawn, then whole tracks within each (two-stage bootstrap: Davison and Hinkley 1997, section 3.8). Drawing at
both stages makes intervals a little too wide rather than too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.read import Drives
from simulator.intervals import Interval, percentile_interval, share_interval

Floats = NDArray[np.float64]

RESAMPLES = 400
SEED = 1
#: So many of the first resamples are published as draws of a curve.
DRAWS = 40


@dataclass(frozen=True)
class Resamples:
    """Bootstrap counts of each drive and each track.

    tracks: index (drive, track) of all labelled tracks; weights: shape (resamples, tracks)
    names: of the drives; drives: how often each was drawn, shape (resamples, drives)
    The first `DRAWS` rows are the draws that curves and persistence share.
    """

    tracks: pd.MultiIndex
    weights: Floats
    names: tuple[str, ...]
    drives: Floats

    def of(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """Return the place of each row's track in `tracks`; rows have the columns drive and track, or place (see `placed`)."""
        if "place" in rows:
            return rows["place"].to_numpy(np.int64)
        return np.asarray(self.tracks.get_indexer(pd.MultiIndex.from_frame(rows[["drive", "track"]])), np.int64)

    def placed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with the column place, so that parts of them need no look-up; valid for these resamples alone."""
        return rows.assign(place=self.of(rows))

    def per_track(self, rows: pd.DataFrame, values: NDArray[np.generic]) -> Floats:
        """Return the sum of `values`, (rows,) or (rows, k), over the rows of each track: (tracks,) or (tracks, k)."""
        given, places = np.asarray(values, float), self.of(rows)
        columns = given.reshape(len(places), -1).T
        sums = [np.bincount(places, column, minlength=len(self.tracks)) for column in columns]
        return np.asarray(np.stack(sums, axis=1), float).reshape(len(self.tracks), *given.shape[1:])


def resample(drives: Drives, resamples: int = RESAMPLES, seed: int = SEED) -> Resamples:
    """Draws drives with replacement, and within each as many tracks as it has, with replacement.

    The same drives, number and seed give the same draws; a smaller number gives the first of them.
    """
    tracks = pd.MultiIndex.from_frame(drives.labels[["drive", "track"]].drop_duplicates().sort_values(["drive", "track"]))
    names = tuple(drives.names)
    found = tracks.get_level_values("drive").value_counts().reindex(names, fill_value=0)
    sizes = np.asarray(found, np.int64)
    drawn = np.stack([_drawn(np.random.default_rng([seed, draw]), sizes) for draw in range(resamples)])
    return Resamples(tracks, drawn[:, len(names) :], names, drawn[:, : len(names)])


def _drawn(rng: np.random.Generator, sizes: NDArray[np.int64]) -> Floats:
    """One resample: how often each drive, then how often each track of the first drive, of the second, and so on."""
    drives = np.bincount(rng.integers(len(sizes), size=len(sizes)), minlength=len(sizes))
    tracks = [rng.multinomial(times * size, np.full(size, 1 / size)) for times, size in zip(drives, sizes, strict=True) if size]
    return np.concatenate([drives, *tracks]).astype(float)


def shares(resamples: Resamples, rows: pd.DataFrame, hits: NDArray[np.bool_] | pd.Series[bool]) -> Floats:
    """Return the share of rows that are hits in each resample, shape (resamples,); NaN where no row was drawn."""
    found = resamples.per_track(rows, np.column_stack([hits, np.ones(len(rows))]))
    above, below = (resamples.weights @ found).T
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0), float)


def share(resamples: Resamples, rows: pd.DataFrame, hits: NDArray[np.bool_] | pd.Series[bool]) -> Interval:
    """Return the share of rows that are hits, with its 95% interval.

    Where all rows are hits, or none is, no resample differs: the exact binomial interval takes the number of tracks instead.
    """
    value = float(np.mean(hits))
    if 0 < value < 1:
        return percentile_interval(value, shares(resamples, rows, hits))
    tracks = len(np.unique(resamples.of(rows)))
    return share_interval(value * tracks, tracks)
