"""follows.csv: how hits and misses follow each other, and what that does to what is found at last.

Rows of four kinds:
  next       by height, distance or occlusion: share of frames that hit, and among those whose frame before hit, or missed
  lag        the correlation of the latents of two frames, by the time between them, given height (distance) and occlusion
  confirmed  of stretches of a second within a band: the share with 3 hits among 4 frames; observed, and promised by the chain
             and by independent frames with the same curves
  never      of tracks with at least a second within a band: the share with no hit in it, likewise
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.bands import EDGES
from campaigns.drives.chain import HIDDEN, Chain, Fitter, Observed
from campaigns.drives.confirm import first_confirmed
from campaigns.drives.curves import AXES, DISTANCE, natural_axis
from campaigns.drives.latent import INDEPENDENT, LAGS, correlations, draw, seconds_of
from campaigns.drives.persistence import fitters
from campaigns.drives.read import FRAME_S, RATE
from campaigns.drives.resample import DRAWS, Resamples, share
from simulator.intervals import Interval

Vector = NDArray[np.float64]
Cells = NDArray[np.int64]

KEY = ["seen_by", "object", "kind", "by", "low", "high", "lag_s", "pairs", "tracks"]
_MEASURED = ["share", "after_hit", "after_miss", "correlation", "observed"]
COLUMNS = [*KEY, *(f"{name}{end}" for name in _MEASURED for end in ("", "_low", "_high")), "chain", "independent"]
#: Frames on end that make a second.
SECOND = round(RATE)
#: A band is told from this many frames, or tracks for what becomes of a track, on.
FEW_PAIRS, FEW_TRACKS = 100, 10
#: How often each stretch of frames is played, and the seed.
COPIES, SEED = 200, 5
_DIGITS = 4


def table(seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of follows.csv; seen: `hits.looks`."""
    parts = [
        pd.DataFrame(_rows(source, resamples, natural_axis(name))).assign(seen_by=name, object=kind)
        for name, kind, source in fitters(seen, resamples)
    ]
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS).round(_DIGITS)


def _rows(source: Fitter, resamples: Resamples, axis: str) -> Iterator[dict[str, Any]]:
    chain = source.fit(np.ones(len(resamples.tracks)))
    bands = list(_bands(source.seen, axis))
    for band in bands:
        yield from _next(source, band, resamples)
    yield from _lags(source, resamples)
    for band in bands:
        if band.by == axis:
            yield from _confirmed(source.seen, band, chain, resamples)
            yield from _never(source.seen, band, chain, resamples)


@dataclass(frozen=True)
class _Band:
    """A band: the rows of `Observed` inside it, shape (rows,)."""

    by: str
    low: float
    high: float
    inside: NDArray[np.bool_]

    def row(self, kind: str, **figures: Any) -> dict[str, Any]:
        """Return a row of the table."""
        return {"kind": kind, "by": self.by, "low": self.low, "high": self.high, **figures}


def _bands(seen: Observed, axis: str) -> Iterator[_Band]:
    clear = seen.hidden < HIDDEN
    yield _Band("all", np.nan, np.nan, clear)
    for by in dict.fromkeys([axis, DISTANCE]):
        value = seen.rows[AXES[by][0]].to_numpy(float)
        for low, high in zip(EDGES[by][:-1], EDGES[by][1:], strict=True):
            yield _Band(by, low, high, clear & (value >= low) & (value < high))
    for degree in range(HIDDEN + 1):
        yield _Band("occlusion", degree, degree, seen.hidden == degree)


def _next(source: Fitter, band: _Band, resamples: Resamples) -> Iterator[dict[str, Any]]:
    """Yield the frame after a hit and after a miss; the later frame lies in the band."""
    pairs, seen = source.pairs, source.seen
    kept = (pairs.lag == 0) & band.inside[pairs.second]
    first, second = pairs.first[kept], pairs.second[kept]
    if len(first) < FEW_PAIRS:
        return
    before, now = seen.hit[first], seen.hit[second]
    groups = {"share": np.ones(len(now), bool), "after_hit": before, "after_miss": ~before}
    shares = {name: _share(now[part], seen.track[second[part]], resamples) for name, part in groups.items() if part.any()}
    figures = {key: value for name, found in shares.items() for key, value in _named(name, found).items()}
    yield band.row("next", lag_s=FRAME_S, pairs=len(now), tracks=len(np.unique(seen.track[second])), **figures)


def _share(hit: NDArray[np.bool_], track: Cells, resamples: Resamples) -> Interval:
    """Share of hits with an interval that draws drives, then tracks; hit and track have shape (n,)."""
    return share(resamples, pd.DataFrame({"place": track}), hit)


def _named(name: str, found: Interval) -> dict[str, float]:
    return {name: found.value, f"{name}_low": min(found.low, found.value), f"{name}_high": max(found.high, found.value)}


def _lags(source: Fitter, resamples: Resamples) -> Iterator[dict[str, Any]]:
    """Yield the correlation at each lag, with the interval of the draws."""
    weights = np.vstack([np.ones(len(resamples.tracks)), resamples.weights[:DRAWS]])
    found = np.stack([correlations(source.profile(each)) for each in weights])
    low, high = np.quantile(found[1:], [0.025, 0.975], axis=0)
    pairs = np.bincount(source.pairs.lag, minlength=len(LAGS))
    for k, lag in enumerate(LAGS):
        if pairs[k] >= FEW_PAIRS:
            columns = _named("correlation", Interval(found[0, k], low[k], high[k]))
            yield {"kind": "lag", "by": "all", "lag_s": lag / RATE, "pairs": pairs[k], **columns}


def _confirmed(seen: Observed, band: _Band, chain: Chain, resamples: Resamples) -> Iterator[dict[str, Any]]:
    """Stretches of a second within the band: is the object confirmed?"""
    stretches = _stretches(seen, band.inside)
    tracks = seen.track[stretches[:, 0]]
    if len(np.unique(tracks)) < FEW_TRACKS:
        return
    limits = chain.thresholds(seen.x, seen.hidden)[stretches]
    real = first_confirmed(seen.hit[stretches]) >= 0
    promised = {"chain": _played(chain, limits), "independent": _played(Chain({}, INDEPENDENT), limits)}
    figures = _named("observed", _share(real, tracks, resamples))
    yield band.row("confirmed", pairs=len(stretches), tracks=len(np.unique(tracks)), **figures, **promised)


def _stretches(seen: Observed, inside: NDArray[np.bool_]) -> Cells:
    """Rows of stretches of `SECOND` frames on end that do not overlap, (stretches, SECOND); rows come by track and frame."""
    rows = np.flatnonzero(inside)
    breaks = np.diff(seen.track[rows]).astype(bool) | (np.diff(seen.frame[rows]) != 1)
    runs = np.split(rows, np.flatnonzero(breaks) + 1)
    found = [run[: len(run) // SECOND * SECOND].reshape(-1, SECOND) for run in runs if len(run) >= SECOND]
    return np.concatenate([*found, np.empty((0, SECOND), np.int64)])


def _played(chain: Chain, limits: Vector) -> float:
    """Share of stretches that are confirmed when each is played `COPIES` times."""
    rng = np.random.default_rng(SEED)
    latent = draw([chain.shares] * (COPIES * len(limits)), seconds_of(np.arange(limits.shape[1])), rng)
    return float(np.mean(first_confirmed(latent <= np.repeat(limits, COPIES, axis=0)) >= 0))


def _never(seen: Observed, band: _Band, chain: Chain, resamples: Resamples) -> Iterator[dict[str, Any]]:
    """Tracks with a second or more in the band: is none of these frames a hit?"""
    frames = np.bincount(seen.track[band.inside], minlength=len(resamples.tracks))
    tracks = np.flatnonzero(frames >= SECOND)
    if len(tracks) < FEW_TRACKS:
        return
    found = np.bincount(seen.track[band.inside], seen.hit[band.inside], len(resamples.tracks))[tracks] > 0
    limits = chain.thresholds(seen.x, seen.hidden)
    parts = [np.flatnonzero(band.inside & (seen.track == track)) for track in tracks]
    promised = {
        name: float(np.mean([_missed(by, limits[rows], seen.frame[rows]) for rows in parts]))
        for name, by in (("chain", chain), ("independent", Chain({}, INDEPENDENT)))
    }
    figures = _named("observed", _share(~found, tracks, resamples))
    yield band.row("never", pairs=int(frames[tracks].sum()), tracks=len(tracks), **figures, **promised)


def _missed(chain: Chain, limits: Vector, frame: Cells) -> float:
    """Share of copies of one track without any hit."""
    latent = draw([chain.shares] * COPIES, seconds_of(frame), np.random.default_rng(SEED))
    return float(np.mean((latent > limits).all(axis=1)))
