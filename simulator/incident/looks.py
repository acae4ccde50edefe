"""Looks of an incident: the base of each kind, the view of the stream that a look examines, and estimates with intervals.

A look reduces its result to a sign, such as `drops` or `one site`; causes differ by the frequency of each sign
(`simulator.incident.beliefs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import stdtrit

from simulator.case.fields import Line, Name, Strict
from simulator.incident.effects import Person, System
from simulator.incident.fixes import Change, Changes, Minutes, Swapped, Usd
from simulator.intervals import LEVEL, Interval
from simulator.records.streams import Streams

if TYPE_CHECKING:
    from simulator.incident.frame_statistics import FrameStatistics
    from simulator.incident.measured_scenes import Setting
    from simulator.incident.secret import Secret
    from simulator.incident.section import Incident
    from simulator.incident.stream import Stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY_S, HOUR_S = 86_400.0, 3600.0
#: A look is at the last day, or at the time since the reference.
RECENT_S = DAY_S
#: A change of the detections a frame, or of an input in its own spreads, below this counts as none.
SAME = 0.02
#: Slices stand out beyond this number of standard deviations of quiet days.
STANDS_OUT = 4.0

#: The reach of an interval in standard errors.
Z = 1.96

#: An input that a look takes: a site, a number of frames that people label, or a figure.
LookInput = Literal["site", "frames", "statistic", "system", "person", "groups", "only", "hours", "part", "pick"]
#: An input, and the values of it that have a sign each.
Asked = tuple[str, tuple[str, ...]] | None
#: Frames that pictures are taken of.
PictureChoice = Literal["any", "least sure", "missed by labels"]


#: Six columns of the log of frames, and two of the detections in it.
Column = Literal["site", "camera", "version", "replica", "hour", "day", "object", "size"]


class LookRequest(Strict):
    """The inputs of a look; a look ignores those that its kind does not take."""

    look: Name = ""
    site: Name | None = None
    """at this site alone, of pictures and labels; none: at all"""
    statistic: Name = "found"
    """the figure, of slices"""
    frames: Annotated[int, Field(ge=10, le=5000)] = 100
    """number that people label, of labels"""
    system: System | None = None
    """the system whose changes are read; none: all"""
    person: Person = "site"
    """the person who is asked"""
    groups: Annotated[list[Column], Field(max_length=3)] = []
    """columns that a query groups by"""
    only: Annotated[dict[Column, Line], Field(max_length=6)] = {}
    """values of columns that a query keeps"""
    hours: Annotated[float, Field(gt=0, le=672)] = 24
    """the last hours that a query reads"""
    part: Literal["day", "night"] | None = None
    """the part of the day that pictures show"""
    pick: PictureChoice = "any"
    """the frames that pictures show"""


@dataclass(frozen=True, eq=False)
class LookFinding:
    """The result of a look: a sentence, its sign, and its rows.

    shown: of pictures, the frames of the last day and of the reference time; labelled: rows that a threshold may be fitted to
    prepared: of compared preparations, the commonest pair of settings, as trained and as served, among those that differ
    canary: the change of the running system while the look lasted
    """

    sentence: str
    sign: str
    table: pd.DataFrame
    shown: tuple[Ints, Ints] | None = None
    labelled: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    prepared: tuple[Setting, Setting] | None = None
    canary: Swapped | None = None


class AnyLook(Strict):
    """A look: its name, its duration and its cost; takes: the inputs of the kind, in the order of the screen."""

    takes: ClassVar[tuple[LookInput, ...]] = ()
    #: The input whose values are questions of their own, and these values; None: no sign of the look is known.
    asks: ClassVar[Asked] = ("", ())

    kind: str
    label: Line
    """its name on the page"""
    note: Line
    """a remark on the page"""
    minutes: Minutes
    """how long it takes"""
    usd: Usd = 0
    """its cost"""

    def frames_labelled(self, requested: int) -> int:
        return 0

    def questions(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the questions with known signs that the look can answer, each with the inputs that ask it."""
        if self.asks is None:
            return {}
        entry, values = self.asks
        return {f"{name}/{value}": {entry: value} for value in values} if entry else {name: {}}

    def question(self, name: str, request: LookRequest) -> str:
        """Return the question that a look with these inputs answers; empty for one without known signs."""
        if self.asks is None:
            return ""
        if not self.asks[0]:
            return name if request.site is None else ""
        value = getattr(request, self.asks[0])
        return f"{name}/{value}" if value else ""

    def cost(self, requested: int) -> tuple[float, float]:
        """Return the minutes and the USD of the look; requested: frames to label, where the user chooses."""
        return self.minutes, self.usd

    def find(self, view: View, request: LookRequest) -> LookFinding:
        raise NotImplementedError


class LabellingLook(AnyLook):
    """A look for which people label frames."""

    people: Annotated[int, Field(ge=1, le=1000)] = 2
    """how many label"""
    minutes_a_frame: Annotated[float, Field(gt=0, le=1000)] = 2
    """the time for a frame"""
    usd_a_frame: Usd = 1
    """the cost of a frame"""

    def cost(self, requested: int) -> tuple[float, float]:
        frames = self.frames_labelled(requested)
        return self.minutes + frames * self.minutes_a_frame / self.people, self.usd + frames * self.usd_a_frame


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
        undone = Changes.of(self.changes).undone
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
    value = one.value - other.value
    half = float(np.hypot(one.high - one.value, other.high - other.value))
    return Interval(value, value - half, value + half)
