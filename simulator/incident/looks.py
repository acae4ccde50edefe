"""What each way to look closer shows, as it was at the time: figures with their intervals, a sentence, and a sign.

A sign is the little that a finding comes down to, such as `drops` or `one site`; causes are told apart by how often each brings
which sign (`simulator.incident.beliefs`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.incident.cause_kinds import AnyEffect, ConditionEffect, NetworkEffect
from simulator.incident.frame_statistics import Insides
from simulator.incident.monitoring import slices
from simulator.incident.secret import DAY_S, HOUR_S, Secret
from simulator.incident.section import WATCHED, Incident, Site, Slicing
from simulator.incident.step_kinds import (
    AnyLook,
    AuditLook,
    CanaryLook,
    ChangesLook,
    LabelsLook,
    PicturesLook,
    PreprocessingLook,
    ReplayLook,
    ShadowLook,
)
from simulator.incident.stream import Change, Stream, Swapped, Undone, setting_name
from simulator.intervals import Interval
from simulator.records.streams import Streams
from simulator.units import significant

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: A look is at the last day, or at what there is since the reference time.
RECENT_S = DAY_S
#: Slices stand out beyond so many standard deviations of quiet days; a share of the slices that stand out is all of them.
_STANDS_OUT, _NEARLY_ALL = 4.0, 0.8
#: A change of the detections a frame, or of an input in its own spreads, below this is as before.
_SAME = 0.02
#: So many pictures that look unlike any before are no accident; from this severity on a condition is strong.
_ODD_PICTURES, _STRONG = 2, 3
#: From fewer labelled frames than these an interval holds the recall of the day in about nine of ten cases (docs/incidents.md).
_FEW_FRAMES = 80
#: The share of dropped clips of an hour with fewer than these is told as of so many.
_FEW_CLIPS = 20


@dataclass(frozen=True)
class LookRequest:
    """What a look is asked for besides its kind: a site (its name) and a figure, or how many frames people label."""

    site: str | None = None
    statistic: str = "found"
    frames: int = 100


@dataclass(frozen=True, eq=False)
class LookFinding:
    """What was found: a sentence, the sign that it comes down to, and its rows.

    seen: of pictures, how many frames were seen under each setting; more: labelled rows, which a threshold may be fitted to
    """

    sentence: str
    sign: str
    table: pd.DataFrame
    seen: dict[str, int] = field(default_factory=dict)
    labelled: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class View:
    """What there is to look at, at a time (s)."""

    spec: Incident
    secret: Secret
    stream: Stream
    insides: Insides
    changes: list[Change]
    now_s: float

    def recent(self) -> Bools:
        """The frames of the last day."""
        at_s = self.insides.frames.at_s
        return np.asarray((at_s < self.now_s) & (at_s >= self.now_s - RECENT_S))

    def reference(self) -> Bools:
        """The frames of the reference time."""
        return np.asarray(self.insides.frames.at_s < self.spec.reference_days * DAY_S)

    def replicas(self) -> int:
        """How many replicas there are: as many as before, or as many as answered on the last day."""
        served = self.stream.served
        return max(served.replicas, int(served.replica[self.recent()].max(initial=0)) + 1)

    def strength(self, effect: AnyEffect) -> float:
        """How strong an effect is now."""
        undone = [each for each in self.changes if isinstance(each, Undone)]
        return float(self.stream.strength(np.array([self.now_s]), undone, effect.enters_at)[0])

    def chosen(self, rows: Bools, count: int, purpose: str) -> Ints:
        """So many of these frames, drawn without order, the same for the same purpose and time."""
        there = np.flatnonzero(rows)
        drawn = Streams(self.secret.seed).named(f"{purpose}/{self.now_s:.0f}").permutation(len(there))
        return np.sort(there[drawn[:count]])

    def at_site(self, site: str | None) -> Bools:
        """The frames of a site; of all where none is named."""
        frames = self.insides.frames
        return np.ones(len(frames), bool) if site is None else frames.site == list(self.spec.sites).index(site)


def clustered(values: Floats, clusters: Ints) -> Interval:
    """The mean, with a 95% interval by the totals of clusters (Cochran 1977, Sampling Techniques, section 9.3), shape (n,)."""
    return _ratio(values, np.ones(len(values)), clusters)


def _ratio(found: Floats, there: Floats, clusters: Ints) -> Interval:
    """A ratio of sums, with a 95% interval by its linearised cluster totals (Cochran 1977, section 6.3)."""
    total = there.sum()
    if total <= 0:
        return Interval(float("nan"), -inf, inf)
    value = float(found.sum() / total)
    place = np.unique(clusters, return_inverse=True)[1]
    parts = np.bincount(place, found - value * there)
    many = len(parts)
    error = float(np.sqrt(many / max(many - 1, 1) * (parts**2).sum()) / total) if many > 1 else inf
    return Interval(value, value - 1.96 * error, value + 1.96 * error)


def _less(one: Interval, other: Interval) -> Interval:
    """A difference of independent estimates with normal intervals."""
    value = one.value - other.value
    half = float(np.hypot(one.high - one.value, other.high - other.value))
    return Interval(value, value - half, value + half)


def _told(one: Interval, digits: int = 2) -> str:
    return f"{one.value:+.{digits}f} ({one.low:+.{digits}f} to {one.high:+.{digits}f})"


# What the servers say


def counters(view: View, _: AnyLook, __: LookRequest) -> LookFinding:
    """Clips that came and that were dropped, and the time to an answer: the last day beside the reference time."""
    served, rows = view.insides.frames.served, []
    for name, mine, days in (("last day", view.recent(), 1.0), ("reference", view.reference(), view.spec.reference_days)):
        latency = served.latency_s[mine]
        slow = float(np.nanquantile(latency, 0.95)) if np.isfinite(latency).any() else float("nan")
        dropped = served.dropped[mine].astype(float)
        hours = (served.arrived_s[mine] // HOUR_S).astype(np.int64)
        hours -= hours.min(initial=0) if len(hours) else 0
        worst = (np.bincount(hours, dropped) / np.maximum(np.bincount(hours), _FEW_CLIPS)).max(initial=0)
        rows.append((name, mine.sum() / days / 24, 100 * float(dropped.mean()), 100 * float(worst), slow))
    columns = ["time", "clips an hour", "dropped (%)", "dropped in the worst hour (%)", "answer, 95% within (s)"]
    now, then = rows
    said = f"{now[2]:.1f}% of the clips of the last day were dropped, {now[3]:.0f}% in the worst hour; in the reference time "
    said += f"{then[2]:.1f}% and {then[3]:.0f}%. {now[1]:.0f} clips came an hour, {then[1]:.0f} then."
    return LookFinding(said, "drops" if now[3] > then[3] + 1 else "no drops", pd.DataFrame(rows, columns=columns))


def changes(view: View, look: AnyLook, _: LookRequest) -> LookFinding:
    """What the log of changes says of the last days."""
    assert isinstance(look, ChangesLook)
    there = view.secret.entries(view.spec) if view.now_s - look.days * DAY_S <= view.secret.onset_s <= view.now_s else []
    when = [_day(view.secret.onset_s) for _ in there]
    table = pd.DataFrame({"day": when, "system": [e.system for e in there], "change": [e.text for e in there]})
    table = table.sort_values("change", ignore_index=True)
    sign = "+".join(sorted({entry.system for entry in there})) or "nothing"
    said = " ".join(table["change"]) or f"Nothing was changed in the last {look.days:g} days, or nobody wrote it down."
    return LookFinding(said, sign, table)


def replicas(view: View, _: AnyLook, __: LookRequest) -> LookFinding:
    """The model, its precision and the configuration of each replica, beside what was tested."""
    spec, count = view.spec, view.replicas()
    models = [(spec.release.detector, spec.release.precision)] * count
    config = [list[str]() for _ in range(count)]
    for effect, _of_cause in view.secret.effects(spec):
        strength = view.strength(effect)
        if strength <= 0 or effect.enters_at != "server":
            continue
        every = range(view.stream.served.replicas)
        struck = every if effect.where.replicas is None else view.stream.replicas_of(effect.where, strength)
        for replica in struck:
            if isinstance(effect, NetworkEffect):
                models[replica] = effect.detector, effect.precision
            elif isinstance(effect, ConditionEffect):
                config[replica].append(effect.condition)
    for change in view.changes:
        if isinstance(change, Swapped) and not change.whole and change.at_s <= view.now_s:
            models = [change.network if change.instead_of in (None, model) else model for model in models]
    salt = f"configuration/{view.secret.seed}"  # so that the hash of a configuration cannot be looked up
    tested = _file_hash(view, spec.release.detector, spec.release.precision), _hash(salt, "")
    rows = [
        (f"replica {place + 1}", _file_hash(view, *model), model[1], _hash(salt, "".join(parts)))
        for place, (model, parts) in enumerate(zip(models, config, strict=True))
    ]
    table = pd.DataFrame([*rows, ("tested", tested[0], spec.release.precision, tested[1])],
                         columns=["replica", "model file", "precision", "configuration"])  # fmt: skip
    odd = [[row[1] != tested[0] for row in rows], [row[3] != tested[1] for row in rows]]
    parts = [f"{_how_many(one)} {what}" for what, one in zip(("model", "configuration"), odd, strict=True) if any(one)]
    sign = ", ".join(parts) or "as tested"
    named = [_named_replicas(one, what) for one, what in zip(odd, ("model file", "configuration"), strict=True) if any(one)]
    said = f"{' '.join(named)}" if named else "All replicas run what was tested."
    return LookFinding(said, sign, table)


def _named_replicas(odd: list[bool], what: str) -> str:
    if all(odd):
        return f"Every replica runs a {what} other than the tested one."
    names = " and ".join(str(place + 1) for place in np.flatnonzero(odd))
    return f"Replica {names} runs a {what} other than the tested one; the others run the tested one."


def _how_many(odd: list[bool]) -> str:
    return "every" if all(odd) else f"{sum(odd)}"


def _hash(kind: str, text: str) -> str:
    return hashlib.sha256(f"{kind}/{text}".encode()).hexdigest()[:12]


def _file_hash(view: View, detector: str, precision: str) -> str:
    """The hash of the file that was measured; at 8 bits a hash of its name, for those files are made anew on each machine."""
    file = view.insides.stock.files[detector]
    return file[:12] if precision == "fp32" else _hash(file, precision)


def preprocessing(view: View, look: AnyLook, _: LookRequest) -> LookFinding:
    """The network's input as the training code prepares raw frames, and as clients and servers did, by version and replica."""
    assert isinstance(look, PreprocessingLook)
    frames, stock = view.insides.frames, view.insides.stock
    chosen = view.chosen(view.recent() & ~frames.served.dropped, look.frames, "prepared")
    network, scene = frames.network[chosen], frames.scene[chosen]
    trained, served = (stock.inputs[network, setting[chosen], scene] for setting in (frames.raw, frames.given))
    gaps = np.abs(served - trained) / trained[:, 1:2]
    rows = []
    for place, version in enumerate(view.spec.versions.values()):
        for replica in range(view.replicas()):
            mine = (frames.version[chosen] == place) & (frames.served.replica[chosen] == replica)
            if mine.any():
                both = trained[mine].mean(axis=0), served[mine].mean(axis=0)
                rows.append((version, f"replica {replica + 1}", *both[0], *both[1], float(gaps[mine].max(axis=0).mean())))
    names = ["input mean", "input spread", "first minus last channel"]
    columns = ["client", "replica", *(f"{name}, {side}" for side in ("trained", "served") for name in names), "gap (spreads)"]
    table = pd.DataFrame(rows, columns=columns)
    odd = table["gap (spreads)"] > _SAME
    sign = _where_odd(table, odd)
    said = {
        "nowhere": "Training and serving code prepare the frames identically.",
        "everywhere": "Clients and servers prepare the frames unlike the training code, whatever the client and the replica.",
        "one client": f"Frames from {', '.join(table.loc[odd, 'client'].unique())} are prepared otherwise, on any replica.",
        "some replicas": f"Frames are prepared otherwise on {', '.join(table.loc[odd, 'replica'].unique())}, from any client.",
        "some": "Some frames are prepared otherwise, without a pattern by client or replica.",
    }[sign]
    return LookFinding(said, sign, table)


def _where_odd(table: pd.DataFrame, odd: pd.Series) -> str:
    if not odd.any():
        return "nowhere"
    if odd.all():
        return "everywhere"
    for column, sign in (("client", "one client"), ("replica", "some replicas")):
        by = odd.groupby(table[column])
        if bool((by.all() == by.any()).all()):
            return sign
    return "some"


def replay(view: View, look: AnyLook, _: LookRequest) -> LookFinding:
    """Detections a frame of stored frames as the servers answer now, less as they answered then."""
    assert isinstance(look, ReplayLook)
    frames, stock = view.insides.frames, view.insides.stock
    chosen = view.chosen(view.reference() & ~frames.served.dropped, look.frames, "replayed")
    given, network, bins = view.stream.as_served(chosen, view.now_s, frames, view.changes)
    now = stock.tails[0][network, given, frames.scene[chosen], bins].astype(float)
    then = stock.tails[0][frames.network[chosen], frames.given[chosen], frames.scene[chosen], frames.bin[chosen]].astype(float)
    return _compared("The same stored frames, now minus then", now, then, frames.dwell[chosen])


def shadow(view: View, look: AnyLook, _: LookRequest) -> LookFinding:
    """Detections a frame of the previous release on the live frames of the look, less those of the present one."""
    frames, stock = view.insides.frames, view.insides.stock
    assert isinstance(look, ShadowLook | CanaryLook)
    live = (frames.at_s < view.now_s) & (frames.at_s >= view.now_s - 60 * look.minutes) & ~frames.served.dropped
    chosen = np.flatnonzero(live)
    previous = view.spec.previous.detector, view.spec.previous.precision
    place = stock.networks[previous]
    before = stock.tails[0][place, frames.seen[chosen], frames.scene[chosen], stock.best_bin(previous)].astype(float)
    now = stock.tails[0][frames.network[chosen], frames.given[chosen], frames.scene[chosen], frames.bin[chosen]].astype(float)
    what = "Live frames" if isinstance(look, CanaryLook) else "The same live frames"
    return _compared(f"{what}, the present release minus the previous one", now, before, frames.dwell[chosen])


def _compared(what: str, now: Floats, then: Floats, clusters: Ints) -> LookFinding:
    change = clustered(now - then, clusters)
    small = abs(change.value) <= _SAME * max(float(then.mean()), 1e-9)
    sign = "same" if small or change.low <= 0 <= change.high else "fewer" if change.value < 0 else "more"
    table = pd.DataFrame(
        [("now", now.mean()), ("before", then.mean()), ("change", change.value), ("low", change.low), ("high", change.high)],
        columns=["figure", "detections a frame"],
    )
    moved = f"{_told(change)} detections a frame, of {then.mean():.2f}"
    return LookFinding(f"{what}: {moved if (now != then).any() else 'exactly as many detections'}.", sign, table)


# Slices


def sliced(view: View, _: AnyLook, asked: LookRequest) -> LookFinding:
    """One figure by site, version, replica and time of day: the last day, and by how much it left the quiet days' range."""
    values = view.insides.figure(asked.statistic)
    night = (view.insides.frames.hour < 7) | (view.insides.frames.hour >= 19)
    parts: dict[str, dict[str, Bools]] = {"time of day": {"the day (07 to 19)": ~night, "the night (19 to 07)": night}}
    by: tuple[Slicing, ...] = ("site", "version", "replica")
    parts |= {name: slices(view.insides, name) for name in by if asked.statistic != "dropped" or name != "replica"}
    cells = [(by, name, mine) for by, part in parts.items() for name, mine in part.items()]
    rows = [(by, name, *_beside(view, values, mine)) for by, name, mine in cells]
    table = pd.DataFrame(rows, columns=["by", "slice", "last day", "reference", "variance"])
    table["change"] = table["last day"] - table["reference"]
    # Slices of one kind vary alike from day to day: together they tell the spread better than seven days of each.
    spread = np.sqrt(table.groupby("by")["variance"].transform("mean").clip(lower=1e-18))
    table["deviations"] = (table["change"] / spread).fillna(0.0)
    table = table.drop(columns="variance")
    _by, name, now, then, _change, far = max(table.itertuples(index=False), key=lambda row: abs(row[-1]))
    said = f"{WATCHED[asked.statistic].capitalize()}: farthest from its quiet days is {name}, {significant(then, 3)} before, "
    sign = _stands_out(table, list(view.spec.sites.values()))
    return LookFinding(f"{said}{significant(now, 3)} now ({far:+.1f} standard deviations of a quiet day).", sign, table)


def _beside(view: View, values: Floats, mine: Bools) -> tuple[float, float, float]:
    """The mean of the last day, of the days of the reference, and the variance of such days, shape (3,); NaN without rows."""
    there, at_s = mine & np.isfinite(values), view.insides.frames.at_s
    first, last = there & view.reference(), there & view.recent()
    if not first.any() or not last.any():
        return float("nan"), float("nan"), float("nan")
    day = (at_s[first] // DAY_S).astype(np.int64)
    rows = np.bincount(day)
    days = (np.bincount(day, values[first]) / np.maximum(rows, 1))[rows > 0]
    return float(values[last].mean()), float(days.mean()), float(days.var(ddof=1)) * (1 + 1 / len(days))


def _stands_out(table: pd.DataFrame, sites: Sequence[Site]) -> str:
    """Which slices left their range: of the dimension whose slices differ most from each other."""
    hot = {str(by): rows["deviations"].abs() > _STANDS_OUT for by, rows in table.groupby("by")}
    if not any(one.any() for one in hot.values()):
        return "nothing"
    apart = {}
    for by, rows in table.groupby("by"):
        out = rows["deviations"]
        apart[str(by)] = float((out - out.median()).abs().max()) if len(out) > 2 else float(out.max() - out.min()) / 2
    by = max(apart, key=lambda name: apart[name])
    if hot["site"].mean() >= _NEARLY_ALL and apart[by] < _STANDS_OUT:
        return "everything"
    if by != "site":
        return f"by {by}"
    outside = np.array([site.outdoors for site in sites])
    mine = hot["site"].to_numpy()
    if mine.sum() == 1:
        return "one site"
    return "outdoors" if mine[outside].mean() > mine[~outside].mean() else "some sites"


# People


def labels(view: View, look: AnyLook, asked: LookRequest) -> LookFinding:
    """What is found of what is there, in frames of the last day that people label, beside those of the reference time."""
    assert isinstance(look, LabelsLook)
    frames = view.insides.frames
    mine = view.recent() & ~frames.served.dropped & view.at_site(asked.site)
    chosen = view.chosen(mine, asked.frames, "labels")
    then = np.flatnonzero(view.reference() & frames.labelled & view.at_site(asked.site))
    if not len(chosen):
        return LookFinding("There were no frames to label on the last day.", "same", pd.DataFrame())
    now, before = (_recall(view, rows) for rows in (chosen, then))
    change = _less(now, before)
    sign = "fell" if change.high < 0 else "rose" if change.low > 0 else "same"
    table = _by_group(view, chosen, then)
    said = f"{_percent(now)} of the labelled objects were found, weighted by importance; {_percent(before)} in the first days."
    if len(chosen) < _FEW_FRAMES:
        said += " From so few frames intervals are too narrow: nine in ten hold what they should."
    return LookFinding(said, sign, table, labelled=chosen)


def _percent(one: Interval) -> str:
    return f"{100 * one.value:.0f}% ({100 * one.low:.0f} to {100 * one.high:.0f})"


def _recall(view: View, rows: Ints) -> Interval:
    found, there = view.insides.counted(rows, view.insides.least_areas()[rows])
    return _ratio(found, there, view.insides.frames.dwell[rows])


def _by_group(view: View, chosen: Ints, then: Ints) -> pd.DataFrame:
    """Recall and share of frames by what they show."""
    names, frames, group = view.stream.groups, view.insides.frames, view.stream.group_places
    rows = []
    for place, name in enumerate(names):
        cells: list[float] = []
        for part in (chosen, then):
            mine = part[group[frames.scene[part]] == place]
            one = _recall(view, mine) if len(mine) else Interval(float("nan"), float("nan"), float("nan"))
            cells += [len(mine) / max(len(part), 1), one.value, one.low, one.high]
        rows.append((name, *cells))
    parts = [f"{what}, {when}" for when in ("last day", "reference") for what in ("share of frames", "recall", "low", "high")]
    return pd.DataFrame(rows, columns=["shows", *parts])


def audit(view: View, look: AnyLook, _: LookRequest) -> LookFinding:
    """Recall of frames of the reference time by the labels that people give today, less by those that they gave then."""
    assert isinstance(look, AuditLook)
    frames = view.insides.frames
    chosen = view.chosen(view.reference() & ~frames.served.dropped, look.frames, "audit")
    then = np.full(len(chosen), view.spec.labels.least_area_px)
    areas, at_s = view.insides.least_areas(), frames.at_s
    lately = areas[(at_s < view.now_s) & (at_s >= view.now_s - RECENT_S)]
    drawn = Streams(view.secret.seed).named("audit").random(len(chosen))
    now = np.quantile(lately, drawn, method="nearest") if len(lately) else then
    new, old = (view.insides.counted(chosen, least) for least in (now, then))
    estimates = [_ratio(*pair, frames.dwell[chosen]) for pair in (new, old)]
    shares = [pair[1].sum() for pair in (new, old)]
    changed = abs(shares[0] / max(shares[1], 1e-9) - 1) > _SAME
    rows = [("today", shares[0], estimates[0].value), ("then", shares[1], estimates[1].value)]
    table = pd.DataFrame(rows, columns=["labelled", "weight of what is there", "recall"])
    said = f"The same frames hold {100 * (shares[0] / max(shares[1], 1e-9) - 1):+.0f}% of labelled weight, and recall is "
    return LookFinding(f"{said}{estimates[0].value:.2f} by today's labels and {estimates[1].value:.2f} by those of then.",
                   "other labels" if changed else "same labels", table)  # fmt: skip


def pictures(view: View, look: AnyLook, asked: LookRequest) -> LookFinding:
    """Under what the frames of the last day look as the camera gave them, and what they show."""
    assert isinstance(look, PicturesLook)
    frames, stock = view.insides.frames, view.insides.stock
    chosen = view.chosen(view.recent() & view.at_site(asked.site), look.frames, f"pictures/{asked.site}")
    names = {place: setting for setting, place in stock.settings.items()}
    settings = [names[int(place)] for place in frames.seen[chosen]]
    seen = {setting_name(each): settings.count(each) for each in dict.fromkeys(settings)}
    shows = [view.stream.group_of(int(scene)) for scene in frames.scene[chosen]]
    table = pd.DataFrame({"looks": [_in_words(each) for each in settings], "shows": shows})
    table = table.value_counts().reset_index(name="frames")
    looks = ", ".join(f"{settings.count(each)} {_in_words(each)}" for each in dict.fromkeys(settings))
    things = ", ".join(f"{shows.count(name)} {name}" for name in dict.fromkeys(shows))
    said = f"Of {len(chosen)} frames, by how they look: {looks}. By what they show: {things}."
    return LookFinding(said, _odd_sign(view, chosen, settings, shows), table, seen=seen)


def _in_words(setting: tuple[str, int]) -> str:
    """How a frame looks: `clean`, or `fog (3 of 5)`."""
    name = setting[0].replace("_", " ")
    return f"{name} ({setting[1]} of 5)" if setting[1] else name


def _odd_sign(view: View, chosen: Ints, settings: list[tuple[str, int]], shows: list[str]) -> str:
    """What of it was not there in the reference time: a condition, or something that is shown."""
    frames, stock = view.insides.frames, view.insides.stock
    usual = set(zip(frames.seen[view.reference()].tolist(), _part_of_day(frames.hour[view.reference()]), strict=True))
    parts = _part_of_day(frames.hour[chosen])
    weather = {(one.condition, one.severity) for one in view.spec.usual}
    seen = zip(settings, parts, strict=True)
    odd = [each for each, part in seen if each not in weather and (stock.settings[each], part) not in usual]
    if len(odd) >= _ODD_PICTURES:
        name = Counter(condition for condition, _ in odd).most_common(1)[0][0]
        return f"{name}, strong" if max(severity for condition, severity in odd if condition == name) >= _STRONG else name
    if any(group in view.spec.scenes.held_back for group in shows):
        return "new things"
    return "other things" if _other_things(view, chosen, shows) else "as usual"


def _other_things(view: View, chosen: Ints, shows: list[str]) -> bool:
    """Whether some group of scenes is seen far more often than at these sites in the reference time."""
    frames, names = view.insides.frames, view.stream.groups
    then = view.reference() & np.isin(frames.site, np.unique(frames.site[chosen]))
    shares = np.bincount(view.stream.group_places[frames.scene[then]], minlength=len(names)) / then.sum()
    counts = np.array([shows.count(name) for name in names])
    spread = np.sqrt(len(shows) * np.maximum(shares * (1 - shares), 1 / len(shows)))
    return bool(((counts - len(shows) * shares) / spread).max() > _STANDS_OUT)


def _part_of_day(hour: Floats) -> list[int]:
    """Six parts of four hours."""
    return [int(each // 4) for each in hour]


def _day(at_s: float) -> str:
    return f"day {int(at_s // DAY_S) + 1}"


#: What each kind of look shows.
LOOKERS: dict[str, Callable[[View, AnyLook, LookRequest], LookFinding]] = {
    "counters": counters,
    "changes": changes,
    "replicas": replicas,
    "preprocessing": preprocessing,
    "replay": replay,
    "slices": sliced,
    "labels": labels,
    "audit": audit,
    "pictures": pictures,
    "shadow": shadow,
    "canary": shadow,
}
