"""Looks at the frames: one figure by slice, labels that people give, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from simulator.arrays import Bools, Floats, Ints
from simulator.incident.any_look import AnyLook, Asked, LabellingLook, LookFinding, LookInput, LookRequest
from simulator.incident.looks import DAY_S, RECENT_S, SAME, STANDS_OUT, View, Z, found_share, less, ratio, share_words
from simulator.incident.watches import WATCHED
from simulator.intervals import Interval
from simulator.phrases import phrase
from simulator.records.streams import Streams
from simulator.units import signed

if TYPE_CHECKING:
    from simulator.incident.section import Site

#: The share of the sites that stand out from which on all of them do.
_NEARLY_ALL = 0.8
#: A figure is nearly gone where it lost this share: sharpness out of focus falls farther than by coarse compression.
_NEARLY_GONE = 0.85
#: No more cameras that stand out are those of a site.
_OF_A_SITE = 4
#: The figures with known signs.
SLICED = ("found", "sharpness", "bytes", "brightness", "noise", "input_channels")
#: The slices of each kind in words.
_SLICES = {"time of day": "parts of the day"} | {by: f"{by}s" for by in ("site", "camera", "version")}
#: Recall where no frame is labelled.
_UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


class SlicesLook(AnyLook):
    """One figure by site, camera, client version and time of day, beside the reference time; replicas take a query."""

    takes: ClassVar[tuple[LookInput, ...]] = ("statistic",)

    asks: ClassVar[Asked] = ("statistic", SLICED)

    kind: Literal["slices"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        statistics, statistic = view.statistics, request.statistic
        rows = np.flatnonzero(view.reference() | view.recent())
        read = _BothTimes(statistics.figure(statistic)[rows], statistics.frames.at_s[rows], view)
        quarters = [f"{start:02d} to {start + 6:02d}" for start in range(0, 24, 6)]
        parts: dict[str, tuple[list[str], Ints]] = {"time of day": (quarters, (statistics.frames.hour // 6).astype(np.int64))}
        parts |= {by: statistics.placed(by) for by in ("site", "camera", "version")}
        of_kinds = [read.beside(place[rows], len(names)).assign(by=by, slice=names) for by, (names, place) in parts.items()]
        table = pd.concat(of_kinds, ignore_index=True)[["by", "slice", "last day", "reference", "variance"]]
        table["change"] = table["last day"] - table["reference"]
        # Slices of one kind vary alike from day to day: together they give the spread better than seven days of each.
        spread = np.sqrt(table.groupby("by")["variance"].transform("mean").clip(lower=1e-18))
        table["low"], table["high"] = table["change"] - Z * spread, table["change"] + Z * spread
        table["deviations"] = (table["change"] / spread).fillna(0.0)
        table = table.drop(columns="variance")
        _by, name, now, then, *_, far = max(table.itertuples(index=False), key=lambda row: abs(row[-1]))
        figures = {"before": then, "now": now, "far": signed(far, 1), "beyond": _beyond(table), "reach": STANDS_OUT}
        figures["all"] = bool((table.loc[table["by"] == "site", "deviations"].abs() > STANDS_OUT).all())
        sentence = phrase("incident_looks.slices", figure=WATCHED[statistic], slice=name, **figures)
        return LookFinding(sentence, _stands_out(table, list(view.spec.sites.values())), table)


def _beyond(table: pd.DataFrame) -> list[str]:
    """Return the numbers of slices that stand out, of each kind that has some."""
    out = table["deviations"].abs().gt(STANDS_OUT).groupby(table["by"], sort=False)
    return [f"{hot.sum()} of {len(hot)} {_SLICES[str(by)]}" for by, hot in out if hot.any()]


class _BothTimes:
    """A figure of the frames of the reference days and of the last day, shapes (rows,)."""

    def __init__(self, values: Floats, at_s: Floats, view: View) -> None:
        there = np.isfinite(values)
        first, last = there & (at_s < view.spec.reference_days * DAY_S), there & (at_s >= view.now_s - RECENT_S)
        self.rows = np.flatnonzero(first), np.flatnonzero(last)
        self.values = [pd.Series(values[rows]) for rows in self.rows]
        self.day = (at_s[self.rows[0]] // DAY_S).astype(np.int64)

    def beside(self, place: Ints, slices: int) -> pd.DataFrame:
        """Return the mean of the last day, the mean of the reference days, and the variance of a day, a row a slice.

        NaN for a slice without rows at either time; place: the slice of each row, shape (rows,)
        """
        by_day = self.values[0].groupby([place[self.rows[0]], self.day]).mean()
        days = by_day.groupby(level=0).agg(["mean", "var", "count"])
        now = self.values[1].groupby(place[self.rows[1]]).mean()
        both = days.join(now.rename("last day"), how="inner").rename(columns={"mean": "reference"})
        both["variance"] = both["var"] * (1 + 1 / both["count"])
        return both.reindex(range(slices))


def _stands_out(table: pd.DataFrame, sites: Sequence[Site]) -> str:
    """Return the sign of the slices that left their range: where they are, and the way of the farthest of their kind."""
    by, where = _place_of(table, sites)
    if not by:
        return where
    own = {name: table.loc[table["by"] == by, name].to_numpy(float) for name in ("deviations", "change", "reference")}
    farthest = int(np.abs(own["deviations"]).argmax())
    change, before = float(own["change"][farthest]), float(own["reference"][farthest])
    gone = -change >= _NEARLY_GONE * abs(before)
    return f"{where}, {'nearly gone' if gone else 'lower' if change < 0 else 'higher'}"


def _place_of(table: pd.DataFrame, sites: Sequence[Site]) -> tuple[str, str]:
    """Return the kind of slice whose slices differ most, and the place of those that left their range; "" for none."""
    hot = {str(by): rows["deviations"].abs() > STANDS_OUT for by, rows in table.groupby("by")}
    if not any(marks.any() for marks in hot.values()):
        return "", "nothing"
    apart = {}
    for by, rows in table.groupby("by"):
        out = rows["deviations"]
        apart[str(by)] = float((out - out.median()).abs().max()) if len(out) > 2 else float(out.max() - out.min()) / 2
    by = max(apart, key=lambda name: apart[name])
    if hot["site"].mean() >= _NEARLY_ALL and apart[by] < STANDS_OUT:
        return by, "everything"
    if by == "camera":
        many = int(hot["camera"].sum())
        return by, "one camera" if many == 1 else "one site" if many <= _OF_A_SITE else "some cameras"
    if by != "site":
        return by, f"by {by}"
    outside, hot_sites = np.array([site.outdoors for site in sites]), hot["site"].to_numpy()
    if hot_sites.sum() == 1:
        return by, "one site"
    return by, "outdoors" if hot_sites[outside].mean() > hot_sites[~outside].mean() else "some sites"


class LabelsLook(LabellingLook):
    """People label frames of the last day: recall, beside that of the reference time."""

    takes: ClassVar[tuple[LookInput, ...]] = ("site", "frames")

    kind: Literal["labels"]

    def frames_labelled(self, requested: int) -> int:
        return requested

    def find(self, view: View, request: LookRequest) -> LookFinding:
        frames, at_site = view.statistics.frames, view.at_site(request.site)
        chosen = view.chosen(view.recent() & ~frames.served.dropped & at_site, request.frames, "labels")
        then = np.flatnonzero(view.reference() & frames.labelled & at_site)
        if not len(chosen):
            return LookFinding("There were no frames to label on the last day.", "same", pd.DataFrame())
        now, before = (found_share(*_labelled(view, rows)) for rows in (chosen, then))
        change = less(now, before)
        sign = "fell" if change.high < 0 else "rose" if change.low > 0 else "same"
        shares = f"{share_words(now)} of the labelled objects were found, weighted by importance; {share_words(before)}"
        sentence = f"{shares} in the first days."
        return LookFinding(sentence, sign, _by_group(view, chosen, then), labelled=chosen)


def _labelled(view: View, rows: Ints) -> tuple[Floats, Floats, Ints]:
    """Return the weight found and present in labelled frames, and the scene of each frame, shapes (rows,)."""
    found, there = view.statistics.as_labelled(rows)
    return found, there, view.statistics.frames.dwell[rows]


def _by_group(view: View, chosen: Ints, then: Ints) -> pd.DataFrame:
    """Return recall and the share of frames, by group of scenes."""
    frames, group = view.statistics.frames, view.stream.group_places
    rows = []
    for place, name in enumerate(view.stream.groups):
        cells: list[float] = []
        for part in (chosen, then):
            of_group = part[group[frames.scene[part]] == place]
            share = found_share(*_labelled(view, of_group)) if len(of_group) else _UNKNOWN
            cells += [len(of_group) / max(len(part), 1), share.value, share.low, share.high]
        rows.append((name, *cells))
    names = ("share of frames", "recall", "low", "high")
    return pd.DataFrame(rows, columns=["shows", *(f"{name}, {when}" for when in ("last day", "reference") for name in names)])


class AuditLook(LabellingLook):
    """People label frames of the reference time again, by today's guideline."""

    kind: Literal["audit"]
    frames: Annotated[int, Field(ge=10, le=10_000)] = 100
    """how many are labelled"""

    def frames_labelled(self, requested: int) -> int:
        return self.frames

    def find(self, view: View, request: LookRequest) -> LookFinding:
        statistics = view.statistics
        frames = statistics.frames
        chosen = view.chosen(view.reference() & ~frames.served.dropped, self.frames, "audit")
        then = np.full(len(chosen), view.spec.labels.least_area_px)
        lately = statistics.least_areas()[(frames.at_s < view.now_s) & (frames.at_s >= view.now_s - RECENT_S)]
        drawn = Streams(view.secret.seed).named("audit").random(len(chosen))
        now = np.quantile(lately, drawn, method="nearest") if len(lately) else then
        new, old = (statistics.counted(chosen, least) for least in (now, then))
        new = new[0] * (1 - statistics.slips(np.full(len(chosen), view.now_s))), new[1]
        today, before = (ratio(*pair, frames.dwell[chosen]).value for pair in (new, old))
        weights = [pair[1].sum() for pair in (new, old)]
        change = weights[0] / max(weights[1], 1e-9) - 1
        rows = [("today", weights[0], today), ("then", weights[1], before)]
        table = pd.DataFrame(rows, columns=["labelled", "weight of what is there", "recall"])
        moved = signed(100 * change, 0) if round(100 * change) else ""
        sentence = phrase("incident_looks.audit", moved=moved, today=today, before=before)
        slipped = today < before * (1 - SAME) and abs(change) <= SAME
        sign = "other labels" if abs(change) > SAME else "boxes elsewhere" if slipped else "same labels"
        return LookFinding(sentence, sign, table)


class PicturesLook(AnyLook):
    """Pictures of frames of the last day, beside frames of the reference time: as the player asks, and without labels."""

    takes: ClassVar[tuple[LookInput, ...]] = ("site", "part", "pick")
    asks: ClassVar[Asked] = None

    kind: Literal["pictures"]
    frames: Annotated[int, Field(ge=1, le=48)] = 12
    """how many are shown of each time"""

    def find(self, view: View, request: LookRequest) -> LookFinding:
        now, then = (self._chosen(view, request, times) for times in (view.recent(), view.reference()))
        where = view.spec.sites[request.site].label if request.site else "all sites"
        hours = {"day": " by day", "night": " at night", None: ""}[request.part]
        how = {"any": "at random", "least sure": "least sure", "missed by labels": "with missed objects"}[request.pick]
        sentence = f"{len(now)} frames of the last day beside {len(then)} of the first days, {where}{hours}, {how}."
        return LookFinding(sentence, "", pd.DataFrame(), shown=(now, then))

    def _chosen(self, view: View, request: LookRequest, times: Bools) -> Ints:
        statistics = view.statistics
        frames = statistics.frames
        rows = times & ~frames.served.dropped & view.at_site(request.site)
        if request.part is not None:
            rows &= ((frames.hour < 7) | (frames.hour >= 19)) == (request.part == "night")
        if request.pick == "missed by labels":
            found, there = statistics.labelled()
            rows &= np.nan_to_num(found) < np.nan_to_num(there)
        few = np.flatnonzero(rows)
        few = few[np.unique(frames.dwell[few], return_index=True)[1]]  # one of a scene, since its frames are alike
        if request.pick == "least sure":
            few = few[np.argsort(statistics.figure("sure")[few], kind="stable")[: 4 * self.frames]]
        rows = np.zeros(len(rows), bool)
        rows[few] = True
        return view.chosen(rows, self.frames, f"pictures/{request.site}/{request.part}/{request.pick}")
