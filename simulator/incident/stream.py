"""The stream of frames: the scene that each camera sees, the condition that it is seen under, and the network that answers.

A frame has one condition at a time, because conditions were measured one at a time: the condition of a cause replaces the
weather and the condition of a decoy. The camera's picture and the network's input are separate columns: a mistake on the
servers changes the second alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from simulator.arrays import Bools, Floats, Ints
from simulator.case.schema import Scenario
from simulator.engine.arrivals.daily import DAYS
from simulator.errors import InputError
from simulator.incident.effects import ScenesEffect, Where
from simulator.incident.fixes import Change, Changes, Rethresholded, Swapped, Undone
from simulator.incident.frame_columns import ALL_DETECTIONS, FrameSide, ServedFrames, UnfinishedFrames, capped
from simulator.incident.measured_scenes import CLEAN_SETTING, MeasuredScenes
from simulator.incident.secret import DAY_S, HOUR_S, Secret
from simulator.incident.section import OTHER, Incident, Site
from simulator.records.streams import Streams
from simulator.records.timetables import clock_minutes

#: The share of a group's scenes that one camera can see from its fixed place.
_IN_VIEW = 0.4
#: An intermittent cause is there for this share of the time, this long on average (h).
_COMES, _COMES_H = 0.4, 10.0
#: Start of the weekend, in days after midnight of Monday.
_SATURDAY = 5


class StreamError(InputError):
    """A stream cannot be made of these scenes; the message says why."""


@dataclass(frozen=True, eq=False)
class Frames(FrameSide):
    """Answered frames in order of arrival, a row each, shapes (n,).

    hour: of the day, 0 to 24; site, version, camera: in the order of the case; replica: -1 if the frame was dropped
    dwell: a number for each stay of a camera at a scene
    usual: the setting that holds without cause and decoy
    struck: whether the cause changed it
    calm: the answers without the cause, under the fixes in force; the decoy keeps its setting, so that the effect of a decoy is
    no harm of the cause
    """

    served: ServedFrames
    hour: Floats
    site: Ints
    version: Ints
    camera: Ints
    dwell: Ints
    scene: Ints
    usual: Ints
    struck: Bools
    labelled: Bools
    calm: FrameSide

    def __len__(self) -> int:
        return len(self.scene)


class Stream:
    """The scenes that cameras see, drawn once, and the frames that follow under any changes."""

    def __init__(self, scenario: Scenario, secret: Secret, scenes: MeasuredScenes, served: ServedFrames) -> None:
        assert scenario.incident is not None
        self.spec: Incident = scenario.incident
        self.secret, self.scenes, self.served = secret, scenes, served
        self.streams = Streams(secret.seed)
        self.end_s = scenario.run.days * DAY_S
        begins = DAYS.index(self.spec.starts_on) * DAY_S + 60 * clock_minutes(scenario.run.starts_at)
        self.clock_s = served.arrived_s + begins
        self.begins_s = begins
        self.hour = self.clock_s % DAY_S / HOUR_S
        self._place()
        self.dwelt = [self._dwells(camera) for camera in range(len(self.site_of))]
        self._seen: dict[tuple[Undone, ...], tuple[Ints, Ints, Ints, Bools]] = {}

    def _place(self) -> None:
        """Draw the camera of each frame, each camera as often as any other."""
        sites = list(self.spec.sites.values())
        self.site_of = np.repeat(np.arange(len(sites)), [site.cameras for site in sites])
        versions = list(self.spec.versions)
        self.version_of = np.array([versions.index(site.version) for site in sites])
        drawn = self.streams.named("cameras").random(len(self.served.arrived_s))
        self.camera = (drawn * len(self.site_of)).astype(np.int64)
        self.site = self.site_of[self.camera]

    # Scenes

    def _dwells(self, camera: int) -> tuple[Floats, Floats]:
        """Draw the starts of a camera's scenes (s), and four numbers from 0 to 1 for each, shapes (k,) and (k, 4)."""
        rng, mean = self.streams.named(f"scenes/{camera}"), 60 * self.spec.scenes.dwell_min.value
        count = int(self.end_s / mean + 6 * np.sqrt(self.end_s / mean)) + 10
        begins = np.concatenate([[0.0], np.cumsum(rng.exponential(mean, count))])
        return begins, rng.random((len(begins), 4))

    def _scenes(self, undone: Sequence[Undone]) -> tuple[Ints, Ints, Ints, Bools]:
        """Return each frame's dwell, scene and setting (-1: as usual), and whether the cause brought it; not to be changed."""
        key = tuple(undone) if self.secret.effects_of(self.spec, ScenesEffect) else ()
        if key not in self._seen:
            self._seen[key] = self._drawn_scenes(key)
        return self._seen[key]

    def _drawn_scenes(self, undone: Sequence[Undone]) -> tuple[Ints, Ints, Ints, Bools]:
        count = len(self.site)
        dwell, scene, setting = np.zeros(count, np.int64), np.zeros(count, np.int64), np.full(count, -1)
        struck = np.zeros(count, bool)
        effects = self.secret.effects_of(self.spec, ScenesEffect)
        for camera, (begins, drawn) in enumerate(self.dwelt):
            rows = np.flatnonzero(self.camera == camera)
            which = np.searchsorted(begins, self.served.arrived_s[rows], side="right") - 1
            shown, under, brought = self._shown(camera, begins, drawn, effects, undone)
            scene[rows], setting[rows], struck[rows] = shown[which], under[which], brought[which]
            dwell[rows] = which * len(self.site_of) + camera
        return dwell, scene, setting, struck

    def _shown(
        self, camera: int, begins: Floats, drawn: Floats, effects: list[tuple[ScenesEffect, bool]], undone: Sequence[Undone]
    ) -> tuple[Ints, Ints, Bools]:
        """Return the scenes of one camera in order of time, their settings, and whether the cause brought them."""
        site = int(self.site_of[camera])
        spec = list(self.spec.sites.values())[site]
        clock = begins + self.begins_s
        weekend = (clock // DAY_S % len(DAYS)) >= _SATURDAY
        dark = _between(clock % DAY_S, *self.spec.scenes.night)
        group = np.zeros(len(begins), np.int64)
        for night in (False, True):
            for rest in (False, True):
                part = (dark == night) & (weekend == rest)
                group[part] = np.searchsorted(np.cumsum(self._mix(spec, night, rest))[:-1], drawn[part, 0], side="right")
        under, brought = np.full(len(begins), -1), np.zeros(len(begins), bool)
        for effect, of_cause in effects:
            strength = self.strength(begins, undone, effect.enters_at)
            hit = (site in self.secret.sites(self.spec, effect.where)) & (drawn[:, 2] < effect.where.share * strength)
            group[hit] = self.groups.index(effect.group)
            if effect.condition is not None:
                under[hit] = self.scenes.settings[effect.condition, effect.severity]
            brought |= hit & of_cause
        members = self._views(camera)
        sizes = np.array([len(scenes) for scenes in members])
        first = np.cumsum(sizes) - sizes
        scene = np.concatenate(members)[first[group] + (drawn[:, 1] * sizes[group]).astype(np.int64)]
        return scene, under, brought

    def _views(self, camera: int) -> list[Ints]:
        """Return the scenes of each group that a camera can see from its fixed place."""
        rng = self.streams.named(f"views/{camera}")
        return [rng.permutation(scenes)[: max(ceil(len(scenes) * _IN_VIEW), 1)] for scenes in self.members]

    def _mix(self, site: Site, night: bool, weekend: bool) -> Floats:
        weights = site.night if night and site.night else site.day
        more = self.spec.scenes.weekend if weekend else {}
        mix = np.array([weights.get(name, 0.0) * more.get(name, 1.0) for name in self.groups])
        return np.asarray(mix / mix.sum())

    @property
    def groups(self) -> list[str]:
        return [*self.spec.scenes.groups, OTHER]

    @cached_property
    def members(self) -> list[Ints]:
        """The production scenes of each group; raises StreamError for a group without any."""
        members = members_of(self.spec, self.scenes)
        for name, scenes in zip(self.groups, members, strict=True):
            if not len(scenes):
                raise StreamError(f"incident.scenes.groups.{name}: no scene of production shows it; take the group out")
        return members

    @cached_property
    def group_places(self) -> Ints:
        """The place of the group of each scene, shape (scenes,)."""
        group = np.full(len(self.scenes.scenes), len(self.groups) - 1)
        for place, scenes in enumerate(self.members):
            group[scenes] = place
        return group

    # Places and times of effects

    def strength(self, times: Floats, undone: Sequence[Undone], enters: str) -> Floats:
        """Return the strength of the cause at these times (s), 0 to 1, until it is undone where it enters."""
        ends = ends_s(undone, enters, self.secret, self.spec)
        if self.secret.shape == "gentle":
            strength = np.clip((times - self.secret.onset_s) / (self.spec.ramp_days * DAY_S), 0, 1)
        else:
            strength = (times >= self.secret.onset_s).astype(float)
        if self.secret.shape == "intermittent":
            strength = strength * self._lasts("intermittent", _COMES, _COMES_H, times)
        return np.where(times < ends, strength, 0.0)

    def camera_of(self, where: Where) -> int | None:
        """Return the camera that an effect strikes; None: all cameras of its sites, which may be none."""
        cameras = np.flatnonzero(np.isin(self.site_of, self.secret.sites(self.spec, where)))
        if not where.camera or not len(cameras):
            return None
        return int(cameras[int(self.secret.drawn[1] * len(cameras))])

    def replicas_of(self, where: Where, strength: float = 1.0) -> list[int]:
        """Return the replicas that an effect strikes; with a gentle start, one after the other."""
        assert where.replicas is not None
        count = max(ceil(where.replicas * self.served.replicas - 1e-9), 1)
        first = int(self.secret.drawn[2] * self.served.replicas)
        return [(first + step) % self.served.replicas for step in range(ceil(strength * count))]

    def struck_rows(self, name: str, where: Where, strength: Floats, by_share: bool) -> Bools:
        """Return the frames that an effect strikes; by_share: its share grows with its strength, not its severity."""
        hit = (strength > 0) & np.isin(self.site, self.secret.sites(self.spec, where))
        if (camera := self.camera_of(where)) is not None:
            hit &= self.camera == camera
        if where.version is not None:
            hit &= self.version_of[self.site] == list(self.spec.versions).index(where.version)
        if where.hours is not None:
            hit &= _between(self.clock_s % DAY_S, *where.hours)
        if where.replicas is not None:
            order = self.replicas_of(where)
            rank = np.full(max(int(self.served.replica.max(initial=0)), self.served.replicas) + 2, len(order))
            rank[order] = np.arange(len(order))
            hit &= rank[self.served.replica] < np.ceil(strength * len(order))
        elif by_share:
            hit &= self.streams.named(f"rises/{name}").random(len(hit)) < strength
        if where.spell_h is not None:
            return hit & self._lasts(f"spells/{name}", where.share, where.spell_h, self.served.arrived_s)
        return hit if where.share >= 1 else hit & (self.streams.named(f"share/{name}").random(len(hit)) < where.share)

    def _lasts(self, name: str, share: float, mean_h: float, times: Floats) -> Bools:
        """Return whether a spell lasts at these times (s); spells come and go, and last mean_h hours on average."""
        if share >= 1:
            return np.ones(len(times), bool)
        rng, on, off = self.streams.named(name), mean_h * HOUR_S, mean_h * HOUR_S * (1 - share) / share
        count = int(2 * self.end_s / (on + off) + 8 * np.sqrt(self.end_s / (on + off))) + 10
        starts_on = rng.random() < share
        lasts = rng.exponential(1.0, count) * np.where((np.arange(count) % 2 == 0) == starts_on, on, off)
        spell = np.searchsorted(np.cumsum(lasts), times, side="right")
        return np.asarray((spell % 2 == 0) == starts_on)

    # The frames

    def frames(self, changes: Iterable[Change] = ()) -> Frames:
        """Return the frames under these changes."""
        made = Changes(changes)
        dwell, scene, scene_setting, struck = self._scenes(made.undone)
        struck = struck.copy()
        real, calm = (FrameSide.tested(self.served.arrived_s, self.usual, self._released) for _ in range(2))
        frames = UnfinishedFrames(made, self.usual, scene_setting, real, calm)
        effects = enumerate(self.secret.effects(self.spec))
        # The cause comes last, so that it takes the place of the decoy.
        for number, (effect, of_cause) in sorted(effects, key=lambda numbered: numbered[1][1]):
            struck |= effect.change_frames(self, frames, f"{number}/{effect.kind}", of_cause) & of_cause
        for side in (real, calm):
            self._answer(side, scene, made.answers)
        labelled = self.streams.named("labelled").random(len(scene)) < self._labelled_share()
        return Frames(
            **vars(real),
            served=self.served,
            hour=self.hour,
            site=self.site,
            version=self.version_of[self.site],
            camera=self.camera,
            dwell=dwell,
            scene=scene,
            usual=self.usual,
            struck=struck,
            labelled=labelled & ~self.served.dropped,
            calm=calm,
        )

    def _answer(self, side: FrameSide, scene: Ints, changes: Sequence[Swapped | Rethresholded]) -> None:
        """Answer frames in place: what the network is given, which network answers, and the bin; a canary has no cap."""
        side.bin[:] = np.where(side.bin >= 0, side.bin, self.scenes.tested_bins[side.network])
        for change in changes:
            change.change(side, self)
        side.given[side.whole] = side.seen[side.whole]
        if len(rows := np.flatnonzero((side.most < ALL_DETECTIONS) & ~side.whole)):
            tails = self.scenes.tails[0][side.network[rows], side.given[rows], scene[rows]]
            side.bin[rows] = capped(side.bin[rows], side.most[rows], tails)

    def as_served(self, rows: Ints, at_s: float, frames: Frames, changes: Iterable[Change]) -> FrameSide:
        """Answer stored frames, (rows,), as the servers of a time (s) do."""
        made = Changes(changes)
        now, drawn = np.full(len(rows), at_s), self.streams.named("replayed").random((len(rows), 2))
        replica = (drawn[:, 0] * self.served.replicas).astype(np.int64)
        replayed = FrameSide.tested(now, frames.seen[rows], self._released)
        for effect, _ in sorted(self.secret.effects(self.spec), key=lambda pair: pair[1]):
            if effect.enters_at != "server":
                continue
            strength = float(self.strength(now[:1], made.undone, "server")[0])
            struck = drawn[:, 1] < strength
            if effect.where.replicas is not None:
                struck = np.isin(replica, self.replicas_of(effect.where, strength))
            struck &= np.isin(self.site[rows], self.secret.sites(self.spec, effect.where))
            effect.put_on(self.scenes, struck, replayed)
        self._answer(replayed, frames.scene[rows], made.lasting)
        return replayed

    @cached_property
    def usual(self) -> Ints:
        """The setting of each frame while nothing is wrong, shape (n,)."""
        setting = np.full(len(self.site), self.scenes.settings[CLEAN_SETTING])
        outdoors = np.array([site.outdoors for site in self.spec.sites.values()])[self.site]
        dark = _between(self.clock_s % DAY_S, *self.spec.scenes.night)
        for number, usual in enumerate(self.spec.usual):
            name, share, mean_h = f"spells/usual/{number}", usual.share.value, usual.spell_h.value
            hit = outdoors & self._lasts(name, share, mean_h, self.served.arrived_s)
            if usual.when != "always":
                hit &= dark if usual.when == "night" else ~dark
            setting[hit] = self.scenes.settings[usual.condition, usual.severity]
        return setting

    @property
    def _released(self) -> int:
        return self.scenes.networks[self.spec.release.network]

    def _labelled_share(self) -> float:
        days = self.spec.reference_days
        return self.spec.labels.frames_a_day * days / max(int((self.served.arrived_s < days * DAY_S).sum()), 1)


def members_of(spec: Incident, scenes: MeasuredScenes) -> list[Ints]:
    """Return the production scenes of each group; a scene is of the first group whose category it shows, else of the last."""
    group = np.full(len(scenes.scenes), len(spec.scenes.groups))
    for place, categories in reversed(list(enumerate(spec.scenes.groups.values()))):
        group[np.unique(scenes.boxes.scene[np.isin(scenes.boxes.category, categories)])] = place
    return [np.flatnonzero(~scenes.reference & (group == place)) for place in range(len(spec.scenes.groups) + 1)]


def _between(second_of_day: Floats, start: str, end: str) -> Bools:
    """Return whether a time of day (s) lies between two clock times, past midnight if the second is the earlier."""
    first, last = (60.0 * clock_minutes(each) for each in (start, end))
    if first <= last:
        return (second_of_day >= first) & (second_of_day < last)
    return (second_of_day >= first) | (second_of_day < last)


def ends_s(undone: Iterable[Undone], enters: str, secret: Secret, spec: Incident) -> float:
    """Return when entries at a place are undone (s), infinite if never; an earlier undoing cannot have ended the cause.

    Undoing at a single site ends a cause that strikes no other.
    """
    struck = secret.struck_sites(spec)
    times = (undo.at_s for undo in undone if enters in undo.enters and (undo.site is None or struck == {undo.site}))
    return min((at_s for at_s in times if at_s >= secret.onset_s), default=np.inf)
