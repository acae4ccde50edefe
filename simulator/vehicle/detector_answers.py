"""Measured answers of detectors, on drives and still images, looked up for a vehicle: recall, misses, false answers, ranging.

A plan asks for the same rows again and again, and so do the tens of plans beside it that advice and sweeps try. So answers are
remembered as long as their tables lie on the disk as they are. Callers must not change one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from simulator.arrays import Floats
from simulator.errors import suggest
from simulator.evidence.detection_tables import Scales, load_inputs, load_scales, load_weather
from simulator.evidence.drive_tables import ERROR_COLUMNS, ERROR_PERCENTS, Drives, load_drives
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.evidence_tables import DRAW_COLUMNS, DRAWS
from simulator.files import stamp_of
from simulator.intervals import Interval
from simulator.keeper import remembers
from simulator.paths import DETECTIONS, DRIVES
from simulator.phrases import phrase
from simulator.vehicle.encounter_section import Compared

By = Literal["height_px", "distance_m"]

#: Frames a second of the recorded drives.
RECORDED_PER_S = 10.0
#: The score from which a detector's answers usually count.
USUAL = 0.25
#: The row of `persistence.csv` that is the estimate itself.
ESTIMATE = -1
#: The tabulated quantiles of errors as standard normal numbers.
NORMALS = ndtri(np.array(ERROR_PERCENTS) / 100)

#: The most answers that one function remembers.
_MOST = 512


@dataclass(frozen=True, eq=False)
class Recall:
    """The share of objects that is found in a frame, as a curve.

    by: over the height in pixels of the network's input, or over the distance in metres
    x: ascending, shape (k,); shares: row 0 is the estimate, the others are resamples, shape (1 + DRAWS, k)
    """

    by: By
    x: Floats
    shares: Floats

    def at(self, x: Floats, draw: int = 0) -> Floats:
        return np.asarray(self.drawn_at(x, np.array([draw]))[0])

    def drawn_at(self, x: Floats, draws: NDArray[np.intp]) -> Floats:
        """Return the curves of several draws at places x, shape (draws, k): linear over the logarithm, as by `np.interp`."""
        at, knots, shares = np.log(np.maximum(x, 1e-6)), np.log(self.x), self.shares[draws]
        slopes = np.diff(shares, axis=1) / np.diff(knots)
        place = np.clip(np.searchsorted(knots, at, "right") - 1, 0, len(knots) - 2)
        between = slopes[:, place] * (at - knots[place]) + shares[:, place]
        return np.where(at >= knots[-1], shares[:, -1:], np.where(at < knots[0], shares[:, :1], between))


@dataclass(frozen=True, eq=False)
class Misses:
    """Parts of a miss, as shares of the variance of a latent normal process, shape (1 + DRAWS,) each.

    of_object: stays the same for one object; slow: passes with the time constant tau_s; the rest belongs to one frame
    """

    of_object: Floats
    slow: Floats
    tau_s: Floats


@dataclass(frozen=True)
class Alarms:
    """Answers without an object in the vehicle's way, kept over several frames: a count over `hours` of driving.

    stays_s: the time from the first of these frames to the last
    """

    count: float
    hours: float
    per_hour: float
    low: float
    high: float
    kept_frames: int
    stays_s: float = 0.2


@dataclass(frozen=True)
class Finder:
    """A detector and its evidence, which the first part of its name identifies."""

    name: str

    @property
    def on_road(self) -> bool:
        return self.name.startswith("kitti.")

    @property
    def restored(self) -> bool:
        """Return whether finds that a tracker withheld were put back."""
        return ".restored" in self.name

    @property
    def series(self) -> str:
        """Return words on the answers of a camera of the drives; empty for others."""
        return phrase("drives.series", restored=self.restored) if self.name.startswith("kitti.yolo") else ""


def _in_drives(*given: Hashable, **named: Hashable) -> Hashable:
    return load_drives(DRIVES), given, *named.items()


def _in_tables(finder: str, *given: Hashable) -> Hashable:
    return _tables_of(finder), finder, *given


def _in_still_images(table: str) -> Callable[..., Hashable]:
    return lambda *given: (stamp_of(DETECTIONS / table), *given)


@remembers(_MOST, _in_tables)
def recall_of(finder: str, what: str, threshold: float | None) -> Recall:
    """Return the recall of a detector on a kind of object; raises EvidenceError that lists the measured ones."""
    rows = _tables_of(finder).curves
    if finder not in set(rows["seen_by"]):
        names = [name for of in (load_drives(DRIVES), load_scales(DETECTIONS)) for name in sorted(set(of.curves["seen_by"]))]
        raise EvidenceError(f"'{finder}' was not measured; {suggest(finder, names)}")
    rows = rows[rows["seen_by"] == finder]
    objects = ", ".join(sorted(set(rows["object"])))
    rows = _only(rows, "object", what, f"'{finder}' was not measured on the object {what}; measured: {objects}")
    rows = _at_threshold(rows, finder, threshold)
    by: By = "height_px" if "height_px" in set(rows["by"]) else "distance_m"
    rows = rows[rows["by"] == by].sort_values("x")
    return Recall(by, rows["x"].to_numpy(float), rows[["recall", *DRAW_COLUMNS]].to_numpy(float).T)


#: Heights in pixels over which two kinds of object are compared, and the recalls that count as none and as all.
_COMPARED_PX = np.geomspace(25, 100, 9)
_FEWEST, _ALL = 0.01, 0.99


def difference_of(judged: Sequence[Compared], what: str, like: str) -> Floats:
    """Return how much less detectors find one kind of object than another of the same height, shape (1 + DRAWS,).

    It is s in Phi(Phi^-1(recall) + s), a mean over heights and over the detectors. Each of its resamples is one of a single
    detector, so that how much they differ is part of the doubt. Raises EvidenceError.
    """
    shifts = np.stack([_less_found(detector, what, like) for detector in judged])
    each = np.arange(1, DRAWS + 1)
    return np.append(shifts[:, 0].mean(), shifts[each % len(shifts), each])


def _less_found(judged: Compared, what: str, like: str) -> Floats:
    both = [recall_of(judged.finds, kind, judged.threshold) for kind in (what, like)]
    if any(recall.by != "height_px" for recall in both):
        raise EvidenceError(f"'{judged.finds}' was measured by distance; give one that was measured by height in its picture")
    curves = (recall.drawn_at(_COMPARED_PX, np.arange(1 + DRAWS)) for recall in both)
    less, more = (ndtri(np.clip(shares, _FEWEST, _ALL)) for shares in curves)
    return np.asarray((less - more).mean(axis=1), float)


@remembers(_MOST, _in_tables)
def has_scores(finder: str) -> bool:
    rows = _tables_of(finder).curves
    return bool(rows.loc[rows["seen_by"] == finder, "threshold"].notna().any())


def _tables_of(finder: str) -> Drives | Scales:
    return load_drives(DRIVES) if Finder(finder).on_road else load_scales(DETECTIONS)


def _only(rows: pd.DataFrame, column: str, value: Any, otherwise: str) -> pd.DataFrame:
    matches: pd.DataFrame = rows[rows[column] == value]
    if matches.empty:
        raise EvidenceError(otherwise)
    return matches


def _of_object(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return the rows of a kind of object; where only cars were measured, those of cars stand for all."""
    return rows[rows["object"] == (what if what in set(rows["object"]) else "car")]


def _at_threshold(rows: pd.DataFrame, finder: str, threshold: float | None) -> pd.DataFrame:
    measured = sorted(set(rows["threshold"].dropna()))
    if not measured:  # published without scores: all there is counts
        return rows
    there = ", ".join(f"{score:g}" for score in measured)
    if threshold is None:
        raise EvidenceError(f"'{finder}' has scores; give a threshold, one of {there}", "threshold")
    if not np.isclose(measured, threshold).any():
        raise EvidenceError(f"'{finder}' was not measured from a score of {threshold:g} on; give one of {there}", "threshold")
    return rows[np.isclose(rows["threshold"], threshold)]


@remembers(_MOST, _in_drives)
def misses_of(finder: str, what: str) -> Misses:
    """Return how misses of one object follow each other; where only cars were measured, those of cars stand for all."""
    rows = load_drives(DRIVES).persistence
    rows = _only(rows, "seen_by", finder, f"how the misses of '{finder}' follow each other was not measured; "
                 f"{suggest(finder, sorted(set(rows['seen_by'])))}")  # fmt: skip
    rows = _of_object(rows, what).sort_values("draw")
    if len(rows) != 1 + DRAWS or rows["draw"].iloc[0] != ESTIMATE:
        raise EvidenceError(f"{DRIVES / 'persistence.csv'}: holds {len(rows)} rows of {finder}, {what}; {1 + DRAWS} are needed")
    return Misses(*(rows[name].to_numpy(float) for name in ("object_share", "slow_share", "tau_s")))


@remembers(_MOST, _in_drives)
def correlation_of(camera: str, lidar: str, what: str) -> Floats:
    """Return the correlation of misses of camera and LiDAR over all distances: the estimate, then its bounds, shape (3,)."""
    rows = load_drives(DRIVES).joint
    rows = rows[(rows["camera"] == camera) & (rows["lidar"] == lidar) & (rows["low_m"] == 0) & np.isinf(rows["high_m"])]
    rows = _of_object(rows, what)
    if rows.empty:
        raise EvidenceError(f"{camera} and {lidar} were not measured together on the object {what}")
    return np.asarray(rows.iloc[0][["correlation", "correlation_low", "correlation_high"]].to_numpy(float))


@remembers(_MOST, _in_drives)
def alarms_of(finder: str, threshold: float | None, hits: int, rate_per_s: float = RECORDED_PER_S) -> Alarms:
    """Count false answers in the vehicle's way that stay for `hits` frames of a sensor with this rate, over all objects.

    Their number follows the time that they stay, (hits - 1) / rate: interpolated between recorded times, constant beyond. Those
    that were there for one recorded frame alone are taken to be new in each frame, so that a faster sensor has more of them.
    The interval is that of a Poisson count (Garwood 1936); of none, at most 3 over the hours (rule of three).
    """
    rows = load_drives(DRIVES).false
    rows = _only(rows[rows["where"] == "corridor"], "seen_by", finder, f"the false answers of '{finder}' were not counted; "
                 f"{suggest(finder, sorted(set(rows['seen_by'])))}")  # fmt: skip
    rows = _at_threshold(rows, finder, threshold)
    counts = rows.groupby("kept_frames")["count"].sum()
    return alarms_at_rate(counts.index.to_numpy(float), counts.to_numpy(float), float(rows["hours"].iloc[0]), hits, rate_per_s)


def alarms_at_rate(kept_frames: Floats, counted: Floats, hours: float, hits: int, rate_per_s: float) -> Alarms:
    """Return the false answers of a sensor with this rate, from those counted at the recorded one; see `alarms_of`.

    kept_frames: the recorded frames on end, ascending from 1; counted: how many stayed for them
    """
    stays_s, recorded_s = (hits - 1) / rate_per_s, (kept_frames - 1) / RECORDED_PER_S
    faster = counted.copy()
    faster[0] = counted[1] + (counted[0] - counted[1]) * rate_per_s / RECORDED_PER_S
    count, real = (float(np.interp(stays_s, recorded_s, those)) for those in (faster, counted))
    # a bound holds even if all, or none, of those that were counted are new in each frame
    times = float(np.interp(stays_s, recorded_s, [rate_per_s / RECORDED_PER_S, *np.ones(len(counted) - 1)]))
    low = min(times, 1.0) * float(gammaincinv(real, 0.025)) if real else 0.0
    high = max(times, 1.0) * (float(gammaincinv(real + 1, 0.975)) if real else 3.0)
    return Alarms(count, hours, count / hours, low / hours, high / hours, hits, stays_s)


@remembers(_MOST, lambda *given: (load_scales(DETECTIONS), *given))
def shifts_of(finder: str, condition: str, severity: int) -> Floats:
    """Return the shift s of a detector's recall r under a condition, Phi(Phi^-1(r) + s); shape (1 + DRAWS,).

    Where a precision was not measured under it, the same detector in floats stands in for it. A detector of which nothing was
    measured is taken to lose what the others lose on average; each of its resamples is one of a
    single other detector, so that how much detectors differ is part of the doubt.
    """
    rows = load_scales(DETECTIONS).conditions
    names = sorted(set(rows["condition"]))
    rows = rows[rows["condition"] == condition]
    if rows.empty:
        raise EvidenceError(f"the condition '{condition}' was not measured; {suggest(condition, names)}", "corruption")
    at_severity = rows[rows["severity"] == severity]
    if at_severity.empty:
        there = ", ".join(str(row) for row in sorted(set(rows["severity"])))
        raise EvidenceError(f"'{condition}' was not measured at severity {severity}; expected one of {there}", "severity")
    own = at_severity[at_severity["seen_by"] == finder]
    alike = at_severity[at_severity["seen_by"] == _in_floats(finder)]
    return _shift_in(next((rows for rows in (own, alike) if len(rows)), at_severity))


def _in_floats(finder: str) -> str:
    return f"{finder.rpartition('.')[0]}.fp32"


def _shift_in(rows: pd.DataFrame) -> Floats:
    """Return the mean shift of some rows, then resamples, each that of a single row; shape (1 + DRAWS,)."""
    draws, each = rows[DRAW_COLUMNS].to_numpy(float), np.arange(DRAWS)
    return np.append(rows["shift"].mean(), draws[each % len(draws), each])


def alarms_at(alarms: Alarms, finder: str, threshold: float | None) -> Alarms:
    """Scale the alarms of a detector judged on still images to another threshold.

    They grow as its answers that touch nothing do, against those at the threshold `USUAL`.
    """
    if Finder(finder).on_road or threshold is None:
        return alarms
    at, usual = (load_scales(DETECTIONS).false_answers(finder, score)["phantoms_per_image"] for score in (threshold, USUAL))
    times = float(at / usual) if usual else 1.0
    return replace(alarms, per_hour=times * alarms.per_hour, low=times * alarms.low, high=times * alarms.high)


@remembers(_MOST, _in_still_images("inputs.csv"))
def input_shift_of(finder: str, part: float) -> Floats:
    """Return the shift of the recall with a part of the picture, shape (1 + draws,): the estimate, then the resamples.

    A detector that was not measured is taken to change as the others do against objects of natural height: their mean, and in
    each draw one of them.
    """
    rows = load_inputs(DETECTIONS)
    rows = rows[np.isclose(rows["part"], part)]
    if rows.empty:
        raise EvidenceError(f"inputs.csv: no detector was measured with {part:g} of its picture")
    own = rows[rows["seen_by"].isin([finder, _in_floats(finder)]) & (rows["against"] == "played")]
    return _shift_in(own.head(1) if len(own) else rows[rows["against"] == "natural"])


@remembers(_MOST, _in_still_images("weather.csv"))
def times_of(finder: str, condition: str, severity: int) -> Interval:
    """Return how many times as many false answers a detector gives under a condition.

    A detector of which nothing was measured is taken to change as the others do: the geometric mean, and the widest of all.
    """
    rows = load_weather(DETECTIONS)
    rows = rows[(rows["condition"] == condition) & (rows["severity"] == severity)]
    if rows.empty:
        raise EvidenceError(f"weather.csv: false answers were not counted under '{condition}' at severity {severity}")
    own = rows[rows["seen_by"].isin([finder, _in_floats(finder)])]
    used = own if len(own) else rows
    value = float(np.exp(np.log(used["times"]).mean()))
    return Interval(value, float(used["times_low"].min()), float(used["times_high"].max()))


@dataclass(frozen=True, eq=False)
class RangeError:
    """One error by distance: a ratio of measured to true distances, or a difference of closing speeds in m/s.

    x: distances in metres, ascending, shape (k,); quantiles: row 0 is the estimate, shape (1 + DRAWS, k, len(NORMALS))
    parts: the shares of the variance of the normal number behind it that stay with one object and pass slowly
    """

    x: Floats
    quantiles: Floats
    parts: Misses

    def drawn_at(self, distance_m: Floats, normal: Floats, draws: NDArray[np.intp]) -> Floats:
        """Return the error at each distance for the standard normal number behind it, shape (draws, k).

        Linear between distances by their logarithm, and between quantiles by their normal numbers; constant beyond both.
        """
        place = np.interp(np.log(np.maximum(distance_m, 1e-6)), np.log(self.x), np.arange(len(self.x)))
        level = np.interp(normal, NORMALS, np.arange(len(NORMALS)))
        (near, far, part), (below, above, share) = _between(place, len(self.x)), _between(level, len(NORMALS))
        table = self.quantiles[draws]

        def at(row: NDArray[np.intp]) -> Floats:
            return np.asarray((1 - share) * table[:, row, below] + share * table[:, row, above])

        return (1 - part) * at(near) + part * at(far)


def _between(place: Floats, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return the knots before and after each place, and how far it lies between them."""
    before = np.clip(place.astype(np.intp), 0, max(count - 2, 0))
    return before, np.minimum(before + 1, count - 1), place - before


@dataclass(frozen=True, eq=False)
class Ranging:
    """Errors of one way to measure distances: distance as a ratio, closing in m/s."""

    distance: RangeError
    closing: RangeError


@remembers(_MOST, _in_drives)
def ranging_of(method: str, what: str) -> Ranging:
    """Return the errors of a way to measure distances; where only cars were measured, those of cars stand for all.

    Raises EvidenceError that lists the measured ones.
    """
    rows = load_drives(DRIVES).ranges
    if method not in set(rows["seen_by"]):
        raise EvidenceError(f"distances by '{method}' were not measured; {suggest(method, sorted(set(rows['seen_by'])))}")
    rows = _of_object(rows[rows["seen_by"] == method], what)
    return Ranging(*(_error(rows[rows["of"] == of]) for of in ("distance", "closing")))


def _error(rows: pd.DataFrame) -> RangeError:
    rows = rows.sort_values(["draw", "x"])
    x = rows.loc[rows["draw"] == ESTIMATE, "x"].to_numpy(float)
    if not len(x) or len(rows) != (1 + DRAWS) * len(x):
        raise EvidenceError(f"{DRIVES / 'ranges.csv'}: holds {len(rows)} rows of an error; {1 + DRAWS} a distance are needed")
    parts = (np.full(1 + DRAWS, float(rows[name].iloc[0])) for name in ("object_share", "slow_share", "tau_s"))
    return RangeError(x, rows[ERROR_COLUMNS].to_numpy(float).reshape(1 + DRAWS, len(x), len(NORMALS)), Misses(*parts))
