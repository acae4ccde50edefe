"""heldout.csv: fitted on ten drives, at which distance are the approaching cars of the other eleven confirmed?

Every other drive is held out, by its place in the order: the split was not chosen by its result. Each track is played again
many times with its own heights (distances) and occlusions, each time with the chain of another resample of the ten drives, so
that what ten drives leave open is part of the prediction. A car that is never confirmed counts as confirmed at 0 m.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.chain import Chain, Observed, observe
from campaigns.drives.confirm import first_confirmed
from campaigns.drives.curves import threshold_of
from campaigns.drives.latent import INDEPENDENT, Shares, draw, seconds_of
from campaigns.drives.persistence import fitter_of
from campaigns.drives.read import Drives
from campaigns.drives.resample import DRAWS, Resamples, resample
from campaigns.drives.sensors import SENSORS
from simulator.intervals import Interval, percentile_interval

Vector = NDArray[np.float64]

KIND = "car"
#: A track comes nearer if it does so by at least so many metres, over at least so many labelled frames.
NEARER_M, NEARER_FRAMES = 10.0, 20
#: How often each track is played, a multiple of the draws.
COPIES = 400
SEED = 3
QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90)
_DIGITS = 3


@dataclass(frozen=True)
class Forecast:
    """Distances in metres at which tracks are confirmed.

    real: (tracks,); predicted: (tracks, copies), as many copies on end of each chain; track: places; chains: how many
    """

    real: Vector
    predicted: Vector
    track: NDArray[np.int64]
    chains: int = 1


def table(drives: Drives, seen: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of heldout.csv; seen: `hits.looks` of the drives."""
    asked = [split(drives, seen, sensor) for sensor in SENSORS]
    rows = [{"seen_by": one.sensor, **row} for one in asked for row in judged(one.chains, one.watched, one.held)]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Split:
    """Data of one sensor to fit on, and data to judge by.

    seen: rows of the drives it is fitted on; fitted: their resamples; chains: one for each of them
    watched: the approaching tracks of the drives left out; held: resamples of these
    """

    sensor: str
    seen: pd.DataFrame
    fitted: Resamples
    chains: list[Chain]
    watched: Observed
    held: Resamples


def split(drives: Drives, seen: pd.DataFrame, sensor: str) -> Split:
    """Fit a sensor's chains on some drives and watch it on the others."""
    inner, outer = halves(drives)
    own, other = part_of(seen, inner), part_of(seen, outer)
    fitted, held = resample(drives.only(inner), DRAWS), resample(drives.only(outer))
    source = fitter_of(own, fitted, sensor, KIND)
    watched = approaching(observe(other, held, sensor, KIND, threshold_of(sensor, KIND)), other, held)
    return Split(sensor, own, fitted, [source.fit(weights) for weights in fitted.weights], watched, held)


def part_of(seen: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows of some drives, without places among the tracks of all."""
    return seen[seen["drive"].isin(names)].drop(columns="place", errors="ignore")


def judged(chains: Sequence[Chain], watched: Observed, held: Resamples) -> Iterator[dict[str, Any]]:
    """Yield a row each for the chain of misses and for independent frames."""
    for misses, alone in (("chain", False), ("independent", True)):
        made = forecast(watched, chains, alone, np.random.default_rng(SEED))
        yield {"misses": misses, **summary(made, held)}


def halves(drives: Drives) -> tuple[list[str], list[str]]:
    """Return the drives that the chain is fitted on, the second, fourth and so on, and those that it is judged by."""
    return drives.names[1::2], drives.names[::2]


def approaching(rows: Observed, seen: pd.DataFrame, resamples: Resamples) -> Observed:
    """Return the frames of tracks that come nearer, judged by all their labels."""
    tracks = seen.assign(track=resamples.of(seen)).sort_values("frame").groupby("track")["z_m"]
    nearer = tracks.first().sub(tracks.last()).ge(NEARER_M) & tracks.size().ge(NEARER_FRAMES)
    return rows.take(np.isin(rows.track, nearer.index[nearer]))


def forecast(watched: Observed, chains: Sequence[Chain], alone: bool, rng: np.random.Generator) -> Forecast:
    """Play each track `COPIES` times, with each of the chains as often; alone: every frame for itself, with the same curves."""
    distance = watched.rows["z_m"].to_numpy(float)
    places = np.unique(watched.track)
    real, predicted = np.empty(len(places)), np.empty((len(places), COPIES))
    for k, place in enumerate(places):
        part = watched.take(watched.track == place)
        at = distance[watched.track == place]
        hits = played(part, chains, alone, rng)
        real[k] = _confirmed_at(part.hit[None], part.frame, at)[0]
        predicted[k] = _confirmed_at(hits, part.frame, at)
    return Forecast(real, predicted, places, len(chains))


def played(part: Observed, chains: Sequence[Chain], alone: bool, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Hits of one track, (COPIES, frames)."""
    each = COPIES // len(chains)
    limits = np.repeat([chain.thresholds(part.x, part.hidden) for chain in chains], each, axis=0)
    shares: list[Shares] = [INDEPENDENT if alone else chain.shares for chain in chains for _ in range(each)]
    return np.asarray(draw(shares, seconds_of(part.frame), rng) <= limits)


def _confirmed_at(hits: NDArray[np.bool_], frame: NDArray[np.int64], distance: Vector) -> Vector:
    """Distance at the confirming frame, 0 where none confirms; a frame between that has no row is a miss."""
    whole = np.zeros((len(hits), frame[-1] - frame[0] + 1), bool)
    whole[:, frame - frame[0]] = hits
    first = first_confirmed(whole)
    found: Vector = np.where(first >= 0, np.interp(frame[0] + first, frame, distance), 0.0)
    return found


def summary(made: Forecast, resamples: Resamples) -> dict[str, float]:
    """One row of heldout.csv, but for what it is about."""
    bias = bias_of(made, resamples)
    inside = {f"coverage_{round(100 * level)}": covered(made, level).astype(float) for level in (0.8, 0.95)}
    even = {f"even_{round(100 * level)}": evenly_covered(made, level) for level in (0.8, 0.95)}
    means = {name: _mean(values, made.track, resamples) for name, values in {**inside, **even}.items()}
    figures = {
        "tracks": len(made.real),
        "real_median_m": np.median(made.real),
        "predicted_median_m": np.median(made.predicted),
        **_named("bias", bias, "_m"),
        **{key: value for name, interval in means.items() for key, value in _named(name, interval).items()},
        "real_never": np.mean(made.real == 0),
        "predicted_never": np.mean(made.predicted == 0),
        "crps_m": crps(made).mean(),
        **{f"real_q{round(100 * q)}": np.quantile(made.real, q) for q in QUANTILES},
        **{f"predicted_q{round(100 * q)}": np.quantile(made.predicted, q) for q in QUANTILES},
    }
    return {name: round(float(value), _DIGITS) for name, value in figures.items()}


def _named(name: str, found: Interval, unit: str = "") -> dict[str, float]:
    return {f"{name}{unit}": found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def bias_of(made: Forecast, resamples: Resamples) -> Interval:
    """Mean of predicted less real distance; the interval holds which drives were fitted on (chains) and which judged by."""
    off = made.predicted.reshape(len(made.real), made.chains, -1).mean(axis=2) - made.real[:, None]
    weights = resamples.weights[:, made.track]
    chain = np.arange(len(weights)) % made.chains
    return percentile_interval(float(off.mean()), _ratio((weights * off[:, chain].T).sum(axis=1), weights.sum(axis=1)))


def _mean(values: Vector, track: NDArray[np.int64], resamples: Resamples) -> Interval:
    """Mean over tracks, with an interval that draws drives, then tracks."""
    weights = resamples.weights[:, track]
    return percentile_interval(float(values.mean()), _ratio(weights @ values, weights.sum(axis=1)))


def _ratio(above: Vector, below: Vector) -> Vector:
    """NaN where no track was drawn."""
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0), float)


def covered(made: Forecast, level: float) -> NDArray[np.bool_]:
    """Return whether each real distance lies in the middle `level` of the predicted ones, bounds included."""
    low, high = np.quantile(made.predicted, [(1 - level) / 2, (1 + level) / 2], axis=1, method="inverted_cdf")
    return np.asarray((made.real >= low) & (made.real <= high), bool)


def evenly_covered(made: Forecast, level: float) -> Vector:
    """Return the covered share, where a distance that many copies share lies in the interval only in part.

    Distances are those of frames, so that an interval with both bounds included holds more than it promises even if the
    prediction is right. Here each real distance counts as spread evenly over the ranks of the copies that equal it (Czado,
    Gneiting and Held 2009, Biometrics 65:1254): the mean is `level` if the prediction is right.
    """
    below = (made.predicted < made.real[:, None]).mean(axis=1)
    upto = (made.predicted <= made.real[:, None]).mean(axis=1)
    low, high = np.maximum(below, (1 - level) / 2), np.minimum(upto, (1 + level) / 2)
    within = np.where(upto > below, (high - low) / np.maximum(upto - below, 1e-12), low <= high)
    found: Vector = np.clip(within, 0, 1)
    return found


def crps(made: Forecast) -> Vector:
    """Continuous ranked probability score of each track in metres (Gneiting and Raftery 2007, eq. 21): less is better."""
    ordered = np.sort(made.predicted, axis=1)
    n = ordered.shape[1]
    spread = (ordered * (2 * np.arange(1, n + 1) - n - 1)).sum(axis=1) / n**2
    found: Vector = np.abs(ordered - made.real[:, None]).mean(axis=1) - spread
    return found
