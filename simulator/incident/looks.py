"""Looks of an incident: the view of the stream that a look examines, and estimates with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from simulator.arrays import Bools, Floats, Ints
from simulator.incident.fixes import Change, Changes
from simulator.intervals import LEVEL, Interval
from simulator.records.streams import Streams

if TYPE_CHECKING:
    from simulator.incident.frame_statistics import FrameStatistics
    from simulator.incident.secret import Secret
    from simulator.incident.section import Incident
    from simulator.incident.stream import Stream


DAY_S, HOUR_S = 86_400.0, 3600.0
#: A look is at the last day, or at the time since the reference.
RECENT_S = DAY_S
#: A change of the detections a frame, or of an input in its own spreads, below this counts as none.
SAME = 0.02
#: Slices stand out beyond this number of standard deviations of quiet days.
STANDS_OUT = 4.0

#: The reach of an interval in standard errors.
Z = 1.96


@dataclass(frozen=True, eq=False)
class View:
    """The stream as it is known at a time (s), to a look that begins at `begun_s`."""

    spec: Incident
    secret: Secret
    stream: Stream
    statistics: FrameStatistics
    changes: Sequence[Change]
    now_s: float
    begun_s: float = 0.0

    def recent(self) -> Bools:
        at_s = self.statistics.frames.at_s
        return np.asarray((at_s < self.now_s) & (at_s >= self.now_s - RECENT_S))

    def reference(self) -> Bools:
        return np.asarray(self.statistics.frames.at_s < self.spec.reference_days * DAY_S)

    def replicas(self) -> int:
        served = self.stream.served
        return max(served.replicas, int(served.replica[self.recent()].max(initial=0)) + 1)

    def strength(self, enters: str) -> float:
        undone = Changes(self.changes).undone
        return float(self.stream.strength(np.array([self.now_s]), undone, enters)[0])

    def chosen(self, rows: Bools, count: int, purpose: str) -> Ints:
        there = np.flatnonzero(rows)
        drawn = Streams(self.secret.seed).named(f"{purpose}/{self.now_s:.0f}").permutation(len(there))
        return np.sort(there[drawn[:count]])

    def at_site(self, site: str | None) -> Bools:
        """Return the frames of a site; None: all frames."""
        frames = self.statistics.frames
        return np.ones(len(frames), bool) if site is None else frames.site == list(self.spec.sites).index(site)

    def counts(self, rows: Ints) -> Floats:
        """Return the detections that count in these frames, shape (rows,)."""
        frames = self.statistics.frames
        return self.statistics.scenes.tails[0][
            frames.network[rows], frames.given[rows], frames.scene[rows], frames.bin[rows]
        ].astype(float)


# Estimates


def clustered(values: Floats, clusters: Ints) -> Interval:
    """Return the mean, with a 95% interval by the totals of clusters (Cochran 1977, Sampling Techniques, section 9.3)."""
    return ratio(values, np.ones(len(values)), clusters)


def ratio(values: Floats, weights: Floats, clusters: Ints) -> Interval:
    """Return a ratio of sums, with a 95% interval by its linearised cluster totals (Cochran 1977, section 6.3)."""
    total = weights.sum()
    if total <= 0:
        return Interval(float("nan"), -inf, inf)
    value = float(values.sum() / total)
    place = np.unique(clusters, return_inverse=True)[1]
    parts = np.bincount(place, values - value * weights)
    count = len(parts)
    error = float(np.sqrt(count / max(count - 1, 1) * (parts**2).sum()) / total) if count > 1 else inf
    return Interval(value, value - Z * error, value + Z * error)


def found_share(found: Floats, there: Floats, clusters: Ints) -> Interval:
    """Return the share of the weight that was found, with a 95% interval that holds for few clusters and for rare misses.

    Two more clusters stand for what may come next, one wholly found and one wholly missed; each weighs as much as the cluster
    of a random object does on average. Student's interval about the share with them (Agresti and Coull 1998, Am Stat 52:119,
    extended to clusters).
    """
    place = np.unique(clusters, return_inverse=True)[1]
    hits, weights = np.bincount(place, found), np.bincount(place, there)
    total = float(weights.sum())
    if total <= 0:
        return Interval(float("nan"), -inf, inf)
    more = float((weights**2).sum()) / total
    about = ratio(np.append(hits, [more, 0.0]), np.append(weights, [more, more]), np.arange(len(weights) + 2))
    half = (about.high - about.value) * float(stdtrit(np.count_nonzero(weights) + 1, (1 + LEVEL) / 2)) / Z
    return Interval(float(hits.sum()) / total, max(about.value - half, 0.0), min(about.value + half, 1.0))


def less(one: Interval, other: Interval) -> Interval:
    """Return the difference of two independent estimates, side by side in squares (MOVER: Zou 2008, Stat Med 27:5692)."""
    value = one.value - other.value
    below = float(np.hypot(one.value - one.low, other.high - other.value))
    above = float(np.hypot(one.high - one.value, other.value - other.low))
    return Interval(value, value - below, value + above)


def share_words(share: Interval) -> str:
    """Write a share with its interval: `34% (20 to 50)`."""
    return f"{100 * share.value:.0f}% ({100 * share.low:.0f} to {100 * share.high:.0f})"
