"""Looks at the frames: one figure by slice, labels that people give, and pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from simulator.incident.looks import (
    DAY_S,
    RECENT_S,
    SAME,
    STANDS_OUT,
    AnyLook,
    Bools,
    Floats,
    Ints,
    LabellingLook,
    LookFinding,
    LookInput,
    LookRequest,
    View,
    found_share,
    less,
    ratio,
)
from simulator.incident.measured_scenes import Setting, setting_name
from simulator.incident.watches import WATCHED
from simulator.intervals import Interval, clustered_share
from simulator.records.streams import Streams
from simulator.units import signed, significant

if TYPE_CHECKING:
    from simulator.incident.section import Site

#: The share of the sites that stand out from which on all of them do.
_NEARLY_ALL = 0.8
#: Fewer unusual pictures are an accident; from this severity on a condition is strong.
_ODD_PICTURES, _STRONG = 2, 3
#: Recall where no frame is labelled.
_UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


class SlicesLook(AnyLook):
    """One figure by site, client version, replica and time of day: the last day beside the reference time."""

    takes: ClassVar[tuple[LookInput, ...]] = ("statistic",)

    kind: Literal["slices"]

    def find(self, view: View, request: LookRequest) -> LookFinding:
        statistics, statistic = view.statistics, request.statistic
        values = statistics.figure(statistic)
        night = (statistics.frames.hour < 7) | (statistics.frames.hour >= 19)
        parts: dict[str, dict[str, Bools]] = {"time of day": {"the day (07 to 19)": ~night, "the night (19 to 07)": night}}
        parts |= {"site": statistics.slices("site"), "version": statistics.slices("version")}
        if statistic != "dropped":  # a dropped frame belongs to no replica
            parts["replica"] = statistics.slices("replica")
        rows = [(by, name, *_beside(view, values, rows)) for by, part in parts.items() for name, rows in part.items()]
        table = pd.DataFrame(rows, columns=["by", "slice", "last day", "reference", "variance"])
        table["change"] = table["last day"] - table["reference"]
        # Slices of one kind vary alike from day to day: together they give the spread better than seven days of each.
        spread = np.sqrt(table.groupby("by")["variance"].transform("mean").clip(lower=1e-18))
        table["deviations"] = (table["change"] / spread).fillna(0.0)
        table = table.drop(columns="variance")
        _by, name, now, then, _change, far = max(table.itertuples(index=False), key=lambda row: abs(row[-1]))
        label = WATCHED[statistic].capitalize()
        sentence = (
            f"{label}: farthest from its quiet days is {name}, {significant(then, 3)} before, "
            f"{significant(now, 3)} now ({signed(far, 1)} standard deviations of a quiet day)."
        )
        return LookFinding(sentence, _stands_out(table, list(view.spec.sites.values())), table)


def _beside(view: View, values: Floats, part: Bools) -> tuple[float, float, float]:
    """Return the mean of the last day, the mean of the reference days, and the variance of a day; NaN without rows."""
    there, at_s = part & np.isfinite(values), view.statistics.frames.at_s
    first, last = there & view.reference(), there & view.recent()
    if not first.any() or not last.any():
        return float("nan"), float("nan"), float("nan")
    day = (at_s[first] // DAY_S).astype(np.int64)
    rows = np.bincount(day)
    days = (np.bincount(day, values[first]) / np.maximum(rows, 1))[rows > 0]
    return float(values[last].mean()), float(days.mean()), float(days.var(ddof=1)) * (1 + 1 / len(days))


def _stands_out(table: pd.DataFrame, sites: Sequence[Site]) -> str:
    """Return the sign of the slices that left their range: that of the kind of slice whose slices differ most."""
    hot = {str(by): rows["deviations"].abs() > STANDS_OUT for by, rows in table.groupby("by")}
    if not any(one.any() for one in hot.values()):
        return "nothing"
    apart = {}
    for by, rows in table.groupby("by"):
        out = rows["deviations"]
        apart[str(by)] = float((out - out.median()).abs().max()) if len(out) > 2 else float(out.max() - out.min()) / 2
    by = max(apart, key=lambda name: apart[name])
    if hot["site"].mean() >= _NEARLY_ALL and apart[by] < STANDS_OUT:
        return "everything"
    if by != "site":
        return f"by {by}"
    outside, hot_sites = np.array([site.outdoors for site in sites]), hot["site"].to_numpy()
    if hot_sites.sum() == 1:
        return "one site"
    return "outdoors" if hot_sites[outside].mean() > hot_sites[~outside].mean() else "some sites"


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
        change = less(*(_linear_recall(view, rows) for rows in (chosen, then)))
        sign = "fell" if change.high < 0 else "rose" if change.low > 0 else "same"
        now, before = (_percent(found_share(*_labelled(view, rows))) for rows in (chosen, then))
        sentence = f"{now} of the labelled objects were found, weighted by importance; {before} in the first days."
        return LookFinding(sentence, sign, _by_group(view, chosen, then), labelled=chosen)


def _percent(one: Interval) -> str:
    return f"{100 * one.value:.0f}% ({100 * one.low:.0f} to {100 * one.high:.0f})"


def _labelled(view: View, rows: Ints) -> tuple[Floats, Floats, Ints]:
    """Return the weight found and present in labelled frames, and the scene of each frame, shapes (rows,)."""
    found, there = view.statistics.counted(rows, view.statistics.least_areas()[rows])
    return found, there, view.statistics.frames.dwell[rows]


def _linear_recall(view: View, rows: Ints) -> Interval:
    """Return recall with the interval that signs are decided by; of all or none, with the exact one of as many scenes."""
    found, there, scenes = _labelled(view, rows)
    if 0 < found.sum() < there.sum() or there.sum() <= 0:
        return ratio(found, there, scenes)
    return clustered_share(scenes, there, found, float(np.count_nonzero(there)))


def _by_group(view: View, chosen: Ints, then: Ints) -> pd.DataFrame:
    """Return recall and the share of frames, by group of scenes."""
    frames, group = view.statistics.frames, view.stream.group_places
    rows = []
    for place, name in enumerate(view.stream.groups):
        cells: list[float] = []
        for part in (chosen, then):
            of_group = part[group[frames.scene[part]] == place]
            one = found_share(*_labelled(view, of_group)) if len(of_group) else _UNKNOWN
            cells += [len(of_group) / max(len(part), 1), one.value, one.low, one.high]
        rows.append((name, *cells))
    names = ("share of frames", "recall", "low", "high")
    return pd.DataFrame(rows, columns=["shows", *(f"{name}, {when}" for when in ("last day", "reference") for name in names)])


class AuditLook(LabellingLook):
    """People label frames of the reference time again, by today's guideline.

    frames: how many are labelled
    """

    kind: Literal["audit"]
    frames: Annotated[int, Field(ge=10, le=10_000)] = 100

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
        today, before = (ratio(*pair, frames.dwell[chosen]).value for pair in (new, old))
        weights = [pair[1].sum() for pair in (new, old)]
        change = weights[0] / max(weights[1], 1e-9) - 1
        rows = [("today", weights[0], today), ("then", weights[1], before)]
        table = pd.DataFrame(rows, columns=["labelled", "weight of what is there", "recall"])
        sentence = (
            f"By today's labels these stored frames hold {signed(100 * change, 0)}% of labelled weight, "
            f"and recall is {today:.2f}; by the labels of then it was {before:.2f}."
        )
        return LookFinding(sentence, "other labels" if abs(change) > SAME else "same labels", table)


class PicturesLook(AnyLook):
    """Pictures of the last day's frames, of all sites or of one.

    frames: how many are shown
    """

    takes: ClassVar[tuple[LookInput, ...]] = ("site",)

    kind: Literal["pictures"]
    frames: Annotated[int, Field(ge=1, le=100)] = 12

    def find(self, view: View, request: LookRequest) -> LookFinding:
        frames = view.statistics.frames
        chosen = view.chosen(view.recent() & view.at_site(request.site), self.frames, f"pictures/{request.site}")
        names = list(view.statistics.scenes.settings)
        settings = [names[int(place)] for place in frames.seen[chosen]]
        seen = {setting_name(each): settings.count(each) for each in dict.fromkeys(settings)}
        shows = [view.stream.group_of(int(scene)) for scene in frames.scene[chosen]]
        table = pd.DataFrame({"looks": [_in_words(each) for each in settings], "shows": shows})
        table = table.value_counts().reset_index(name="frames")
        looks = ", ".join(f"{settings.count(each)} {_in_words(each)}" for each in dict.fromkeys(settings))
        things = ", ".join(f"{shows.count(name)} {name}" for name in dict.fromkeys(shows))
        sentence = f"Of {len(chosen)} frames, by how they look: {looks}. By what they show: {things}."
        return LookFinding(sentence, _odd_sign(view, chosen, settings, shows), table, seen=seen)


def _in_words(setting: Setting) -> str:
    name = setting[0].replace("_", " ")
    return f"{name} ({setting[1]} of 5)" if setting[1] else name


def _odd_sign(view: View, chosen: Ints, settings: list[Setting], shows: list[str]) -> str:
    """Return the sign of a condition, or of a group of scenes, that the reference time did not show."""
    frames, places = view.statistics.frames, view.statistics.scenes.settings
    usual = set(zip(frames.seen[view.reference()].tolist(), _part_of_day(frames.hour[view.reference()]), strict=True))
    weather = {(one.condition, one.severity) for one in view.spec.usual}
    seen = zip(settings, _part_of_day(frames.hour[chosen]), strict=True)
    odd = [each for each, part in seen if each not in weather and (places[each], part) not in usual]
    if len(odd) >= _ODD_PICTURES:
        name = Counter(condition for condition, _ in odd).most_common(1)[0][0]
        return f"{name}, strong" if max(severity for condition, severity in odd if condition == name) >= _STRONG else name
    if any(group in view.spec.scenes.held_back for group in shows):
        return "new things"
    return "other things" if _other_things(view, chosen, shows) else "as usual"


def _other_things(view: View, chosen: Ints, shows: list[str]) -> bool:
    frames, names = view.statistics.frames, view.stream.groups
    then = view.reference() & np.isin(frames.site, np.unique(frames.site[chosen]))
    shares = np.bincount(view.stream.group_places[frames.scene[then]], minlength=len(names)) / then.sum()
    counts = np.array([shows.count(name) for name in names])
    spread = np.sqrt(len(shows) * np.maximum(shares * (1 - shares), 1 / len(shows)))
    return bool(((counts - len(shows) * shares) / spread).max() > STANDS_OUT)


def _part_of_day(hour: Floats) -> list[int]:
    return [int(each // 4) for each in hour]
