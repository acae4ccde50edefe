"""The stream of frames: which scene each camera sees, under what, and what the network was given and answered.

A frame has one condition at a time: what a cause brings takes the place of the weather and of what a decoy brings, because
conditions were measured one at a time. What the camera saw and what the network was given are told apart: a mistake on the
servers changes the second alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from simulator.arrivals.daily import DAYS
from simulator.case.schema import Scenario
from simulator.errors import InputError
from simulator.incident.cause_kinds import ConditionEffect, Enters, NetworkEffect, ScenesEffect, Where
from simulator.incident.measured_scenes import CLEAN_SETTING, Network, Setting, Stock
from simulator.incident.secret import DAY_S, HOUR_S, Secret
from simulator.incident.section import OTHER, Incident, Site
from simulator.incident.served_frames import ServedFrames
from simulator.records.streams import Streams
from simulator.records.timetables import clock_minutes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Days after midnight of Monday on which the weekend begins.
_SATURDAY = 5


class StreamError(InputError):
    """There is no stream of these scenes; the message says why."""


@dataclass(frozen=True)
class Undone:
    """From a time (s) on, everything that enters at one of these places is as it was tested."""

    at_s: float
    enters: frozenset[Enters]


@dataclass(frozen=True)
class Swapped:
    """From a time to another (s) a network answers a share of the frames.

    instead_of: those alone that this one answered; whole: with libraries and configuration as they were tested
    """

    at_s: float
    network: Network
    instead_of: Network | None = None
    until_s: float = float("inf")
    share: float = 1.0
    whole: bool = False


@dataclass(frozen=True)
class Rethresholded:
    """From a time (s) on, detections count from this bin of scores on."""

    at_s: float
    bin: int


@dataclass(frozen=True)
class Reviewed:
    """From a time (s) on, people look at the frames that the network is least sure of."""

    at_s: float
    frames_per_h: float
    finds: float


Change = Undone | Swapped | Rethresholded | Reviewed


@dataclass(frozen=True, eq=False)
class Frames:
    """A row a frame, in the order in which they came, shapes (n,).

    hour: of the day, 0 to 24; site, version, camera: in the order of the case; replica: -1 if the frame was dropped
    dwell: frames of one camera that see the same scene in a row have the same number
    usual: the setting that holds without cause and decoy
    raw, seen, given: the setting under which the camera gave it, the servers received it, and the network was given it
    bin: from which bin of scores detections count; struck: whether the cause changed it
    calm_given, calm_network, calm_bin: what they would be without the cause, with the same changes; under the decoy's setting
    where the decoy keeps it, so that what a decoy does is no harm of the cause
    """

    served: ServedFrames
    hour: Floats
    site: Ints
    version: Ints
    camera: Ints
    dwell: Ints
    scene: Ints
    usual: Ints
    raw: Ints
    seen: Ints
    given: Ints
    network: Ints
    bin: Ints
    struck: Bools
    labelled: Bools
    calm_given: Ints
    calm_network: Ints
    calm_bin: Ints

    @property
    def at_s(self) -> Floats:
        """When each came."""
        return self.served.arrived_s

    def __len__(self) -> int:
        return len(self.scene)


@dataclass(frozen=True, eq=False)
class _OnItsWay:
    """The setting of each frame as the camera gives it, as the servers receive it, and as the network is given it."""

    raw: Ints
    seen: Ints
    given: Ints

    def put(self, setting: Ints, rows: Bools) -> None:
        """From the camera on, these rows are under this setting."""
        for column in (self.raw, self.seen, self.given):
            column[rows] = setting[rows]

    def behind(self, enters: Enters, by_mistake: bool) -> list[Ints]:
        """The columns that change when something enters there; a mistake in preparing an image changes the last alone."""
        if enters == "server" or by_mistake:
            return [self.given]
        return [self.seen, self.given] if enters == "client" else [self.raw, self.seen, self.given]


class Stream:
    """Draws what cameras see once, and tells what networks make of it under any changes."""

    def __init__(self, scenario: Scenario, secret: Secret, stock: Stock, served: ServedFrames) -> None:
        assert scenario.incident is not None
        self.spec: Incident = scenario.incident
        self.secret, self.stock, self.served = secret, stock, served
        self.streams = Streams(secret.seed)
        self.end_s = scenario.run.days * DAY_S
        begins = DAYS.index(self.spec.starts_on) * DAY_S + 60 * clock_minutes(scenario.run.starts_at)
        self.clock_s = served.arrived_s + begins
        self.begins_s = begins
        self.hour = self.clock_s % DAY_S / HOUR_S
        self._place()
        self.dwelt = [self._dwells(camera) for camera in range(len(self.site_of))]

    def _place(self) -> None:
        """Which camera each frame comes from: cameras see as much as each other."""
        sites = list(self.spec.sites.values())
        self.site_of = np.repeat(np.arange(len(sites)), [site.cameras for site in sites])
        versions = list(self.spec.versions)
        self.version_of = np.array([versions.index(site.version) for site in sites])
        drawn = self.streams.named("cameras").random(len(self.served.arrived_s))
        self.camera = (drawn * len(self.site_of)).astype(np.int64)
        self.site = self.site_of[self.camera]

    # What cameras look at

    def _dwells(self, camera: int) -> tuple[Floats, Floats]:
        """When each scene of a camera begins (s), and four numbers from 0 to 1 for each, shapes (k,) and (k, 4)."""
        rng, mean = self.streams.named(f"scenes/{camera}"), 60 * self.spec.scenes.dwell_min.value
        count = int(self.end_s / mean + 6 * np.sqrt(self.end_s / mean)) + 10
        begins = np.concatenate([[0.0], np.cumsum(rng.exponential(mean, count))])
        return begins, rng.random((len(begins), 4))

    def _scenes(self, undone: Sequence[Undone]) -> tuple[Ints, Ints, Ints, Bools]:
        """The dwell and scene of each frame, the setting it is seen under (-1: as usual), and whether the cause brought it."""
        dwell, scene, seen = np.zeros(len(self.site), np.int64), np.zeros(len(self.site), np.int64), np.full(len(self.site), -1)
        struck = np.zeros(len(self.site), bool)
        effects = [(e, mine) for e, mine in self.secret.effects(self.spec) if isinstance(e, ScenesEffect)]
        for camera, (begins, drawn) in enumerate(self.dwelt):
            mine = np.flatnonzero(self.camera == camera)
            which = np.searchsorted(begins, self.served.arrived_s[mine], side="right") - 1
            shown, under, brought = self._shown(int(self.site_of[camera]), begins, drawn, effects, undone)
            scene[mine], seen[mine], struck[mine] = shown[which], under[which], brought[which]
            dwell[mine] = which * len(self.site_of) + camera
        return dwell, scene, seen, struck

    def _shown(
        self, site: int, begins: Floats, drawn: Floats, effects: list[tuple[ScenesEffect, bool]], undone: Sequence[Undone]
    ) -> tuple[Ints, Ints, Bools]:
        """The scenes of one camera, one each time: which, under which setting, and whether the cause brought it."""
        spec = list(self.spec.sites.values())[site]
        clock = begins + self.begins_s
        weekend = (clock // DAY_S % len(DAYS)) >= _SATURDAY
        dark = _between(clock % DAY_S, *self.spec.scenes.night)
        group = np.zeros(len(begins), np.int64)
        for night in (False, True):
            for rest in (False, True):
                mine = (dark == night) & (weekend == rest)
                group[mine] = np.searchsorted(np.cumsum(self._mix(spec, night, rest))[:-1], drawn[mine, 0], side="right")
        under, brought = np.full(len(begins), -1), np.zeros(len(begins), bool)
        for effect, of_cause in effects:
            strength = self.strength(begins, undone, effect.enters_at)
            hit = self._in_place(effect.where, site) & (drawn[:, 2] < effect.where.share * strength)
            group[hit] = self.groups.index(effect.group)
            if effect.condition is not None:
                under[hit] = self.stock.settings[effect.condition, effect.severity]
            brought |= hit & of_cause
        members = self.members
        picked = [members[place] for place in group]
        scene = np.array([mine[int(u * len(mine))] for mine, u in zip(picked, drawn[:, 1], strict=True)])
        return scene, under, brought

    def _mix(self, site: Site, night: bool, weekend: bool) -> Floats:
        weights = site.night if night and site.night else site.day
        more = self.spec.scenes.weekend if weekend else {}
        mix = np.array([weights.get(name, 0.0) * more.get(name, 1.0) for name in self.groups])
        return np.asarray(mix / mix.sum())

    @property
    def groups(self) -> list[str]:
        """The groups of scenes, those of none last."""
        return [*self.spec.scenes.groups, OTHER]

    @cached_property
    def members(self) -> list[Ints]:
        """The production scenes of each group; raises StreamError for a group without any."""
        found = members_of(self.spec, self.stock)
        for name, scenes in zip(self.groups, found, strict=True):
            if not len(scenes):
                raise StreamError(f"incident.scenes.groups.{name}: no scene of production shows it; take the group out")
        return found

    @cached_property
    def group_places(self) -> Ints:
        """The place of the group of each scene, shape (scenes,)."""
        group = np.full(len(self.stock.scenes), len(self.groups) - 1)
        for place, scenes in enumerate(self.members):
            group[scenes] = place
        return group

    def group_of(self, scene: int) -> str:
        """The group of a scene."""
        return self.groups[int(self.group_places[scene])]

    # Where and when something holds

    def strength(self, times: Floats, undone: Sequence[Undone], enters: Enters) -> Floats:
        """How strong the cause is at these times (s), 0 to 1, until it is undone where it enters."""
        ends = ends_s(undone, enters, self.secret)
        if self.secret.shape == "gentle":
            strength = np.clip((times - self.secret.onset_s) / (self.spec.ramp_days * DAY_S), 0, 1)
        else:
            strength = (times >= self.secret.onset_s).astype(float)
        return np.where(times < ends, strength, 0.0)

    def sites_of(self, where: Where) -> list[int]:
        """The places of the sites that an effect strikes."""
        names = list(self.spec.sites)
        chosen = [names.index(name) for name in where.sites] or list(range(len(names)))
        return [chosen[int(self.secret.drawn[0] * len(chosen))]] if where.one_site or where.camera else chosen

    def camera_of(self, where: Where) -> int | None:
        """The camera that an effect strikes; None: all of its sites."""
        if not where.camera:
            return None
        mine = np.flatnonzero(np.isin(self.site_of, self.sites_of(where)))
        return int(mine[int(self.secret.drawn[1] * len(mine))])

    def _in_place(self, where: Where, site: int) -> bool:
        return site in self.sites_of(where)

    def replicas_of(self, where: Where, strength: float = 1.0) -> list[int]:
        """The replicas that an effect strikes: one after the other where it comes gently."""
        assert where.replicas is not None
        count = max(ceil(where.replicas * self.served.replicas - 1e-9), 1)
        first = int(self.secret.drawn[2] * self.served.replicas)
        return [(first + step) % self.served.replicas for step in range(ceil(strength * count))]

    def _where(self, name: str, where: Where, strength: Floats, rises: bool) -> Bools:
        """Which frames an effect strikes; rises: its share grows with its strength, not its severity."""
        hit = (strength > 0) & np.isin(self.site, self.sites_of(where))
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
        elif rises:
            hit &= self.streams.named(f"rises/{name}").random(len(hit)) < strength
        if where.spell_h is not None:
            return hit & self._spells(name, where.share, where.spell_h)
        return hit if where.share >= 1 else hit & (self.streams.named(f"share/{name}").random(len(hit)) < where.share)

    def _spells(self, name: str, share: float, mean_h: float) -> Bools:
        """Whether it holds when each frame comes: it comes and goes, and lasts mean_h hours at a time."""
        if share >= 1:
            return np.ones(len(self.site), bool)
        rng, on, off = self.streams.named(f"spells/{name}"), mean_h * HOUR_S, mean_h * HOUR_S * (1 - share) / share
        count = int(2 * self.end_s / (on + off) + 8 * np.sqrt(self.end_s / (on + off))) + 10
        starts_on = rng.random() < share
        lasts = rng.exponential(1.0, count) * np.where((np.arange(count) % 2 == 0) == starts_on, on, off)
        spell = np.searchsorted(np.cumsum(lasts), self.served.arrived_s, side="right")
        return np.asarray((spell % 2 == 0) == starts_on)

    # What comes of it

    def frames(self, changes: Sequence[Change] = ()) -> Frames:
        """The frames under these changes."""
        undone = [each for each in changes if isinstance(each, Undone)]
        dwell, scene, under, struck = self._scenes(undone)
        usual = self._usual()
        on_its_way, calm = (_OnItsWay(usual.copy(), usual.copy(), usual.copy()) for _ in range(2))
        network = np.full(len(scene), self._place_of(self.spec.release.detector, self.spec.release.precision))
        calm_network = network.copy()
        effects = list(enumerate(self.secret.effects(self.spec)))
        for number, (effect, mine) in sorted(effects, key=lambda each: each[1][1]):  # the cause takes the place of the decoy
            name = f"{number}/{effect.kind}"
            if isinstance(effect, ConditionEffect):
                hit = self._condition(name, effect, undone, on_its_way)
                if mine:
                    calm.put(usual, hit)
                else:
                    self._condition(name, effect, undone, calm)
            elif isinstance(effect, NetworkEffect):
                strength = self.strength(self.served.arrived_s, undone, effect.enters_at)
                hit = self._where(name, effect.where, strength, rises=True)
                for column in [network] if mine else [network, calm_network]:
                    column[hit] = self._place_of(effect.detector, effect.precision)
            else:
                hit = (under >= 0) & isinstance(effect, ScenesEffect)
                on_its_way.put(under, hit)
                calm.put(usual, hit)
            struck |= hit & mine
        network, bins, whole = self._swapped(network, changes)
        given = np.where(whole, on_its_way.seen, on_its_way.given)
        calm_network, calm_bin, whole = self._swapped(calm_network, changes)
        labelled = self.streams.named("labelled").random(len(scene)) < self._labelled_share()
        return Frames(
            served=self.served,
            hour=self.hour,
            site=self.site,
            version=self.version_of[self.site],
            camera=self.camera,
            dwell=dwell,
            scene=scene,
            usual=usual,
            raw=on_its_way.raw,
            seen=on_its_way.seen,
            given=given,
            network=network,
            bin=bins,
            struck=struck,
            labelled=labelled & ~self.served.dropped,
            calm_given=np.where(whole, calm.seen, calm.given),
            calm_network=calm_network,
            calm_bin=calm_bin,
        )

    def as_served(self, rows: Ints, at_s: float, frames: Frames, changes: Sequence[Change]) -> tuple[Ints, Ints, Ints]:
        """What the servers of a time (s) make of stored frames: the setting given, the network and the bin, each (rows,)."""
        undone = [each for each in changes if isinstance(each, Undone)]
        now, drawn = np.full(len(rows), at_s), self.streams.named("replayed").random((len(rows), 2))
        replica = (drawn[:, 0] * self.served.replicas).astype(np.int64)
        given = frames.seen[rows].copy()
        network = np.full(len(rows), self._place_of(self.spec.release.detector, self.spec.release.precision))
        for effect, _ in sorted(self.secret.effects(self.spec), key=lambda each: each[1]):
            if effect.enters_at != "server":
                continue
            strength = float(self.strength(now[:1], undone, "server")[0])
            hit = drawn[:, 1] < strength
            if effect.where.replicas is not None:
                hit = np.isin(replica, self.replicas_of(effect.where, strength))
            hit &= np.isin(self.site[rows], self.sites_of(effect.where))
            if effect.where.version is not None:
                hit &= self.version_of[self.site[rows]] == list(self.spec.versions).index(effect.where.version)
            if isinstance(effect, ConditionEffect):
                given[hit] = self.stock.settings[effect.condition, effect.severity]
            elif isinstance(effect, NetworkEffect):
                network[hit] = self._place_of(effect.detector, effect.precision)
        network, bins, _ = self._swapped(network, [each for each in changes if not _passing(each)], now)
        return given, network, bins

    def _usual(self) -> Ints:
        """The setting of each frame while nothing is wrong."""
        setting = np.full(len(self.site), self.stock.settings[CLEAN_SETTING])
        outdoors = np.array([site.outdoors for site in self.spec.sites.values()])[self.site]
        dark = _between(self.clock_s % DAY_S, *self.spec.scenes.night)
        for number, usual in enumerate(self.spec.usual):
            hit = outdoors & self._spells(f"usual/{number}", usual.share.value, usual.spell_h.value)
            if usual.when != "always":
                hit &= dark if usual.when == "night" else ~dark
            setting[hit] = self.stock.settings[usual.condition, usual.severity]
        return setting

    def _condition(self, name: str, effect: ConditionEffect, undone: Sequence[Undone], way: _OnItsWay) -> Bools:
        """Put a condition on the frames that it strikes, from where it enters on; returns which."""
        strength = self.strength(self.served.arrived_s, undone, effect.enters)
        by_share = effect.condition in self.stock.bugs
        hit = self._where(name, effect.where, strength, rises=by_share)
        severity = np.full(len(hit), effect.severity) if by_share else np.ceil(strength * effect.severity).astype(np.int64)
        for level in np.unique(severity[hit]):
            mine = hit & (severity == level)
            for column in way.behind(effect.enters, by_share):
                column[mine] = self.stock.settings[effect.condition, int(level)]
        return hit

    def _swapped(self, network: Ints, changes: Sequence[Change], at_s: Floats | None = None) -> tuple[Ints, Ints, Bools]:
        """The network that answers each frame, from which bin of its scores detections count, and whether all is as tested."""
        bins = self.stock.tested_bins[network]
        at_s = self.served.arrived_s if at_s is None else at_s
        whole = np.zeros(len(network), bool)
        for change in changes:
            if isinstance(change, Swapped):
                mine = (at_s >= change.at_s) & (at_s < change.until_s)
                if change.share < 1:
                    mine &= self.streams.named(f"canary/{change.at_s:.0f}").random(len(mine)) < change.share
                if change.instead_of is not None:
                    mine &= network == self._place_of(*change.instead_of)
                network = np.where(mine, self._place_of(*change.network), network)
                whole |= mine & change.whole
                bins[mine] = self.stock.tested_bins[network[mine]]
            elif isinstance(change, Rethresholded):
                bins[at_s >= change.at_s] = change.bin
        return network, bins, whole

    def _place_of(self, detector: str, precision: str) -> int:
        return self.stock.networks[detector, precision]

    def _labelled_share(self) -> float:
        """Of the frames; as many as were there to label in the reference time, for nobody knows then how many will come."""
        days = self.spec.reference_days
        return self.spec.labels.frames_a_day * days / max(int((self.served.arrived_s < days * DAY_S).sum()), 1)


def members_of(spec: Incident, stock: Stock) -> list[Ints]:
    """The production scenes of each group, and last those of none: a scene is of the first group whose category it shows."""
    group = np.full(len(stock.scenes), len(spec.scenes.groups))
    for place, categories in reversed(list(enumerate(spec.scenes.groups.values()))):
        group[np.unique(stock.boxes.scene[np.isin(stock.boxes.category, categories)])] = place
    mine = ~stock.scenes["reference"].to_numpy(bool)
    return [np.flatnonzero(mine & (group == place)) for place in range(len(spec.scenes.groups) + 1)]


def _between(second_of_day: Floats, start: str, end: str) -> Bools:
    """Whether a time of day (s) lies from one clock time to another, past midnight if the second is the earlier."""
    first, last = (60.0 * clock_minutes(each) for each in (start, end))
    if first <= last:
        return (second_of_day >= first) & (second_of_day < last)
    return (second_of_day >= first) | (second_of_day < last)


def ends_s(changes: Sequence[Change], enters: Enters, secret: Secret) -> float:
    """When what enters there is undone (s); what was put back before it began cannot have ended it."""
    undone = (each.at_s for each in changes if isinstance(each, Undone) and enters in each.enters)
    return min((at_s for at_s in undone if at_s >= secret.onset_s), default=np.inf)


def _passing(change: Change) -> bool:
    """Whether a change is a canary, which takes a share of the frames for a while."""
    return isinstance(change, Swapped) and change.whole


def setting_name(setting: Setting) -> str:
    """`fog:3`, or `clean`."""
    return setting[0] if setting == CLEAN_SETTING else f"{setting[0]}:{setting[1]}"
